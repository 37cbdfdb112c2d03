/*
The queue's tables.

Order of locks, everywhere: sql/README.md, "Who waits for whom".
State of a message: CHECK ck_message_state names them all; sql/README.md has the diagram.
    open    scheduled, queued, claimed, sending, retrying, in_doubt, held    completed_at IS NULL
    final   sent, delivered, bounced, failed, suppressed, expired, canceled  completed_at IS NOT NULL
A message that is queued has a row in ready. One that is not has none, but for a claim that was cut off while the message was withdrawn:
the next claim drops it.

The statistics of a queue are always wrong (it was empty when they were taken), so the narrow tables are laid out for one plan only.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

CREATE SCHEMA notify AUTHORIZATION dbo;
GO

/* Switches of this database. allow_test_clock = 1 stands in test databases only; test_clock is then the time. */
CREATE TABLE notify.setting (
    name VARCHAR(50) NOT NULL,
    value NVARCHAR(200) NOT NULL,
    description NVARCHAR(400) NOT NULL,
    CONSTRAINT pk_setting PRIMARY KEY CLUSTERED (name)
);
GO

INSERT notify.setting (name, value, description)
VALUES
    ('max_attempts', N'8', N'attempts before a message that is only refused for now fails'),
    ('retry_base_seconds', N'60', N'wait after the first refusal; it doubles with every attempt'),
    ('retry_cap_seconds', N'14400', N'longest wait between two attempts');
GO

/* One row: whose queue this is. A restored copy has another recovery fork and must not send (guarantee 10). */
CREATE TABLE notify.queue_identity (
    queue_identity_id TINYINT NOT NULL CONSTRAINT df_queue_identity_id DEFAULT (1),
    queue_guid UNIQUEIDENTIFIER NOT NULL CONSTRAINT df_queue_identity_guid DEFAULT (NEWID()),
    recovery_fork_guid UNIQUEIDENTIFIER NULL,
    marked_at DATETIME2(3) NOT NULL CONSTRAINT df_queue_identity_marked_at DEFAULT (SYSUTCDATETIME()),
    CONSTRAINT pk_queue_identity PRIMARY KEY CLUSTERED (queue_identity_id),
    CONSTRAINT ck_queue_identity_one_row CHECK (queue_identity_id = 1)
);
GO

INSERT notify.queue_identity (recovery_fork_guid)
SELECT drs.recovery_fork_guid FROM sys.database_recovery_status AS drs WHERE drs.database_id = DB_ID();
GO

/* One row per change: the first word on it, messages or a reason. It outlives the messages. */
CREATE TABLE notify.decision (
    change_key BINARY(32) NOT NULL,
    notification_guid UNIQUEIDENTIFIER NOT NULL,
    notification_name NVARCHAR(128) NOT NULL,
    record_key NVARCHAR(450) NOT NULL,
    record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
    operation CHAR(1) NOT NULL,
    outcome VARCHAR(10) NOT NULL,
    reason NVARCHAR(400) NULL,
    message_count INTEGER NOT NULL,
    purged_count INTEGER NOT NULL CONSTRAINT df_decision_purged_count DEFAULT (0), /* of message_count: ended, and removed by a purge */
    decided_at DATETIME2(3) NOT NULL,
    shown_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL, /* in doubt, policy latest: no state up to this one may be told by another change */
    CONSTRAINT pk_decision PRIMARY KEY CLUSTERED (change_key) WITH (FILLFACTOR = 80), /* hashes land anywhere: room, once it is rebuilt */
    CONSTRAINT ck_decision_operation CHECK (operation IN ('I', 'U', 'D', 'O')),
    CONSTRAINT ck_decision_purged_count CHECK (purged_count BETWEEN 0 AND message_count),
    /* in_doubt: the queue was lost, and its messages with it; sent, failed: a person's word on that */
    CONSTRAINT ck_decision_outcome CHECK (outcome = 'messages' AND message_count > 0
        OR outcome IN ('skipped', 'in_doubt', 'sent', 'failed') AND message_count = 0 AND reason IS NOT NULL)
);
GO

/* A purge counts on thousands of decisions, each on a page of its own: it must not lock the table for who enqueues. */
ALTER TABLE notify.decision SET (LOCK_ESCALATION = DISABLE);
GO

