SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
check_columns (internal): reads the columns of a request's table from the catalog, and refuses a request that names what this database
has not, a column that cannot play its role, or a memory-optimized table.

Parameters  @request: as compile_row takes it; result: @columns, a JSON array for described_columns
Errors      50151 unknown table, 50152 unknown columns (all of them named), 50153 the type of a column does not allow its role,
            50158 memory-optimized: a secondary shows such rows up to a time of their own, which the heartbeat's row, on disk, is ahead of
*/
CREATE OR ALTER PROCEDURE notify.check_columns @request NVARCHAR(MAX), @columns NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @message NVARCHAR(2048);
    DECLARE @collation sysname = CONVERT(sysname, DATABASEPROPERTYEX(DB_NAME(), 'Collation'));

    SET @columns = (
            SELECT
                tc.column_name AS column_name,
                tc.column_id AS column_id,
                tc.type_name AS type_name,
                tc.scale AS scale,
                tc.collation_name AS collation_name,
                tc.is_computed AS is_computed,
                CASE
                    WHEN tc.type_name IN (N'char', N'varchar') AND tc.collation_name <> @collation THEN 1
                    ELSE 0
                END AS is_foreign,
                tc.declared_type AS declared_type,
                tc.reference AS reference,
                tc.as_text AS as_text,
                tc.as_match AS as_match,
                tc.as_stamp AS as_stamp,
                tc.from_text AS from_text
            FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
            FOR JSON PATH
        );

    IF @columns IS NULL
    BEGIN
        SET @message = CONCAT(
                N'There is no table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' in this database, or the procedure may not read it. Refresh the catalog copy; see roles/replica.sql for the grant.'
            );
        THROW 50151, @message, 1;
    END;

    IF EXISTS (
           SELECT 1
           FROM (
               SELECT object_id, schema_id, name, is_memory_optimized FROM sys.tables
           ) AS t
           JOIN (
               SELECT schema_id, name FROM sys.schemas
           ) AS s ON s.schema_id = t.schema_id
           WHERE s.name = JSON_VALUE(@request, '$.schema')
               AND t.name = JSON_VALUE(@request, '$.table')
               AND t.is_memory_optimized = 1
       )
    BEGIN
        SET @message = CONCAT(
                N'Table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' is memory-optimized: a secondary shows its rows later than the heartbeat, and changes would be passed over. Watch a table on disk that is written in the same transaction.'
            );
        THROW 50158, @message, 1;
    END;

    SELECT
        @message = STRING_AGG(CONVERT(NVARCHAR(MAX), missing.column_name), N', ') WITHIN GROUP (
            ORDER BY missing.column_name
        )
    FROM (
        SELECT DISTINCT r.column_name AS column_name
        FROM notify.request_columns(@request) AS r
        WHERE NOT EXISTS (SELECT 1 FROM notify.described_columns(@columns) AS c WHERE c.column_name = r.column_name)
    ) AS missing;

    IF @message IS NOT NULL
    BEGIN
        SET @message = CONCAT(
                N'Table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' has no column ',
                @message,
                N'. Refresh the catalog copy and change the definitions that name it.'
            );
        THROW 50152, @message, 1;
    END;

    SELECT @message = STRING_AGG(CONVERT(NVARCHAR(MAX), CONCAT(r.column_name, N' (', r.role, N')')), N', ')
    FROM notify.request_columns(@request) AS r
    JOIN notify.described_columns(@columns) AS c ON c.column_name = r.column_name
    WHERE (r.role = 'key' AND c.as_text IS NULL)
        OR (r.role IN ('scan', 'stamp', 'created') AND c.as_stamp IS NULL)
        OR (r.role = 'rowversion' AND c.type_name <> N'timestamp')
        OR (r.role IN ('criterion', 'soft_delete') AND c.declared_type IS NULL);

    IF @message IS NOT NULL
    BEGIN
        SET @message = CONCAT(N'The type of these columns does not allow their role: ', @message, N'.');
        THROW 50153, @message, 1;
    END;
END;
GO
