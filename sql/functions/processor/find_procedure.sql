SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
find_procedure: the catalog's spelling (schema.name) of a procedure of the replica; no row when there is none.

Parameters  @name: schema.name, brackets allowed; exact, or in another case if that is unambiguous.
*/
CREATE OR ALTER FUNCTION notify.find_procedure (@name NVARCHAR(4000))
RETURNS TABLE AS RETURN SELECT
    CONVERT(NVARCHAR(257), candidate.schema_name + N'.' + candidate.procedure_name) AS full_name
FROM (
    SELECT
        p.schema_name,
        p.procedure_name,
        CASE
            WHEN p.schema_name = PARSENAME(@name, 2) AND p.procedure_name = PARSENAME(@name, 1) THEN 1
            ELSE 0
        END AS is_exact,
        COUNT(*) OVER () AS spellings
    FROM notify.catalog_procedure AS p
    WHERE p.schema_name = PARSENAME(@name, 2) COLLATE Latin1_General_100_CI_AS
        AND p.procedure_name = PARSENAME(@name, 1) COLLATE Latin1_General_100_CI_AS
        AND PARSENAME(@name, 3) IS NULL
) AS candidate
WHERE candidate.is_exact = 1 OR candidate.spellings = 1;
GO
