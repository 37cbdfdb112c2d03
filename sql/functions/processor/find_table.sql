SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
find_table: the catalog's spelling of a table (or view) of the replica; no row when there is none.

The exact spelling wins; otherwise case does not matter, as long as only one table is meant. The catalog has a few thousand
rows and this is asked when a definition is saved: it may be scanned.
*/
CREATE OR ALTER FUNCTION notify.find_table (@schema_name NVARCHAR(4000), @table_name NVARCHAR(4000))
RETURNS TABLE AS RETURN SELECT candidate.schema_name, candidate.table_name
FROM (
    SELECT found.schema_name, found.table_name, found.is_exact, COUNT(*) OVER () AS spellings
    FROM (
        SELECT DISTINCT
            c.schema_name,
            c.table_name,
            CASE WHEN c.schema_name = @schema_name AND c.table_name = @table_name THEN 1 ELSE 0 END AS is_exact
        FROM notify.catalog_column AS c
        WHERE c.schema_name = @schema_name COLLATE Latin1_General_100_CI_AS
            AND c.table_name = @table_name COLLATE Latin1_General_100_CI_AS
    ) AS found
) AS candidate
WHERE candidate.is_exact = 1 OR candidate.spellings = 1;
GO
