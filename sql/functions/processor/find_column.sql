SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
find_column: the catalog's row of a column; no row when there is none.

Parameters  @schema_name, @table_name as the catalog spells them; @column_name: exact, or in another case if that is unambiguous.
*/
CREATE OR ALTER FUNCTION notify.find_column (@schema_name sysname, @table_name sysname, @column_name NVARCHAR(4000))
RETURNS TABLE AS RETURN SELECT
    candidate.column_name,
    candidate.column_id,
    candidate.type_name,
    candidate.max_length,
    candidate.precision,
    candidate.scale,
    candidate.is_nullable,
    candidate.collation_name,
    candidate.key_ordinal,
    candidate.leads_index,
    candidate.is_computed
FROM (
    SELECT
        c.column_name,
        c.column_id,
        c.type_name,
        c.max_length,
        c.precision,
        c.scale,
        c.is_nullable,
        c.collation_name,
        c.key_ordinal,
        c.leads_index,
        c.is_computed,
        CASE WHEN c.column_name = @column_name THEN 1 ELSE 0 END AS is_exact,
        COUNT(*) OVER () AS spellings
    FROM notify.catalog_column AS c
    WHERE c.schema_name = @schema_name
        AND c.table_name = @table_name
        AND c.column_name = @column_name COLLATE Latin1_General_100_CI_AS
) AS candidate
WHERE candidate.is_exact = 1 OR candidate.spellings = 1;
GO
