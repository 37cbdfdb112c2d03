SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_criteria (internal): the SQL that tells which notifications' criteria a row meets: one variable per operand, one predicate
per criterion, one list of the notifications whose criteria all hold. Called by compile_row, which has checked the columns.

Parameters  @request: as compile_row takes it; @with_misses: 1 puts the notifications whose criteria do not hold into @matches too,
            as negative numbers; results: @declarations: to put in front, values read from @request into variables of the
            column's exact type; @matches: an expression over a table aliased t, a JSON array of notification ids
Errors      50154 an unknown operator, or no value to compare with
*/
CREATE OR ALTER PROCEDURE notify.compile_criteria
    @request NVARCHAR(MAX),
    @with_misses BIT,
    @declarations NVARCHAR(MAX) OUTPUT,
    @matches NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @criterion TABLE (
        notification_number INTEGER NOT NULL,
        criterion_number INTEGER NOT NULL,
        declarations NVARCHAR(MAX) NOT NULL,
        predicate NVARCHAR(MAX) NULL,
        PRIMARY KEY (notification_number, criterion_number)
    );

    INSERT INTO @criterion (notification_number, criterion_number, declarations, predicate)
    SELECT
        CONVERT(INTEGER, n.[key]),
        CONVERT(INTEGER, c.[key]),
        COALESCE(o.declarations, N''),
        CASE
            WHEN t.operator IN (N'=', N'<>', N'<', N'<=', N'>', N'>=') THEN t.reference +
            N' ' +
            t.operator +
            N' ' +
            o.names
            WHEN t.operator = N'like' THEN t.reference + N' LIKE ' + o.names
            WHEN t.operator = N'not like' THEN t.reference + N' NOT LIKE ' + o.names
            WHEN t.operator = N'in' THEN t.reference + N' IN (' + o.names + N')'
            WHEN t.operator = N'not in' THEN t.reference + N' NOT IN (' + o.names + N')'
            WHEN t.operator = N'between' THEN t.reference + N' BETWEEN ' + REPLACE(o.names, N', ', N' AND ')
            WHEN t.operator = N'is null' THEN t.reference + N' IS NULL'
            WHEN t.operator = N'is not null' THEN t.reference + N' IS NOT NULL'
        END
    FROM OPENJSON(@request, '$.notifications') AS n
    CROSS APPLY OPENJSON(n.value, '$.criteria') AS c
    CROSS APPLY (
        SELECT
            k.reference AS reference,
            JSON_VALUE(c.value, '$.operator') AS operator,
            CASE
                /* A pattern may be longer than what it is compared with. */
                WHEN JSON_VALUE(c.value, '$.operator') IN (N'like', N'not like') THEN CASE
                    WHEN k.type_name IN (N'nchar', N'nvarchar') THEN N'nvarchar(4000)'
                    ELSE N'varchar(8000)'
                END
                ELSE k.declared_type
            END AS declared_type,
            CASE
                WHEN JSON_VALUE(c.value, '$.operator') IN (N'like', N'not like') THEN N'?'
                ELSE k.from_text
            END AS from_text
        FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS k
        WHERE k.column_name = JSON_VALUE(c.value, '$.column')
    ) AS t
    OUTER APPLY (
        SELECT
            STRING_AGG(named.variable, N', ') WITHIN GROUP (ORDER BY CONVERT(INTEGER, v.[key])) AS names,
            STRING_AGG(
                N'DECLARE ' +
                named.variable +
                N' ' +
                t.declared_type +
                N' = ' +
                REPLACE(
                    t.from_text,
                    N'?',
                    CONCAT(
                        N'JSON_VALUE(@request, ''$.notifications[',
                        CONVERT(INTEGER, n.[key]),
                        N'].criteria[',
                        CONVERT(INTEGER, c.[key]),
                        N'].value[',
                        CONVERT(INTEGER, v.[key]),
                        N']'')'
                    )
                ) +
                N';' +
                NCHAR(10),
                N''
            ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, v.[key])) AS declarations
        FROM OPENJSON(c.value, '$.value') AS v
        CROSS APPLY (
            SELECT
                CONVERT(
                    NVARCHAR(MAX),
                    CONCAT(
                        N'@operand_',
                        CONVERT(INTEGER, n.[key]),
                        N'_',
                        CONVERT(INTEGER, c.[key]),
                        N'_',
                        CONVERT(INTEGER, v.[key])
                    )
                ) AS variable
        ) AS named
    ) AS o;

    IF EXISTS (SELECT 1 FROM @criterion AS cr WHERE cr.predicate IS NULL)
        THROW 50154, N'A criterion has an unknown operator, or no value to compare with. Save the definition again.', 1;

    SET @declarations = COALESCE(
            (
                SELECT
                    STRING_AGG(cr.declarations, N'') WITHIN GROUP (ORDER BY cr.notification_number, cr.criterion_number)
                FROM @criterion AS cr
            ),
            N''
        );

    SELECT
        @matches = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                N'CASE WHEN ' +
                COALESCE(p.predicate, N'1 = 1') +
                N' THEN N'',' +
                CONVERT(NVARCHAR(11), CONVERT(INTEGER, JSON_VALUE(n.value, '$.id'))) +
                N''' ELSE N''' +
                CASE
                    WHEN @with_misses = 1 THEN N',-' +
                    CONVERT(NVARCHAR(11), CONVERT(INTEGER, JSON_VALUE(n.value, '$.id')))
                    ELSE N''
                END +
                N''' END'
            ),
            N' + '
        ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, n.[key]))
    FROM OPENJSON(@request, '$.notifications') AS n
    OUTER APPLY (
        SELECT STRING_AGG(N'(' + cr.predicate + N')', N' AND ') WITHIN GROUP (ORDER BY cr.criterion_number) AS predicate
        FROM @criterion AS cr
        WHERE cr.notification_number = CONVERT(INTEGER, n.[key])
    ) AS p;

    SET @matches = COALESCE(N'CONCAT(N''['', STUFF(' + @matches + N', 1, 1, N''''), N'']'')', N'N''[]''');
END;
GO
