SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
merged_definition: a definition whose table object is completed by what is stored for that table.

Several notifications share a watched table. While another one that is not retired watches it, what a definition does not say
of the table stays as it is; otherwise it gets its default. Keys that are given, null too, win.

Parameters  @definition: a JSON object.
*/
CREATE OR ALTER FUNCTION notify.merged_definition (@definition NVARCHAR(MAX))
RETURNS NVARCHAR(MAX)
AS
BEGIN
    DECLARE
        @stored NVARCHAR(MAX) = (
            SELECT notify.table_definition(wt.watched_table_id)
            FROM notify.find_table(
                COALESCE(JSON_VALUE(@definition, '$.table.schema'), N'dbo'),
                JSON_VALUE(@definition, '$.table.name')
            ) AS t
            INNER JOIN notify.watched_table AS wt ON wt.schema_name = t.schema_name AND wt.table_name = t.table_name
            WHERE EXISTS (
                    SELECT 1
                    FROM notify.notification AS n
                    WHERE n.watched_table_id = wt.watched_table_id
                        AND n.state <> 'retired'
                        AND n.name <> COALESCE(JSON_VALUE(@definition, '$.name'), N'')
                )
        );
    DECLARE
        @merged NVARCHAR(MAX) = (
            SELECT
                STRING_AGG(
                    CONVERT(
                        NVARCHAR(MAX),
                        N'"' +
                        STRING_ESCAPE(part.[key], 'json') COLLATE DATABASE_DEFAULT +
                        N'":' +
                        CASE part.type
                            WHEN 0 THEN N'null'
                            WHEN 1 THEN N'"' + STRING_ESCAPE(part.value, 'json') + N'"'
                            ELSE part.value
                        END
                    ),
                    N','
                )
            FROM (
                SELECT g.[key], g.value, g.type FROM OPENJSON(@definition, '$.table') AS g
                UNION ALL
                SELECT s.[key], s.value, s.type
                FROM OPENJSON(@stored) AS s
                WHERE s.[key] COLLATE Latin1_General_BIN2 NOT IN (
                        SELECT g.[key] COLLATE Latin1_General_BIN2 FROM OPENJSON(@definition, '$.table') AS g
                    )
            ) AS part
        );
    RETURN CASE
        WHEN @stored IS NULL OR @merged IS NULL THEN @definition
        ELSE JSON_MODIFY(@definition, '$.table', JSON_QUERY(N'{' + @merged + N'}'))
    END;
END;
GO
