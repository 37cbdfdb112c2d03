SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
set_baseline: from scans of one moment, the lows of a notification and the rows that count as history. Within the caller's transaction.

Parameters  @notification_id; @scans: JSON list of {column_name, beat, safe_stamp, is_last_page, rows}, one per stamp column, as
            detect_changes gave them for get_activation's requests; @policy: skip (all lows are set, every visible row above them is
            recorded as skipped, reason baseline) or catch_up (only columns without a watermark get one; nothing is recorded,
            unless no column had a watermark); @is_standing: what note_scans said of the scans' heartbeat; @recorded_count: out.
Errors      50006 a stamp column is not among the scans; 50007 a scan saw no heartbeat; 50008 the heartbeat stands still;
            50009 a scan is not complete
Low never moves back: on a replica that is behind, the old low stays.
*/
CREATE OR ALTER PROCEDURE notify.set_baseline
    @notification_id INTEGER,
    @scans NVARCHAR(MAX),
    @policy VARCHAR(10),
    @is_standing BIT,
    @recorded_count INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @missing NVARCHAR(MAX);
    DECLARE @message NVARCHAR(2048);
    DECLARE @is_first BIT = 0;
    DECLARE @schedule_id INTEGER;
    DECLARE @scan TABLE (
        stamp_column_id INTEGER NOT NULL PRIMARY KEY,
        is_created BIT NOT NULL,
        beat BIGINT NULL,
        safe_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        is_last_page BIT NULL,
        rows NVARCHAR(MAX) NULL
    );

    SELECT @schedule_id = s.schedule_id
    FROM notify.schedule AS s
    WHERE s.notification_id = @notification_id AND s.kind = 'immediate';
    IF NOT EXISTS (SELECT 1 FROM notify.watermark AS m WHERE m.schedule_id = @schedule_id)
        SET @is_first = 1;

    INSERT @scan (stamp_column_id, is_created, beat, safe_stamp, is_last_page, rows)
    SELECT sc.stamp_column_id, sc.is_created, given.beat, given.safe_stamp, given.is_last_page, given.rows
    FROM notify.notification AS n
    INNER JOIN notify.stamp_column AS sc ON sc.watched_table_id = n.watched_table_id
    INNER JOIN OPENJSON(@scans) WITH (
        column_name NVARCHAR(128),
        beat BIGINT,
        safe_stamp VARCHAR(27),
        is_last_page BIT,
        rows NVARCHAR(MAX) AS JSON
    ) AS given ON given.column_name COLLATE Latin1_General_BIN2 = sc.column_name
    WHERE n.notification_id = @notification_id;

    SELECT @missing = STRING_AGG(CONVERT(NVARCHAR(MAX), sc.column_name), N', ') WITHIN GROUP (ORDER BY sc.column_name)
    FROM notify.notification AS n
    INNER JOIN notify.stamp_column AS sc ON sc.watched_table_id = n.watched_table_id
    WHERE n.notification_id = @notification_id
        AND NOT EXISTS (SELECT 1 FROM @scan AS s WHERE s.stamp_column_id = sc.stamp_column_id);
    IF @missing IS NOT NULL
    BEGIN
        SET @message = CONCAT(
                N'No scan of the stamp column ',
                @missing,
                N' was given. Read get_activation''s requests on the replica, all of them.'
            );
        THROW 50006, @message, 1;
    END;
    IF EXISTS (SELECT 1 FROM @scan AS s WHERE COALESCE(s.beat, 0) <= 0 OR s.safe_stamp IS NULL)
        THROW 50007, N'The replica shows no heartbeat, so that nothing says up to where it may be trusted. Deploy sql/source and start the job "notify heartbeat" on source.', 1;
    IF EXISTS (SELECT 1 FROM @scan AS s WHERE s.is_last_page = 0)
        THROW 50009, N'More rows lie above the safe point than one page holds: a long transaction or a bulk load is open on source, or the heartbeat is old. Try again later.', 1;
    IF @is_standing = 1
        THROW 50008, N'The heartbeat stands still (see the alert heartbeat). Start the job "notify heartbeat" on source, or the replica''s redo, and try again.', 1;

    UPDATE m
    SET m.low_stamp = s.safe_stamp, m.baseline_stamp = s.safe_stamp, m.moved_at = @now
    FROM notify.watermark AS m
    INNER JOIN @scan AS s ON s.stamp_column_id = m.stamp_column_id
    WHERE m.schedule_id = @schedule_id AND @policy = 'skip' AND m.low_stamp < s.safe_stamp;
    UPDATE m
    SET m.baseline_beat = s.beat
    FROM notify.watermark AS m
    INNER JOIN @scan AS s ON s.stamp_column_id = m.stamp_column_id
    WHERE m.schedule_id = @schedule_id AND @policy = 'skip' AND m.baseline_beat < s.beat;
    INSERT notify.watermark (schedule_id, stamp_column_id, baseline_stamp, low_stamp, baseline_beat, moved_at)
    SELECT @schedule_id, s.stamp_column_id, s.safe_stamp, s.safe_stamp, s.beat, @now
    FROM @scan AS s
    WHERE NOT EXISTS (
            SELECT 1
            FROM notify.watermark AS m
            WHERE m.schedule_id = @schedule_id AND m.stamp_column_id = s.stamp_column_id
        );

    SET @recorded_count = 0;
    IF @policy = 'skip' OR @is_first = 1
        EXECUTE notify.record_baseline
            @notification_id = @notification_id,
            @scans = @scans,
            @recorded_count = @recorded_count OUTPUT;
END;
GO
