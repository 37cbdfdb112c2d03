SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_keys: takes a piece of a reading of all keys. Call it with a few thousand rows at a time; a piece may be repeated.

Parameters  @key_scan_id: from get_key_scans; @rows: JSON array of read_keys' rows
Result      one row: row_count, all rows of the reading so far
Errors      50040 the reading has ended (discarded by a later run, or compared)
Locks       key_scan (update), its new rows
*/
CREATE OR ALTER PROCEDURE notify.record_keys @key_scan_id BIGINT, @rows NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @added INTEGER;

    BEGIN TRY
        BEGIN TRANSACTION;

        IF NOT EXISTS (
               SELECT 1
               FROM notify.key_scan AS ks WITH (UPDLOCK, HOLDLOCK)
               WHERE ks.key_scan_id = @key_scan_id AND ks.state = 'reading'
           )
            THROW 50040, N'This reading of keys has ended: a later run has begun its own. Nothing is recorded.', 1;

        INSERT INTO notify.key_scan_row (
            key_scan_id,
            record_key,
            record_match,
            created_stamp,
            state_stamp,
            fields,
            matches
        )
        SELECT @key_scan_id, j.record_key, j.record_match, j.created_stamp, j.state_stamp, j.fields, j.matches
        FROM OPENJSON(@rows) WITH (
            record_key NVARCHAR(450),
            record_match NVARCHAR(450),
            created_stamp VARCHAR(27),
            state_stamp VARCHAR(27),
            fields NVARCHAR(MAX),
            matches NVARCHAR(4000)
        ) AS j
        WHERE NOT EXISTS (
                SELECT 1
                FROM notify.key_scan_row AS kr
                WHERE kr.key_scan_id = @key_scan_id AND kr.record_match = j.record_match COLLATE Latin1_General_BIN2
            );

        SET @added = @@ROWCOUNT;

        UPDATE ks
        SET ks.row_count = ks.row_count + @added
        FROM notify.key_scan AS ks
        WHERE ks.key_scan_id = @key_scan_id;

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
