SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_baseline: records every row that activation's scans saw above the lows as skipped, reason baseline. Within the caller's
transaction, after the watermarks are set.

Every state seen is recorded once: as the insert if the row was created above the created column's low and no insert of that version
is recorded yet, as a delete if the row is softly deleted, else as an update. So the next cycle, which reads the same rows
again, finds them known.

Parameters  @notification_id; @scans: as set_baseline takes them; @recorded_count: out.
Errors      those of store_changes
*/
CREATE OR ALTER PROCEDURE notify.record_baseline
    @notification_id INTEGER,
    @scans NVARCHAR(MAX),
    @recorded_count INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @created_low VARCHAR(27);
    DECLARE @changes NVARCHAR(MAX);
    DECLARE @pending INTEGER;
    DECLARE @skipped INTEGER;
    DECLARE @superseded INTEGER;

    CREATE TABLE #seen (
        record_key NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(4000) COLLATE Latin1_General_BIN2 NOT NULL,
        created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        state_hash VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
        is_deleted BIT NOT NULL,
        beat BIGINT NOT NULL
    );

    /* NULL without a created column: then nothing is an insert. */
    SELECT @created_low = m.low_stamp
    FROM notify.notification AS n
    LEFT JOIN notify.schedule AS s ON s.notification_id = n.notification_id AND s.kind = 'immediate'
    LEFT JOIN notify.stamp_column AS sc ON sc.watched_table_id = n.watched_table_id AND sc.is_created = 1
    LEFT JOIN notify.watermark AS m ON m.schedule_id = s.schedule_id AND m.stamp_column_id = sc.stamp_column_id
    WHERE n.notification_id = @notification_id;

    INSERT #seen (record_key, record_match, created_stamp, state_stamp, state_hash, is_deleted, beat)
    SELECT b.record_key, b.record_match, b.created_stamp, b.state_stamp, b.state_hash, b.is_deleted, b.beat
    FROM notify.baseline_states(@scans) AS b;

    SET @changes = (
            SELECT
                @notification_id AS notification_id,
                s.record_key AS record_key,
                s.record_match AS record_match,
                o.operation AS operation,
                CASE o.operation
                    WHEN 'I' THEN s.created_stamp
                    ELSE CONCAT(s.state_stamp, '|', s.state_hash)
                END AS version,
                s.state_stamp AS state_stamp,
                s.state_hash AS state_hash,
                s.created_stamp AS created_stamp,
                s.beat AS beat,
                'skipped' AS state,
                N'baseline' AS reason
            FROM (
                SELECT
                    seen.record_key,
                    seen.record_match,
                    seen.created_stamp,
                    seen.state_stamp,
                    seen.state_hash,
                    seen.is_deleted,
                    seen.beat,
                    ROW_NUMBER() OVER (
                        PARTITION BY seen.record_match, seen.is_deleted
                        ORDER BY seen.state_stamp, seen.beat, seen.state_hash
                    ) AS state_number
                FROM #seen AS seen
            ) AS s
            CROSS APPLY (
                SELECT
                    CASE
                        WHEN s.is_deleted = 1 THEN 'D'
                        WHEN s.state_number = 1
                        AND s.created_stamp > @created_low
                        AND NOT EXISTS (
                            SELECT 1
                            FROM notify.change AS c
                            WHERE c.record_match = s.record_match
                                AND c.notification_id = @notification_id
                                AND c.operation = 'I'
                                AND c.version = s.created_stamp
                        ) THEN 'I'
                        ELSE 'U'
                    END AS operation
            ) AS o
            ORDER BY s.record_match, s.state_stamp, s.beat, o.operation DESC
            FOR JSON PATH
        );

    EXECUTE notify.store_changes
        @run_id = NULL,
        @beat = NULL,
        @now = @now,
        @changes = @changes,
        @recorded = @recorded_count OUTPUT,
        @pending = @pending OUTPUT,
        @skipped = @skipped OUTPUT,
        @superseded = @superseded OUTPUT;
END;
GO
