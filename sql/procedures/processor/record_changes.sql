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

Each row is judged per active notification whose low is below the row's stamp, unless the snapshot is older than the one that
gave the notification its baseline: all that such a one shows is history. judged_state is the contract. All that is new is stored.
To be mailed are those that meet the criteria and whose operation is asked for; others are skipped, with the reason. Under policy
latest a U that finds its I pending and never claimed only raises that I's state.
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
        state_number INTEGER NOT NULL /* 1: the record's newest state in the page */
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
            fields,
            state_number
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
            j.fields,
            ROW_NUMBER() OVER (
                PARTITION BY j.record_match COLLATE Latin1_General_BIN2
                ORDER BY j.state_stamp COLLATE Latin1_General_BIN2 DESC, j.ordinal DESC
            )
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

        SELECT @scan_version = sc.scan_version
        FROM notify.stamp_column AS sc WITH (UPDLOCK, HOLDLOCK)
        WHERE sc.stamp_column_id = @stamp_column_id AND sc.scan_version = @scan_version;

        IF @@ROWCOUNT = 0
            THROW 50020, N'The scan has moved since its rows were read: nothing is recorded. Get the scan and read again.', 1;

        SET @changes = (
                SELECT
                    n.notification_id AS notification_id,
                    d.record_key AS record_key,
                    d.record_match AS record_match,
                    judged.operation AS operation,
                    judged.version AS version,
                    d.state_stamp AS state_stamp,
                    d.state_hash AS state_hash,
                    d.created_stamp AS created_stamp,
                    d.fields AS fields,
                    CASE WHEN explained.reason IS NULL THEN 'pending' ELSE 'skipped' END AS state,
                    explained.reason AS reason,
                    CASE
                        WHEN judged.operation = 'U'
                        AND n.policy = 'latest'
                        AND judged.latest_operation = 'I' THEN judged.latest_change_id
                    END AS raised_change_id
                FROM #detected AS d
                JOIN notify.scanned_notification AS n
                    ON n.stamp_column_id = @stamp_column_id
                        AND n.state = 'active'
                        AND n.low_stamp < d.stamp
                        AND n.baseline_beat <= @beat
                CROSS APPLY notify.judged_state(
                    n.notification_id,
                    n.created_baseline,
                    @is_local,
                    @has_key_snapshot,
                    @beat,
                    d.record_match,
                    d.created_stamp,
                    d.state_stamp,
                    d.state_hash,
                    d.is_deleted
                ) AS judged
                CROSS APPLY (
                    SELECT
                        CASE
                            WHEN judged.is_never_alive = 1 THEN N'never seen alive'
                            WHEN NOT EXISTS (
                                SELECT 1
                                FROM OPENJSON(d.matches) AS m
                                WHERE CONVERT(INTEGER, m.value) = n.notification_id
                            ) THEN N'criteria'
                            WHEN (judged.operation = 'I' AND n.on_insert = 0)
                            OR (judged.operation = 'U' AND n.on_update = 0)
                            OR (judged.operation = 'D' AND n.on_delete = 0) THEN N'operation'
                        END AS reason
                ) AS explained
                WHERE d.state_number = 1
                ORDER BY d.record_match, n.notification_id
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
            @superseded = @superseded OUTPUT,
            @raised = @raised OUTPUT;

        /* A comparison of keys asks for what was recorded since the last one; what an older snapshot showed is told apart here. */
        IF @recorded > 0
            UPDATE wt
            SET wt.key_late_beat = @beat
            FROM notify.watched_table AS wt
            WHERE wt.watched_table_id = @watched_table_id
                AND @beat < wt.key_snapshot_beat
                AND (wt.key_late_beat IS NULL OR @beat < wt.key_late_beat);

        SELECT TOP (1) @cursor_stamp = d.stamp, @cursor_key = d.record_key FROM #detected AS d ORDER BY d.ordinal DESC;

        EXECUTE notify.move_low
            @stamp_column_id = @stamp_column_id,
            @beat = @beat,
            @safe_stamp = @safe_stamp,
            @is_last_page = @is_last_page,
            @cursor_stamp = @cursor_stamp,
            @cursor_key = @cursor_key;

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
