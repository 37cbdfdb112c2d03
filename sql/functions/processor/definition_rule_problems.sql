SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_rule_problems: what is wrong with a definition's operations, policy, procedures, channels, time zone and numbers, and
with how they go together.

Parameters  @definition: a JSON object.
Returns     path, value, problem, suggestion.
*/
CREATE OR ALTER FUNCTION notify.definition_rule_problems (@definition NVARCHAR(MAX))
RETURNS TABLE AS RETURN WITH asked AS (
    SELECT
        MAX(CASE WHEN o.value = N'insert' THEN 1 ELSE 0 END) AS on_insert,
        MAX(CASE WHEN o.value = N'update' THEN 1 ELSE 0 END) AS on_update,
        MAX(CASE WHEN o.value = N'delete' THEN 1 ELSE 0 END) AS on_delete,
        CASE WHEN JSON_VALUE(@definition, '$.table.created') IS NOT NULL THEN 1 ELSE 0 END AS has_created,
        CASE WHEN JSON_VALUE(@definition, '$.table.modified[0]') IS NOT NULL THEN 1 ELSE 0 END AS has_modified,
        CASE WHEN JSON_VALUE(@definition, '$.table.rowversion') IS NOT NULL THEN 1 ELSE 0 END AS has_rowversion,
        CASE
            WHEN JSON_VALUE(@definition, '$.table.soft_delete.column') IS NOT NULL THEN 1
            ELSE 0
        END AS has_soft_delete,
        CASE
            WHEN JSON_VALUE(@definition, '$.table.key_snapshot_minutes') IS NOT NULL THEN 1
            ELSE 0
        END AS has_key_snapshot
    FROM OPENJSON(@definition, '$.on') AS o
),
procedure_list AS (
    SELECT
        N'[' +
        STRING_AGG(
            CONVERT(NVARCHAR(MAX), N'"' + STRING_ESCAPE(p.schema_name + N'.' + p.procedure_name, 'json') + N'"'),
            N','
        ) +
        N']' AS names
    FROM notify.catalog_procedure AS p
),
zone_list AS (
    SELECT
        N'["UTC",' +
        STRING_AGG(CONVERT(NVARCHAR(MAX), N'"' + STRING_ESCAPE(z.name, 'json') + N'"'), N',') +
        N']' AS names
    FROM notify.catalog_time_zone AS z
),
ranged AS (
    SELECT r.path, r.value, r.least, r.most
    FROM ( VALUES
        (N'priority', JSON_VALUE(@definition, '$.priority'), 1, 9),
        (N'expires_after_minutes', JSON_VALUE(@definition, '$.expires_after_minutes'), 1, 525600),
        (N'maximum_delay_minutes', JSON_VALUE(@definition, '$.maximum_delay_minutes'), 1, 525600),
        (N'prerequisite.deadline_minutes', JSON_VALUE(@definition, '$.prerequisite.deadline_minutes'), 1, 525600),
        (N'table.skew_ms', JSON_VALUE(@definition, '$.table.skew_ms'), 0, 3600000),
        (N'table.key_snapshot_minutes', JSON_VALUE(@definition, '$.table.key_snapshot_minutes'), 1, 10080),
        (N'table.mass_delete_percent', JSON_VALUE(@definition, '$.table.mass_delete_percent'), 1, 100),
        (N'table.mass_delete_rows', JSON_VALUE(@definition, '$.table.mass_delete_rows'), 0, 1000000),
        (N'table.row_cap', JSON_VALUE(@definition, '$.table.row_cap'), 1, 10000000)
    ) AS r (path, value, least, most)
    WHERE r.value IS NOT NULL
)
SELECT
    (N'on[' + o.[key] + N']') COLLATE DATABASE_DEFAULT AS path,
    CONVERT(NVARCHAR(400), LEFT(o.value, 400)) AS value,
    CONVERT(NVARCHAR(400), N'There are insert, update and delete.') AS problem,
    notify.nearest_name(o.value, N'["insert", "update", "delete"]') AS suggestion
