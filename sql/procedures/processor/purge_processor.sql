SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
purge_processor: deletes what is done and old, one step of each kind per call.

Parameters  @older_than_days: at least 7; @batch_size: at most so many rows of a kind, 1 to 4000.
Result      one row: changes, history, batches, runs, alerts (rows deleted), has_more.
Errors      50013 a parameter is out of range
A record's newest state and its insert are kept as long as its notification is in force: by them a later change is judged, and an
insert not mailed twice. A record whose deletion from the table is itself old goes wholly.
Low deadlock priority: a cycle goes first. The index by completed_at is read from its old end, past what is kept.
*/
CREATE OR ALTER PROCEDURE notify.purge_processor @older_than_days INTEGER = 90, @batch_size INTEGER = 4000
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET DEADLOCK_PRIORITY LOW;
    DECLARE @before DATETIME2(3) = DATEADD(day, -@older_than_days, notify.utc_now());
    DECLARE @changes INTEGER;
    DECLARE @history INTEGER;
    DECLARE @batches INTEGER;
    DECLARE @runs INTEGER;
    DECLARE @alerts INTEGER;
    DECLARE @purged TABLE (
        change_id BIGINT NOT NULL PRIMARY KEY
    );

    IF @older_than_days IS NULL OR @older_than_days < 7 OR @batch_size IS NULL OR @batch_size NOT BETWEEN 1 AND 4000
        THROW 50013, N'purge_processor: @older_than_days must be at least 7, @batch_size 1 to 4000.', 1;

    BEGIN TRY
        BEGIN TRANSACTION;

        WITH old AS (
            SELECT TOP (@batch_size) c.change_id
            FROM notify.change AS c
            INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id
            INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
            WHERE c.completed_at < @before
                AND (
                    n.state = 'retired'
                    OR (
                        c.operation <> 'I'
                        AND EXISTS (
                            SELECT 1
                            FROM notify.change AS newer
                            WHERE newer.record_match = c.record_match
                                AND newer.notification_id = c.notification_id
                                AND newer.state_stamp > c.state_stamp
                        )
                    )
                    OR (
                        wt.soft_delete_column IS NULL
                        AND EXISTS (
                            SELECT 1
                            FROM notify.change AS gone
                            WHERE gone.record_match = c.record_match
                                AND gone.notification_id = c.notification_id
                                AND gone.operation = 'D'
                                AND gone.completed_at < @before
                                AND NOT EXISTS (
                                    SELECT 1
                                    FROM notify.change AS later
                                    WHERE later.record_match = gone.record_match
                                        AND later.notification_id = gone.notification_id
                                        AND later.change_id > gone.change_id
                                )
                        )
                    )
                )
            ORDER BY c.completed_at, c.change_id
        )
        DELETE c
        OUTPUT deleted.change_id INTO @purged (change_id)
        FROM notify.change AS c
        INNER JOIN old AS o ON o.change_id = c.change_id
        WHERE c.completed_at < @before; /* asked again of the locked row: a failed one may have been put back meanwhile */
        SET @changes = @@ROWCOUNT;

        DELETE h
        FROM notify.change_history AS h
        INNER JOIN @purged AS p ON p.change_id = h.change_id;
        SET @history = @@ROWCOUNT;

        COMMIT TRANSACTION;

        /* Batches and runs are old at the low end of their numbers; no claimed change refers to a closed batch. */
        WITH old AS (
            SELECT TOP (@batch_size) b.batch_number
            FROM notify.batch AS b
            WHERE b.state <> 'open' AND b.closed_at < @before
            ORDER BY b.batch_number
        )
        DELETE FROM old;
        SET @batches = @@ROWCOUNT;

        WITH old AS (
            SELECT TOP (@batch_size) r.run_id FROM notify.run AS r WHERE r.started_at < @before ORDER BY r.run_id
        )
        DELETE FROM old;
        SET @runs = @@ROWCOUNT;

        WITH old AS (
            SELECT TOP (@batch_size) a.alert_id FROM notify.alert AS a WHERE a.cleared_at < @before ORDER BY a.alert_id
        )
        DELETE FROM old;
        SET @alerts = @@ROWCOUNT;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT
        @changes AS changes,
        @history AS history,
        @batches AS batches,
        @runs AS runs,
        @alerts AS alerts,
        CONVERT(
            BIT,
            CASE
                WHEN @changes = @batch_size
                OR @batches = @batch_size
                OR @runs = @batch_size
                OR @alerts = @batch_size THEN 1
                ELSE 0
            END
        ) AS has_more;
END;
GO
