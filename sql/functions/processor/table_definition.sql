SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
table_definition: a watched table as the JSON object `table` of a definition. What is NULL or not said is left out.
*/
CREATE OR ALTER FUNCTION notify.table_definition (@watched_table_id INTEGER)
RETURNS NVARCHAR(MAX)
AS
BEGIN
    RETURN (
        SELECT
            wt.schema_name AS [schema],
            wt.table_name AS name,
            JSON_QUERY(column_list.keys) AS keys,
            wt.created_column AS created,
            JSON_QUERY(stamp_list.modified) AS modified,
            wt.rowversion_column AS rowversion,
            wt.soft_delete_column AS [soft_delete.column],
            wt.soft_delete_value AS [soft_delete.value],
            wt.time_zone AS time_zone,
            wt.skew_ms AS skew_ms,
            wt.key_snapshot_minutes AS key_snapshot_minutes,
            wt.mass_delete_percent AS mass_delete_percent,
            wt.mass_delete_rows AS mass_delete_rows,
            CASE WHEN wt.allow_unindexed = 1 THEN wt.allow_unindexed END AS allow_unindexed,
            wt.row_cap AS row_cap,
            JSON_QUERY(column_list.notice_columns) AS notice_columns
        FROM notify.watched_table AS wt
        CROSS APPLY (
            SELECT
                N'[' +
                STRING_AGG(CASE WHEN wc.column_role = 'key' THEN quoted.name END, N',') WITHIN GROUP (
                    ORDER BY wc.position
                ) +
                N']' AS keys,
                N'[' +
                STRING_AGG(CASE WHEN wc.column_role = 'notice' THEN quoted.name END, N',') WITHIN GROUP (
                    ORDER BY wc.position
                ) +
                N']' AS notice_columns
            FROM notify.watched_column AS wc
            CROSS APPLY (
                SELECT CONVERT(NVARCHAR(MAX), N'"' + STRING_ESCAPE(wc.column_name, 'json') + N'"') AS name
            ) AS quoted
            WHERE wc.watched_table_id = wt.watched_table_id
        ) AS column_list
        CROSS APPLY (
            SELECT
                N'[' +
                STRING_AGG(
                    CONVERT(NVARCHAR(MAX), N'"' + STRING_ESCAPE(sc.column_name, 'json') + N'"'),
                    N','
                ) WITHIN GROUP (ORDER BY sc.column_name) +
                N']' AS modified
            FROM notify.stamp_column AS sc
            WHERE sc.watched_table_id = wt.watched_table_id AND sc.is_created = 0 AND sc.is_rowversion = 0
        ) AS stamp_list
        WHERE wt.watched_table_id = @watched_table_id
        FOR JSON PATH, WITHOUT_ARRAY_WRAPPER
    );
END;
GO
