SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_audit_scans: what the audit reads on the replica, and the lows of this moment. The first of the audit's readings: what
happens later can only add to what is found.

Result      one row per scanned stamp column with an active or paused notification: stamp_column_id, schema_name, table_name, column_name,
            watermarks (JSON for audit_changes: [{notification_id, baseline_stamp, low_stamp, created_baseline}]), request (JSON
            for detect_changes: above the least baseline, up to the greatest low, first page; for the next page set its
            cursor_stamp and cursor_key to the last row's stamp and record_key)
Errors      none of its own
Locks       none held
*/
CREATE OR ALTER PROCEDURE notify.get_audit_scans
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @page_size INTEGER = COALESCE(
            (SELECT TRY_CONVERT(INTEGER, s.value) FROM notify.setting AS s WHERE s.name = 'page_size'),
            4000
        );
    DECLARE @watermark TABLE (
        stamp_column_id INTEGER NOT NULL,
        notification_id INTEGER NOT NULL,
        baseline_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        low_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        created_baseline VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        PRIMARY KEY (stamp_column_id, notification_id)
    );

    INSERT INTO @watermark (stamp_column_id, notification_id, baseline_stamp, low_stamp, created_baseline)
    SELECT n.stamp_column_id, n.notification_id, n.baseline_stamp, n.low_stamp, n.created_baseline
    FROM notify.scanned_notification AS n
    WHERE n.is_scanned = 1 AND n.state IN ('active', 'paused');

    SELECT
        sc.stamp_column_id AS stamp_column_id,
        wt.schema_name AS schema_name,
        wt.table_name AS table_name,
        sc.column_name AS column_name,
        (
            SELECT
                w.notification_id AS notification_id,
                w.baseline_stamp AS baseline_stamp,
                w.low_stamp AS low_stamp,
                w.created_baseline AS created_baseline
            FROM @watermark AS w
            WHERE w.stamp_column_id = sc.stamp_column_id
            ORDER BY w.notification_id
            FOR JSON PATH
        ) AS watermarks,
        notify.table_request(
            sc.watched_table_id,
            sc.stamp_column_id,
            NULL,
            bounds.low_stamp,
            bounds.high_stamp,
            NULL,
            NULL,
            @page_size
        ) AS request
    FROM (
        SELECT w.stamp_column_id AS stamp_column_id, MIN(w.baseline_stamp) AS low_stamp, MAX(w.low_stamp) AS high_stamp
        FROM @watermark AS w
        GROUP BY w.stamp_column_id
    ) AS bounds
    JOIN notify.stamp_column AS sc ON sc.stamp_column_id = bounds.stamp_column_id
    JOIN notify.watched_table AS wt ON wt.watched_table_id = sc.watched_table_id
    ORDER BY wt.schema_name, wt.table_name, sc.column_name;
END;
GO
