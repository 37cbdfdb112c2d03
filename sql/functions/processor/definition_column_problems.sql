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
    /* The place of a column among those of its kind: one that is named twice is told at the last place. */
    SELECT
        c.path,
        c.column_use,
        c.given_name,
        c.schema_name,
        c.table_name,
        c.column_name,
        c.type_name,
        c.max_length,
        c.precision,
        c.scale,
        c.is_nullable,
        c.collation_name,
        COUNT(*) OVER (PARTITION BY kind.name, c.column_name) AS uses,
        ROW_NUMBER() OVER (PARTITION BY kind.name, c.column_name ORDER BY c.path) AS use_number
    FROM (
        SELECT
            d.path,
            d.column_use,
            d.given_name,
            d.schema_name,
            d.table_name,
            d.column_name,
            d.type_name,
            d.max_length,
            d.precision,
            d.scale,
            d.is_nullable,
            d.collation_name
        FROM notify.definition_columns(@definition) AS d
        WHERE d.table_name IS NOT NULL
        UNION ALL
        SELECT
            N'where[' + CONVERT(NVARCHAR(10), w.criterion_number) + N'].column',
            'where',
            w.given_column,
            w.schema_name,
            w.table_name,
            w.column_name,
            w.type_name,
            NULL,
            NULL,
            NULL,
            NULL,
            NULL
        FROM notify.definition_criteria(@definition) AS w
        WHERE w.table_name IS NOT NULL AND w.given_column IS NOT NULL
    ) AS c
    CROSS APPLY (
        SELECT
            CASE WHEN c.column_use IN ('created', 'modified', 'rowversion') THEN 'stamp' ELSE c.column_use END AS name
    ) AS kind
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
    CASE WHEN fault.value IS NULL THEN u.path ELSE N'table.soft_delete.value' END,
    LEFT(COALESCE(fault.value, u.given_name), 400),
    fault.problem,
    fault.suggestion
FROM used AS u
CROSS APPLY (
    SELECT
        CONVERT(NVARCHAR(400), NULL) AS value,
        (N'The table ' + u.schema_name + N'.' + u.table_name + N' has no such column.') COLLATE DATABASE_DEFAULT AS problem,
        (
            SELECT TOP (1) CONVERT(NVARCHAR(300), c.column_name) COLLATE DATABASE_DEFAULT
            FROM notify.catalog_column AS c
            CROSS APPLY notify.name_similarity(u.given_name, c.column_name) AS s
            WHERE c.schema_name = u.schema_name AND c.table_name = u.table_name AND s.similarity >= 0.4
            ORDER BY s.similarity DESC, c.column_name
        ) AS suggestion
    WHERE u.column_name IS NULL
    UNION ALL
    SELECT NULL, role_fault.problem, NULL
    FROM (
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
                WHEN u.column_use = 'notice'
                AND u.column_name LIKE N'%.%' THEN N'A column with a dot in its name cannot be kept for notices: FOR JSON makes an object of it.'
                WHEN u.column_use = 'notice'
                AND u.type_name IN (N'geography', N'geometry', N'hierarchyid') THEN N'A column of type ' +
                u.type_name +
                N' cannot be kept for notices: JSON has no text of it.'
            END AS problem
    ) AS role_fault
    WHERE u.column_name IS NOT NULL AND role_fault.problem IS NOT NULL
    UNION ALL
    SELECT NULL, N'The column is named twice.', NULL
    WHERE u.column_name IS NOT NULL AND u.column_use <> 'where' AND u.uses > 1 AND u.use_number = u.uses
    UNION ALL
    SELECT
        given.value,
        N'The value of table.soft_delete does not fit ' +
        u.column_name COLLATE DATABASE_DEFAULT +
        N', which is ' +
        u.type_name +
        N'.',
        NULL
    FROM (
        SELECT JSON_VALUE(@definition, '$.table.soft_delete.value') AS value
    ) AS given
    CROSS APPLY notify.fit_value(given.value, u.type_name, u.max_length, u.precision, u.scale) AS fit
    WHERE u.column_use = 'soft_delete'
        AND u.column_name IS NOT NULL
        AND given.value IS NOT NULL
        AND fit.canonical IS NULL
) AS fault
UNION ALL
SELECT N'table.keys', NULL, N'The table has no primary key: name the columns that identify a row.', NULL
FROM target AS t
WHERE t.table_name IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM OPENJSON(@definition, '$.table.keys') AS k)
    AND NOT EXISTS (
        SELECT 1
        FROM notify.catalog_column AS c
        WHERE c.schema_name = t.schema_name AND c.table_name = t.table_name AND c.key_ordinal IS NOT NULL
    );
GO
