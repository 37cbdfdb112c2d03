SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_changes: judges a page of detected rows against what is recorded, and stores the changes, the sweep's place and, with
the last page, the watermarks: one transaction.

Parameters  @run_id; @stamp_column_id, @scan_version: as get_scans gave them; @beat, @safe_stamp, @is_last_page, @rows (JSON
            array): as detect_changes gave them
Result      one row: recorded, pending, skipped, superseded, raised (inserts that took on a newer state before anybody claimed
            them), scan_version (new), has_more
Errors      50020 the scan has moved (another run, an activation, a definition): nothing is recorded, read again;
            50021 unknown stamp column; 50022 a page that is not usable
Locks       in this order: watched_table (update, to the end: pages of one table are judged one after the other), stamp_column,
            change, watermark

Judged per active notification whose low is below the row's stamp:
- A state counts only if it is newer than every recorded one: a greater stamp; or, in a snapshot with a strictly greater beat
  than the newest recorded state's, an unrecorded state with the same stamp (for local time also up to 60 minutes below).
  So a replica that lags brings no old state back, and a page that is read twice adds nothing.
- I: created after the baseline, and this life of the row is not recorded yet; version: created stamp. U: any other newer state;
  version: state. What was created at or below the baseline counts as recorded.
- D, a soft-deleted row: version: the last state recorded alive. A row never seen alive gives no notice.
- After a D by key snapshot only a strictly newer snapshot, or another life of the row, shows it alive: a replica with the same
  heartbeat may be behind the delete. What came after the delete is above low, and is read again.
- All are stored. To be mailed are those that meet the criteria and whose operation is asked for; others are skipped, with the
  reason. Under policy latest a U that finds its I pending and never claimed only raises that I's state.
