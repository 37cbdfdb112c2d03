SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_scan (internal): the statement that reads a page of a table's rows above a stamp into detect_changes' #detected, in the
order of (stamp, keys).

Parameters  @request: as detect_changes takes it; results: @statement, with the parameters @request, @page_size, @low_text,
            @high_text, @cursor_text; @type_name, @scale: of the stamp column
Errors      those of compile_row and check_row_cap

One seek and one range of the stamp, which ends with the page where the index holds the keys too: stamp > @low, or from the row
(cursor_stamp, cursor_key) on, which is above it. Rows of the cursor's own stamp are passed over in the index.
*/
CREATE OR ALTER PROCEDURE notify.compile_scan
    @request NVARCHAR(MAX),
    @statement NVARCHAR(MAX) OUTPUT,
    @type_name sysname OUTPUT,
    @scale TINYINT OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @columns NVARCHAR(MAX);
    DECLARE @parts NVARCHAR(MAX);
    DECLARE @stamp NVARCHAR(300);
    DECLARE @stamp_text NVARCHAR(500);
    DECLARE @stamp_type NVARCHAR(300);
    DECLARE @stamp_value NVARCHAR(400);
    DECLARE @bounds NVARCHAR(MAX);
    DECLARE @range NVARCHAR(MAX);

    EXECUTE notify.compile_row @request = @request, @columns = @columns OUTPUT, @parts = @parts OUTPUT;

    SELECT
        @stamp = tc.reference,
        @stamp_text = tc.as_stamp,
        @stamp_type = tc.variable_type,
        @stamp_value = tc.variable_value,
        @type_name = tc.type_name,
        @scale = tc.scale
    FROM notify.described_columns(@columns) AS tc
    WHERE tc.column_name = JSON_VALUE(@request, '$.stamp');

    EXECUTE notify.check_row_cap @request = @request;

    IF JSON_VALUE(@request, '$.cursor_stamp') IS NULL
    BEGIN
        SET @bounds = CONCAT(N'DECLARE @low ', @stamp_type, N' = ', REPLACE(@stamp_value, N'?', N'@low_text'), N';');
        SET @range = @stamp + N' > @low';
    END;
    ELSE
        SELECT
            @bounds = CONCAT(
                N'DECLARE @cursor ',
                @stamp_type,
                N' = ',
                REPLACE(@stamp_value, N'?', N'@cursor_text'),
                N';',
                NCHAR(10),
                c.declarations
            ),
            @range = CONCAT(@stamp, N' >= @cursor AND (', @stamp, N' > @cursor OR ', c.predicate, N')')
        FROM notify.cursor_sql(@request, @columns) AS c;

    IF JSON_VALUE(@request, '$.high') IS NOT NULL
    BEGIN
        SET @bounds += CONCAT(
                N' DECLARE @high ',
                @stamp_type,
                N' = ',
                REPLACE(@stamp_value, N'?', N'@high_text'),
                N';'
            );
        SET @range += N' AND ' + @stamp + N' <= @high';
    END;

    SET @parts = JSON_MODIFY(JSON_MODIFY(@parts, '$.stamp', @stamp), '$.stamp_text', @stamp_text);
    SET @parts = JSON_MODIFY(JSON_MODIFY(@parts, '$.bounds', @bounds), '$.range', @range);
    SET @statement = notify.filled_template(
            N'{declarations}{bounds}
INSERT INTO #detected (ordinal, record_key, record_match, stamp, created_stamp, newest_stamp, state_stamp, state_hash, is_deleted, matches, fields)
    SELECT TOP (@page_size)
        ROW_NUMBER() OVER (ORDER BY {stamp}{key_order}),
        {record_key},
        {record_match},
        {stamp_text},
        {created_stamp},
        {newest_stamp},
        {state_stamp},
        {state_hash},
        {is_deleted},
        {matches},
        {fields}
    FROM {table} AS t
    WHERE {range}
    ORDER BY {stamp}{key_order}
    OPTION (RECOMPILE);',
            @parts
        );
END;
GO
