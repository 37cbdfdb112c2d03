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
Locks       none: a secondary reads by snapshot, all results in one explicit transaction.

The shop's procedures take one parameter, @changes: the array as it is in the request.
*/
CREATE OR ALTER PROCEDURE notify.extract_changes @request NVARCHAR(MAX), @debug BIT = 0
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
    DECLARE @key_columns NVARCHAR(MAX);
    DECLARE @key_joins NVARCHAR(MAX);
    DECLARE @first_key NVARCHAR(300);
    DECLARE @statement NVARCHAR(MAX);
    DECLARE @merge_procedure NVARCHAR(600);
    DECLARE @prerequisite_procedure NVARCHAR(600);
    DECLARE @message NVARCHAR(2048);
    DECLARE @beat BIGINT;
    DECLARE @changes NVARCHAR(MAX) = JSON_QUERY(@request, '$.changes');

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
            @matches = @matches OUTPUT;

        /* Keys as variables of the exact type: one seek a change. */
        SELECT
            @key_columns = STRING_AGG(
                CONVERT(
                    NVARCHAR(MAX),
                    CONCAT(
                        REPLACE(
                            tc.from_text,
                            N'?',
                            CONCAT(N'JSON_VALUE(j.[key], ''$[', CONVERT(INTEGER, k.[key]), N']'')')
                        ),
                        N' AS key_',
                        CONVERT(INTEGER, k.[key])
                    )
                ),
                N', '
            ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key])),
            @key_joins = STRING_AGG(
                CONVERT(NVARCHAR(MAX), CONCAT(tc.reference, N' = c.key_', CONVERT(INTEGER, k.[key]))),
                N' AND '
            ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key]))
        FROM OPENJSON(@request, '$.keys') AS k
        JOIN notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
            ON tc.column_name = k.value;

        SELECT @first_key = tc.reference
        FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
        WHERE tc.column_name = JSON_VALUE(@request, '$.keys[0]');

        SET @statement = CONCAT(
                @declarations,
                N'SELECT
    c.change_number AS change_number,
    CONVERT(bit, CASE WHEN ',
                @first_key,
                N' IS NULL THEN 0 ELSE 1 END) AS is_present,
    ',
                @is_deleted,
                N' AS is_deleted,
    CASE WHEN ',
                @first_key,
                N' IS NOT NULL THEN ',
                @state_stamp,
                N' END AS shown_stamp,
    CASE WHEN ',
                @first_key,
                N' IS NOT NULL THEN ',
                @state_hash,
                N' END AS shown_hash,
    ',
                @created_stamp,
                N' AS created_stamp,
    CONVERT(bit, CASE WHEN ',
                @first_key,
                N' IS NOT NULL THEN CASE WHEN ',
                @matches,
                N' = N''[]'' THEN 0 ELSE 1 END END) AS matches
FROM (
    SELECT j.change_number AS change_number, ',
                @key_columns,
                N'
    FROM OPENJSON(@changes) WITH (change_number bigint, [key] nvarchar(max) AS JSON) AS j
) AS c
LEFT JOIN ',
                @table_name,
                N' AS t ON ',
                @key_joins,
                N'
ORDER BY c.change_number
OPTION (RECOMPILE);'
            );

        IF @debug = 1
        BEGIN
            SELECT @statement AS statement_text;
            RETURN;
        END;

        /* A procedure's name is executed as the catalog spells it, or not at all. */
        SELECT @merge_procedure = p.quoted_name
        FROM (
            SELECT
                OBJECT_SCHEMA_NAME(object_id) + N'.' + name AS full_name,
                QUOTENAME(OBJECT_SCHEMA_NAME(object_id)) + N'.' + QUOTENAME(name) AS quoted_name
            FROM sys.procedures
        ) AS p
        WHERE p.full_name = JSON_VALUE(@request, '$.merge_procedure');

        SELECT @prerequisite_procedure = p.quoted_name
        FROM (
            SELECT
                OBJECT_SCHEMA_NAME(object_id) + N'.' + name AS full_name,
                QUOTENAME(OBJECT_SCHEMA_NAME(object_id)) + N'.' + QUOTENAME(name) AS quoted_name
            FROM sys.procedures
        ) AS p
        WHERE p.full_name = JSON_VALUE(@request, '$.prerequisite_procedure');

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
