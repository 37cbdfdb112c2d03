SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_scan (internal): the statement that reads a page of a table's rows above a stamp into detect_changes' #detected, in the
order of (stamp, keys).

Parameters  @request: as detect_changes takes it; results: @statement, with the parameters @request, @page_size, @low_text,
            @high_text, @cursor_text; @type_name, @scale: of the stamp column
Errors      those of compile_row and check_row_cap

One seek: stamp > @low, in pages from stamp >= @cursor on, and behind the cursor's keys, which compare one after the other.
*/
CREATE OR ALTER PROCEDURE notify.compile_scan
    @request NVARCHAR(MAX),
    @statement NVARCHAR(MAX) OUTPUT,
    @type_name sysname OUTPUT,
    @scale TINYINT OUTPUT
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
    DECLARE @newest_stamp NVARCHAR(MAX);
    DECLARE @stamp NVARCHAR(300);
    DECLARE @stamp_text NVARCHAR(500);
    DECLARE @stamp_type NVARCHAR(300);
    DECLARE @stamp_from_text NVARCHAR(400);
    DECLARE @key_declarations NVARCHAR(MAX) = N'';
    DECLARE @key_after NVARCHAR(MAX);
    DECLARE @high VARCHAR(27) = JSON_VALUE(@request, '$.high');
    DECLARE @cursor_stamp VARCHAR(27) = JSON_VALUE(@request, '$.cursor_stamp');

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
        @newest_stamp = @newest_stamp OUTPUT;

    SELECT
        @stamp = tc.reference,
        @stamp_text = tc.as_stamp,
        @stamp_type = tc.declared_type,
        @stamp_from_text = tc.from_text,
        @type_name = tc.type_name,
        @scale = tc.scale
    FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
    WHERE tc.column_name = JSON_VALUE(@request, '$.stamp');

    EXECUTE notify.check_row_cap @request = @request;

    /* The page goes on behind the row (cursor_stamp, cursor_key); keys compare one after the other. */
    IF @cursor_stamp IS NOT NULL
        SELECT
            @key_declarations = STRING_AGG(
                CONVERT(
                    NVARCHAR(MAX),
                    CONCAT(
                        N'DECLARE @key_',
                        CONVERT(INTEGER, k.[key]),
                        N' ',
                        tc.declared_type,
                        N' = ',
                        REPLACE(
                            tc.from_text,
                            N'?',
                            CONCAT(N'JSON_VALUE(@request, ''$.cursor_key[', CONVERT(INTEGER, k.[key]), N']'')')
                        ),
                        N';',
                        NCHAR(10)
                    )
                ),
                N''
            ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key])),
            @key_after = STRING_AGG(
                CONVERT(
                    NVARCHAR(MAX),
                    CONCAT(
                        N'(',
                        COALESCE(before.equal, N''),
                        tc.reference,
                        N' > @key_',
                        CONVERT(INTEGER, k.[key]),
                        N')'
                    )
                ),
                N' OR '
            ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key]))
        FROM OPENJSON(@request, '$.keys') AS k
        JOIN notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
            ON tc.column_name = k.value
        OUTER APPLY (
            SELECT
                STRING_AGG(
                    CONVERT(
                        NVARCHAR(MAX),
                        CONCAT(N't.', QUOTENAME(j.value), N' = @key_', CONVERT(INTEGER, j.[key]), N' AND ')
                    ),
                    N''
                ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, j.[key])) AS equal
            FROM OPENJSON(@request, '$.keys') AS j
            WHERE CONVERT(INTEGER, j.[key]) < CONVERT(INTEGER, k.[key])
        ) AS before;

    SET @statement = CONCAT(
            @declarations,
            N'DECLARE @low ',
            @stamp_type,
            N' = ',
            REPLACE(@stamp_from_text, N'?', N'@low_text'),
            N';',
            NCHAR(10),
            CASE
                WHEN @high IS NOT NULL THEN CONCAT(
                    N'DECLARE @high ',
                    @stamp_type,
                    N' = ',
                    REPLACE(@stamp_from_text, N'?', N'@high_text'),
                    N';',
                    NCHAR(10)
                )
            END,
            CASE
                WHEN @cursor_stamp IS NOT NULL THEN CONCAT(
                    N'DECLARE @cursor ',
                    @stamp_type,
                    N' = ',
                    REPLACE(@stamp_from_text, N'?', N'@cursor_text'),
                    N';',
                    NCHAR(10),
                    @key_declarations
                )
            END,
            N'INSERT INTO #detected (ordinal, record_key, record_match, stamp, created_stamp, newest_stamp, state_stamp, state_hash, is_deleted, matches, fields)
    SELECT TOP (@page_size)
        ROW_NUMBER() OVER (ORDER BY ',
            @stamp,
            N', ',
            @key_order,
            N'),
        ',
            @record_key,
            N',
        ',
            @record_match,
            N',
        ',
            @stamp_text,
            N',
        ',
            @created_stamp,
            N',
        ',
            @newest_stamp,
            N',
        ',
            @state_stamp,
            N',
        ',
            @state_hash,
            N',
        ',
            @is_deleted,
            N',
        ',
            @matches,
            N',
        ',
            @fields,
            N'
    FROM ',
            @table_name,
            N' AS t
    WHERE ',
            @stamp,
            N' > @low',
            CASE WHEN @high IS NOT NULL THEN N' AND ' + @stamp + N' <= @high' END,
            CASE
                WHEN @cursor_stamp IS NOT NULL THEN N' AND ' +
                @stamp +
                N' >= @cursor AND (' +
                @stamp +
                N' > @cursor OR ' +
                @key_after +
                N')'
            END,
            N'
    ORDER BY ',
            @stamp,
            N', ',
            @key_order,
            N'
    OPTION (RECOMPILE);'
        );
END;
GO
