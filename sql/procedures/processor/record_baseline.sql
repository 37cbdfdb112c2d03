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
*/
CREATE OR ALTER PROCEDURE notify.record_baseline
    @notification_id INTEGER,
    @scans NVARCHAR(MAX),
    @recorded_count INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @guid UNIQUEIDENTIFIER;
    DECLARE @created_low VARCHAR(27);
    DECLARE @recorded TABLE (
        change_id BIGINT NOT NULL PRIMARY KEY
    );

    CREATE TABLE #seen (
        record_key NVARCHAR(450) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
        created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        state_hash VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
        is_deleted BIT NOT NULL,
        beat BIGINT NOT NULL
    );

    /* NULL without a created column: then nothing is an insert. */
    SELECT @guid = n.notification_guid, @created_low = m.low_stamp
    FROM notify.notification AS n
    LEFT JOIN notify.schedule AS s ON s.notification_id = n.notification_id AND s.kind = 'immediate'
    LEFT JOIN notify.stamp_column AS sc ON sc.watched_table_id = n.watched_table_id AND sc.is_created = 1
    LEFT JOIN notify.watermark AS m ON m.schedule_id = s.schedule_id AND m.stamp_column_id = sc.stamp_column_id
    WHERE n.notification_id = @notification_id;

    /* A row may be in the scans of several stamp columns, and in two states if it changed between them. */
    INSERT #seen (record_key, record_match, created_stamp, state_stamp, state_hash, is_deleted, beat)
    SELECT
        MIN(r.record_key),
        r.record_match COLLATE Latin1_General_BIN2,
        MIN(r.created_stamp),
        r.state_stamp,
        r.state_hash,
        r.is_deleted,
        MAX(given.beat)
    FROM OPENJSON(@scans) WITH (
        beat BIGINT,
        rows NVARCHAR(MAX) AS JSON
    ) AS given
    CROSS APPLY OPENJSON(given.rows) WITH (
        record_key NVARCHAR(450),
        record_match NVARCHAR(450),
        created_stamp VARCHAR(27),
        state_stamp VARCHAR(27),
        state_hash VARCHAR(64),
        is_deleted BIT
    ) AS r
    GROUP BY r.record_match COLLATE Latin1_General_BIN2, r.state_stamp, r.state_hash, r.is_deleted;

    INSERT notify.change (
        change_key,
        notification_id,
        record_key,
        record_match,
        operation,
        version,
        state_stamp,
        state_hash,
        created_stamp,
        beat,
        state,
        reason,
        due_at,
        detected_at,
        completed_at
    )
    OUTPUT inserted.change_id INTO @recorded (change_id)
    SELECT
        k.change_key,
        @notification_id,
        judged.record_key,
        judged.record_match,
        judged.operation,
        judged.version,
        judged.state_stamp,
        judged.state_hash,
        judged.created_stamp,
        judged.beat,
        'skipped',
        N'baseline',
        @now,
        @now,
        @now
    FROM (
        SELECT
            s.record_key,
            s.record_match,
            s.created_stamp,
            s.state_stamp,
            s.state_hash,
            s.beat,
            o.operation,
            CASE o.operation WHEN 'I' THEN s.created_stamp ELSE CONCAT(s.state_stamp, '|', s.state_hash) END AS version
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
    ) AS judged
    CROSS APPLY notify.change_key(@guid, judged.record_match, judged.operation, judged.version) AS k
    WHERE NOT EXISTS (SELECT 1 FROM notify.change AS c WHERE c.change_key = k.change_key)
    ORDER BY judged.record_match, judged.state_stamp, judged.beat, judged.operation DESC;
    SET @recorded_count = @@ROWCOUNT;

    INSERT notify.change_history (change_id, from_state, to_state, reason, changed_at)
    SELECT r.change_id, NULL, 'skipped', N'baseline', @now FROM @recorded AS r;
END;
GO
