SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
begin_comparison (internal): a reading takes no more rows, and is compared with these snapshots. One transaction of its own.

Parameters  @key_scan_id; @beat: of the reading; results: @outcome: compared (go on), first (no notification has a snapshot yet),
            behind (discarded: the reading is not proven later than any stored snapshot); @snapshots: JSON array of
            {notification_id, key_scan_id (left out: it has none yet), beat}
Errors      50040 the reading has ended
Locks       watched_table (update), key_scan

A greater beat is the proof of order, an equal one is none: a notification with a snapshot of this beat or a later one keeps it.
A paused notification takes its deletes as an active one does, the snapshot moves on, and mails them once it is resumed.
*/
CREATE OR ALTER PROCEDURE notify.begin_comparison
    @key_scan_id BIGINT,
    @beat BIGINT,
    @outcome VARCHAR(10) OUTPUT,
    @snapshots NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    BEGIN TRY
        BEGIN TRANSACTION;

        EXECUTE notify.lock_key_scan @key_scan_id = @key_scan_id;

        SET @snapshots = (
                SELECT n.notification_id AS notification_id, stored.key_scan_id AS key_scan_id, base.beat AS beat
                FROM notify.key_scan AS ks
                JOIN notify.notification AS n
                    ON n.watched_table_id = ks.watched_table_id AND n.state IN ('active', 'paused')
                LEFT JOIN notify.key_snapshot AS stored ON stored.notification_id = n.notification_id
                LEFT JOIN notify.key_scan AS base ON base.key_scan_id = stored.key_scan_id
                WHERE ks.key_scan_id = @key_scan_id AND (stored.key_scan_id IS NULL OR base.beat < @beat)
                ORDER BY n.notification_id
                FOR JSON PATH
            );

        SELECT
            @outcome = CASE
                WHEN COUNT(*) = 0 THEN 'behind'
                WHEN COUNT(s.key_scan_id) = 0 THEN 'first'
                ELSE 'compared'
            END
        FROM OPENJSON(@snapshots) WITH (
            key_scan_id BIGINT
        ) AS s;

        UPDATE ks
        SET
            ks.state = CASE
                WHEN @outcome = 'behind' THEN 'discarded'
                WHEN ks.state = 'reading' THEN 'comparing'
                ELSE ks.state
            END,
            ks.beat = @beat,
            ks.vanished_count = 0,
            ks.reason = CASE
                WHEN @outcome = 'behind' THEN N'the replica is not proven ahead of the stored snapshot'
            END,
            ks.ended_at = CASE WHEN @outcome = 'behind' THEN @now END
        FROM notify.key_scan AS ks
        WHERE ks.key_scan_id = @key_scan_id;

        /* It was a reading of the whole table, and the next one has the snapshot's cadence too: not that of the cycles. */
        IF @outcome = 'behind'
            UPDATE wt
            SET wt.key_snapshot_at = @now
            FROM notify.key_scan AS ks
            JOIN notify.watched_table AS wt ON wt.watched_table_id = ks.watched_table_id
            WHERE ks.key_scan_id = @key_scan_id;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
