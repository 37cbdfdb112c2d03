SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
store_deletes (internal): judges records that a reading of all keys does not show, and stores the deletes. Within the caller's
transaction, which holds lock_key_scan.

Parameters  @key_scan_id: the reading; @gone: JSON array of {notification_id, record_key, record_match, created_stamp, state_stamp,
            fields, matches}, at most 4,000; counted on: @recorded, @pending, @superseded
Locks       change: those of store_changes

Deleted is, per notification, a record whose newest recorded change is no delete and was not shown by a snapshot as new as the
reading. A record that was deleted and inserted again between two readings is no delete. Version: the last recorded state; the
snapshot's, if none is recorded.
*/
CREATE OR ALTER PROCEDURE notify.store_deletes
    @key_scan_id BIGINT,
    @gone NVARCHAR(MAX),
    @recorded INTEGER OUTPUT,
    @pending INTEGER OUTPUT,
    @superseded INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @run_id BIGINT;
    DECLARE @beat BIGINT;
    DECLARE @is_local BIT;
    DECLARE @changes NVARCHAR(MAX);
    DECLARE @page_recorded INTEGER;
    DECLARE @page_pending INTEGER;
    DECLARE @page_skipped INTEGER;
    DECLARE @page_superseded INTEGER;

    SELECT
        @run_id = ks.run_id,
        @beat = ks.beat,
        @is_local = CASE WHEN wt.time_zone <> N'UTC' AND wt.rowversion_column IS NULL THEN 1 ELSE 0 END
    FROM notify.key_scan AS ks
    JOIN notify.watched_table AS wt ON wt.watched_table_id = ks.watched_table_id
    WHERE ks.key_scan_id = @key_scan_id;

    SET @changes = (
            SELECT
                g.notification_id AS notification_id,
                g.record_key AS record_key,
                g.record_match AS record_match,
                'D' AS operation,
                COALESCE(alive.state_stamp + '|' + alive.state_hash, g.state_stamp + '|') AS version,
                COALESCE(alive.state_stamp, g.state_stamp) AS state_stamp,
                COALESCE(alive.state_hash, '') AS state_hash,
                COALESCE(alive.created_stamp, g.created_stamp) AS created_stamp,
                COALESCE(alive.fields, g.fields) AS fields,
                CASE WHEN explained.reason IS NULL THEN 'pending' ELSE 'skipped' END AS state,
                explained.reason AS reason
            FROM OPENJSON(@gone) WITH (
                notification_id INTEGER,
                record_key NVARCHAR(450),
                record_match NVARCHAR(450),
                created_stamp VARCHAR(27),
                state_stamp VARCHAR(27),
                fields NVARCHAR(MAX),
                matches NVARCHAR(4000)
            ) AS g
            JOIN notify.notification AS n ON n.notification_id = g.notification_id
            OUTER APPLY notify.latest_change(g.notification_id, g.record_match, @is_local, 0) AS newest
            OUTER APPLY notify.latest_change(g.notification_id, g.record_match, @is_local, 1) AS alive
            CROSS APPLY (
                SELECT
                    CASE
                        /* Did the last state that is known meet the criteria? */
                        WHEN alive.state = 'skipped' AND alive.reason = N'criteria' THEN N'criteria'
                        WHEN (alive.state IS NULL OR (alive.state = 'skipped' AND alive.reason = N'baseline'))
                        AND EXISTS (
                            SELECT 1 FROM OPENJSON(g.matches) AS m WHERE CONVERT(INTEGER, m.value) = -g.notification_id
                        ) THEN N'criteria'
                        WHEN n.on_delete = 0 THEN N'operation'
                    END AS reason
            ) AS explained
            WHERE newest.operation IS NULL OR (newest.operation <> 'D' AND newest.beat < @beat)
            ORDER BY g.record_match COLLATE Latin1_General_BIN2, g.notification_id
            FOR JSON PATH
        );

    EXECUTE notify.store_changes
        @run_id = @run_id,
        @beat = @beat,
        @now = @now,
        @changes = @changes,
        @recorded = @page_recorded OUTPUT,
        @pending = @page_pending OUTPUT,
        @skipped = @page_skipped OUTPUT,
        @superseded = @page_superseded OUTPUT;

    SET @recorded += @page_recorded;
    SET @pending += @page_pending;
    SET @superseded += @page_superseded;
END;
GO
