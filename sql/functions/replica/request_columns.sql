SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
request_columns: the columns that a request names, and what for.

Parameters  @request: as compile_row takes it
Returns     role (key, stamp, notice, scan, created, rowversion, soft_delete, criterion), position (from 0 within its role; of a
            criterion: from 1), column_name
*/
CREATE OR ALTER FUNCTION notify.request_columns (@request NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    CONVERT(VARCHAR(12), 'key') AS role,
    CONVERT(INTEGER, j.[key]) AS position,
    CONVERT(NVARCHAR(128), j.value) COLLATE DATABASE_DEFAULT AS column_name
FROM OPENJSON(@request, '$.keys') AS j
UNION ALL
SELECT 'stamp', CONVERT(INTEGER, j.[key]), j.value FROM OPENJSON(@request, '$.stamps') AS j
UNION ALL
SELECT 'notice', CONVERT(INTEGER, j.[key]), j.value FROM OPENJSON(@request, '$.notice_columns') AS j
UNION ALL
SELECT single.role, 0, single.column_name
FROM ( VALUES
    ('scan', JSON_VALUE(@request, '$.stamp')),
    ('created', JSON_VALUE(@request, '$.created')),
    ('rowversion', JSON_VALUE(@request, '$.rowversion')),
    ('soft_delete', JSON_VALUE(@request, '$.soft_delete.column'))
) AS single (role, column_name)
WHERE single.column_name IS NOT NULL
UNION ALL
SELECT
    'criterion',
    CONVERT(INTEGER, ROW_NUMBER() OVER (ORDER BY CONVERT(INTEGER, n.[key]), CONVERT(INTEGER, c.[key]))),
    JSON_VALUE(c.value, '$.column')
FROM OPENJSON(@request, '$.notifications') AS n
CROSS APPLY OPENJSON(n.value, '$.criteria') AS c;
GO
