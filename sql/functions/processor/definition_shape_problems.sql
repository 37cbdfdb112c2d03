SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_shape_problems: keys of a definition that are unknown, missing or of the wrong kind.

Parameters  @definition: a JSON object.
Returns     path, value, problem, suggestion.
*/
CREATE OR ALTER FUNCTION notify.definition_shape_problems (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN WITH known AS (
    /* kinds: OPENJSON's types: 1 string, 2 number, 3 true or false, 4 list, 5 object. null is as good as absent. */
    SELECT k.parent, k.name, k.kinds, k.wanted, k.is_required
    FROM ( VALUES
        (N'', N'name', '1', N'a string', 1),
        (N'', N'description', '1', N'a string', 0),
        (N'', N'table', '5', N'an object', 1),
        (N'', N'on', '4', N'a list', 1),
        (N'', N'where', '4', N'a list', 0),
        (N'', N'policy', '1', N'a string', 0),
        (N'', N'merge_procedure', '1', N'a string', 1),
        (N'', N'channels', '5', N'an object', 1),
        (N'', N'prerequisite', '5', N'an object', 0),
        (N'', N'priority', '2', N'a number', 0),
        (N'', N'expires_after_minutes', '2', N'a number', 0),
        (N'', N'maximum_delay_minutes', '2', N'a number', 0),
        (N'', N'state', '1', N'a string', 0),
        (N'table.', N'schema', '1', N'a string', 0),
        (N'table.', N'name', '1', N'a string', 1),
        (N'table.', N'keys', '4', N'a list', 0),
        (N'table.', N'created', '1', N'a string', 0),
        (N'table.', N'modified', '4', N'a list', 0),
        (N'table.', N'rowversion', '1', N'a string', 0),
        (N'table.', N'soft_delete', '5', N'an object', 0),
        (N'table.', N'time_zone', '1', N'a string', 0),
        (N'table.', N'skew_ms', '2', N'a number', 0),
        (N'table.', N'key_snapshot_minutes', '2', N'a number', 0),
        (N'table.', N'mass_delete_percent', '2', N'a number', 0),
        (N'table.', N'mass_delete_rows', '2', N'a number', 0),
        (N'table.', N'allow_unindexed', '3', N'true or false', 0),
        (N'table.', N'row_cap', '2', N'a number', 0),
        (N'table.', N'notice_columns', '4', N'a list', 0),
        (N'table.soft_delete.', N'column', '1', N'a string', 1),
        (N'table.soft_delete.', N'value', '123', N'a string, a number, true or false', 0),
        (N'prerequisite.', N'procedure', '1', N'a string', 1),
        (N'prerequisite.', N'deadline_minutes', '2', N'a number', 0),
        (N'channels.', N'email', '5', N'an object', 0),
        (N'channels.', N'sms', '5', N'an object', 0),
        (N'channels.', N'push', '5', N'an object', 0),
        (N'channels.email.', N'template', '1', N'a string', 1),
        (N'channels.sms.', N'template', '1', N'a string', 1),
        (N'channels.push.', N'template', '1', N'a string', 1)
    ) AS k (parent, name, kinds, wanted, is_required)
    UNION ALL
    SELECT N'where[' + item.[key] + N'].', k.name, k.kinds, k.wanted, k.is_required
    FROM OPENJSON(@definition, '$.where') AS item
    CROSS JOIN ( VALUES
        (N'column', '1', N'a string', 1),
        (N'operator', '1', N'a string', 1),
        (N'value', '1234', N'a string, a number, true, false or a list of them', 0)
    ) AS k (name, kinds, wanted, is_required)
    WHERE item.type = 5
),
given AS (
    SELECT N'' AS parent, o.[key] AS name, o.value, o.type FROM OPENJSON(@definition) AS o
    UNION ALL
    SELECT N'table.', o.[key], o.value, o.type FROM OPENJSON(@definition, '$.table') AS o
    UNION ALL
    SELECT N'table.soft_delete.', o.[key], o.value, o.type FROM OPENJSON(@definition, '$.table.soft_delete') AS o
    UNION ALL
    SELECT N'prerequisite.', o.[key], o.value, o.type FROM OPENJSON(@definition, '$.prerequisite') AS o
    UNION ALL
    SELECT N'channels.', o.[key], o.value, o.type FROM OPENJSON(@definition, '$.channels') AS o
    UNION ALL
    SELECT N'channels.' + channel.[key] + N'.', o.[key], o.value, o.type
    FROM OPENJSON(@definition, '$.channels') AS channel
    CROSS APPLY OPENJSON(CASE WHEN channel.type = 5 THEN channel.value ELSE N'{}' END) AS o
    WHERE channel.[key] IN (N'email', N'sms', N'push')
    UNION ALL
    SELECT N'where[' + item.[key] + N'].', o.[key], o.value, o.type
    FROM OPENJSON(@definition, '$.where') AS item
    CROSS APPLY OPENJSON(CASE WHEN item.type = 5 THEN item.value ELSE N'{}' END) AS o
),
/* Lists whose elements must be of one kind. */
element AS (
    SELECT N'on[' + e.[key] + N']' AS path, e.value, e.type, 1 AS kind FROM OPENJSON(@definition, '$.on') AS e
    UNION ALL
    SELECT N'where[' + e.[key] + N']', e.value, e.type, 5 FROM OPENJSON(@definition, '$.where') AS e
    UNION ALL
    SELECT N'table.keys[' + e.[key] + N']', e.value, e.type, 1 FROM OPENJSON(@definition, '$.table.keys') AS e
    UNION ALL
    SELECT N'table.modified[' + e.[key] + N']', e.value, e.type, 1 FROM OPENJSON(@definition, '$.table.modified') AS e
    UNION ALL
    SELECT N'table.notice_columns[' + e.[key] + N']', e.value, e.type, 1
    FROM OPENJSON(@definition, '$.table.notice_columns') AS e
)
SELECT
    (g.parent + g.name) COLLATE DATABASE_DEFAULT AS path,
    CONVERT(NVARCHAR(400), LEFT(g.value, 400)) AS value,
    CONVERT(NVARCHAR(400), N'There is no such key.') AS problem,
    (
        SELECT TOP (1) CONVERT(NVARCHAR(300), g.parent + k.name) COLLATE DATABASE_DEFAULT
        FROM known AS k
        CROSS APPLY notify.name_similarity(g.name, k.name) AS s
        WHERE k.parent = g.parent AND s.similarity >= 0.4
        ORDER BY s.similarity DESC, k.name
    ) AS suggestion
FROM given AS g
WHERE NOT EXISTS (SELECT 1 FROM known AS k WHERE k.parent = g.parent AND k.name = g.name COLLATE Latin1_General_BIN2)
UNION ALL
SELECT
    (g.parent + g.name) COLLATE DATABASE_DEFAULT,
    LEFT(g.value, 400),
    (N'It must be ' + k.wanted + N'.') COLLATE DATABASE_DEFAULT,
    NULL
FROM given AS g
INNER JOIN known AS k ON k.parent = g.parent AND k.name = g.name COLLATE Latin1_General_BIN2
WHERE g.type <> 0 AND k.kinds NOT LIKE '%' + CONVERT(CHAR(1), g.type) + '%'
UNION ALL
SELECT (g.parent + g.name) COLLATE DATABASE_DEFAULT, LEFT(g.value, 400), N'It has more than 4000 characters.', NULL
FROM given AS g
WHERE g.type = 1 AND LEN(g.value) > 4000
UNION ALL
SELECT (k.parent + k.name) COLLATE DATABASE_DEFAULT, NULL, N'It is missing.', NULL
FROM known AS k
WHERE k.is_required = 1
    /* of an object that is there */
    AND (
        k.parent = N''
        OR EXISTS (
            SELECT 1 FROM given AS holder WHERE holder.parent + holder.name + N'.' = k.parent AND holder.type = 5
        )
        OR k.parent LIKE N'where%'
    )
    AND NOT EXISTS (
        SELECT 1
        FROM given AS g
        WHERE g.parent = k.parent AND g.name = k.name COLLATE Latin1_General_BIN2 AND g.type <> 0
    )
UNION ALL
SELECT
    e.path COLLATE DATABASE_DEFAULT,
    LEFT(e.value, 400),
    CASE e.kind WHEN 5 THEN N'It must be an object.' ELSE N'It must be a string.' END,
    NULL
FROM element AS e
WHERE e.type <> e.kind;
GO
