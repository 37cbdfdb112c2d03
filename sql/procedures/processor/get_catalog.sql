SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_catalog: the copy of the replica's catalog, for people who write definitions.

Results     1  schema_name, table_name, column_name, column_id, type_name, max_length, precision, scale, is_nullable, collation_name,
               key_ordinal, leads_index, is_computed
            2  schema_name, procedure_name
            3  name: the time zones
*/
CREATE OR ALTER PROCEDURE notify.get_catalog
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    /* The whole copy is what is asked for: scans are right. */
    SELECT
        c.schema_name,
        c.table_name,
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
        c.is_computed
    FROM notify.catalog_column AS c
    ORDER BY c.schema_name, c.table_name, c.column_id;

    SELECT p.schema_name, p.procedure_name FROM notify.catalog_procedure AS p ORDER BY p.schema_name, p.procedure_name;

    SELECT z.name FROM notify.catalog_time_zone AS z ORDER BY z.name;
END;
GO
