SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
read_keys: every record of a watched table with the fields that a delete notice needs, for the key snapshot. Read it as a
stream: one statement gives all rows.

Parameters  @request: processor's table_request without stamp; @debug: 1 gives the generated statement and runs nothing
Results     1  beat
            2  record_key, record_match, created_stamp, state_stamp, state_hash, fields (JSON object), matches (JSON array of
               notification ids, negative where the criteria do not hold; who is in neither was not asked about); no order
Errors      50150 not read only, 50155 no heartbeat yet, those of compile_row; 3961, 3947, 3948: try again
Locks       none: a secondary reads by snapshot, heartbeat and rows in one explicit transaction, open while the rows are fetched.

A full scan of the table is what this asks for: it has its own, slower cadence (key_snapshot_minutes).
*/
CREATE OR ALTER PROCEDURE notify.read_keys @request NVARCHAR(MAX), @debug BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'
        THROW 50150, N'This database is not read only. Point the role replica at a readable secondary (ApplicationIntent=ReadOnly), not at source.', 1;

    DECLARE @table_name NVARCHAR(600);
    DECLARE @declarations NVARCHAR(MAX);
    DECLARE @key_order NVARCHAR(MAX);
    DECLARE @record_key NVARCHAR(MAX);
    DECLARE @record_match NVARCHAR(MAX);
    DECLARE @created_stamp NVARCHAR(MAX);
    DECLARE @state_stamp NVARCHAR(MAX);
    DECLARE @state_hash NVARCHAR(MAX);
    DECLARE @is_deleted NVARCHAR(MAX);
    DECLARE @fields NVARCHAR(MAX);
    DECLARE @matches NVARCHAR(MAX);
    DECLARE @statement NVARCHAR(MAX);
    DECLARE @beat BIGINT;

    BEGIN TRY
        EXECUTE notify.compile_row
            @request = @request,
            @table_name = @table_name OUTPUT,
            @declarations = @declarations OUTPUT,
            @key_order = @key_order OUTPUT,
            @record_key = @record_key OUTPUT,
            @record_match = @record_match OUTPUT,
            @created_stamp = @created_stamp OUTPUT,
            @state_stamp = @state_stamp OUTPUT,
            @state_hash = @state_hash OUTPUT,
            @is_deleted = @is_deleted OUTPUT,
            @fields = @fields OUTPUT,
            @matches = @matches OUTPUT,
            @with_misses = 1;

        SET @statement = CONCAT(
                @declarations,
                N'SELECT
    ',
                @record_key,
                N' AS record_key,
    ',
                @record_match,
                N' AS record_match,
    ',
                @created_stamp,
                N' AS created_stamp,
    ',
                @state_stamp,
                N' AS state_stamp,
    ',
                @state_hash,
                N' AS state_hash,
    ',
                @fields,
                N' AS fields,
    ',
                @matches,
                N' AS matches
FROM ',
                @table_name,
                N' AS t
OPTION (RECOMPILE);'
            );

        IF @debug = 1
        BEGIN
            SELECT @statement AS statement_text;
            RETURN;
        END;

        BEGIN TRANSACTION;

        SELECT @beat = h.beat FROM notify.heartbeat AS h WHERE h.heartbeat_id = 1;

        IF @beat IS NULL
            THROW 50155, N'This database shows no heartbeat. Schedule notify.beat_heartbeat on source (sql/jobs), and wait until its row has arrived here.', 1;

        SELECT @beat AS beat;

        EXECUTE sys.sp_executesql @statement, N'@request nvarchar(max)', @request = @request;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
