SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_column_problems: what is wrong with the table of a definition and with the columns that it names.

Parameters  @definition: a JSON object.
Returns     path, value, problem, suggestion.
*/
CREATE OR ALTER FUNCTION notify.definition_column_problems (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN WITH target AS (
    SELECT
        COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo') AS given_schema,
        JSON_VALUE(@definition, '$.table.name') AS given_name,
        t.schema_name,
        t.table_name
    FROM (
        SELECT 1 AS one
    ) AS anchor
    OUTER APPLY notify.find_table(
        COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo'),
        JSON_VALUE(@definition, '$.table.name')
    ) AS t
),
used AS (
    SELECT
        d.path,
        d.column_use,
        d.given_name,
        d.schema_name,
        d.table_name,
        d.column_name,
        d.type_name,
        d.is_nullable,
        d.collation_name
    FROM notify.definition_columns(@definition) AS d
    WHERE d.table_name IS NOT NULL
    UNION ALL
    SELECT
        N'where[' + CONVERT(NVARCHAR(10), c.criterion_number) + N'].column',
        'where',
        c.given_column,
        c.schema_name,
        c.table_name,
        c.column_name,
        c.type_name,
        NULL,
        NULL
    FROM notify.definition_criteria(@definition) AS c
    WHERE c.table_name IS NOT NULL AND c.given_column IS NOT NULL
)
SELECT
    N'table.name' AS path,
    CONVERT(NVARCHAR(400), t.given_schema + N'.' + LEFT(t.given_name, 200)) AS value,
    CONVERT(
        NVARCHAR(400),
        CASE
            WHEN EXISTS (SELECT 1 FROM notify.catalog_column AS c) THEN N'The replica has no such table.'
            ELSE N'The copy of the replica''s catalog is empty: refresh_catalog comes first.'
        END
    ) AS problem,
    (
        SELECT TOP (1) CONVERT(NVARCHAR(300), c.schema_name + N'.' + c.table_name) COLLATE DATABASE_DEFAULT
        FROM (
            SELECT DISTINCT cc.schema_name, cc.table_name FROM notify.catalog_column AS cc
        ) AS c
        CROSS APPLY notify.name_similarity(
            t.given_schema + N'.' + t.given_name,
            c.schema_name + N'.' + c.table_name
        ) AS s
        CROSS APPLY notify.name_similarity(t.given_name, c.table_name) AS own
        WHERE own.similarity >= 0.4
        ORDER BY own.similarity DESC, s.similarity DESC, c.schema_name, c.table_name
    ) AS suggestion
FROM target AS t
WHERE t.table_name IS NULL AND t.given_name IS NOT NULL
UNION ALL
SELECT
    u.path,
    LEFT(u.given_name, 400),
    (N'The table ' + u.schema_name + N'.' + u.table_name + N' has no such column.') COLLATE DATABASE_DEFAULT,
    (
        SELECT TOP (1) CONVERT(NVARCHAR(300), c.column_name) COLLATE DATABASE_DEFAULT
        FROM notify.catalog_column AS c
        CROSS APPLY notify.name_similarity(u.given_name, c.column_name) AS s
        WHERE c.schema_name = u.schema_name AND c.table_name = u.table_name AND s.similarity >= 0.4
        ORDER BY s.similarity DESC, c.column_name
    )
FROM used AS u
WHERE u.column_name IS NULL
UNION ALL
SELECT u.path, u.given_name, fault.problem, NULL
FROM used AS u
CROSS APPLY (
    SELECT
        CASE
            WHEN u.column_use = 'key' AND u.is_nullable = 1 THEN N'A key column must be NOT NULL.'
            /* A record_match has its values in upper case; it cannot take accents away. */
            WHEN u.column_use = 'key'
            AND u.collation_name LIKE N'%[_]AI%' THEN N'A key column must not have the accent-insensitive collation ' +
            u.collation_name +
            N'.'
            WHEN u.column_use = 'key'
            AND u.type_name NOT IN (
                N'tinyint',
                N'smallint',
                N'int',
                N'bigint',
                N'decimal',
                N'numeric',
                N'money',
                N'smallmoney',
                N'bit',
                N'date',
                N'time',
                N'datetime',
                N'datetime2',
                N'smalldatetime',
                N'char',
                N'varchar',
                N'nchar',
                N'nvarchar',
                N'uniqueidentifier',
                N'binary',
                N'varbinary'
            ) THEN N'A column of type ' + u.type_name + N' cannot be a key here.'
            WHEN u.column_use IN ('created', 'modified')
            AND u.type_name NOT IN (
                N'date',
                N'smalldatetime',
                N'datetime',
                N'datetime2'
            ) THEN N'A stamp column is date, smalldatetime, datetime or datetime2; this is ' + u.type_name + N'.'
            WHEN u.column_use = 'rowversion'
            AND u.type_name NOT IN (N'timestamp', N'rowversion') THEN N'It must be of type rowversion; this is ' +
            u.type_name +
            N'.'
        END AS problem
) AS fault
WHERE u.column_name IS NOT NULL AND fault.problem IS NOT NULL
UNION ALL
SELECT MAX(u.path), MAX(u.given_name), N'The column is named twice.', NULL
FROM used AS u
WHERE u.column_name IS NOT NULL AND u.column_use <> 'where'
GROUP BY
    u.column_name,
    CASE WHEN u.column_use IN ('created', 'modified', 'rowversion') THEN 'stamp' ELSE u.column_use END
HAVING COUNT(*) > 1
UNION ALL
SELECT N'table.keys', NULL, N'The table has no primary key: name the columns that identify a row.', NULL
FROM target AS t
WHERE t.table_name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM used AS u WHERE u.column_use = 'key')
UNION ALL
SELECT
    N'table.soft_delete.value',
    LEFT(given.value, 400),
    N'The value does not fit ' + d.column_name COLLATE DATABASE_DEFAULT + N', which is ' + d.type_name + N'.',
    NULL
FROM notify.definition_columns(@definition) AS d
CROSS APPLY (
    SELECT JSON_VALUE(@definition, '$.table.soft_delete.value') AS value
) AS given
CROSS APPLY notify.fit_value(given.value, d.type_name, d.max_length, d.precision, d.scale) AS fit
WHERE d.column_use = 'soft_delete' AND d.column_name IS NOT NULL AND given.value IS NOT NULL AND fit.canonical IS NULL;
GO
