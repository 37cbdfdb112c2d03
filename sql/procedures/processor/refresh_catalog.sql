SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
refresh_catalog: replaces the copy of the replica's catalog.

Parameters  @columns, @procedures: read_catalog's two result sets as JSON.
Result      one row: columns, procedures (counts).
Errors      50001 not a list; 50002 the list of columns is empty (a replica that shows nothing is no reason to forget everything)
Locks       the two copies, in one transaction.
*/
CREATE OR ALTER PROCEDURE notify.refresh_catalog @columns NVARCHAR(MAX), @procedures NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @column_count INTEGER;
    DECLARE @procedure_count INTEGER;

    IF COALESCE(ISJSON(@columns), 0) = 0 OR COALESCE(ISJSON(@procedures), 0) = 0
        THROW 50001, N'refresh_catalog: @columns and @procedures must be JSON lists, as read_catalog gives them.', 1;
    IF NOT EXISTS (SELECT 1 FROM OPENJSON(@columns) AS c)
        THROW 50002, N'The replica shows no table. Has the detector''s login the right to see them (VIEW DEFINITION or SELECT)? The copy of the catalog stays as it is.', 1;

    BEGIN TRY
        BEGIN TRANSACTION;

        DELETE FROM notify.catalog_column;
        INSERT notify.catalog_column (
            schema_name,
            table_name,
            column_name,
            column_id,
            type_name,
            max_length,
            precision,
            scale,
            is_nullable,
            collation_name,
            key_ordinal,
            leads_index,
            is_computed,
            refreshed_at
        )
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
            c.is_computed,
            @now
        FROM OPENJSON(@columns) WITH (
            schema_name NVARCHAR(128),
            table_name NVARCHAR(128),
            column_name NVARCHAR(128),
            column_id INTEGER,
            type_name NVARCHAR(128),
            max_length SMALLINT,
            precision TINYINT,
            scale TINYINT,
            is_nullable BIT,
            collation_name NVARCHAR(128),
            key_ordinal TINYINT,
            leads_index BIT,
            is_computed BIT
        ) AS c;
        SET @column_count = @@ROWCOUNT;

        DELETE FROM notify.catalog_procedure;
        INSERT notify.catalog_procedure (schema_name, procedure_name, refreshed_at)
        SELECT p.schema_name, p.procedure_name, @now
        FROM OPENJSON(@procedures) WITH (
            schema_name NVARCHAR(128),
            procedure_name NVARCHAR(128)
        ) AS p;
        SET @procedure_count = @@ROWCOUNT;

        /* Time zones come with the server's version; this server's are taken for the replica's. */
        INSERT notify.catalog_time_zone (name)
        SELECT z.name
        FROM (
            SELECT name COLLATE DATABASE_DEFAULT AS name FROM sys.time_zone_info
        ) AS z
        EXCEPT
        SELECT known.name FROM notify.catalog_time_zone AS known;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT @column_count AS columns, @procedure_count AS procedures;
END;
GO
