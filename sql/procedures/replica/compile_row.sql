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
Errors      50151 unknown table, 50152 unknown columns (all of them named), 50153 a column cannot play its role
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
    DECLARE @message NVARCHAR(2048);

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

    IF @@ROWCOUNT = 0
    BEGIN
        SET @message = CONCAT(
                N'There is no table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' in this database, or the procedure may not read it. Refresh the catalog copy; see roles/replica.sql for the grant.'
            );
        THROW 50151, @message, 1;
    END;

    INSERT INTO @role (role, position, column_name)
    SELECT 'key', CONVERT(INTEGER, j.[key]), j.value FROM OPENJSON(@request, '$.keys') AS j
    UNION ALL
    SELECT 'stamp', CONVERT(INTEGER, j.[key]), j.value FROM OPENJSON(@request, '$.stamps') AS j
    UNION ALL
    SELECT 'notice', CONVERT(INTEGER, j.[key]), j.value FROM OPENJSON(@request, '$.notice_columns') AS j
    UNION ALL
    SELECT single.role, 0, single.column_name
    FROM ( VALUES
        ('scan', JSON_VALUE(@request, '$.stamp')),
        ('created', JSON_VALUE(@request, '$.created')),
        ('rowversion', JSON_VALUE(@request, '$.rowversion')),
        ('soft_delete', JSON_VALUE(@request, '$.soft_delete.column'))
    ) AS single (role, column_name)
    WHERE single.column_name IS NOT NULL
    UNION ALL
    SELECT
        'criterion',
        CONVERT(INTEGER, ROW_NUMBER() OVER (ORDER BY CONVERT(INTEGER, n.[key]), CONVERT(INTEGER, c.[key]))),
        JSON_VALUE(c.value, '$.column')
    FROM OPENJSON(@request, '$.notifications') AS n
    CROSS APPLY OPENJSON(n.value, '$.criteria') AS c;

    SELECT
        @message = STRING_AGG(CONVERT(NVARCHAR(MAX), missing.column_name), N', ') WITHIN GROUP (
            ORDER BY missing.column_name
        )
    FROM (
        SELECT DISTINCT r.column_name AS column_name
        FROM @role AS r
        WHERE NOT EXISTS (SELECT 1 FROM @column AS c WHERE c.column_name = r.column_name)
    ) AS missing;

    IF @message IS NOT NULL
    BEGIN
        SET @message = CONCAT(
                N'Table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' has no column ',
                @message,
                N'. Refresh the catalog copy and change the definitions that name it.'
            );
        THROW 50152, @message, 1;
    END;

    SELECT @message = STRING_AGG(CONVERT(NVARCHAR(MAX), CONCAT(r.column_name, N' (', r.role, N')')), N', ')
    FROM @role AS r
    JOIN @column AS c ON c.column_name = r.column_name
    WHERE (r.role = 'key' AND c.as_text IS NULL)
        OR (r.role IN ('scan', 'stamp', 'created') AND c.as_stamp IS NULL)
        OR (r.role = 'rowversion' AND c.type_name <> N'timestamp')
        OR (r.role IN ('criterion', 'soft_delete') AND c.declared_type IS NULL);

    IF @message IS NOT NULL
    BEGIN
        SET @message = CONCAT(N'The type of these columns does not allow their role: ', @message, N'.');
        THROW 50153, @message, 1;
    END;

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

    /* Criteria: one variable per operand, one predicate per criterion, one list of the notifications whose criteria all hold. */
    DECLARE @criterion TABLE (
        notification_number INTEGER NOT NULL,
        criterion_number INTEGER NOT NULL,
        declarations NVARCHAR(MAX) NOT NULL,
        predicate NVARCHAR(MAX) NULL,
        PRIMARY KEY (notification_number, criterion_number)
    );

    INSERT INTO @criterion (notification_number, criterion_number, declarations, predicate)
    SELECT
        CONVERT(INTEGER, n.[key]),
        CONVERT(INTEGER, c.[key]),
        COALESCE(o.declarations, N''),
        CASE
            WHEN t.operator IN (N'=', N'<>', N'<', N'<=', N'>', N'>=') THEN t.reference +
            N' ' +
            t.operator +
            N' ' +
            o.names
            WHEN t.operator = N'like' THEN t.reference + N' LIKE ' + o.names
            WHEN t.operator = N'not like' THEN t.reference + N' NOT LIKE ' + o.names
            WHEN t.operator = N'in' THEN t.reference + N' IN (' + o.names + N')'
            WHEN t.operator = N'not in' THEN t.reference + N' NOT IN (' + o.names + N')'
            WHEN t.operator = N'between' THEN t.reference + N' BETWEEN ' + REPLACE(o.names, N', ', N' AND ')
            WHEN t.operator = N'is null' THEN t.reference + N' IS NULL'
            WHEN t.operator = N'is not null' THEN t.reference + N' IS NOT NULL'
        END
    FROM OPENJSON(@request, '$.notifications') AS n
    CROSS APPLY OPENJSON(n.value, '$.criteria') AS c
    CROSS APPLY (
        SELECT
            k.reference AS reference,
            JSON_VALUE(c.value, '$.operator') AS operator,
            CASE
                /* A pattern may be longer than what it is compared with. */
                WHEN JSON_VALUE(c.value, '$.operator') IN (N'like', N'not like') THEN CASE
                    WHEN k.type_name IN (N'nchar', N'nvarchar') THEN N'nvarchar(4000)'
                    ELSE N'varchar(8000)'
                END
                ELSE k.declared_type
            END AS declared_type,
            CASE
                WHEN JSON_VALUE(c.value, '$.operator') IN (N'like', N'not like') THEN N'?'
                ELSE k.from_text
            END AS from_text
        FROM @column AS k
        WHERE k.column_name = JSON_VALUE(c.value, '$.column')
    ) AS t
    OUTER APPLY (
        SELECT
            STRING_AGG(named.variable, N', ') WITHIN GROUP (ORDER BY CONVERT(INTEGER, v.[key])) AS names,
            STRING_AGG(
                N'DECLARE ' +
                named.variable +
                N' ' +
                t.declared_type +
                N' = ' +
                REPLACE(
                    t.from_text,
                    N'?',
                    CONCAT(
                        N'JSON_VALUE(@request, ''$.notifications[',
                        CONVERT(INTEGER, n.[key]),
                        N'].criteria[',
                        CONVERT(INTEGER, c.[key]),
                        N'].value[',
                        CONVERT(INTEGER, v.[key]),
                        N']'')'
                    )
                ) +
                N';' +
                NCHAR(10),
                N''
            ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, v.[key])) AS declarations
        FROM OPENJSON(c.value, '$.value') AS v
        CROSS APPLY (
            SELECT
                CONVERT(
                    NVARCHAR(MAX),
                    CONCAT(
                        N'@operand_',
                        CONVERT(INTEGER, n.[key]),
                        N'_',
                        CONVERT(INTEGER, c.[key]),
                        N'_',
                        CONVERT(INTEGER, v.[key])
                    )
                ) AS variable
        ) AS named
    ) AS o;

    IF EXISTS (SELECT 1 FROM @criterion AS cr WHERE cr.predicate IS NULL)
        THROW 50154, N'A criterion has an unknown operator, or no value to compare with. Save the definition again.', 1;

    SET @declarations = @declarations +
        COALESCE(
            (
                SELECT
                    STRING_AGG(cr.declarations, N'') WITHIN GROUP (ORDER BY cr.notification_number, cr.criterion_number)
                FROM @criterion AS cr
            ),
            N''
        );

    SELECT
        @matches = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                N'CASE WHEN ' +
                COALESCE(p.predicate, N'1 = 1') +
                N' THEN N'',' +
                CONVERT(NVARCHAR(11), CONVERT(INTEGER, JSON_VALUE(n.value, '$.id'))) +
                N''' ELSE N''' +
                CASE
                    WHEN @with_misses = 1 THEN N',-' +
                    CONVERT(NVARCHAR(11), CONVERT(INTEGER, JSON_VALUE(n.value, '$.id')))
                    ELSE N''
                END +
                N''' END'
            ),
            N' + '
        ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, n.[key]))
    FROM OPENJSON(@request, '$.notifications') AS n
    OUTER APPLY (
        SELECT STRING_AGG(N'(' + cr.predicate + N')', N' AND ') WITHIN GROUP (ORDER BY cr.criterion_number) AS predicate
        FROM @criterion AS cr
        WHERE cr.notification_number = CONVERT(INTEGER, n.[key])
    ) AS p;

    SET @matches = COALESCE(N'CONCAT(N''['', STUFF(' + @matches + N', 1, 1, N''''), N'']'')', N'N''[]''');
END;
GO