*/
CREATE OR ALTER PROCEDURE notify.record_changes
    @run_id BIGINT,
    @stamp_column_id INTEGER,
    @scan_version INTEGER,
    @beat BIGINT,
    @safe_stamp VARCHAR(27),
    @is_last_page BIT,
    @rows NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @watched_table_id INTEGER;
    DECLARE @is_local BIT;
    DECLARE @has_key_snapshot BIT;
    DECLARE @least_safe_stamp VARCHAR(27);
    DECLARE @least_beat BIGINT;
    DECLARE @cursor_stamp VARCHAR(27);
    DECLARE @cursor_key NVARCHAR(450);
    DECLARE @changes NVARCHAR(MAX);
    DECLARE @recorded INTEGER;
    DECLARE @pending INTEGER;
    DECLARE @skipped INTEGER;
    DECLARE @superseded INTEGER;
    DECLARE @raised INTEGER;
    DECLARE @row_count INTEGER;

    CREATE TABLE #detected (
        ordinal INTEGER NOT NULL,
        record_key NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(4000) COLLATE Latin1_General_BIN2 NOT NULL,
        stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        state_hash VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
        is_deleted BIT NOT NULL,
        matches NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        fields NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
        state_number INTEGER NULL
    );
    CREATE TABLE #judged (
        notification_id INTEGER NOT NULL,
        record_key NVARCHAR(450) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
        operation CHAR(1) COLLATE DATABASE_DEFAULT NOT NULL,
        version VARCHAR(100) COLLATE Latin1_General_BIN2 NOT NULL,
        state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        state_hash VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
        created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        fields NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
        state VARCHAR(10) COLLATE DATABASE_DEFAULT NOT NULL,
        reason NVARCHAR(400) COLLATE DATABASE_DEFAULT NULL,
        raised_change_id BIGINT NULL,
        PRIMARY KEY NONCLUSTERED (notification_id, record_match)
    );

    BEGIN TRY
        INSERT INTO #detected (
            ordinal,
            record_key,
            record_match,
            stamp,
            created_stamp,
            state_stamp,
            state_hash,
            is_deleted,
            matches,
            fields
        )
        SELECT
            j.ordinal,
            j.record_key,
            j.record_match,
            j.stamp,
            j.created_stamp,
            j.state_stamp,
            j.state_hash,
            COALESCE(j.is_deleted, 0),
            COALESCE(j.matches, N'[]'),
            j.fields
        FROM OPENJSON(@rows) WITH (
            ordinal INTEGER,
            record_key NVARCHAR(4000),
            record_match NVARCHAR(4000),
            stamp VARCHAR(27),
            created_stamp VARCHAR(27),
            state_stamp VARCHAR(27),
            state_hash VARCHAR(64),
            is_deleted BIT,
            matches NVARCHAR(4000),
            fields NVARCHAR(MAX)
        ) AS j;
        SET @row_count = @@ROWCOUNT;

        IF @beat IS NULL OR @safe_stamp IS NULL OR @is_last_page IS NULL OR (@is_last_page = 0 AND @row_count = 0)
            THROW 50022, N'A page needs beat, safe_stamp and is_last_page, and rows unless it is the last one. Pass on what detect_changes gave.', 1;

        IF EXISTS (SELECT 1 FROM #detected AS d WHERE LEN(d.record_key) > 450 OR LEN(d.record_match) > 450)
            THROW 50022, N'A record key has more than 450 characters as JSON text. Such a table cannot be watched.', 1;

        /* One state a record: the newest, should a page show it more than once. */
        UPDATE d
        SET d.state_number = numbered.state_number
        FROM #detected AS d
        JOIN (
            SELECT
                x.ordinal AS ordinal,
                ROW_NUMBER() OVER (
                    PARTITION BY x.record_match
                    ORDER BY x.state_stamp DESC, x.ordinal DESC
                ) AS state_number
            FROM #detected AS x
        ) AS numbered ON numbered.ordinal = d.ordinal;

        SELECT @watched_table_id = sc.watched_table_id
        FROM notify.stamp_column AS sc
        WHERE sc.stamp_column_id = @stamp_column_id;

        IF @watched_table_id IS NULL
            THROW 50021, N'There is no such stamp column. Take @stamp_column_id from get_scans.', 1;

        BEGIN TRANSACTION;

        SELECT
            @is_local = CASE WHEN wt.time_zone <> N'UTC' AND wt.rowversion_column IS NULL THEN 1 ELSE 0 END,
            @has_key_snapshot = CASE WHEN wt.key_snapshot_minutes IS NULL THEN 0 ELSE 1 END
        FROM notify.watched_table AS wt WITH (UPDLOCK, HOLDLOCK)
        WHERE wt.watched_table_id = @watched_table_id;

        SELECT
            @least_safe_stamp = CASE
                WHEN sc.least_safe_stamp < @safe_stamp THEN sc.least_safe_stamp
                ELSE @safe_stamp
            END,
            @least_beat = CASE WHEN sc.least_beat < @beat THEN sc.least_beat ELSE @beat END
        FROM notify.stamp_column AS sc WITH (UPDLOCK, HOLDLOCK)
        WHERE sc.stamp_column_id = @stamp_column_id AND sc.scan_version = @scan_version;

        IF @@ROWCOUNT = 0
            THROW 50020, N'The scan has moved since its rows were read: nothing is recorded. Get the scan and read again.', 1;

        INSERT INTO #judged (
            notification_id,
            record_key,
            record_match,
            operation,
            version,
            state_stamp,
            state_hash,
            created_stamp,
            fields,
            state,
            reason,
            raised_change_id
        )
        SELECT
            n.notification_id,
            d.record_key,
            d.record_match,
            judged.operation,
            judged.version,
            d.state_stamp,
            d.state_hash,
            d.created_stamp,
            d.fields,
            CASE WHEN explained.reason IS NULL THEN 'pending' ELSE 'skipped' END,
            explained.reason,
            CASE
                WHEN judged.operation = 'U' AND n.policy = 'latest' AND newest.operation = 'I' THEN newest.change_id /* if nobody has claimed it: asked below */
            END
        FROM #detected AS d
        CROSS JOIN (
            SELECT
                n.notification_id AS notification_id,
                n.policy AS policy,
                n.on_insert AS on_insert,
                n.on_update AS on_update,
                n.on_delete AS on_delete,
                w.low_stamp AS low_stamp,
                (
                    SELECT cw.baseline_stamp
                    FROM notify.watermark AS cw
                    JOIN notify.stamp_column AS cs ON cs.stamp_column_id = cw.stamp_column_id
                    WHERE cw.schedule_id = w.schedule_id
                        AND cs.watched_table_id = @watched_table_id
                        AND cs.is_created = 1
                ) AS created_baseline
            FROM notify.watermark AS w
            JOIN notify.schedule AS sd ON sd.schedule_id = w.schedule_id
            JOIN notify.notification AS n ON n.notification_id = sd.notification_id
            WHERE w.stamp_column_id = @stamp_column_id AND n.state = 'active'
        ) AS n
        OUTER APPLY notify.latest_change(n.notification_id, d.record_match, @is_local, 0) AS newest
        OUTER APPLY notify.latest_change(n.notification_id, d.record_match, @is_local, 1) AS alive
        CROSS APPLY (
            SELECT
                CASE
                    WHEN newest.change_id IS NULL OR d.state_stamp > newest.greatest_stamp THEN 1
                    WHEN @beat > newest.beat
                    AND (
                        d.state_stamp = newest.greatest_stamp
                        OR (
                            @is_local = 1
                            AND d.state_stamp >= CONVERT(
                                VARCHAR(27),
                                DATEADD(MINUTE, -60, TRY_CONVERT(DATETIME2(7), newest.greatest_stamp, 121)),
                                121
                            )
                        )
                    )
                    AND NOT EXISTS (
                        SELECT 1
                        FROM notify.change AS c
                        WHERE c.record_match = d.record_match
                            AND c.notification_id = n.notification_id
                            AND c.state_stamp = d.state_stamp
                            AND c.state_hash = d.state_hash
                    ) THEN 1
                    ELSE 0
                END AS is_newer,
                CASE WHEN d.created_stamp > n.created_baseline THEN 1 ELSE 0 END AS is_created_after
        ) AS seen
        CROSS APPLY (
            SELECT
                CASE
                    WHEN d.is_deleted = 1 THEN 'D'
                    WHEN seen.is_created_after = 1
                    AND NOT EXISTS (
                        SELECT 1
                        FROM notify.change AS c
                        WHERE c.record_match = d.record_match
                            AND c.notification_id = n.notification_id
                            AND c.operation = 'I'
                            AND c.version = d.created_stamp
                    ) THEN 'I'
                    ELSE 'U'
                END AS operation
        ) AS kind
        CROSS APPLY (
            SELECT
                kind.operation AS operation,
                CASE
                    WHEN kind.operation = 'I' THEN d.created_stamp
                    WHEN kind.operation = 'U' THEN d.state_stamp + '|' + d.state_hash
                    WHEN alive.change_id IS NOT NULL THEN alive.state_stamp + '|' + alive.state_hash
                    /* Nothing recorded: alive as the baseline left it, or never seen alive. After that, one D is enough. */
                    WHEN newest.change_id IS NULL AND seen.is_created_after = 0 THEN 'baseline'
                    WHEN newest.change_id IS NULL THEN d.state_stamp + '|' + d.state_hash
                END AS version
        ) AS judged
        CROSS APPLY (
            SELECT
                CASE
                    WHEN judged.operation = 'D'
                    AND newest.change_id IS NULL
                    AND seen.is_created_after = 1 THEN N'never seen alive'
                    WHEN NOT EXISTS (
                        SELECT 1 FROM OPENJSON(d.matches) AS m WHERE CONVERT(INTEGER, m.value) = n.notification_id
                    ) THEN N'criteria'
                    WHEN (judged.operation = 'I' AND n.on_insert = 0)
                    OR (judged.operation = 'U' AND n.on_update = 0)
                    OR (judged.operation = 'D' AND n.on_delete = 0) THEN N'operation'
                END AS reason
        ) AS explained
        WHERE d.state_number = 1
            AND d.stamp > n.low_stamp
            AND seen.is_newer = 1
            AND judged.version IS NOT NULL
            AND (
                @has_key_snapshot = 0
                OR judged.operation <> 'U'
                OR COALESCE(newest.operation, 'U') <> 'D'
                OR @beat > newest.beat
            )
            AND NOT EXISTS (
                SELECT 1
                FROM notify.change AS c
                WHERE judged.operation = 'D'
                    AND c.record_match = d.record_match
                    AND c.notification_id = n.notification_id
                    AND c.operation = 'D'
                    AND c.version = judged.version
            );

        /* The state is asked for again: a worker may have claimed the insert a moment ago. Then the update stands by itself. */
        UPDATE c
        SET c.state_stamp = j.state_stamp, c.state_hash = j.state_hash, c.beat = @beat, c.fields = j.fields
        OUTPUT inserted.change_id, deleted.state, inserted.state, N'raised to a newer state', @run_id, @now
        INTO notify.change_history (change_id, from_state, to_state, reason, run_id, changed_at)
        FROM notify.change AS c
        JOIN #judged AS j ON j.raised_change_id = c.change_id
        WHERE c.state = 'pending' AND c.first_claimed_at IS NULL;
        SET @raised = @@ROWCOUNT;

        SET @changes = (
                SELECT
                    j.notification_id AS notification_id,
                    j.record_key AS record_key,
                    j.record_match AS record_match,
                    j.operation AS operation,
                    j.version AS version,
                    j.state_stamp AS state_stamp,
                    j.state_hash AS state_hash,
                    j.created_stamp AS created_stamp,
                    j.fields AS fields,
                    j.state AS state,
                    j.reason AS reason
                FROM #judged AS j
                WHERE NOT EXISTS (
                        SELECT 1
                        FROM notify.change AS c
                        WHERE c.change_id = j.raised_change_id
                            AND c.state_stamp = j.state_stamp
                            AND c.state_hash = j.state_hash
                    )
                FOR JSON PATH
            );

        EXECUTE notify.store_changes
            @run_id = @run_id,
            @beat = @beat,
            @now = @now,
            @changes = @changes,
            @recorded = @recorded OUTPUT,
            @pending = @pending OUTPUT,
            @skipped = @skipped OUTPUT,
            @superseded = @superseded OUTPUT;

        /* A comparison of keys asks for what was recorded since the last one; what an older snapshot showed is told apart here. */
        IF @recorded > 0
            UPDATE wt
            SET wt.key_late_beat = @beat
            FROM notify.watched_table AS wt
            WHERE wt.watched_table_id = @watched_table_id
                AND @beat < wt.key_snapshot_beat
                AND (wt.key_late_beat IS NULL OR @beat < wt.key_late_beat);

        /* Low moves with the last page only, to the least safe stamp of all pages, and never back. */
        IF @is_last_page = 1
            UPDATE w
            SET w.low_stamp = @least_safe_stamp, w.moved_at = @now
            FROM notify.watermark AS w
            JOIN notify.schedule AS sd ON sd.schedule_id = w.schedule_id
            JOIN notify.notification AS n ON n.notification_id = sd.notification_id
            WHERE w.stamp_column_id = @stamp_column_id AND n.state = 'active' AND w.low_stamp < @least_safe_stamp;
        ELSE
            SELECT TOP (1) @cursor_stamp = d.stamp, @cursor_key = d.record_key
            FROM #detected AS d
            ORDER BY d.ordinal DESC;

        UPDATE sc
        SET
            sc.scan_version = sc.scan_version + 1,
            sc.cursor_stamp = @cursor_stamp,
            sc.cursor_key = @cursor_key,
            sc.least_safe_stamp = CASE WHEN @is_last_page = 0 THEN @least_safe_stamp END,
            sc.least_beat = CASE WHEN @is_last_page = 0 THEN @least_beat END,
            sc.last_beat = CASE WHEN sc.last_beat > @beat THEN sc.last_beat ELSE @beat END,
            sc.scanned_at = @now
        FROM notify.stamp_column AS sc
        WHERE sc.stamp_column_id = @stamp_column_id AND sc.scan_version = @scan_version;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT
        @recorded AS recorded,
        @pending AS pending,
        @skipped AS skipped,
        @superseded AS superseded,
        @raised AS raised,
        @scan_version + 1 AS scan_version,
        CONVERT(BIT, 1 - @is_last_page) AS has_more;
END;
GO