CREATE INDEX ix_decision_record ON notify.decision(record_match);
GO

/* Changes in doubt are few, there only after a queue was lost, and people ask for them. */
CREATE INDEX ix_decision_in_doubt ON notify.decision(change_key) WHERE outcome = 'in_doubt';
GO

/* Empty, but for what was in doubt after a queue was lost. */
CREATE INDEX ix_decision_shown ON notify.decision(record_match, notification_guid, shown_stamp) INCLUDE (outcome, reason) WHERE shown_stamp IS NOT NULL;
GO

/* What persons said of changes in doubt. new_outcome NULL: the decision was forgotten, so that the change is generated again. */
CREATE TABLE notify.decision_history (
    change_key BINARY(32) NOT NULL,
    decision_history_id BIGINT IDENTITY(1, 1) NOT NULL,
    happened_at DATETIME2(3) NOT NULL,
    old_outcome VARCHAR(10) NOT NULL,
    new_outcome VARCHAR(10) NULL,
    reason NVARCHAR(400) NOT NULL,
    actor NVARCHAR(128) NOT NULL,
    CONSTRAINT pk_decision_history PRIMARY KEY CLUSTERED (change_key, decision_history_id)
);
GO

/* For the purge. */
CREATE INDEX ix_decision_history_happened ON notify.decision_history(happened_at);
GO

CREATE TABLE notify.message (
    message_id BIGINT IDENTITY(1, 1) NOT NULL,
    dedupe_key BINARY(32) NOT NULL,
    change_key BINARY(32) NOT NULL,
    conversation_key BINARY(32) NULL, /* policy latest only: what a newer version of the record replaces */
    shown_order VARCHAR(47) COLLATE Latin1_General_BIN2 NULL, /* beat, 19 digits|shown_stamp: sorts as states follow each other */
    notification_guid UNIQUEIDENTIFIER NOT NULL,
    recipient_key NVARCHAR(200) NOT NULL,
    channel VARCHAR(10) NOT NULL,
    address NVARCHAR(320) COLLATE Latin1_General_100_CI_AS NOT NULL,
    priority TINYINT NOT NULL,
    state VARCHAR(10) COLLATE Latin1_General_BIN2 NOT NULL,
    reason NVARCHAR(400) NULL,
    next_at DATETIME2(3) NOT NULL, /* when the sweep must look: due time or end of lease */
    claim_token UNIQUEIDENTIFIER NULL,
    sender NVARCHAR(128) NULL,
    attempt_id UNIQUEIDENTIFIER NULL, /* the latest attempt */
    attempt_count SMALLINT NOT NULL CONSTRAINT df_message_attempt_count DEFAULT (0),
    provider_id NVARCHAR(400) NULL,
    expires_at DATETIME2(3) NULL,
    created_date DATE NOT NULL,
    created_at DATETIME2(3) NOT NULL,
    completed_at DATETIME2(3) NULL,
    CONSTRAINT pk_message PRIMARY KEY CLUSTERED (message_id),
    CONSTRAINT ck_message_channel CHECK (channel IN ('email', 'sms', 'push')),
    CONSTRAINT ck_message_state CHECK (state IN (
            'scheduled',
            'queued',
            'claimed',
            'sending',
            'retrying',
            'in_doubt',
            'held'
        )
        AND completed_at IS NULL
        OR state IN ('sent', 'delivered', 'bounced', 'failed', 'suppressed', 'expired', 'canceled')
        AND completed_at IS NOT NULL),
    CONSTRAINT ck_message_claim CHECK (state NOT IN ('claimed', 'sending') OR claim_token IS NOT NULL),
    CONSTRAINT ck_message_attempt CHECK (state <> 'sending' OR attempt_id IS NOT NULL),
    CONSTRAINT ck_message_version CHECK (conversation_key IS NULL OR shown_order IS NOT NULL)
);
GO

/* Every statement is bounded, but one change may have thousands of recipients: rivals must still find rows to skip. */
ALTER TABLE notify.message SET (LOCK_ESCALATION = DISABLE);
GO

/* The sweep (leases that ended, retries and scheduled messages that are due) and the status. completed_at is in the filtered indexes though
   their filter says it all: without it SQL Server looks IS NULL up in the table, row by row. */
