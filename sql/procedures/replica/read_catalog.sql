SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
read_catalog: what the processor needs to know of this database to check definitions where they are saved.

Results  1  columns of user tables and views: schema_name, table_name, column_name, column_id, type_name (base type),
            max_length, precision, scale, is_nullable, collation_name, key_ordinal (NULL: not in the primary key),
            leads_index, is_computed, is_memory_optimized (detection refuses such a table: 50158)
         2  procedures that may give merge fields or check prerequisites: schema_name, procedure_name (schemas notify_extract, dbo)
Errors   50150 the database is not read only
Shows what the caller may see: the signature's user needs SELECT on the tables (roles/replica_signature.sql).
Catalog views stand in derived tables: a schema compiler that does not have them can then resolve every other name.
*/
CREATE OR ALTER PROCEDURE notify.read_catalog
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'
        THROW 50150, N'This database is not read only. Point the role replica at a readable secondary (ApplicationIntent=ReadOnly), not at source.', 1;

    SELECT
        s.name AS schema_name,
        o.name AS table_name,
        c.name AS column_name,
        c.column_id AS column_id,
        COALESCE(b.name, TYPE_NAME(c.user_type_id)) AS type_name,
        c.max_length AS max_length,
        c.precision AS precision,
        c.scale AS scale,
        c.is_nullable AS is_nullable,
        c.collation_name AS collation_name,
        CONVERT(TINYINT, k.key_ordinal) AS key_ordinal,
        CONVERT(BIT, CASE WHEN l.column_id IS NULL THEN 0 ELSE 1 END) AS leads_index,
        c.is_computed AS is_computed,
        CONVERT(BIT, COALESCE(m.is_memory_optimized, 0)) AS is_memory_optimized
    FROM (
        SELECT object_id, schema_id, name, type, is_ms_shipped FROM sys.objects
    ) AS o
    JOIN (
        SELECT schema_id, name FROM sys.schemas
    ) AS s ON s.schema_id = o.schema_id
    JOIN (
        SELECT
            object_id,
            column_id,
            name,
            system_type_id,
            user_type_id,
            max_length,
            precision,
            scale,
            is_nullable,
            collation_name,
            is_computed
        FROM sys.columns
    ) AS c ON c.object_id = o.object_id
    LEFT JOIN (
        SELECT user_type_id, name FROM sys.types
    ) AS b ON b.user_type_id = c.system_type_id
    LEFT JOIN (
        SELECT ic.object_id AS object_id, ic.column_id AS column_id, ic.key_ordinal AS key_ordinal
        FROM (
            SELECT object_id, index_id, is_primary_key FROM sys.indexes
        ) AS i
        JOIN (
            SELECT object_id, index_id, column_id, key_ordinal FROM sys.index_columns
        ) AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
        WHERE i.is_primary_key = 1 AND ic.key_ordinal > 0
    ) AS k ON k.object_id = c.object_id AND k.column_id = c.column_id
    LEFT JOIN (
        SELECT DISTINCT ic.object_id AS object_id, ic.column_id AS column_id
        FROM (
            SELECT object_id, index_id, type, has_filter, is_disabled, is_hypothetical FROM sys.indexes
        ) AS i
        JOIN (
            SELECT object_id, index_id, column_id, key_ordinal FROM sys.index_columns
        ) AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
        WHERE ic.key_ordinal = 1
            AND i.type IN (1, 2)
            AND i.has_filter = 0
            AND i.is_disabled = 0
            AND i.is_hypothetical = 0
    ) AS l ON l.object_id = c.object_id AND l.column_id = c.column_id
    LEFT JOIN (
        SELECT object_id, is_memory_optimized FROM sys.tables
    ) AS m ON m.object_id = o.object_id
    WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name NOT IN (N'notify', N'notify_extract')
    ORDER BY s.name, o.name, c.column_id;

    SELECT s.name AS schema_name, p.name AS procedure_name
    FROM (
        SELECT schema_id, name, is_ms_shipped FROM sys.procedures
    ) AS p
    JOIN (
        SELECT schema_id, name FROM sys.schemas
    ) AS s ON s.schema_id = p.schema_id
    WHERE s.name IN (N'notify_extract', N'dbo') AND p.is_ms_shipped = 0
    ORDER BY s.name, p.name;
END;
GO
