SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_criterion_problems: unknown operators, and values that do not go with their operator or their column.

Parameters  @definition: a JSON object.
Returns     path, value, problem, suggestion. Unknown columns are definition_column_problems' matter.
*/
CREATE OR ALTER FUNCTION notify.definition_criterion_problems (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN WITH known AS (
    SELECT o.operator, o.least, o.most
    FROM ( VALUES
        ('=', 1, 1),
        ('<>', 1, 1),
        ('<', 1, 1),
        ('<=', 1, 1),
        ('>', 1, 1),
        ('>=', 1, 1),
        ('in', 1, 200),
        ('not in', 1, 200),
        ('like', 1, 1),
        ('not like', 1, 1),
        ('is null', 0, 0),
        ('is not null', 0, 0),
        ('between', 2, 2)
    ) AS o (operator, least, most)
),
criterion AS (
    SELECT
        N'where[' + CONVERT(NVARCHAR(10), c.criterion_number) + N'].' AS path,
        c.given_operator,
        c.column_name COLLATE DATABASE_DEFAULT AS column_name,
        c.type_name,
        c.operator,
        c.value_count,
        c.misfit,
        c.operand,
        k.least,
        k.most
    FROM notify.definition_criteria(@definition) AS c
    LEFT JOIN known AS k ON k.operator = c.operator AND LEN(c.given_operator) <= 11
)
SELECT
    CONVERT(NVARCHAR(300), c.path + fault.part) AS path,
    CONVERT(NVARCHAR(400), fault.value) AS value,
    CONVERT(NVARCHAR(400), fault.problem) AS problem,
    fault.suggestion
FROM criterion AS c
CROSS APPLY (
    SELECT
        N'operator' AS part,
        LEFT(c.given_operator, 400) AS value,
        N'There is no such operator. There are =, <>, <, <=, >, >=, in, not in, like, not like, is null, is not null, between.' AS problem,
        CONVERT(
            NVARCHAR(300),
            CASE
                WHEN c.given_operator IN (N'==', N'is', N'eq', N'equals') THEN N'='
                WHEN c.given_operator IN (N'!=', N'ne') THEN N'<>'
                WHEN c.given_operator IN (N'!<') THEN N'>='
                WHEN c.given_operator IN (N'!>') THEN N'<='
                ELSE notify.nearest_name(
                    c.given_operator,
                    N'["in", "not in", "like", "not like", "is null", "is not null", "between"]'
                )
            END
        ) AS suggestion
    WHERE c.least IS NULL AND c.given_operator IS NOT NULL
    UNION ALL
    SELECT
        N'value',
        CONVERT(NVARCHAR(10), c.value_count) + N' values',
        CASE c.most
            WHEN 0 THEN N'The operator ' + c.operator + N' takes no value.'
            WHEN 1 THEN N'The operator ' + c.operator + N' takes one value; for NULL there is is null.'
            WHEN 2 THEN N'The operator between takes two values.'
            ELSE N'The operator ' + c.operator + N' takes 1 to 200 values.'
        END,
        NULL
    WHERE c.value_count NOT BETWEEN c.least AND c.most
    UNION ALL
    SELECT
        N'operator',
        c.given_operator,
        N'Only text can be compared with a pattern; ' + c.column_name + N' is ' + c.type_name + N'.',
        NULL
    WHERE c.operator IN ('like', 'not like') AND c.type_name NOT IN (N'char', N'varchar', N'nchar', N'nvarchar')
    UNION ALL
    SELECT
        N'value',
        LEFT(c.misfit, 400),
        N'The value does not fit ' + c.column_name + N', which is ' + c.type_name + N'.',
        NULL
    WHERE c.column_name IS NOT NULL
        AND c.least IS NOT NULL
        AND c.misfit IS NOT NULL
        AND NOT (c.operator IN ('like', 'not like') AND c.type_name NOT IN (N'char', N'varchar', N'nchar', N'nvarchar'))
    UNION ALL
    SELECT N'value', NULL, N'The values are longer than 4000 characters together.', NULL WHERE LEN(c.operand) > 4000
) AS fault;
GO
