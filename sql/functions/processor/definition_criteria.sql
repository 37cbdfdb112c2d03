SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_criteria: the criteria (where) of a definition, each with the catalog's row of its column and its operand as stored.

Parameters  @definition: a notification as JSON.
Returns     criterion_number (0, 1, ...), given_column, given_operator, schema_name, table_name, column_name, type_name (NULL: unknown),
            operator (lower case, one blank), value_count, misfit (the first value that does not fit the column's type, or NULL),
            operand (JSON array of canonical texts, as fit_value gives them; NULL while anything is wrong with the values).
            A pattern of like is not cut to the column's length.
*/
CREATE OR ALTER FUNCTION notify.definition_criteria (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    CONVERT(SMALLINT, item.[key]) AS criterion_number,
    given.given_column,
    given.given_operator,
    t.schema_name,
    t.table_name,
    c.column_name,
    c.type_name,
    given.operator,
    fitted.value_count,
    fitted.misfit,
    CASE
        WHEN fitted.fit_count = fitted.value_count THEN COALESCE(N'[' + fitted.canonical_list + N']', N'[]')
    END AS operand
FROM OPENJSON(@definition, '$.where') AS item
/* What is no object is reported elsewhere; here it must not be read as JSON, in whatever order the plan evaluates. */
CROSS APPLY (
    SELECT CASE WHEN item.type = 5 THEN item.value ELSE N'{}' END AS document
) AS criterion
CROSS APPLY (
    SELECT
        JSON_VALUE(criterion.document, '$.column') AS given_column,
        JSON_VALUE(criterion.document, '$.operator') AS given_operator,
        CONVERT(VARCHAR(11), LEFT(LOWER(LTRIM(RTRIM(JSON_VALUE(criterion.document, '$.operator')))), 11)) AS operator
) AS given
OUTER APPLY notify.find_table(
    COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo'),
    JSON_VALUE(@definition, '$.table.name')
) AS t
OUTER APPLY notify.find_column(t.schema_name, t.table_name, given.given_column) AS c
CROSS APPLY (
    SELECT
        COUNT(*) AS value_count,
        COUNT(fit.canonical) AS fit_count,
        MIN(CASE WHEN fit.canonical IS NULL THEN COALESCE(v.text, N'null') END) AS misfit,
        STRING_AGG(CONVERT(NVARCHAR(MAX), N'"' + STRING_ESCAPE(fit.canonical, 'json') + N'"'), N',') WITHIN GROUP (
            ORDER BY v.position
        ) AS canonical_list
    FROM (
        /* One value or a list of values: a scalar is a list of one. null and an absent value are an empty list. */
        SELECT
            CONVERT(INTEGER, element.[key]) AS position,
            CASE WHEN element.type IN (1, 2, 3) THEN element.value END AS text
        FROM OPENJSON(criterion.document, '$.value') AS element
        UNION ALL
        SELECT 0, CASE WHEN part.type IN (1, 2, 3) THEN part.value END
        FROM OPENJSON(criterion.document) AS part
        WHERE part.[key] = N'value' AND part.type NOT IN (0, 4)
    ) AS v
    OUTER APPLY notify.fit_value(
        v.text,
        c.type_name,
        CASE WHEN given.operator IN ('like', 'not like') THEN -1 ELSE c.max_length END,
        c.precision,
        c.scale
    ) AS fit
) AS fitted
WHERE item.type = 5;
GO
