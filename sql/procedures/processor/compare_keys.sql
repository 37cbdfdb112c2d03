SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compare_keys: compares a finished reading of all keys with the stored key snapshots, records the deletes, and makes the reading
the new snapshot of every notification that was compared.

Parameters  @key_scan_id: its rows are recorded, all of them; @beat: as read_keys gave it
Result      one row: outcome (compared, first, behind, held), recorded, pending, skipped, superseded, vanished, held (bit)
            first: no notification had a snapshot yet. behind: the replica is not proven ahead of the stored snapshots, nothing
            changes. held: more vanished than is believed (mass_delete_percent, mass_delete_rows): nothing is recorded, an alert
            is raised, approve_held_deletes goes on.
Errors      50040 the reading has ended
Locks       a transaction a page, each: watched_table (update), key_scan, then change; the last one key_snapshot, too

Deletes are recorded in pages of at most 4,000 changes. The snapshots are pointers, and move with the last page: whoever dies
before leaves a reading that can be compared again, and what is recorded is not recorded twice. A notification that got another
snapshot meanwhile (activation) keeps that one. Rows of a reading never change once it is compared: they are read without a lock.
*/
CREATE OR ALTER PROCEDURE notify.compare_keys @key_scan_id BIGINT, @beat BIGINT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @outcome VARCHAR(10);
    DECLARE @snapshots NVARCHAR(MAX);
    DECLARE @base_key_scan_id BIGINT = 0;
    DECLARE @after_match NVARCHAR(450);
    DECLARE @is_last BIT = 0;
    DECLARE @vanished INTEGER = 0;
    DECLARE @recorded INTEGER = 0;
    DECLARE @pending INTEGER = 0;
    DECLARE @superseded INTEGER = 0;

    BEGIN TRY
        EXECUTE notify.begin_comparison
            @key_scan_id = @key_scan_id,
            @beat = @beat,
            @outcome = @outcome OUTPUT,
            @snapshots = @snapshots OUTPUT;

        IF @outcome = 'compared'
            EXECUTE notify.count_vanished
                @key_scan_id = @key_scan_id,
                @snapshots = @snapshots,
                @vanished = @vanished OUTPUT,
                @outcome = @outcome OUTPUT;

        IF @outcome <> 'compared'
            SET @is_last = 1;

        WHILE @outcome <> 'behind'
        BEGIN
            BEGIN TRANSACTION;

            EXECUTE notify.lock_key_scan @key_scan_id = @key_scan_id;

            IF @is_last = 0 AND @base_key_scan_id IS NOT NULL
                EXECUTE notify.record_vanished
                    @key_scan_id = @key_scan_id,
                    @snapshots = @snapshots,
                    @base_key_scan_id = @base_key_scan_id OUTPUT,
                    @after_match = @after_match OUTPUT,
                    @recorded = @recorded OUTPUT,
                    @pending = @pending OUTPUT,
                    @superseded = @superseded OUTPUT;
            ELSE IF @is_last = 0
                EXECUTE notify.record_short_lived
                    @key_scan_id = @key_scan_id,
                    @snapshots = @snapshots,
                    @is_last = @is_last OUTPUT,
                    @recorded = @recorded OUTPUT,
                    @pending = @pending OUTPUT,
                    @superseded = @superseded OUTPUT;

            IF @is_last = 1
                EXECUTE notify.end_comparison
                    @key_scan_id = @key_scan_id,
                    @snapshots = @snapshots,
                    @outcome = @outcome,
                    @vanished = @vanished;

            COMMIT TRANSACTION;

            IF @is_last = 1
                BREAK;
        END;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    EXECUTE notify.clear_key_scans;

    SELECT
        @outcome AS outcome,
        @recorded AS recorded,
        @pending AS pending,
        @recorded - @pending AS skipped,
        @superseded AS superseded,
        @vanished AS vanished,
        CONVERT(BIT, CASE WHEN @outcome = 'held' THEN 1 ELSE 0 END) AS held;
END;
GO
