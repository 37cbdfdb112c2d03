SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
cursor_sql: the SQL that goes on behind the row with which a page ended: one row.

Parameters  @request: as compile_scan takes it, with cursor_key; @columns: check_columns' JSON
Returns     declarations: the key's values as variables; predicate: keys after them, which compare one after the other;
            a key column that is the scanned stamp is equal there, and left out
*/
CREATE OR ALTER FUNCTION notify.cursor_sql (@request NVARCHAR(MAX), @columns NVARCHAR(MAX))
RETURNS TABLE AS RETURN WITH key_column AS (
    SELECT
        CONVERT(INTEGER, k.[key]) AS position,
        CONVERT(NVARCHAR(MAX), c.reference) AS reference,
        REPLACE(c.as_operand, N'?', CONCAT(N'@key_', CONVERT(INTEGER, k.[key]))) AS operand,
        CONCAT(
            N'DECLARE @key_',
            CONVERT(INTEGER, k.[key]),
            N' ',
            c.variable_type,
            N' = ',
            REPLACE(
                c.variable_value,
                N'?',
                CONCAT(N'JSON_VALUE(@request, ''$.cursor_key[', CONVERT(INTEGER, k.[key]), N']'')')
            ),
            N';',
            NCHAR(10)
        ) AS declaration
    FROM OPENJSON(@request, '$.keys') AS k
    JOIN notify.described_columns(@columns) AS c ON c.column_name = k.value
    WHERE c.column_name <> JSON_VALUE(@request, '$.stamp')
)
SELECT
    STRING_AGG(CONVERT(NVARCHAR(MAX), k.declaration), N'') WITHIN GROUP (ORDER BY k.position) AS declarations,
    /* Where the stamp is the whole key, no other row has the cursor's. */
    COALESCE(
        STRING_AGG(N'(' + COALESCE(before.equal, N'') + k.reference + N' > ' + k.operand + N')', N' OR ') WITHIN GROUP (
            ORDER BY k.position
        ),
        N'1 = 0'
    ) AS predicate
FROM key_column AS k
OUTER APPLY (
    SELECT STRING_AGG(b.reference + N' = ' + b.operand + N' AND ', N'') WITHIN GROUP (ORDER BY b.position) AS equal
    FROM key_column AS b
    WHERE b.position < k.position
) AS before;
GO
