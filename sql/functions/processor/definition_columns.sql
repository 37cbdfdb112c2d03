SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_columns: every column that a definition names for its table, with the catalog's row of it.

Parameters  @definition: a notification as JSON.
Returns     path (where in the definition), column_use (key, created, modified, rowversion, soft_delete, notice), position (1, 2, ...),
            given_name, schema_name and table_name (NULL: the table is unknown), column_name and what follows (NULL: the column is).
            A definition without table.keys has the columns of the primary key.
*/
CREATE OR ALTER FUNCTION notify.definition_columns (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN WITH target AS (
    SELECT t.schema_name, t.table_name
    FROM (
        SELECT 1 AS one
    ) AS anchor
    OUTER APPLY notify.find_table(
        COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo'),
        JSON_VALUE(@definition, '$.table.name')
    ) AS t
),
named AS (
    SELECT
        N'table.keys[' + k.[key] + N']' AS path,
        'key' AS column_use,
        CONVERT(SMALLINT, k.[key]) + 1 AS position,
        k.value AS given_name
    FROM OPENJSON(@definition, '$.table.keys') AS k
    UNION ALL
    SELECT N'table.modified[' + m.[key] + N']', 'modified', CONVERT(SMALLINT, m.[key]) + 1, m.value
    FROM OPENJSON(@definition, '$.table.modified') AS m
    UNION ALL
    SELECT N'table.notice_columns[' + c.[key] + N']', 'notice', CONVERT(SMALLINT, c.[key]) + 1, c.value
    FROM OPENJSON(@definition, '$.table.notice_columns') AS c
    UNION ALL
    SELECT single.path, single.column_use, 1, single.given_name
    FROM ( VALUES
        (N'table.created', 'created', JSON_VALUE(@definition, '$.table.created')),
        (N'table.rowversion', 'rowversion', JSON_VALUE(@definition, '$.table.rowversion')),
        (N'table.soft_delete.column', 'soft_delete', JSON_VALUE(@definition, '$.table.soft_delete.column'))
    ) AS single (path, column_use, given_name)
    WHERE single.given_name IS NOT NULL
    UNION ALL
    SELECT N'table.keys', 'key', c.key_ordinal, c.column_name COLLATE DATABASE_DEFAULT
    FROM target AS t
    INNER JOIN notify.catalog_column AS c ON c.schema_name = t.schema_name AND c.table_name = t.table_name
    WHERE c.key_ordinal IS NOT NULL AND NOT EXISTS (SELECT 1 FROM OPENJSON(@definition, '$.table.keys') AS k)
)
SELECT
    n.path COLLATE DATABASE_DEFAULT AS path,
    n.column_use,
    n.position,
    n.given_name,
    t.schema_name,
    t.table_name,
    c.column_name,
    c.type_name,
    c.max_length,
    c.precision,
    c.scale,
    c.is_nullable,
    c.collation_name,
    c.leads_index
FROM named AS n
CROSS JOIN target AS t
OUTER APPLY notify.find_column(t.schema_name, t.table_name, n.given_name) AS c;
GO
