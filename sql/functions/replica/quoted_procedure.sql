SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
quoted_procedure: the name of a procedure as it can be executed; no row where there is none, or the caller may not see it.

Parameters  @full_name: schema.name, as this database's catalog spells it
Returns     quoted_name
*/
CREATE OR ALTER FUNCTION notify.quoted_procedure (@full_name NVARCHAR(257))
RETURNS TABLE AS RETURN SELECT p.quoted_name AS quoted_name
FROM (
    SELECT
        OBJECT_SCHEMA_NAME(object_id) + N'.' + name AS full_name,
        QUOTENAME(OBJECT_SCHEMA_NAME(object_id)) + N'.' + QUOTENAME(name) AS quoted_name
    FROM sys.procedures
) AS p
WHERE p.full_name = @full_name;
GO
