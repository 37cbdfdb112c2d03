SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
move_low (internal): how far a scan has come after a page: the sweep's place, and with the last page the watermarks. Within
record_changes' transaction, which holds the stamp column's row.

Parameters  @stamp_column_id; @beat, @safe_stamp, @is_last_page: of the page; @cursor_stamp, @cursor_key: of its last row
Locks       stamp_column, watermark

Low moves with the last page only, to the least safe stamp of all pages, and never back. Of a notification whose baseline is younger
than one of the pages it stays: their rows counted as history, and are read again.
*/
CREATE OR ALTER PROCEDURE notify.move_low
    @stamp_column_id INTEGER,
    @beat BIGINT,
    @safe_stamp VARCHAR(27),
    @is_last_page BIT,
    @cursor_stamp VARCHAR(27),
    @cursor_key NVARCHAR(450)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @least_safe_stamp VARCHAR(27);
    DECLARE @least_beat BIGINT;

    SELECT
        @least_safe_stamp = CASE WHEN sc.least_safe_stamp < @safe_stamp THEN sc.least_safe_stamp ELSE @safe_stamp END,
        @least_beat = CASE WHEN sc.least_beat < @beat THEN sc.least_beat ELSE @beat END
    FROM notify.stamp_column AS sc
    WHERE sc.stamp_column_id = @stamp_column_id;

    IF @is_last_page = 1
        UPDATE w
        SET w.low_stamp = @least_safe_stamp, w.moved_at = @now
        FROM notify.watermark AS w
        JOIN notify.schedule AS sd ON sd.schedule_id = w.schedule_id
        JOIN notify.notification AS n ON n.notification_id = sd.notification_id
        WHERE w.stamp_column_id = @stamp_column_id
            AND n.state = 'active'
            AND w.low_stamp < @least_safe_stamp
            AND w.baseline_beat <= @least_beat;

    UPDATE sc
    SET
        sc.scan_version = sc.scan_version + 1,
        sc.cursor_stamp = CASE WHEN @is_last_page = 0 THEN @cursor_stamp END,
        sc.cursor_key = CASE WHEN @is_last_page = 0 THEN @cursor_key END,
        sc.least_safe_stamp = CASE WHEN @is_last_page = 0 THEN @least_safe_stamp END,
        sc.least_beat = CASE WHEN @is_last_page = 0 THEN @least_beat END,
        sc.last_beat = CASE WHEN sc.last_beat > @beat THEN sc.last_beat ELSE @beat END,
        sc.scanned_at = @now
    FROM notify.stamp_column AS sc
    WHERE sc.stamp_column_id = @stamp_column_id;
END;
GO
