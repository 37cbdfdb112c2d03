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
Locks       no rows: a secondary reads by snapshot, heartbeat and rows in one explicit transaction, open while the rows are fetched.
            Meanwhile redo waits behind DDL of the table, and the primary keeps ghosts and row versions: sql/README.md

A full scan of the table is what this asks for: it has its own, slower cadence (key_snapshot_minutes).
*/
CREATE OR ALTER PROCEDURE notify.read_keys @request NVARCHAR(MAX), @debug BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'
        THROW 50150, N'This database is not read only. Point the role replica at a readable secondary (ApplicationIntent=ReadOnly), not at source.', 1;

    DECLARE @parts NVARCHAR(MAX);
    DECLARE @statement NVARCHAR(MAX);
    DECLARE @beat BIGINT;

    BEGIN TRY
        EXECUTE notify.compile_row @request = @request, @with_misses = 1, @parts = @parts OUTPUT;

        SET @statement = notify.filled_template(
                N'{declarations}SELECT
    {record_key} AS record_key,
    {record_match} AS record_match,
    {created_stamp} AS created_stamp,
    {state_stamp} AS state_stamp,
    {state_hash} AS state_hash,
    {fields} AS fields,
    {matches} AS matches
FROM {table} AS t
OPTION (RECOMPILE);',
                @parts
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
