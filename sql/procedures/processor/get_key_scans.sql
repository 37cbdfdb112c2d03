SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_key_scans: begins a reading of all keys for each table whose key snapshot is due.

Parameters  @run_id
Result      key_scan_id, watched_table_id, schema_name, table_name, request (JSON for read_keys)
Errors      none of its own
Locks       watched_table (update) of the due tables, key_scan

Due: an active notification that wants deletes, and keys were last compared key_snapshot_minutes ago, or it has no snapshot. A
reading that another run has not finished is discarded: it died, or it is slower than the cadence. So is one that was begun for
an activation a day ago.
*/
CREATE OR ALTER PROCEDURE notify.get_key_scans @run_id BIGINT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @begun TABLE (
        key_scan_id BIGINT NOT NULL PRIMARY KEY,
        watched_table_id INTEGER NOT NULL
    );

    BEGIN TRY
        BEGIN TRANSACTION;

        INSERT INTO notify.key_scan (watched_table_id, run_id, state, started_at)
        OUTPUT inserted.key_scan_id, inserted.watched_table_id INTO @begun (key_scan_id, watched_table_id)
        SELECT wt.watched_table_id, @run_id, 'reading', @now
        FROM notify.watched_table AS wt WITH (UPDLOCK)
        WHERE wt.key_snapshot_minutes IS NOT NULL
            AND EXISTS (
                SELECT 1
                FROM notify.notification AS n
                LEFT JOIN notify.key_snapshot AS stored ON stored.notification_id = n.notification_id
                WHERE n.watched_table_id = wt.watched_table_id
                    AND n.state = 'active'
                    AND n.on_delete = 1
                    AND (
                        stored.notification_id IS NULL
                        OR wt.key_snapshot_at IS NULL
                        OR wt.key_snapshot_at <= DATEADD(MINUTE, -wt.key_snapshot_minutes, @now)
                    )
            );

        UPDATE ks
        SET ks.state = 'discarded', ks.reason = N'a later run reads the keys anew', ks.ended_at = @now
        FROM notify.key_scan AS ks
        JOIN @begun AS b ON b.watched_table_id = ks.watched_table_id
        WHERE ks.ended_at IS NULL
            AND ks.state IN ('reading', 'comparing')
            AND ks.notification_id IS NULL
            AND ks.key_scan_id <> b.key_scan_id;

        UPDATE ks
        SET ks.state = 'discarded', ks.reason = N'the activation was not finished', ks.ended_at = @now
        FROM notify.key_scan AS ks
        WHERE ks.ended_at IS NULL AND ks.notification_id IS NOT NULL AND ks.started_at < DATEADD(DAY, -1, @now);

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    EXECUTE notify.clear_key_scans;

    SELECT
        b.key_scan_id AS key_scan_id,
        b.watched_table_id AS watched_table_id,
        wt.schema_name AS schema_name,
        wt.table_name AS table_name,
        notify.table_request(b.watched_table_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS request
    FROM @begun AS b
    JOIN notify.watched_table AS wt ON wt.watched_table_id = b.watched_table_id
    ORDER BY wt.schema_name, wt.table_name;
END;
GO
