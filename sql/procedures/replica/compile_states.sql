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

    DECLARE @columns NVARCHAR(MAX);
    DECLARE @parts NVARCHAR(MAX);
    DECLARE @key_columns NVARCHAR(MAX);
    DECLARE @key_joins NVARCHAR(MAX);
    DECLARE @first_key NVARCHAR(300);

    EXECUTE notify.compile_row @request = @request, @columns = @columns OUTPUT, @parts = @parts OUTPUT;

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
        ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key])),
        @first_key = MAX(CASE WHEN k.[key] = N'0' THEN tc.reference END)
    FROM OPENJSON(@request, '$.keys') AS k
    JOIN notify.described_columns(@columns) AS tc ON tc.column_name = k.value;

    SET @parts = JSON_MODIFY(JSON_MODIFY(@parts, '$.key_columns', @key_columns), '$.key_joins', @key_joins);
    SET @parts = JSON_MODIFY(@parts, '$.first_key', @first_key);
    SET @statement = notify.filled_template(
            N'{declarations}SELECT
        c.change_number AS change_number,
        CONVERT(bit, CASE WHEN {first_key} IS NULL THEN 0 ELSE 1 END) AS is_present,
        {is_deleted} AS is_deleted,
        CASE WHEN {first_key} IS NOT NULL THEN {state_stamp} END AS shown_stamp,
        CASE WHEN {first_key} IS NOT NULL THEN {state_hash} END AS shown_hash,
        {created_stamp} AS created_stamp,
        CONVERT(bit, CASE WHEN {first_key} IS NOT NULL THEN CASE WHEN {matches} = N''[]'' THEN 0 ELSE 1 END END) AS matches
    FROM (
        SELECT j.change_number AS change_number, {key_columns}
        FROM OPENJSON(@changes) WITH (change_number bigint, [key] nvarchar(max) AS JSON) AS j
    ) AS c
    LEFT JOIN {table} AS t ON {key_joins}
    ORDER BY c.change_number
    OPTION (RECOMPILE);',
            @parts
        );
END;
GO
