SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
activation_problems: what keeps a stored notification from being activated, seen against the present copy of the catalog.

Parameters  @notification_id; @definition: definition_of the same one. It comes in a variable, since the text of an inline
            function is expanded: a call in its place would be made once for every row that is checked against it.
Returns     path, problem (a sentence, with the CREATE INDEX where one is missing).
*/
CREATE OR ALTER FUNCTION notify.activation_problems (@notification_id INTEGER, @definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    CONVERT(NVARCHAR(300), p.path) AS path,
    CONVERT(NVARCHAR(1000), CONCAT(N'''' + p.value + N''': ', p.problem, N' Perhaps ' + p.suggestion + N'?')) AS problem
FROM notify.definition_problems(@definition) AS p
UNION ALL
SELECT
    N'table',
    CONCAT(
        N'No index leads on ',
        sc.column_name COLLATE DATABASE_DEFAULT,
        N', so that every scan would read the whole table. Create it: CREATE INDEX ',
        QUOTENAME(CONCAT(N'ix_', wt.table_name, N'_', sc.column_name)) COLLATE DATABASE_DEFAULT,
        N' ON ',
        QUOTENAME(wt.schema_name) COLLATE DATABASE_DEFAULT,
        N'.',
        QUOTENAME(wt.table_name) COLLATE DATABASE_DEFAULT,
        N' (',
        QUOTENAME(sc.column_name) COLLATE DATABASE_DEFAULT,
        key_list.names,
        N'); or set allow_unindexed and a row_cap.'
    )
FROM notify.notification AS n
INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
INNER JOIN notify.stamp_column AS sc ON sc.watched_table_id = wt.watched_table_id
INNER JOIN notify.catalog_column AS cc
    ON cc.schema_name = wt.schema_name AND cc.table_name = wt.table_name AND cc.column_name = sc.column_name
/* With the keys behind it a page is read in the index's order, whatever the table is clustered by. */
CROSS APPLY (
    SELECT
        STRING_AGG(
            CONVERT(NVARCHAR(MAX), N', ' + QUOTENAME(wc.column_name) COLLATE DATABASE_DEFAULT),
            N''
        ) WITHIN GROUP (ORDER BY wc.position) AS names
    FROM notify.watched_column AS wc
    WHERE wc.watched_table_id = wt.watched_table_id AND wc.column_role = 'key' AND wc.column_name <> sc.column_name
) AS key_list
WHERE n.notification_id = @notification_id AND sc.is_scanned = 1 AND cc.leads_index = 0 AND wt.allow_unindexed = 0;
GO
