SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
extract_changes: all that the messages of up to some hundred changes need, from one snapshot.

Parameters  @request: processor's extract_request: table_request's fields for one notification, merge_procedure,
            prerequisite_procedure (optional), changes: [{change_number, key: [texts], operation, fields, version}]
            @debug: 1 gives the generated statement and runs nothing
Results     1  beat
            2  states, one row a change: change_number, is_present, is_deleted, shown_stamp, shown_hash, created_stamp, matches
               (bit: the criteria hold; NULL where absent)
            3  prerequisites: change_number, is_ready, reason; no row where there is no prerequisite
            4  merge rows, as the merge procedure gives them: change_number, recipient_key, email, phone, ...
Errors      50150 not read only, 50155 no heartbeat yet, 50157 no such procedure, those of compile_row and of the shop's own
            procedures; 3961, 3947, 3948: try again
Locks       no rows: a secondary reads by snapshot, all results in one explicit transaction; redo of DDL of the table waits for its end.

The shop's procedures take one parameter, @changes: the array as it is in the request.
*/
CREATE OR ALTER PROCEDURE notify.extract_changes @request NVARCHAR(MAX), @debug BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'
        THROW 50150, N'This database is not read only. Point the role replica at a readable secondary (ApplicationIntent=ReadOnly), not at source.', 1;

    DECLARE @statement NVARCHAR(MAX);
    DECLARE @merge_procedure NVARCHAR(600);
    DECLARE @prerequisite_procedure NVARCHAR(600);
    DECLARE @message NVARCHAR(2048);
    DECLARE @beat BIGINT;
    DECLARE @changes NVARCHAR(MAX) = JSON_QUERY(@request, '$.changes');

    BEGIN TRY
        EXECUTE notify.compile_states @request = @request, @statement = @statement OUTPUT;

        IF @debug = 1
        BEGIN
            SELECT @statement AS statement_text;
            RETURN;
        END;

        /* A procedure's name is executed as the catalog spells it, or not at all. */
        SELECT @merge_procedure = p.quoted_name
        FROM notify.quoted_procedure(JSON_VALUE(@request, '$.merge_procedure')) AS p;

        SELECT @prerequisite_procedure = p.quoted_name
        FROM notify.quoted_procedure(JSON_VALUE(@request, '$.prerequisite_procedure')) AS p;

        SET @message = CASE
                WHEN @merge_procedure IS NULL THEN JSON_VALUE(@request, '$.merge_procedure')
                WHEN @prerequisite_procedure IS NULL THEN JSON_VALUE(@request, '$.prerequisite_procedure')
            END;
        IF @message IS NOT NULL OR @merge_procedure IS NULL
        BEGIN
            SET @message = CONCAT(
                    N'There is no procedure ',
                    @message,
                    N' in this database, or the caller may not execute it. Deploy it on source and wait until it has arrived here.'
                );
            THROW 50157, @message, 1;
        END;

        BEGIN TRANSACTION;

        SELECT @beat = h.beat FROM notify.heartbeat AS h WHERE h.heartbeat_id = 1;

        IF @beat IS NULL
            THROW 50155, N'This database shows no heartbeat. Schedule notify.beat_heartbeat on source (sql/jobs), and wait until its row has arrived here.', 1;

        SELECT @beat AS beat;

        EXECUTE sys.sp_executesql
            @statement,
            N'@request nvarchar(max), @changes nvarchar(max)',
            @request = @request,
            @changes = @changes;

        IF @prerequisite_procedure IS NULL
            SELECT none.change_number AS change_number, none.is_ready AS is_ready, none.reason AS reason
            FROM (VALUES (CONVERT(BIGINT, 0), CONVERT(BIT, 0), CONVERT(NVARCHAR(400), N''))) AS none (
                change_number,
                is_ready,
                reason
            )
            WHERE 1 = 0;
        ELSE
            EXECUTE @prerequisite_procedure @changes = @changes;

        EXECUTE @merge_procedure @changes = @changes;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