CREATE INDEX ix_message_open ON notify.message(state, next_at) INCLUDE (channel, priority, notification_guid, completed_at) WHERE completed_at IS NULL;
GO

/* Only what can still expire: what stays in doubt past its time is not looked up again by every sweep. */
CREATE INDEX ix_message_expires ON notify.message(expires_at) INCLUDE (state) WHERE expires_at IS NOT NULL
AND state IN ('held', 'scheduled', 'queued', 'retrying');
GO

/* Purge, the status of the last hours and what ended in them; grows at its end only. */
CREATE INDEX ix_message_completed ON notify.message(completed_at) INCLUDE (state, channel, notification_guid) WHERE completed_at IS NOT NULL;
GO

CREATE INDEX ix_message_change ON notify.message(change_key) WITH (FILLFACTOR = 80);
GO

/* Without a filter, though messages of policy every have no conversation: a seek must always be possible, or FORCESEEK fails (8622). */
CREATE INDEX ix_message_conversation ON notify.message(conversation_key, shown_order) WITH (FILLFACTOR = 80);
GO

/* The few versions of a conversation that a newer one may still replace, however many were sent before them. */
CREATE INDEX ix_message_waiting ON notify.message(conversation_key, shown_order) INCLUDE (completed_at) WHERE completed_at IS NULL;
GO

/* Apart from message, so that a key outlives the purge and message can be partitioned by date. */
CREATE TABLE notify.message_key (
    dedupe_key BINARY(32) NOT NULL,
    message_id BIGINT NOT NULL,
    created_at DATETIME2(3) NOT NULL,
    CONSTRAINT pk_message_key PRIMARY KEY CLUSTERED (dedupe_key) WITH (FILLFACTOR = 80)
);
GO

ALTER TABLE notify.message_key SET (LOCK_ESCALATION = DISABLE);
GO

/* A change whose message another change had put there already: the same version of the record, the same recipient and channel. */
CREATE TABLE notify.shared_message (
    change_key BINARY(32) NOT NULL,
    message_id BIGINT NOT NULL,
    CONSTRAINT pk_shared_message PRIMARY KEY CLUSTERED (change_key, message_id)
);
GO

ALTER TABLE notify.shared_message SET (LOCK_ESCALATION = DISABLE);
GO

/* The purge comes by message. */
CREATE INDEX ix_shared_message_message ON notify.shared_message(message_id);
GO

/* Clustered by day, so that old bodies can go partition by partition. Bodies are COMPRESS(nvarchar(max)). */
CREATE TABLE notify.message_body (
    created_date DATE NOT NULL,
    message_id BIGINT NOT NULL,
    recipient_name NVARCHAR(200) NULL,
    subject NVARCHAR(1000) NULL,
    headers NVARCHAR(4000) NULL, /* JSON object */
    html VARBINARY(MAX) NULL,
    text VARBINARY(MAX) NULL,
    CONSTRAINT pk_message_body PRIMARY KEY CLUSTERED (created_date, message_id)
);
GO

ALTER TABLE notify.message_body SET (LOCK_ESCALATION = DISABLE);
GO

/* Only what can be claimed now. READPAST skips locked rows, not pages or the table: whoever deletes here has ROWLOCK, and locks may not escalate. */
CREATE TABLE notify.ready (
    channel VARCHAR(10) NOT NULL,
    priority TINYINT NOT NULL,
    message_id BIGINT NOT NULL,
    CONSTRAINT pk_ready PRIMARY KEY CLUSTERED (channel, priority, message_id)
);
GO

ALTER TABLE notify.ready SET (LOCK_ESCALATION = DISABLE);
GO

