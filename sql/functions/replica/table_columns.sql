SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
table_columns: the columns of a table or view as the catalog of this database has them, with the SQL that reads and writes
their values as text. The one place that knows how a type is declared, shown as a key, compared and used as a stamp.

Parameters  @schema_name, @table_name
Returns     column_name, column_id, type_name (base type), scale, collation_name, is_computed,
            declared_type   as it stands in a DECLARE
            reference       t.[column]
            as_text         reference as nvarchar, reversible by from_text; NULL: the type cannot be a key
            as_match        as_text, equal for values that the column's collation takes for equal
            as_stamp        reference as a stamp's text (sql/README.md); NULL: the type cannot be a stamp
            from_text       text to declared_type, a ? stands for the text
No row: no such table, or the caller may not see it.

Catalog views stand in derived tables: a schema compiler that does not have them can then resolve every other name.
*/
CREATE OR ALTER FUNCTION notify.table_columns (@schema_name sysname, @table_name sysname)
RETURNS TABLE AS RETURN SELECT
    c.name COLLATE DATABASE_DEFAULT AS column_name,
    c.column_id AS column_id,
    b.name AS type_name,
    c.scale AS scale,
    c.collation_name AS collation_name,
    c.is_computed AS is_computed,
    d.declared_type AS declared_type,
    d.reference AS reference,
    x.as_text AS as_text,
    CASE
        WHEN b.name NOT IN (N'char', N'varchar', N'nchar', N'nvarchar') THEN x.as_text
        WHEN CHARINDEX(N'_CI', c.collation_name) > 0 THEN N'UPPER(RTRIM(' + x.as_text + N'))'
        ELSE N'RTRIM(' + x.as_text + N')'
    END AS as_match,
    CASE
        WHEN b.name IN (
            N'date',
            N'smalldatetime',
            N'datetime',
            N'datetime2'
        ) THEN N'CONVERT(varchar(27), CONVERT(datetime2(7), ' + d.reference + N'), 121)'
        WHEN b.name = N'datetimeoffset' THEN N'CONVERT(varchar(27), CONVERT(datetime2(7), SWITCHOFFSET(' +
        d.reference +
        N', ''+00:00'')), 121)'
        WHEN b.name = N'timestamp' THEN N'CONVERT(varchar(27), CONVERT(binary(8), ' + d.reference + N'), 1)'
    END AS as_stamp,
    CASE
        WHEN b.name IN (N'date', N'smalldatetime', N'datetime', N'datetime2') THEN N'CONVERT(' +
        d.declared_type +
        N', CONVERT(datetime2(7), ?, 121))'
        WHEN b.name = N'datetimeoffset' THEN N'CONVERT(' + d.declared_type + N', ?, 121)'
        WHEN b.name IN (N'timestamp', N'binary', N'varbinary') THEN N'CONVERT(' + d.declared_type + N', ?, 1)'
        /* In the column's own collation: where it is not the database's, a joined text would be in conflict with it. */
        WHEN c.collation_name IS NOT NULL THEN N'CONVERT(' + d.declared_type + N', ? COLLATE ' + c.collation_name + N')'
        ELSE N'CONVERT(' + d.declared_type + N', ?)'
    END AS from_text
FROM (
    SELECT schema_id, name FROM sys.schemas
) AS s
JOIN (
    SELECT object_id, schema_id, name, type FROM sys.objects
) AS o ON o.schema_id = s.schema_id
JOIN (
    SELECT object_id, column_id, name, system_type_id, max_length, precision, scale, collation_name, is_computed
    FROM sys.columns
) AS c ON c.object_id = o.object_id
/* An alias type counts as its base type; types of the CLR have none and get NULL. */
LEFT JOIN (
    SELECT user_type_id, name FROM sys.types
) AS b ON b.user_type_id = c.system_type_id
CROSS APPLY (
    SELECT
        N't.' + QUOTENAME(c.name) AS reference,
        CASE
            WHEN b.name IN (N'nchar', N'nvarchar') THEN b.name +
            N'(' +
            CASE WHEN c.max_length = -1 THEN N'max' ELSE CONVERT(NVARCHAR(5), c.max_length / 2) END +
            N')'
            WHEN b.name IN (N'char', N'varchar', N'binary', N'varbinary') THEN b.name +
            N'(' +
            CASE WHEN c.max_length = -1 THEN N'max' ELSE CONVERT(NVARCHAR(5), c.max_length) END +
            N')'
            WHEN b.name IN (N'decimal', N'numeric') THEN b.name +
            N'(' +
            CONVERT(NVARCHAR(3), c.precision) +
            N', ' +
            CONVERT(NVARCHAR(3), c.scale) +
            N')'
            WHEN b.name IN (N'datetime2', N'datetimeoffset', N'time') THEN b.name +
            N'(' +
            CONVERT(NVARCHAR(3), c.scale) +
            N')'
            WHEN b.name = N'timestamp' THEN N'binary(8)'
            ELSE b.name
        END AS declared_type
) AS d
CROSS APPLY (
    SELECT
        CASE
            WHEN c.max_length = -1 THEN NULL
            WHEN b.name IN (N'char', N'nchar') THEN N'RTRIM(CONVERT(nvarchar(4000), ' + d.reference + N'))'
            WHEN b.name IN (N'varchar', N'nvarchar') THEN N'CONVERT(nvarchar(4000), ' + d.reference + N')'
            WHEN b.name IN (
                N'date',
                N'smalldatetime',
                N'datetime',
                N'datetime2'
            ) THEN N'CONVERT(nvarchar(27), CONVERT(datetime2(7), ' + d.reference + N'), 121)'
            WHEN b.name = N'datetimeoffset' THEN N'CONVERT(nvarchar(34), ' + d.reference + N', 121)'
            WHEN b.name = N'time' THEN N'CONVERT(nvarchar(16), ' + d.reference + N')'
            WHEN b.name = N'timestamp' THEN N'CONVERT(nvarchar(18), CONVERT(binary(8), ' + d.reference + N'), 1)'
            WHEN b.name IN (N'binary', N'varbinary') THEN N'CONVERT(nvarchar(4000), ' + d.reference + N', 1)'
            WHEN b.name IN (N'money', N'smallmoney') THEN N'CONVERT(nvarchar(30), ' + d.reference + N', 2)'
            WHEN b.name IN (N'float', N'real') THEN N'CONVERT(nvarchar(30), ' + d.reference + N', 3)'
            WHEN b.name IN (
                N'tinyint',
                N'smallint',
                N'int',
                N'bigint',
                N'bit',
                N'decimal',
                N'numeric',
                N'uniqueidentifier'
            ) THEN N'CONVERT(nvarchar(41), ' + d.reference + N')'
        END AS as_text
) AS x
WHERE s.name = @schema_name AND o.name = @table_name AND o.type IN ('U', 'V');
GO
