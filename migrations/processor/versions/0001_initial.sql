/*
Processor, revision 0001: every table of the queue processor.

Definitions (watched_table, notification, ...), the copy of the replica's catalog, watermarks, changes with their history,
batches under a lease, key snapshots, runs and alerts. The CHECK constraints carry the state machines of sql/README.md.

Conventions
- Stamps, keys and versions that cross a server boundary compare by code point: Latin1_General_BIN2.
- Names of the replica's objects are stored as its catalog spells them, and compare by code point as well.
- Times ending in _at are UTC of this server, set by the procedures from notify.utc_now(): no column has a clock as default.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
CREATE SCHEMA notify AUTHORIZATION dbo;
GO
/* Switches of this database. allow_test_clock = 1 is set in test databases only; test_clock is then the time. */
CREATE TABLE notify.setting (
    name VARCHAR(60) NOT NULL,
    value NVARCHAR(400) NOT NULL,
    CONSTRAINT pk_setting PRIMARY KEY CLUSTERED (name)
);
GO
/* One row per column of the replica's user tables and views, as read_catalog gave them last. */
CREATE TABLE notify.catalog_column (
    schema_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    table_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    column_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    column_id INTEGER NOT NULL,
    type_name sysname NOT NULL,
    max_length SMALLINT NOT NULL,
    precision TINYINT NOT NULL,
    scale TINYINT NOT NULL,
    is_nullable BIT NOT NULL,
    collation_name sysname NULL,
    key_ordinal TINYINT NULL,
    leads_index BIT NOT NULL,
    is_computed BIT NOT NULL,
    refreshed_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_catalog_column PRIMARY KEY CLUSTERED (schema_name, table_name, column_name)
);
GO
CREATE TABLE notify.catalog_procedure (
    schema_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    procedure_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    refreshed_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_catalog_procedure PRIMARY KEY CLUSTERED (schema_name, procedure_name)
);
GO
/* The time zones that AT TIME ZONE knows; UTC is one of them. */
CREATE TABLE notify.catalog_time_zone (
    name sysname NOT NULL,
    CONSTRAINT pk_catalog_time_zone PRIMARY KEY CLUSTERED (name)
);
GO
/* A table of the application that at least one notification watches; what all its notifications share. */
CREATE TABLE notify.watched_table (
    watched_table_id INTEGER IDENTITY(1, 1) NOT NULL,
    schema_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    table_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    created_column sysname COLLATE Latin1_General_BIN2 NULL,
    rowversion_column sysname COLLATE Latin1_General_BIN2 NULL,
    soft_delete_column sysname COLLATE Latin1_General_BIN2 NULL,
    soft_delete_value NVARCHAR(400) NULL, /* NULL with a column: any value that is not NULL means deleted */
    time_zone sysname NOT NULL CONSTRAINT df_watched_table_time_zone DEFAULT (N'UTC'), /* UTC, or a name of sys.time_zone_info */
    skew_ms INTEGER NOT NULL CONSTRAINT df_watched_table_skew_ms DEFAULT (1000),
    key_snapshot_minutes INTEGER NULL,
    mass_delete_percent TINYINT NOT NULL CONSTRAINT df_watched_table_mass_delete_percent DEFAULT (10),
    mass_delete_rows INTEGER NOT NULL CONSTRAINT df_watched_table_mass_delete_rows DEFAULT (20), /* up to this many are never a mass */
    allow_unindexed BIT NOT NULL CONSTRAINT df_watched_table_allow_unindexed DEFAULT (0),
    row_cap INTEGER NULL, /* greatest table size for which allow_unindexed holds */
    version INTEGER NOT NULL CONSTRAINT df_watched_table_version DEFAULT (1), /* of this row and its columns */
    key_snapshot_beat BIGINT NULL, /* the greatest beat of a stored key snapshot; NULL: none taken yet */
    key_snapshot_at DATETIME2(3) NULL, /* when a reading of the keys was last judged, whatever came of it */
    key_late_beat BIGINT NULL, /* the least beat below key_snapshot_beat with which changes were recorded since then */
    saved_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_watched_table PRIMARY KEY CLUSTERED (watched_table_id),
    CONSTRAINT uq_watched_table_name UNIQUE NONCLUSTERED (schema_name, table_name),
    CONSTRAINT ck_watched_table_skew_ms CHECK (skew_ms BETWEEN 0 AND 3600000),
    CONSTRAINT ck_watched_table_key_snapshot_minutes CHECK (key_snapshot_minutes BETWEEN 1 AND 10080),
    CONSTRAINT ck_watched_table_mass_delete_percent CHECK (mass_delete_percent BETWEEN 1 AND 100),
    CONSTRAINT ck_watched_table_soft_delete CHECK (soft_delete_column IS NOT NULL OR soft_delete_value IS NULL),
    CONSTRAINT ck_watched_table_row_cap CHECK (allow_unindexed = 0 OR row_cap > 0)
);
GO
/* Key columns in key order (column_role key), and the columns that a key snapshot keeps for delete notices (notice). */
CREATE TABLE notify.watched_column (
    watched_table_id INTEGER NOT NULL,
    column_role VARCHAR(6) NOT NULL,
    position SMALLINT NOT NULL,
    column_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    CONSTRAINT pk_watched_column PRIMARY KEY CLUSTERED (watched_table_id, column_role, position),
    CONSTRAINT uq_watched_column_name UNIQUE NONCLUSTERED (watched_table_id, column_role, column_name),
    CONSTRAINT fk_watched_column_watched_table FOREIGN KEY (watched_table_id) REFERENCES notify.watched_table(watched_table_id),
    CONSTRAINT ck_watched_column_role CHECK (column_role IN ('key', 'notice'))
);
GO
/*
One stamp column of a watched table: the unit of scanning. scan_version is the compare-and-set of a scan: it grows with every
page recorded, and with every activation, pause, resumption and detection-relevant edit on the table.
A sweep in several pages keeps where it is (cursor_stamp, cursor_key) and the least safe stamp and beat of its pages so far;
lows move only with the last page. Outside of a sweep the four columns are NULL.
*/
CREATE TABLE notify.stamp_column (
    stamp_column_id INTEGER IDENTITY(1, 1) NOT NULL,
    watched_table_id INTEGER NOT NULL,
    column_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    is_created BIT NOT NULL,
    is_rowversion BIT NOT NULL,
    is_scanned BIT NOT NULL, /* 0: only a bound for judging; another stamp column covers its rows */
    scan_version INTEGER NOT NULL CONSTRAINT df_stamp_column_scan_version DEFAULT (1),
    cursor_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
    cursor_key NVARCHAR(450) COLLATE Latin1_General_BIN2 NULL,
    least_safe_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
    least_beat BIGINT NULL,
    last_beat BIGINT NULL, /* the greatest beat that a recorded page showed */
    scanned_at DATETIME2(3) NULL,
    CONSTRAINT pk_stamp_column PRIMARY KEY CLUSTERED (stamp_column_id),
    CONSTRAINT uq_stamp_column_name UNIQUE NONCLUSTERED (watched_table_id, column_name),
    CONSTRAINT fk_stamp_column_watched_table FOREIGN KEY (watched_table_id) REFERENCES notify.watched_table(watched_table_id),
    CONSTRAINT ck_stamp_column_sweep CHECK ((
            cursor_stamp IS NULL AND cursor_key IS NULL AND least_safe_stamp IS NULL AND least_beat IS NULL
        )
        OR (
            cursor_stamp IS NOT NULL
            AND cursor_key IS NOT NULL
            AND least_safe_stamp IS NOT NULL
            AND least_beat IS NOT NULL
        ))
);
GO
CREATE TABLE notify.notification (
    notification_id INTEGER IDENTITY(1, 1) NOT NULL,
    notification_guid UNIQUEIDENTIFIER NOT NULL CONSTRAINT df_notification_guid DEFAULT (NEWID()),
    name NVARCHAR(100) NOT NULL,
    description NVARCHAR(1000) NULL,
    watched_table_id INTEGER NOT NULL,
    state VARCHAR(10) NOT NULL CONSTRAINT df_notification_state DEFAULT ('draft'),
    on_insert BIT NOT NULL,
    on_update BIT NOT NULL,
    on_delete BIT NOT NULL,
    policy VARCHAR(10) NOT NULL CONSTRAINT df_notification_policy DEFAULT ('latest'),
    merge_procedure NVARCHAR(257) NOT NULL, /* schema.name as the replica's catalog spells it */
    priority TINYINT NOT NULL CONSTRAINT df_notification_priority DEFAULT (5), /* 1 first, 9 last */
    expires_after_minutes INTEGER NULL, /* from detection; later the queue expires the message */
    maximum_delay_minutes INTEGER NULL, /* under latest: a change is not superseded any more after this time */
    version INTEGER NOT NULL CONSTRAINT df_notification_version DEFAULT (1),
    saved_at DATETIME2(3) NOT NULL,
    saved_by sysname NOT NULL,
    activated_at DATETIME2(3) NULL,
    paused_at DATETIME2(3) NULL,
    retired_at DATETIME2(3) NULL,
    CONSTRAINT pk_notification PRIMARY KEY CLUSTERED (notification_id),
    CONSTRAINT uq_notification_guid UNIQUE NONCLUSTERED (notification_guid),
    CONSTRAINT uq_notification_name UNIQUE NONCLUSTERED (name),
    CONSTRAINT fk_notification_watched_table FOREIGN KEY (watched_table_id) REFERENCES notify.watched_table(watched_table_id),
    CONSTRAINT ck_notification_state CHECK (state IN ('draft', 'active', 'paused', 'retired')),
    CONSTRAINT ck_notification_activated CHECK (state IN ('draft', 'retired') OR activated_at IS NOT NULL),
    CONSTRAINT ck_notification_paused CHECK (state <> 'paused' OR paused_at IS NOT NULL),
    CONSTRAINT ck_notification_retired CHECK (state <> 'retired' OR retired_at IS NOT NULL),
    CONSTRAINT ck_notification_operations CHECK (on_insert = 1 OR on_update = 1 OR on_delete = 1),
    CONSTRAINT ck_notification_policy CHECK (policy IN ('latest', 'every')),
    CONSTRAINT ck_notification_priority CHECK (priority BETWEEN 1 AND 9),
    CONSTRAINT ck_notification_expires CHECK (expires_after_minutes > 0),
    CONSTRAINT ck_notification_maximum_delay CHECK (maximum_delay_minutes > 0)
);
GO
CREATE NONCLUSTERED INDEX ix_notification_table ON notify.notification(watched_table_id, state) INCLUDE (name);
GO
CREATE TABLE notify.notification_channel (
    notification_id INTEGER NOT NULL,
    channel VARCHAR(10) NOT NULL,
    template NVARCHAR(260) NOT NULL, /* file name of the template, relative to the runner's template folder */
    CONSTRAINT pk_notification_channel PRIMARY KEY CLUSTERED (notification_id, channel),
    CONSTRAINT fk_notification_channel_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT ck_notification_channel_channel CHECK (channel IN ('email', 'sms', 'push'))
);
GO
/* All criteria of a notification must hold. operand: a JSON array of texts: [] for is null, [low, high] for between. */
CREATE TABLE notify.criterion (
    notification_id INTEGER NOT NULL,
    criterion_number SMALLINT NOT NULL,
    column_name sysname COLLATE Latin1_General_BIN2 NOT NULL,
    operator VARCHAR(11) NOT NULL,
    operand NVARCHAR(4000) NOT NULL,
    CONSTRAINT pk_criterion PRIMARY KEY CLUSTERED (notification_id, criterion_number),
    CONSTRAINT fk_criterion_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT ck_criterion_operator CHECK (operator IN (
            '=',
            '<>',
            '<',
            '<=',
            '>',
            '>=',
            'in',
            'not in',
            'like',
            'not like',
            'is null',
            'is not null',
            'between'
        )),
    CONSTRAINT ck_criterion_operand CHECK (ISJSON(operand) = 1)
);
GO
/* What the replica must have caught up with before a notification is generated; its deadline counts from detection. */
CREATE TABLE notify.prerequisite (
    notification_id INTEGER NOT NULL,
    procedure_name NVARCHAR(257) NOT NULL, /* schema.name as the replica's catalog spells it */
    deadline_minutes INTEGER NOT NULL,
    CONSTRAINT pk_prerequisite PRIMARY KEY CLUSTERED (notification_id),
    CONSTRAINT fk_prerequisite_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT ck_prerequisite_deadline CHECK (deadline_minutes > 0)
);
GO
/* When a notification's changes are due. Today every notification has one schedule, immediate. */
CREATE TABLE notify.schedule (
    schedule_id INTEGER IDENTITY(1, 1) NOT NULL,
    notification_id INTEGER NOT NULL,
    kind VARCHAR(10) NOT NULL CONSTRAINT df_schedule_kind DEFAULT ('immediate'),
    CONSTRAINT pk_schedule PRIMARY KEY CLUSTERED (schedule_id),
    CONSTRAINT uq_schedule_notification UNIQUE NONCLUSTERED (notification_id, kind),
    CONSTRAINT fk_schedule_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT ck_schedule_kind CHECK (kind IN ('immediate'))
);
GO
/*
How far a schedule has seen a stamp column: rows with stamp > low_stamp are still to be read. baseline_stamp is low_stamp as
activation set it: what was created at or below it is history and counts as recorded. low_stamp never moves back.
*/
CREATE TABLE notify.watermark (
    schedule_id INTEGER NOT NULL,
    stamp_column_id INTEGER NOT NULL,
    baseline_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
    low_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
    baseline_beat BIGINT NOT NULL, /* of the snapshot that gave the baseline: what an older one shows is history */
    moved_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_watermark PRIMARY KEY CLUSTERED (schedule_id, stamp_column_id),
    CONSTRAINT fk_watermark_schedule FOREIGN KEY (schedule_id) REFERENCES notify.schedule(schedule_id),
    CONSTRAINT fk_watermark_stamp_column FOREIGN KEY (stamp_column_id) REFERENCES notify.stamp_column(stamp_column_id),
    CONSTRAINT ck_watermark_low CHECK (low_stamp >= baseline_stamp)
);
GO
CREATE NONCLUSTERED INDEX ix_watermark_stamp_column ON notify.watermark(stamp_column_id) INCLUDE (low_stamp, baseline_stamp);
GO
/* Every definition as it was saved, and every state that a notification took: who, when, what. */
CREATE TABLE notify.notification_history (
    notification_id INTEGER NOT NULL,
    notification_history_id BIGINT IDENTITY(1, 1) NOT NULL,
    action VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    definition NVARCHAR(MAX) NULL,
    done_at DATETIME2(3) NOT NULL,
    done_by sysname NOT NULL,
    CONSTRAINT pk_notification_history PRIMARY KEY CLUSTERED (notification_id, notification_history_id),
    CONSTRAINT ck_notification_history_action CHECK (action IN (
            'created',
            'changed',
            'activated',
            'paused',
            'resumed',
            'retired'
        ))
);
GO
/* A cycle of a runner. ended_at NULL long after started_at: it died. */
CREATE TABLE notify.run (
    run_id BIGINT IDENTITY(1, 1) NOT NULL,
    host NVARCHAR(128) NOT NULL,
    process_id INTEGER NOT NULL,
    started_at DATETIME2(3) NOT NULL,
    ended_at DATETIME2(3) NULL,
    outcome VARCHAR(10) NULL,
    summary NVARCHAR(4000) NULL,
    CONSTRAINT pk_run PRIMARY KEY CLUSTERED (run_id),
    CONSTRAINT ck_run_outcome CHECK (outcome IN ('ok', 'partly', 'failed')),
    CONSTRAINT ck_run_ended CHECK ((ended_at IS NULL AND outcome IS NULL)
        OR (ended_at IS NOT NULL AND outcome IS NOT NULL))
);
GO
/* Up to 100 changes of one notification, held by one worker until leased_until. Every write must present lease_token. */
CREATE TABLE notify.batch (
    batch_number BIGINT IDENTITY(1, 1) NOT NULL,
    batch_id UNIQUEIDENTIFIER NOT NULL,
    lease_token UNIQUEIDENTIFIER NOT NULL,
    notification_id INTEGER NOT NULL,
    run_id BIGINT NULL,
    worker NVARCHAR(128) NOT NULL,
    state VARCHAR(10) NOT NULL,
    change_count INTEGER NOT NULL,
    claimed_at DATETIME2(3) NOT NULL,
    leased_until DATETIME2(3) NOT NULL,
    closed_at DATETIME2(3) NULL,
    reason NVARCHAR(400) NULL,
    CONSTRAINT pk_batch PRIMARY KEY CLUSTERED (batch_number),
    CONSTRAINT uq_batch_id UNIQUE NONCLUSTERED (batch_id),
    CONSTRAINT fk_batch_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT ck_batch_state CHECK (state IN ('open', 'completed', 'released', 'expired')),
    CONSTRAINT ck_batch_closed CHECK ((state = 'open' AND closed_at IS NULL)
        OR (state <> 'open' AND closed_at IS NOT NULL))
);
GO
CREATE NONCLUSTERED INDEX ix_batch_open ON notify.batch(leased_until) INCLUDE (batch_id, lease_token) WHERE state = 'open';
GO
/*
What happened to a record and what became of it. change_key = SHA2_256 over the JSON text of
[notification_guid, record_match, operation, version]; version: created stamp of an I, state_stamp|state_hash of a U,
the last recorded state of a D.
*/
CREATE TABLE notify.change (
    change_id BIGINT IDENTITY(1, 1) NOT NULL,
    change_key BINARY(32) NOT NULL,
    notification_id INTEGER NOT NULL,
    record_key NVARCHAR(450) NOT NULL,
    record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
    operation CHAR(1) NOT NULL,
    version VARCHAR(100) COLLATE Latin1_General_BIN2 NOT NULL,
    state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
    state_hash VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
    created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
    beat BIGINT NOT NULL, /* of the snapshot that showed this state */
    shown_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL, /* the latest state that its messages may show, where that is a later one */
    state VARCHAR(10) NOT NULL,
    reason NVARCHAR(400) NULL,
    due_at DATETIME2(3) NOT NULL,
    batch_id UNIQUEIDENTIFIER NULL, /* of an open batch. No foreign key: purging batches would look each of them up in all changes */
    claim_count INTEGER NOT NULL CONSTRAINT df_change_claim_count DEFAULT (0),
    message_count INTEGER NULL, /* as the queue decided */
    fields NVARCHAR(MAX) NULL, /* a delete's last known fields, a JSON object */
    run_id BIGINT NULL,
    detected_at DATETIME2(3) NOT NULL,
    first_claimed_at DATETIME2(3) NULL,
    completed_at DATETIME2(3) NULL,
    CONSTRAINT pk_change PRIMARY KEY CLUSTERED (change_id),
    CONSTRAINT uq_change_key UNIQUE NONCLUSTERED (change_key),
    CONSTRAINT fk_change_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT ck_change_operation CHECK (operation IN ('I', 'U', 'D')),
    CONSTRAINT ck_change_state CHECK (state IN (
            'pending',
            'claimed',
            'waiting',
            'enqueued',
            'skipped',
            'failed',
            'superseded'
        )),
    CONSTRAINT ck_change_claimed CHECK ((state = 'claimed' AND batch_id IS NOT NULL AND first_claimed_at IS NOT NULL)
        OR (state <> 'claimed' AND batch_id IS NULL)),
    CONSTRAINT ck_change_completed CHECK ((state IN ('pending', 'claimed', 'waiting') AND completed_at IS NULL)
        OR (state IN ('enqueued', 'skipped', 'failed', 'superseded') AND completed_at IS NOT NULL)),
    CONSTRAINT ck_change_reason CHECK (state NOT IN ('waiting', 'skipped', 'failed', 'superseded')
        OR reason IS NOT NULL),
    CONSTRAINT ck_change_fields CHECK (fields IS NULL OR ISJSON(fields) = 1)
);
GO
/* Every statement is bounded by pages of rows, but a page may be judged for many notifications: claims must still find rows to skip. */
ALTER TABLE notify.change SET (LOCK_ESCALATION = DISABLE);
GO
/* Judging a record against what is recorded, and the story of one record. */
CREATE NONCLUSTERED INDEX ix_change_record ON notify.change(record_match, notification_id, state_stamp) INCLUDE (change_id, operation, version, state_hash, created_stamp, beat, state, first_claimed_at);
GO
/* Claiming: the due changes of a notification, oldest first. Only work that is left is in this index. */
CREATE NONCLUSTERED INDEX ix_change_due ON notify.change(notification_id, due_at, change_id) INCLUDE (state) WHERE state IN (
    'pending',
    'waiting'
);
GO
CREATE NONCLUSTERED INDEX ix_change_batch ON notify.change(batch_id) WHERE batch_id IS NOT NULL;
GO
/* Purging, and counting what became of the changes. */
CREATE NONCLUSTERED INDEX ix_change_completed ON notify.change(completed_at, change_id) INCLUDE (notification_id, state) WHERE completed_at IS NOT NULL;
GO
/* What was recorded between two readings of all keys. */
CREATE NONCLUSTERED INDEX ix_change_beat ON notify.change(notification_id, beat) INCLUDE (operation);
GO
/* Failed changes are few, and people ask for them. */
CREATE NONCLUSTERED INDEX ix_change_failed ON notify.change(notification_id, change_id) INCLUDE (reason) WHERE state = 'failed';
GO
/* Every state that a change took, in order. No foreign key: it is purged on its own. */
CREATE TABLE notify.change_history (
    change_id BIGINT NOT NULL,
    change_history_id BIGINT IDENTITY(1, 1) NOT NULL,
    from_state VARCHAR(10) NULL,
    to_state VARCHAR(10) NOT NULL,
    reason NVARCHAR(400) NULL,
    batch_id UNIQUEIDENTIFIER NULL,
    run_id BIGINT NULL,
    changed_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_change_history PRIMARY KEY CLUSTERED (change_id, change_history_id)
);
GO
ALTER TABLE notify.change_history SET (LOCK_ESCALATION = DISABLE);
GO
/* How far purge_changes has gone through the old changes, by completed_at and change_id. No row: it begins at the oldest. */
CREATE TABLE notify.purge_position (
    purge_position_id TINYINT NOT NULL CONSTRAINT df_purge_position_id DEFAULT (1),
    completed_at DATETIME2(3) NOT NULL,
    change_id BIGINT NOT NULL,
    CONSTRAINT pk_purge_position PRIMARY KEY CLUSTERED (purge_position_id),
    CONSTRAINT ck_purge_position_id CHECK (purge_position_id = 1)
);
GO
/*
One reading of all keys of a watched table, in pieces, and what comparing it with the stored key snapshots found.
reading ▶ comparing ▶ compared; held: more vanished than is believed without a person; approved: a person said that it is so.
*/
CREATE TABLE notify.key_scan (
    key_scan_id BIGINT IDENTITY(1, 1) NOT NULL,
    watched_table_id INTEGER NOT NULL,
    notification_id INTEGER NULL, /* read for its activation; NULL: for a cycle */
    run_id BIGINT NULL,
    state VARCHAR(10) NOT NULL CONSTRAINT df_key_scan_state DEFAULT ('reading'),
    beat BIGINT NULL,
    row_count INTEGER NOT NULL CONSTRAINT df_key_scan_row_count DEFAULT (0),
    vanished_count INTEGER NULL,
    reason NVARCHAR(400) NULL,
    started_at DATETIME2(3) NOT NULL,
    ended_at DATETIME2(3) NULL,
    CONSTRAINT pk_key_scan PRIMARY KEY CLUSTERED (key_scan_id),
    CONSTRAINT fk_key_scan_watched_table FOREIGN KEY (watched_table_id) REFERENCES notify.watched_table(watched_table_id),
    CONSTRAINT ck_key_scan_state CHECK (state IN ('reading', 'comparing', 'compared', 'held', 'approved', 'discarded')),
    CONSTRAINT ck_key_scan_ended CHECK ((state IN ('compared', 'discarded') AND ended_at IS NOT NULL)
        OR (state NOT IN ('compared', 'discarded') AND ended_at IS NULL)),
    CONSTRAINT ck_key_scan_compared CHECK (state IN ('reading', 'discarded')
        OR (beat IS NOT NULL AND vanished_count IS NOT NULL))
);
GO
CREATE NONCLUSTERED INDEX ix_key_scan_open ON notify.key_scan(watched_table_id, key_scan_id) INCLUDE (state) WHERE ended_at IS NULL;
GO
/* Purging. */
CREATE NONCLUSTERED INDEX ix_key_scan_ended ON notify.key_scan(ended_at, key_scan_id) WHERE ended_at IS NOT NULL;
GO
/* The rows of a reading; written while its state is reading, and never changed. */
CREATE TABLE notify.key_scan_row (
    key_scan_id BIGINT NOT NULL,
    key_scan_row_id BIGINT IDENTITY(1, 1) NOT NULL,
    record_key NVARCHAR(450) NOT NULL,
    record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
    created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
    state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
    fields NVARCHAR(MAX) NULL,
    matches NVARCHAR(4000) NULL, /* JSON array of the notification ids whose criteria the row met, negative: did not meet */
    CONSTRAINT pk_key_scan_row PRIMARY KEY CLUSTERED (key_scan_id, key_scan_row_id),
    /* Not the clustered key: 8 + 900 bytes are more than the 900 that one may have. */
    CONSTRAINT uq_key_scan_row_record UNIQUE NONCLUSTERED (key_scan_id, record_match),
    CONSTRAINT fk_key_scan_row_key_scan FOREIGN KEY (key_scan_id) REFERENCES notify.key_scan(key_scan_id)
);
GO
/*
The stored key snapshot of a notification: the reading that shows which records were there when its deletes were last told, or
when it was activated. A comparison moves this pointer when all it found is recorded: no snapshot is ever half replaced, and
none is copied. The rows of a reading are kept as long as a notification points at it.
*/
CREATE TABLE notify.key_snapshot (
    notification_id INTEGER NOT NULL,
    key_scan_id BIGINT NOT NULL,
    taken_at DATETIME2(3) NOT NULL,
    after_change_id BIGINT NOT NULL, /* the greatest change_id there was then: what is recorded later was not judged with it */
    CONSTRAINT pk_key_snapshot PRIMARY KEY CLUSTERED (notification_id),
    CONSTRAINT fk_key_snapshot_notification FOREIGN KEY (notification_id) REFERENCES notify.notification(notification_id),
    CONSTRAINT fk_key_snapshot_key_scan FOREIGN KEY (key_scan_id) REFERENCES notify.key_scan(key_scan_id)
);
GO
CREATE NONCLUSTERED INDEX ix_key_snapshot_key_scan ON notify.key_snapshot(key_scan_id);
GO
/* What a person should look at. The same kind about the same subject is one open row with a count. */
CREATE TABLE notify.alert (
    alert_id BIGINT IDENTITY(1, 1) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    subject NVARCHAR(200) NOT NULL,
    severity VARCHAR(10) NOT NULL,
    message NVARCHAR(2000) NOT NULL,
    run_id BIGINT NULL,
    raise_count INTEGER NOT NULL CONSTRAINT df_alert_raise_count DEFAULT (1),
    raised_at DATETIME2(3) NOT NULL,
    last_raised_at DATETIME2(3) NOT NULL,
    told_at DATETIME2(3) NULL, /* when operators were told, by Database Mail */
    cleared_at DATETIME2(3) NULL,
    CONSTRAINT pk_alert PRIMARY KEY CLUSTERED (alert_id),
    CONSTRAINT ck_alert_severity CHECK (severity IN ('warning', 'error'))
);
GO
CREATE UNIQUE NONCLUSTERED INDEX uq_alert_open ON notify.alert(kind, subject) WHERE cleared_at IS NULL;
GO
/*
The greatest beat that any replica has shown, and when this server first saw it, by its own clock: how one knows that the
heartbeat (or the replica) stands still without comparing two servers' clocks. One row.
*/
CREATE TABLE notify.heartbeat_seen (
    heartbeat_seen_id TINYINT NOT NULL CONSTRAINT df_heartbeat_seen_id DEFAULT (1),
    beat BIGINT NOT NULL,
    seen_at DATETIME2(3) NOT NULL,
    min_active_rowversion BINARY(8) NULL, /* as a replica showed it with this beat, or with the last one that said it */
    CONSTRAINT pk_heartbeat_seen PRIMARY KEY CLUSTERED (heartbeat_seen_id),
    CONSTRAINT ck_heartbeat_seen_id CHECK (heartbeat_seen_id = 1)
);
GO
/*
The queue as the processor last saw it, so that one taken back to an older state can be recognised: queue_mark is another one after
each recovery; highest is the greatest row version that was copied from it. One row.
*/
CREATE TABLE notify.queue_mark (
    queue_mark_id TINYINT NOT NULL CONSTRAINT df_queue_mark_id DEFAULT (1),
    queue_mark NVARCHAR(100) COLLATE Latin1_General_BIN2 NOT NULL,
    highest VARCHAR(18) COLLATE Latin1_General_BIN2 NULL,
    noted_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_queue_mark PRIMARY KEY CLUSTERED (queue_mark_id),
    CONSTRAINT ck_queue_mark_id CHECK (queue_mark_id = 1)
);
GO
/* Copies of the queue's accepted hand-overs, for the day on which the queue is lost. Purged by age. */
CREATE TABLE notify.outcome_copy (
    outcome_copy_id BIGINT IDENTITY(1, 1) NOT NULL,
    attempt_id UNIQUEIDENTIFIER NOT NULL,
    dedupe_key BINARY(32) NOT NULL,
    gateway NVARCHAR(128) NOT NULL,
    provider_id NVARCHAR(400) NULL,
    code VARCHAR(20) NULL,
    copied_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_outcome_copy PRIMARY KEY CLUSTERED (outcome_copy_id),
    CONSTRAINT uq_outcome_copy_attempt UNIQUE NONCLUSTERED (attempt_id)
);
GO