/* The sender mints attempt_id. Clustered by message: every reader comes with the message's id. */
CREATE TABLE notify.attempt (
    message_id BIGINT NOT NULL,
    attempt_id UNIQUEIDENTIFIER NOT NULL,
    attempt_number SMALLINT NOT NULL,
    gateway NVARCHAR(128) NOT NULL,
    begun_at DATETIME2(3) NOT NULL,
    closed_at DATETIME2(3) NULL,
    outcome VARCHAR(20) COLLATE Latin1_General_BIN2 NULL,
    is_permanent BIT NULL,
    provider_id NVARCHAR(400) NULL,
    code VARCHAR(20) NULL,
    detail NVARCHAR(1000) NULL,
    released_at DATETIME2(3) NULL,
    released_by NVARCHAR(128) NULL,
    row_version ROWVERSION NOT NULL,
    CONSTRAINT pk_attempt PRIMARY KEY CLUSTERED (message_id, attempt_id),
    CONSTRAINT fk_attempt_message FOREIGN KEY (message_id) REFERENCES notify.message(message_id),
    CONSTRAINT ck_attempt_outcome CHECK (outcome IS NULL AND closed_at IS NULL
        OR outcome IN ('accepted', 'refused', 'not_handed_over', 'unknown') AND closed_at IS NOT NULL)
);
GO

ALTER TABLE notify.attempt SET (LOCK_ESCALATION = DISABLE);
GO

/* What was accepted, in the order in which it was stored: the processor keeps copies (guarantee 10). Grows at its end. */
CREATE INDEX ix_attempt_accepted ON notify.attempt(row_version) WHERE outcome = 'accepted';
GO

/* What is not on the common way (queued, claimed, sending, sent): that is told by message and attempt themselves.
   The target of OUTPUT clauses, so it has neither CHECK nor foreign key. */
CREATE TABLE notify.message_history (
    message_id BIGINT NOT NULL,
    message_history_id BIGINT IDENTITY(1, 1) NOT NULL,
    happened_at DATETIME2(3) NOT NULL,
    old_state VARCHAR(10) COLLATE Latin1_General_BIN2 NULL,
    new_state VARCHAR(10) COLLATE Latin1_General_BIN2 NOT NULL,
    reason NVARCHAR(400) NULL,
    actor NVARCHAR(128) NOT NULL,
    CONSTRAINT pk_message_history PRIMARY KEY CLUSTERED (message_id, message_history_id)
);
GO

ALTER TABLE notify.message_history SET (LOCK_ESCALATION = DISABLE);
GO

CREATE TABLE notify.suppression (
    channel VARCHAR(10) NOT NULL,
    address NVARCHAR(320) COLLATE Latin1_General_100_CI_AS NOT NULL,
    reason NVARCHAR(400) NOT NULL,
    suppressed_at DATETIME2(3) NOT NULL,
    suppressed_by NVARCHAR(128) NOT NULL,
    CONSTRAINT pk_suppression PRIMARY KEY CLUSTERED (channel, address),
    CONSTRAINT ck_suppression_channel CHECK (channel IN ('email', 'sms', 'push'))
);
GO

/* Notifications whose messages wait for a person. */
CREATE TABLE notify.held_notification (
    notification_guid UNIQUEIDENTIFIER NOT NULL,
    reason NVARCHAR(400) NOT NULL,
    held_at DATETIME2(3) NOT NULL,
    held_by NVARCHAR(128) NOT NULL,
    CONSTRAINT pk_held_notification PRIMARY KEY CLUSTERED (notification_guid)
);
GO

/* One open row per kind and notification: ten thousand refusals are one alert that counts. */
CREATE TABLE notify.alert (
    alert_id BIGINT IDENTITY(1, 1) NOT NULL,
    kind VARCHAR(30) NOT NULL,
    notification_guid UNIQUEIDENTIFIER NOT NULL,
    occurrences INTEGER NOT NULL,
    first_at DATETIME2(3) NOT NULL,
    last_at DATETIME2(3) NOT NULL,
    message_id BIGINT NULL, /* the latest example */
    detail NVARCHAR(1000) NULL,
    told_at DATETIME2(3) NULL, /* by Database Mail */
    acknowledged_at DATETIME2(3) NULL,
    acknowledged_by NVARCHAR(128) NULL,
    CONSTRAINT pk_alert PRIMARY KEY CLUSTERED (alert_id)
);
GO

/* Whoever raises an alert comes this way alone: elsewhere, one would wait for all others. */
CREATE UNIQUE INDEX uq_alert_open ON notify.alert(kind, notification_guid) INCLUDE (acknowledged_at) WHERE acknowledged_at IS NULL;
GO

/* For the purge. */
CREATE INDEX ix_alert_acknowledged ON notify.alert(acknowledged_at) WHERE acknowledged_at IS NOT NULL;
GO
