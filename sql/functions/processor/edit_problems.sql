SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
edit_problems: what a saved definition must not change, because of what is in force or recorded.

Parameters  @notification_id; @former_table_id: its watched table before (NULL: it is new); @table_before, @table_after: its table as
            table_definition gives it (@table_before NULL: the table is new).
Returns     path, value, problem.

The rowversion is as fixed as the keys: recorded states are ordered by it or by stamps, and the two do not compare. By the other
one the next change of a known record would be none, or one that is known would be told again.
*/
CREATE OR ALTER FUNCTION notify.edit_problems (
    @notification_id INTEGER,
    @former_table_id INTEGER,
    @table_before NVARCHAR(MAX),
    @table_after NVARCHAR(MAX)
)
RETURNS TABLE AS RETURN WITH edited AS (
    SELECT n.notification_id, n.name, n.state, n.watched_table_id
    FROM notify.notification AS n
    WHERE n.notification_id = @notification_id
)
SELECT
    CONVERT(NVARCHAR(300), N'name') AS path,
    CONVERT(NVARCHAR(400), e.name) AS value,
    CONVERT(NVARCHAR(400), N'It is retired. Take another name: its changes stay on record under this one.') AS problem
FROM edited AS e
WHERE e.state = 'retired'
UNION ALL
SELECT N'table.name', NULL, N'A notification that was active keeps its table. Retire it and save a new one.'
FROM edited AS e
WHERE e.state IN ('active', 'paused') AND e.watched_table_id <> @former_table_id
UNION ALL
SELECT
    N'table.' + part.name,
    NULL,
    N'It is fixed while a notification on this table is active: pause ' +
    holder.name +
    N' first, and resume it afterwards.'
FROM edited AS e
CROSS JOIN (VALUES
    (N'created'),
    (N'modified'),
    (N'time_zone')
) AS part (name)
CROSS APPLY (
    SELECT TOP (1) n.name
    FROM notify.notification AS n
    WHERE n.watched_table_id = e.watched_table_id AND n.state = 'active'
    ORDER BY n.name
) AS holder
WHERE @table_before IS NOT NULL
    AND COALESCE((SELECT b.value FROM OPENJSON(@table_before) AS b WHERE b.[key] = part.name), N'') COLLATE Latin1_General_BIN2 <> COALESCE(
        (SELECT a.value FROM OPENJSON(@table_after) AS a WHERE a.[key] = part.name),
        N''
    )
UNION ALL
SELECT N'table.keys', NULL, N'Recorded changes are told apart by the present keys: retire ' + holder.name + N' first.'
FROM edited AS e
CROSS APPLY (
    SELECT TOP (1) n.name
    FROM notify.notification AS n
    WHERE n.watched_table_id = e.watched_table_id AND n.state IN ('active', 'paused')
    ORDER BY n.name
) AS holder
WHERE JSON_QUERY(@table_before, '$.keys') COLLATE Latin1_General_BIN2 <> JSON_QUERY(@table_after, '$.keys')
UNION ALL
SELECT
    N'table.rowversion',
    NULL,
    N'Recorded states are ordered by it, or by stamps where there is none: retire ' + holder.name + N' first.'
FROM edited AS e
CROSS APPLY (
    SELECT TOP (1) n.name
    FROM notify.notification AS n
    WHERE n.watched_table_id = e.watched_table_id AND n.state IN ('active', 'paused')
    ORDER BY n.name
) AS holder
WHERE @table_before IS NOT NULL
    AND COALESCE(JSON_VALUE(@table_before, '$.rowversion'), N'') COLLATE Latin1_General_BIN2 <> COALESCE(
        JSON_VALUE(@table_after, '$.rowversion'),
        N''
    );
GO
