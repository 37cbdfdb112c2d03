SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_scans: what a cycle has to scan: one row per stamp column of a table that has an active notification.

Parameters  @run_id
Result      stamp_column_id, scan_version, schema_name, table_name, column_name, is_first (never scanned yet), request (JSON for
            detect_changes). Ordered by table and column. No row for a table without an active notification: it is not
            touched at all. Nor for a table with a rowversion while the alert source is open: source was restored (note_heartbeat).
Errors      none of its own
Locks       none held

A shared scan starts at the least low of the table's active schedules; a sweep that has begun goes on at its cursor.
The versions are read first and the requests built after: what changes in between raises the version, and record_changes
refuses what was read under the old one.
*/
CREATE OR ALTER PROCEDURE notify.get_scans @run_id BIGINT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @page_size INTEGER = COALESCE(
            (SELECT TRY_CONVERT(INTEGER, s.value) FROM notify.setting AS s WHERE s.name = 'page_size'),
            4000
        );
    DECLARE @scan TABLE (
        stamp_column_id INTEGER NOT NULL PRIMARY KEY,
        scan_version INTEGER NOT NULL
    );

    INSERT INTO @scan (stamp_column_id, scan_version)
    SELECT sc.stamp_column_id, sc.scan_version
    FROM notify.stamp_column AS sc
    JOIN notify.watched_table AS wt ON wt.watched_table_id = sc.watched_table_id
    WHERE sc.is_scanned = 1
        AND (
            wt.rowversion_column IS NULL
            OR NOT EXISTS (
                SELECT 1
                FROM notify.alert AS a
                WHERE a.kind = 'source' AND a.subject = N'restored' AND a.cleared_at IS NULL
            )
        )
        AND EXISTS (
            SELECT 1
            FROM notify.watermark AS w
            JOIN notify.schedule AS sd ON sd.schedule_id = w.schedule_id
            JOIN notify.notification AS n ON n.notification_id = sd.notification_id
            WHERE w.stamp_column_id = sc.stamp_column_id AND n.state = 'active'
        );

    SELECT
        sc.stamp_column_id AS stamp_column_id,
        found.scan_version AS scan_version,
        wt.schema_name AS schema_name,
        wt.table_name AS table_name,
        sc.column_name AS column_name,
        CONVERT(BIT, CASE WHEN sc.scanned_at IS NULL THEN 1 ELSE 0 END) AS is_first,
        notify.table_request(
            sc.watched_table_id,
            sc.stamp_column_id,
            NULL,
            least.low_stamp,
            NULL,
            sc.cursor_stamp,
            sc.cursor_key,
            @page_size
        ) AS request
    FROM @scan AS found
    JOIN notify.stamp_column AS sc ON sc.stamp_column_id = found.stamp_column_id
    JOIN notify.watched_table AS wt ON wt.watched_table_id = sc.watched_table_id
    CROSS APPLY (
        SELECT MIN(w.low_stamp) AS low_stamp
        FROM notify.watermark AS w
        JOIN notify.schedule AS sd ON sd.schedule_id = w.schedule_id
        JOIN notify.notification AS n ON n.notification_id = sd.notification_id
        WHERE w.stamp_column_id = sc.stamp_column_id AND n.state = 'active'
    ) AS least
    WHERE least.low_stamp IS NOT NULL
    ORDER BY wt.schema_name, wt.table_name, sc.column_name;
END;
GO
