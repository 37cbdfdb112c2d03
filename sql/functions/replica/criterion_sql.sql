SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
criterion_sql: the criteria of a request as SQL: a predicate each, over a table aliased t, and the variables that it compares with.

Parameters  @request: as compile_row takes it; @columns: check_columns' JSON
Returns     notification_number, criterion_number (from 0), declarations (values read from @request into variables of the column's
            exact type), predicate (NULL: an unknown operator, or no value to compare with)
*/
CREATE OR ALTER FUNCTION notify.criterion_sql (@request NVARCHAR(MAX), @columns NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    given.notification_number AS notification_number,
    given.criterion_number AS criterion_number,
    COALESCE(o.declarations, N'') AS declarations,
    CASE
        WHEN given.operator IN (N'=', N'<>', N'<', N'<=', N'>', N'>=') THEN k.reference +
        N' ' +
        given.operator +
        N' ' +
        o.names
        WHEN given.operator = N'like' THEN k.reference + N' LIKE ' + o.names
        WHEN given.operator = N'not like' THEN k.reference + N' NOT LIKE ' + o.names
        WHEN given.operator = N'in' THEN k.reference + N' IN (' + o.names + N')'
        WHEN given.operator = N'not in' THEN k.reference + N' NOT IN (' + o.names + N')'
        WHEN given.operator = N'between' THEN k.reference + N' BETWEEN ' + o.first_name + N' AND ' + o.last_name
        WHEN given.operator = N'is null' THEN k.reference + N' IS NULL'
        WHEN given.operator = N'is not null' THEN k.reference + N' IS NOT NULL'
    END AS predicate
FROM (
    SELECT
        CONVERT(INTEGER, n.[key]) AS notification_number,
        CONVERT(INTEGER, c.[key]) AS criterion_number,
        JSON_VALUE(c.value, '$.column') AS column_name,
        JSON_VALUE(c.value, '$.operator') AS operator,
        JSON_QUERY(c.value, '$.value') AS operand,
        CONCAT(CONVERT(INTEGER, n.[key]), N'_', CONVERT(INTEGER, c.[key]), N'_') AS suffix,
        CONCAT(
            N'$.notifications[',
            CONVERT(INTEGER, n.[key]),
            N'].criteria[',
            CONVERT(INTEGER, c.[key]),
            N'].value['
        ) AS path
    FROM OPENJSON(@request, '$.notifications') AS n
    CROSS APPLY OPENJSON(n.value, '$.criteria') AS c
) AS given
JOIN notify.described_columns(@columns) AS k ON k.column_name = given.column_name
/* A pattern may be longer than what it is compared with. */
CROSS APPLY (
    SELECT
        CASE
            WHEN given.operator NOT IN (N'like', N'not like') THEN k.variable_type
            WHEN k.type_name IN (N'nchar', N'nvarchar') OR k.as_operand <> N'?' THEN N'nvarchar(4000)'
            ELSE N'varchar(8000)'
        END AS variable_type,
        CASE WHEN given.operator IN (N'like', N'not like') THEN N'?' ELSE k.variable_value END AS variable_value,
        CASE
            WHEN given.operator IN (N'like', N'not like') AND k.as_operand <> N'?' THEN STUFF(
                k.as_operand,
                1,
                CHARINDEX(N',', k.as_operand) - 1,
                N'CONVERT(varchar(8000)'
            )
            ELSE k.as_operand
        END AS as_operand
) AS t
OUTER APPLY (
    SELECT
        STRING_AGG(named.operand, N', ') WITHIN GROUP (ORDER BY named.position) AS names,
        MAX(CASE WHEN named.position = 0 THEN named.operand END) AS first_name,
        MAX(CASE WHEN named.position = 1 THEN named.operand END) AS last_name,
        STRING_AGG(
            N'DECLARE ' +
            named.variable +
            N' ' +
            t.variable_type +
            N' = ' +
            REPLACE(t.variable_value, N'?', CONCAT(N'JSON_VALUE(@request, ''', given.path, named.position, N']'')')) +
            N';' +
            NCHAR(10),
            N''
        ) WITHIN GROUP (ORDER BY named.position) AS declarations
    FROM (
        SELECT
            n.position AS position,
            n.variable AS variable,
            CONVERT(NVARCHAR(MAX), REPLACE(t.as_operand, N'?', n.variable)) AS operand
        FROM (
            SELECT
                CONVERT(INTEGER, v.[key]) AS position,
                CONVERT(NVARCHAR(MAX), CONCAT(N'@operand_', given.suffix, CONVERT(INTEGER, v.[key]))) AS variable
            FROM OPENJSON(given.operand) AS v
        ) AS n
    ) AS named
) AS o;
GO
