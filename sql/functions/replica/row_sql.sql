SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
row_sql: the SQL of the columns that a request names, by their roles: one row.

Parameters  @request: as compile_row takes it; @columns: check_columns' JSON; @soft_delete: the value that means deleted, NULL: any
Returns     key_order (the keys behind the stamp that is scanned, each after a comma: an ORDER BY may not name a column twice),
            record_key and record_match (without their brackets), created_stamp, rowversion_stamp, stamp_list, notice_list,
            soft_delete_declaration, soft_delete_predicate: expressions over a table aliased t; NULL where the request names no
            such column
*/
CREATE OR ALTER FUNCTION notify.row_sql (@request NVARCHAR(MAX), @columns NVARCHAR(MAX), @soft_delete NVARCHAR(4000))
RETURNS TABLE AS RETURN SELECT
    STRING_AGG(
        CASE
            WHEN r.role = 'key' AND c.column_name <> COALESCE(JSON_VALUE(@request, '$.stamp'), N'') THEN N', ' +
            c.reference
        END,
        N''
    ) WITHIN GROUP (ORDER BY r.position) AS key_order,
    /* Key columns may have different collations, and their texts stand side by side. */
    STRING_AGG(
        CASE WHEN r.role = 'key' THEN N'STRING_ESCAPE(' + c.as_text + N', ''json'') COLLATE DATABASE_DEFAULT' END,
        N' + N''","'' + '
    ) WITHIN GROUP (ORDER BY r.position) AS record_key,
    STRING_AGG(
        CASE WHEN r.role = 'key' THEN N'STRING_ESCAPE(' + c.as_match + N', ''json'') COLLATE DATABASE_DEFAULT' END,
        N' + N''","'' + '
    ) WITHIN GROUP (ORDER BY r.position) AS record_match,
    MAX(CASE WHEN r.role = 'created' THEN c.as_stamp END) AS created_stamp,
    MAX(CASE WHEN r.role = 'rowversion' THEN c.as_stamp END) AS rowversion_stamp,
    STRING_AGG(CASE WHEN r.role = 'stamp' THEN c.as_stamp END, N'), (') WITHIN GROUP (
        ORDER BY r.position
    ) AS stamp_list,
    STRING_AGG(
        CASE WHEN r.role = 'notice' THEN c.reference + N' AS ' + QUOTENAME(c.column_name) END,
        N', '
    ) WITHIN GROUP (ORDER BY r.position) AS notice_list,
    MAX(
        CASE
            WHEN r.role = 'soft_delete' AND @soft_delete IS NOT NULL THEN c.variable_type +
            N' = ' +
            REPLACE(c.variable_value, N'?', N'JSON_VALUE(@request, ''$.soft_delete.value'')') +
            N';' +
            NCHAR(10)
        END
    ) AS soft_delete_declaration,
    MAX(
        CASE
            WHEN r.role = 'soft_delete' AND @soft_delete IS NULL THEN c.reference + N' IS NOT NULL'
            WHEN r.role = 'soft_delete' THEN c.reference + N' = ' + REPLACE(c.as_operand, N'?', N'@soft_delete')
        END
    ) AS soft_delete_predicate
FROM notify.request_columns(@request) AS r
JOIN notify.described_columns(@columns) AS c ON c.column_name = r.column_name;
GO
