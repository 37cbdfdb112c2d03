SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
table_request: the request, as JSON, that detect_changes and read_keys take for one watched table.

Parameters  @watched_table_id; @stamp_column_id: the column to scan, NULL for read_keys; @notification_id: NULL for all active
            notifications of the table, else only this one, whatever its state; @low, @high: stamps, NULL for none;
            @cursor_stamp, @cursor_key: where a sweep goes on, NULL at its start; @page_size: rows per page.
Returns     {schema, table, keys: [names in key order], stamp, is_rowversion, stamps: [date and time columns that make up the
            state], created, rowversion, soft_delete: {column, value}, time_zone, skew_ms, row_cap, notice_columns: [names],
            low, high, cursor_stamp, cursor_key: [texts], page_size,
            notifications: [{id, criteria: [{column, operator, value: [texts]}]}]}. What is NULL is left out.
            Dates and times in value are texts of datetime2(7), style 121; binary values are 0x... (style 1).
*/
CREATE OR ALTER FUNCTION notify.table_request (
    @watched_table_id INTEGER,
    @stamp_column_id INTEGER,
    @notification_id INTEGER,
    @low VARCHAR(27),
    @high VARCHAR(27),
    @cursor_stamp VARCHAR(27),
    @cursor_key NVARCHAR(450),
    @page_size INTEGER
)
RETURNS NVARCHAR(MAX)
AS
BEGIN
    RETURN (
        SELECT
            wt.schema_name AS [schema],
            wt.table_name AS [table],
            JSON_QUERY(column_list.keys) AS keys,
            scanned.column_name AS stamp,
            scanned.is_rowversion AS is_rowversion,
            JSON_QUERY(COALESCE(stamp_list.stamps, N'[]')) AS stamps,
            wt.created_column AS created,
            wt.rowversion_column AS rowversion,
            wt.soft_delete_column AS [soft_delete.column],
            wt.soft_delete_value AS [soft_delete.value],
            wt.time_zone AS time_zone,
            wt.skew_ms AS skew_ms,
            CASE WHEN wt.allow_unindexed = 1 THEN wt.row_cap END AS row_cap,
            JSON_QUERY(COALESCE(column_list.notice_columns, N'[]')) AS notice_columns,
            @low AS low,
            @high AS high,
            @cursor_stamp AS cursor_stamp,
            JSON_QUERY(@cursor_key) AS cursor_key,
            @page_size AS page_size,
            JSON_QUERY(
                COALESCE(
                    (
                        SELECT
                            n.notification_id AS id,
                            JSON_QUERY(
                                COALESCE(
                                    (
                                        SELECT
                                            c.column_name AS [column],
                                            c.operator AS operator,
                                            JSON_QUERY(c.operand) AS value
                                        FROM notify.criterion AS c
                                        WHERE c.notification_id = n.notification_id
                                        ORDER BY c.criterion_number
                                        FOR JSON PATH
                                    ),
                                    N'[]'
                                )
                            ) AS criteria
                        FROM notify.notification AS n
                        WHERE n.watched_table_id = wt.watched_table_id
                            AND (
                                (@notification_id IS NULL AND n.state = 'active')
                                OR n.notification_id = @notification_id
                            )
                        ORDER BY n.notification_id
                        FOR JSON PATH
                    ),
                    N'[]'
                )
            ) AS notifications
        FROM notify.watched_table AS wt
        LEFT JOIN notify.stamp_column AS scanned
            ON scanned.stamp_column_id = @stamp_column_id AND scanned.watched_table_id = wt.watched_table_id
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
                ) WITHIN GROUP (ORDER BY sc.stamp_column_id) +
                N']' AS stamps
            FROM notify.stamp_column AS sc
            WHERE sc.watched_table_id = wt.watched_table_id AND sc.is_rowversion = 0
        ) AS stamp_list
        WHERE wt.watched_table_id = @watched_table_id
        FOR JSON PATH, WITHOUT_ARRAY_WRAPPER
    );
END;
GO
