SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
status: how things stand on the processor.

Results     1  notifications that are not retired: notification_name, state, table_name, pending, waiting, claimed, failed (changes),
               oldest_open_at, activated_at, paused_at
            2  scans: table_name, column_name, is_scanned, low_stamp (the least of the active schedules), last_beat, scanned_at,
               is_sweeping (between two pages)
            3  the last 10 runs: run_id, host, process_id, started_at, ended_at, outcome, summary
            4  open alerts: alert_id, kind, subject, severity, message, raise_count, raised_at, last_raised_at
            5  heartbeat: beat, seen_at, standing_seconds (by this server's clock); no row: none was ever seen
            6  key scans that wait for a person: key_scan_id, table_name, row_count, vanished_count, reason, started_at
*/
CREATE OR ALTER PROCEDURE notify.status
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();

    /* Three filtered indexes hold what is open and what failed: counted without touching what is done. */
    WITH counted AS (
        SELECT c.notification_id, c.state, COUNT(*) AS change_count, MIN(c.due_at) AS oldest_at
        FROM notify.change AS c
        WHERE c.state IN ('pending', 'waiting')
        GROUP BY c.notification_id, c.state
        UNION ALL
        SELECT c.notification_id, c.state, COUNT(*), MIN(c.due_at)
        FROM notify.change AS c
        WHERE c.batch_id IS NOT NULL
        GROUP BY c.notification_id, c.state
        UNION ALL
        SELECT c.notification_id, c.state, COUNT(*), NULL
        FROM notify.change AS c
        WHERE c.state = 'failed'
        GROUP BY c.notification_id, c.state
    )
    SELECT
        n.name AS notification_name,
        n.state,
        wt.schema_name + N'.' + wt.table_name AS table_name,
        COALESCE(SUM(CASE WHEN c.state = 'pending' THEN c.change_count END), 0) AS pending,
        COALESCE(SUM(CASE WHEN c.state = 'waiting' THEN c.change_count END), 0) AS waiting,
        COALESCE(SUM(CASE WHEN c.state = 'claimed' THEN c.change_count END), 0) AS claimed,
        COALESCE(SUM(CASE WHEN c.state = 'failed' THEN c.change_count END), 0) AS failed,
        MIN(c.oldest_at) AS oldest_open_at,
        n.activated_at,
        n.paused_at
    FROM notify.notification AS n
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    LEFT JOIN counted AS c ON c.notification_id = n.notification_id
    WHERE n.state <> 'retired'
    GROUP BY n.name, n.state, wt.schema_name, wt.table_name, n.activated_at, n.paused_at
    ORDER BY n.name;

    SELECT
        wt.schema_name + N'.' + wt.table_name AS table_name,
        sc.column_name,
        sc.is_scanned,
        (
            SELECT MIN(m.low_stamp)
            FROM notify.watermark AS m
            INNER JOIN notify.schedule AS s ON s.schedule_id = m.schedule_id
            INNER JOIN notify.notification AS n ON n.notification_id = s.notification_id
            WHERE m.stamp_column_id = sc.stamp_column_id AND n.state = 'active'
        ) AS low_stamp,
        sc.last_beat,
        sc.scanned_at,
        CONVERT(BIT, CASE WHEN sc.cursor_stamp IS NOT NULL THEN 1 ELSE 0 END) AS is_sweeping
    FROM notify.stamp_column AS sc
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = sc.watched_table_id
    ORDER BY wt.schema_name, wt.table_name, sc.stamp_column_id;

    SELECT TOP (10) r.run_id, r.host, r.process_id, r.started_at, r.ended_at, r.outcome, r.summary
    FROM notify.run AS r
    ORDER BY r.run_id DESC;

    SELECT a.alert_id, a.kind, a.subject, a.severity, a.message, a.raise_count, a.raised_at, a.last_raised_at
    FROM notify.alert AS a
    WHERE a.cleared_at IS NULL
    ORDER BY a.last_raised_at DESC, a.alert_id;

    SELECT h.beat, h.seen_at, DATEDIFF(second, h.seen_at, @now) AS standing_seconds
    FROM notify.heartbeat_seen AS h
    WHERE h.heartbeat_seen_id = 1;

    SELECT
        ks.key_scan_id,
        wt.schema_name + N'.' + wt.table_name AS table_name,
        ks.row_count,
        ks.vanished_count,
        ks.reason,
        ks.started_at
    FROM notify.key_scan AS ks
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = ks.watched_table_id
    WHERE ks.ended_at IS NULL AND ks.state = 'held'
    ORDER BY ks.key_scan_id;
END;
GO
