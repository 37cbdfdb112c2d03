SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_row (internal): turns a request's names into the SQL text that reads one row of its table. Every name is looked up in
this database's catalog and quoted; values never enter the text: they are read from @request into variables of the column's
exact type by the declarations.

Parameters  @request: as processor's table_request gives it (schema, table, keys, stamps, created, rowversion, soft_delete,
            notice_columns, notifications); the others are its results, expressions over a table aliased t:
            @table_name quoted; @declarations to put in front; @key_order: the key columns in key order; @record_key,
            @record_match, @created_stamp, @state_stamp, @state_hash, @is_deleted, @fields, @matches: sql/README.md;
            @newest_stamp: the greatest of the date and time stamps, NULL without any.
            @with_misses: 1 puts the notifications whose criteria do not hold into @matches too, as negative numbers
Errors      those of check_columns and compile_criteria
*/
CREATE OR ALTER PROCEDURE notify.compile_row
    @request NVARCHAR(MAX),
    @table_name NVARCHAR(600) OUTPUT,
    @declarations NVARCHAR(MAX) OUTPUT,
    @key_order NVARCHAR(MAX) OUTPUT,
    @record_key NVARCHAR(MAX) OUTPUT,
    @record_match NVARCHAR(MAX) OUTPUT,
    @created_stamp NVARCHAR(MAX) OUTPUT,
    @state_stamp NVARCHAR(MAX) OUTPUT,
    @state_hash NVARCHAR(MAX) OUTPUT,
    @is_deleted NVARCHAR(MAX) OUTPUT,
    @fields NVARCHAR(MAX) OUTPUT,
    @matches NVARCHAR(MAX) OUTPUT,
    @newest_stamp NVARCHAR(MAX) = NULL OUTPUT,
    @with_misses BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @column TABLE (
        column_name sysname NOT NULL PRIMARY KEY,
        column_id INTEGER NOT NULL,
        type_name sysname NULL,
        is_computed BIT NOT NULL,
        declared_type NVARCHAR(300) NULL,
        reference NVARCHAR(300) NOT NULL,
        as_text NVARCHAR(500) NULL,
        as_match NVARCHAR(500) NULL,
        as_stamp NVARCHAR(500) NULL,
        from_text NVARCHAR(400) NULL
    );
    DECLARE @role TABLE (
        role VARCHAR(12) NOT NULL,
        position INTEGER NOT NULL,
        column_name NVARCHAR(128) NOT NULL,
        PRIMARY KEY (role, position)
    );
    DECLARE @criterion_declarations NVARCHAR(MAX);

    EXECUTE notify.check_columns @request = @request;

    INSERT INTO @column (
        column_name,
        column_id,
        type_name,
        is_computed,
        declared_type,
        reference,
        as_text,
        as_match,
        as_stamp,
        from_text
    )
    SELECT
        tc.column_name,
        tc.column_id,
        tc.type_name,
        tc.is_computed,
        tc.declared_type,
        tc.reference,
        tc.as_text,
        tc.as_match,
        tc.as_stamp,
        tc.from_text
    FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc;

    INSERT INTO @role (role, position, column_name)
    SELECT r.role, r.position, r.column_name FROM notify.request_columns(@request) AS r;

    SET @table_name = QUOTENAME(JSON_VALUE(@request, '$.schema')) + N'.' + QUOTENAME(JSON_VALUE(@request, '$.table'));

    /* Key columns may have different collations, and their texts stand side by side. */
    SELECT
        @key_order = STRING_AGG(CONVERT(NVARCHAR(MAX), c.reference), N', ') WITHIN GROUP (ORDER BY r.position),
        @record_key = N'N''["'' + ' +
        STRING_AGG(
            CONVERT(NVARCHAR(MAX), N'STRING_ESCAPE(' + c.as_text + N', ''json'') COLLATE DATABASE_DEFAULT'),
            N' + N''","'' + '
        ) WITHIN GROUP (ORDER BY r.position) +
        N' + N''"]''',
        @record_match = N'N''["'' + ' +
        STRING_AGG(
            CONVERT(NVARCHAR(MAX), N'STRING_ESCAPE(' + c.as_match + N', ''json'') COLLATE DATABASE_DEFAULT'),
            N' + N''","'' + '
        ) WITHIN GROUP (ORDER BY r.position) +
        N' + N''"]'''
    FROM @role AS r
    JOIN @column AS c ON c.column_name = r.column_name
    WHERE r.role = 'key';

    SET @created_stamp = COALESCE(
            (
                SELECT c.as_stamp
                FROM @role AS r
                JOIN @column AS c ON c.column_name = r.column_name
                WHERE r.role = 'created'
            ),
            N'CONVERT(varchar(27), NULL)'
        );

    SET @newest_stamp = COALESCE(
            (
                SELECT
                    N'(SELECT MAX(v.stamp) FROM (VALUES (' +
                    STRING_AGG(CONVERT(NVARCHAR(MAX), c.as_stamp), N'), (') WITHIN GROUP (ORDER BY r.position) +
                    N')) AS v (stamp) WHERE v.stamp IS NOT NULL)'
                FROM @role AS r
                JOIN @column AS c ON c.column_name = r.column_name
                WHERE r.role = 'stamp'
            ),
            N'CONVERT(varchar(27), NULL)'
        );

    /* The state's stamp: the rowversion if there is one, else the greatest of the stamp columns. */
    SET @state_stamp = COALESCE(
            (
                SELECT c.as_stamp
                FROM @role AS r
                JOIN @column AS c ON c.column_name = r.column_name
                WHERE r.role = 'rowversion'
            ),
            @newest_stamp
        );

    /*
    The state's hash: the row as JSON, without NULLs, so that a column added later changes nothing until it is filled. Left
    out: computed columns (others tell the same), rowversions (not the same on every kind of replica), what JSON cannot hold.
    */
    SELECT
        @state_hash = N'CONVERT(varchar(64), HASHBYTES(''SHA2_256'', (SELECT ' +
        STRING_AGG(CONVERT(NVARCHAR(MAX), CONCAT(c.reference, N' AS c', c.column_id)), N', ') WITHIN GROUP (
            ORDER BY c.column_id
        ) +
        N' FOR JSON PATH, WITHOUT_ARRAY_WRAPPER)), 2)'
    FROM @column AS c
    WHERE c.is_computed = 0 AND c.type_name NOT IN (N'timestamp', N'sql_variant', N'image');

    SET @fields = COALESCE(
            (
                SELECT
                    N'(SELECT ' +
                    STRING_AGG(
                        CONVERT(NVARCHAR(MAX), c.reference + N' AS ' + QUOTENAME(c.column_name)),
                        N', '
                    ) WITHIN GROUP (ORDER BY r.position) +
                    N' FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER)'
                FROM @role AS r
                JOIN @column AS c ON c.column_name = r.column_name
                WHERE r.role = 'notice'
            ),
            N'CONVERT(nvarchar(max), NULL)'
        );

    SET @declarations = N'';
    SET @is_deleted = N'CONVERT(bit, 0)';
    SELECT
        @declarations = CASE
            WHEN JSON_VALUE(@request, '$.soft_delete.value') IS NULL THEN N''
            ELSE N'DECLARE @soft_delete ' +
            c.declared_type +
            N' = ' +
            REPLACE(c.from_text, N'?', N'JSON_VALUE(@request, ''$.soft_delete.value'')') +
            N';' +
            NCHAR(10)
        END,
        @is_deleted = N'CONVERT(bit, CASE WHEN ' +
        c.reference +
        CASE WHEN JSON_VALUE(@request, '$.soft_delete.value') IS NULL THEN N' IS NOT NULL' ELSE N' = @soft_delete' END +
        N' THEN 1 ELSE 0 END)'
    FROM @role AS r
    JOIN @column AS c ON c.column_name = r.column_name
    WHERE r.role = 'soft_delete';

    EXECUTE notify.compile_criteria
        @request = @request,
        @with_misses = @with_misses,
        @declarations = @criterion_declarations OUTPUT,
        @matches = @matches OUTPUT;
    SET @declarations = @declarations + @criterion_declarations;
END;
GO
