SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
purge_processor: deletes what is done and old, one step of each kind per call. A person or a job calls it until has_more is 0.

Parameters  @older_than_days: at least 7; @batch_size: at most so many rows of a kind, 1 to 4000;
            @has_more: out, as in the result, for a job that has no use for rows. Rows of ended key readings go whatever their age,
            as many as clear_key_scans takes at once, and are not counted
Result      one row: changes, history, batches, key_scans, outcomes, runs, alerts (rows deleted), has_more.
Errors      50013 a parameter is out of range
Low deadlock priority: a cycle goes first. What of the changes is kept, purge_changes says. Kept too: open alerts, whatever their age;
readings that are a notification's key snapshot; the history of definitions. sql/README.md says why.
*/
CREATE OR ALTER PROCEDURE notify.purge_processor
    @older_than_days INTEGER = 90,
    @batch_size INTEGER = 4000,
    @has_more BIT = NULL OUTPUT
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
    DECLARE @key_scans INTEGER;
    DECLARE @outcomes INTEGER;
    DECLARE @has_more_keys BIT;

    IF @older_than_days IS NULL OR @older_than_days < 7 OR @batch_size IS NULL OR @batch_size NOT BETWEEN 1 AND 4000
        THROW 50013, N'purge_processor: @older_than_days must be at least 7, @batch_size 1 to 4000.', 1;

    BEGIN TRY
        EXECUTE notify.purge_changes
            @before = @before,
            @batch_size = @batch_size,
            @changes = @changes OUTPUT,
            @history = @history OUTPUT,
            @has_more = @has_more OUTPUT;

        /* What is old has the low numbers: the first rows are looked at, and no others. No claimed change refers to a closed batch. */
        WITH first_rows AS (
            SELECT TOP (@batch_size) b.batch_number, b.closed_at
            FROM notify.batch AS b
            WHERE b.state <> 'open'
            ORDER BY b.batch_number
        )
        DELETE f
        FROM first_rows AS f
        WHERE f.closed_at < @before;
        SET @batches = @@ROWCOUNT;

        WITH first_rows AS (
            SELECT TOP (@batch_size) r.run_id, r.started_at FROM notify.run AS r ORDER BY r.run_id
        )
        DELETE f
        FROM first_rows AS f
        WHERE f.started_at < @before;
        SET @runs = @@ROWCOUNT;

        WITH first_rows AS (
            SELECT TOP (@batch_size) a.alert_id, a.cleared_at
            FROM notify.alert AS a
            WHERE a.cleared_at IS NOT NULL
            ORDER BY a.alert_id
        )
        DELETE f
        FROM first_rows AS f
        WHERE f.cleared_at < @before;
        SET @alerts = @@ROWCOUNT;

        WITH first_rows AS (
            SELECT TOP (@batch_size) oc.outcome_copy_id, oc.copied_at
            FROM notify.outcome_copy AS oc
            ORDER BY oc.outcome_copy_id
        )
        DELETE f
        FROM first_rows AS f
        WHERE f.copied_at < @before;
        SET @outcomes = @@ROWCOUNT;

        EXECUTE notify.clear_key_scans @has_more = @has_more_keys OUTPUT;

        /* Readings of keys that are nobody's snapshot, once their rows are gone. */
        WITH old AS (
            SELECT TOP (@batch_size) ks.key_scan_id
            FROM notify.key_scan AS ks
            WHERE ks.ended_at < @before
                AND NOT EXISTS (SELECT 1 FROM notify.key_snapshot AS stored WHERE stored.key_scan_id = ks.key_scan_id)
                AND NOT EXISTS (SELECT 1 FROM notify.key_scan_row AS r WHERE r.key_scan_id = ks.key_scan_id)
            ORDER BY ks.ended_at, ks.key_scan_id
        )
        DELETE FROM old;
        SET @key_scans = @@ROWCOUNT;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SET @has_more = CASE
            WHEN @has_more = 1
            OR @has_more_keys = 1
            OR @batches = @batch_size
            OR @runs = @batch_size
            OR @alerts = @batch_size
            OR @key_scans = @batch_size
            OR @outcomes = @batch_size THEN 1
            ELSE 0
        END;

    SELECT
        @changes AS changes,
        @history AS history,
        @batches AS batches,
        @key_scans AS key_scans,
        @outcomes AS outcomes,
        @runs AS runs,
        @alerts AS alerts,
        @has_more AS has_more;
END;
GO
