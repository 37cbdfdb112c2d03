SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_states (internal): the statement that shows the rows of a batch's changes as they are now, one row a change, present or not.

Parameters  @request: as extract_changes takes it; result: @statement, with the parameters @request and @changes
Errors      those of compile_row

Keys are columns of the exact types: one seek a change.
*/
CREATE OR ALTER PROCEDURE notify.compile_states @request NVARCHAR(MAX), @statement NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

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
END;
GO