FROM OPENJSON(@definition, '$.on') AS o
WHERE o.type = 1 AND o.value NOT IN (N'insert', N'update', N'delete')
UNION ALL
SELECT rule_broken.path, NULL, rule_broken.problem, NULL
FROM asked AS a
CROSS APPLY ( VALUES
    (
        N'on',
        N'Name at least one of insert, update and delete.',
        CASE
            WHEN COALESCE(a.on_insert + a.on_update + a.on_delete, 0) = 0
            AND JSON_QUERY(@definition, '$.on') = N'[]' THEN 1
            ELSE 0
        END
    ),
    (
        N'table',
        N'Detection needs a stamp column: created, modified or rowversion.',
        CASE WHEN a.has_created + a.has_modified + a.has_rowversion = 0 THEN 1 ELSE 0 END
    ),
    (
        N'on',
        N'An insert is told from an update by its created column: name table.created.',
        CASE WHEN a.on_insert = 1 AND a.has_created = 0 THEN 1 ELSE 0 END
    ),
    (
        N'on',
        N'Updates are seen by table.modified or table.rowversion: name one.',
        CASE WHEN a.on_update = 1 AND a.has_modified + a.has_rowversion = 0 THEN 1 ELSE 0 END
    ),
    (
        N'on',
        N'Deletes are seen by table.soft_delete or by table.key_snapshot_minutes: name one.',
        CASE WHEN a.on_delete = 1 AND a.has_soft_delete + a.has_key_snapshot = 0 THEN 1 ELSE 0 END
    ),
    (
        N'table.soft_delete',
        N'A soft delete is seen by table.modified or table.rowversion: name one.',
        CASE WHEN a.on_delete = 1 AND a.has_soft_delete = 1 AND a.has_modified + a.has_rowversion = 0 THEN 1 ELSE 0 END
    )
) AS rule_broken (path, problem, is_broken)
WHERE rule_broken.is_broken = 1
UNION ALL
SELECT N'name', LEFT(given.name, 400), N'A name has 1 to 100 characters, none of them a control character.', NULL
FROM (
    SELECT JSON_VALUE(@definition, '$.name') AS name
) AS given
WHERE LEN(given.name) NOT BETWEEN 1 AND 100
    OR given.name COLLATE Latin1_General_BIN2 LIKE N'%[' + NCHAR(1) + N'-' + NCHAR(31) + N']%'
UNION ALL
SELECT N'description', NULL, N'A description has at most 1000 characters.', NULL
WHERE LEN(JSON_VALUE(@definition, '$.description')) > 1000
UNION ALL
SELECT
    N'policy',
    LEFT(given.policy, 400),
    N'There are latest and every.',
    notify.nearest_name(given.policy, N'["latest", "every"]')
FROM (
    SELECT JSON_VALUE(@definition, '$.policy') AS policy
) AS given
WHERE given.policy NOT IN (N'latest', N'every')
UNION ALL
SELECT
    given.path,
    LEFT(given.name, 400),
    N'The replica has no such procedure.',
    notify.nearest_name(given.name, l.names)
FROM ( VALUES
    (N'merge_procedure', JSON_VALUE(@definition, '$.merge_procedure')),
    (N'prerequisite.procedure', JSON_VALUE(@definition, '$.prerequisite.procedure'))
) AS given (path, name)
CROSS JOIN procedure_list AS l
WHERE given.name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM notify.find_procedure(given.name) AS p)
UNION ALL
SELECT
    N'table.time_zone',
    LEFT(given.name, 400),
    N'There is no such time zone: UTC, or a name of sys.time_zone_info.',
    notify.nearest_name(given.name, l.names)
FROM (
    SELECT JSON_VALUE(@definition, '$.table.time_zone') AS name
) AS given
CROSS JOIN zone_list AS l
WHERE given.name <> N'UTC' AND NOT EXISTS (SELECT 1 FROM notify.catalog_time_zone AS z WHERE z.name = given.name)
UNION ALL
SELECT N'channels', NULL, N'Name at least one channel.', NULL
WHERE JSON_QUERY(@definition, '$.channels') IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM OPENJSON(@definition, '$.channels') AS c WHERE c.type <> 0)
UNION ALL
/* A template is named relative to the template folder, and stays in it. */
SELECT
    (N'channels.' + c.[key] + N'.template') COLLATE DATABASE_DEFAULT,
    LEFT(given.template, 400),
    N'It must be a file name of at most 260 characters within the template folder.',
    NULL
FROM OPENJSON(@definition, '$.channels') AS c
CROSS APPLY (
    SELECT CASE WHEN c.type = 5 THEN JSON_VALUE(c.value, '$.template') END AS template
) AS given
WHERE LEN(given.template) NOT BETWEEN 1 AND 260
    OR given.template LIKE N'%..%'
    OR given.template LIKE N'/%'
    OR given.template LIKE N'%\%'
    OR given.template LIKE N'%:%'
UNION ALL
SELECT
    r.path,
    LEFT(r.value, 400),
    N'It must be a whole number from ' +
    CONVERT(NVARCHAR(10), r.least) +
    N' to ' +
    CONVERT(NVARCHAR(10), r.most) +
    N'.',
    NULL
FROM ranged AS r
WHERE TRY_CONVERT(INTEGER, r.value) IS NULL OR TRY_CONVERT(INTEGER, r.value) NOT BETWEEN r.least AND r.most
UNION ALL
SELECT
    N'table.row_cap',
    NULL,
    N'A table that may be scanned without an index needs a row_cap: above it detection refuses.',
    NULL
WHERE JSON_VALUE(@definition, '$.table.allow_unindexed') = N'true'
    AND JSON_VALUE(@definition, '$.table.row_cap') IS NULL;
GO
