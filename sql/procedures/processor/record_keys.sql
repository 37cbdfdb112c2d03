SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_keys: takes a piece of a reading of all keys; a piece may be repeated.

Parameters  @key_scan_id: from get_key_scans or get_activation; @rows: JSON array of read_keys' rows, at most 4,000
Result      one row: row_count, all rows of the reading so far
Errors      50015 more than 4,000 rows; 50022 a record key of more than 450 characters; 50040 the reading has ended (discarded by a later run, or compared)
Locks       key_scan (update), its new rows
*/
CREATE OR ALTER PROCEDURE notify.record_keys @key_scan_id BIGINT, @rows NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    BEGIN TRY
        BEGIN TRANSACTION;

        IF NOT EXISTS (
               SELECT 1
               FROM notify.key_scan AS ks WITH (UPDLOCK, HOLDLOCK)
               WHERE ks.key_scan_id = @key_scan_id AND ks.state = 'reading'
           )
            THROW 50040, N'This reading of keys has ended: a later run has begun its own. Nothing is recorded.', 1;

        EXECUTE notify.add_key_rows @key_scan_id = @key_scan_id, @rows = @rows;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT ks.row_count AS row_count FROM notify.key_scan AS ks WHERE ks.key_scan_id = @key_scan_id;
END;
GO
