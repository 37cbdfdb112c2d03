SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
write_watched_table: stores the table object of a checked definition. Within save_notification's transaction.

Parameters  @definition: checked, and completed by merged_definition; @watched_table_id: out.
*/
CREATE OR ALTER PROCEDURE notify.write_watched_table @definition NVARCHAR(MAX), @watched_table_id INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @schema_name sysname;
    DECLARE @table_name sysname;
    DECLARE @time_zone sysname;

    SELECT @schema_name = t.schema_name, @table_name = t.table_name
    FROM notify.find_table(
        COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo'),
        JSON_VALUE(@definition, '$.table.name')
    ) AS t;

    INSERT notify.watched_table (schema_name, table_name, version, saved_at)
    SELECT @schema_name, @table_name, 0, @now
    WHERE NOT EXISTS (
            SELECT 1 FROM notify.watched_table AS wt WHERE wt.schema_name = @schema_name AND wt.table_name = @table_name
        );
    SELECT @watched_table_id = wt.watched_table_id, @time_zone = wt.time_zone
    FROM notify.watched_table AS wt
    WHERE wt.schema_name = @schema_name AND wt.table_name = @table_name;

    UPDATE wt
    SET
        wt.created_column = columns_used.created_column,
        wt.rowversion_column = columns_used.rowversion_column,
        wt.soft_delete_column = columns_used.soft_delete_column,
        wt.soft_delete_value = columns_used.soft_delete_value,
        wt.time_zone = COALESCE(given.time_zone, N'UTC'),
        wt.skew_ms = COALESCE(given.skew_ms, 1000),
        wt.key_snapshot_minutes = given.key_snapshot_minutes,
        wt.mass_delete_percent = COALESCE(given.mass_delete_percent, 10),
        wt.mass_delete_rows = COALESCE(given.mass_delete_rows, 20),
        wt.allow_unindexed = COALESCE(given.allow_unindexed, 0),
        wt.row_cap = given.row_cap,
        wt.version = wt.version + 1,
        wt.saved_at = @now
    FROM notify.watched_table AS wt
    CROSS JOIN OPENJSON(@definition, '$.table') WITH (
        time_zone NVARCHAR(128),
        skew_ms INTEGER,
        key_snapshot_minutes INTEGER,
        mass_delete_percent TINYINT,
        mass_delete_rows INTEGER,
        allow_unindexed BIT,
        row_cap INTEGER
    ) AS given
    CROSS APPLY (
        SELECT
            MAX(CASE WHEN d.column_use = 'created' THEN d.column_name END) AS created_column,
            MAX(CASE WHEN d.column_use = 'rowversion' THEN d.column_name END) AS rowversion_column,
            MAX(CASE WHEN d.column_use = 'soft_delete' THEN d.column_name END) AS soft_delete_column,
            MAX(CASE WHEN d.column_use = 'soft_delete' THEN fit.canonical END) AS soft_delete_value
        FROM notify.definition_columns(@definition) AS d
        OUTER APPLY notify.fit_value(
            JSON_VALUE(@definition, '$.table.soft_delete.value'),
            d.type_name,
            d.max_length,
            d.precision,
            d.scale
        ) AS fit
    ) AS columns_used
    WHERE wt.watched_table_id = @watched_table_id;

    DELETE wc
    FROM notify.watched_column AS wc
    WHERE wc.watched_table_id = @watched_table_id;
    INSERT notify.watched_column (watched_table_id, column_role, position, column_name)
    SELECT @watched_table_id, d.column_use, d.position, d.column_name
    FROM notify.definition_columns(@definition) AS d
    WHERE d.column_use IN ('key', 'notice');

    EXECUTE notify.write_stamp_columns
        @definition = @definition,
        @watched_table_id = @watched_table_id,
        @former_time_zone = @time_zone;
END;
GO
