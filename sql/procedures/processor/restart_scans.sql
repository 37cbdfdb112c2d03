SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
restart_scans: makes every scan under way on a table worthless, so that none is recorded by definitions that no longer hold.

Within the caller's transaction. A sweep in several pages starts again at the lows, which have not moved.
*/
CREATE OR ALTER PROCEDURE notify.restart_scans @watched_table_id INTEGER
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    UPDATE sc
    SET
        sc.scan_version = sc.scan_version + 1,
        sc.cursor_stamp = NULL,
        sc.cursor_key = NULL,
        sc.least_safe_stamp = NULL,
        sc.least_beat = NULL
    FROM notify.stamp_column AS sc
    WHERE sc.watched_table_id = @watched_table_id;
END;
GO
