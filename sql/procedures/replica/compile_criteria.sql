SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_criteria (internal): the SQL that tells which notifications' criteria a row meets: one variable per operand, one predicate
per criterion, one list of the notifications whose criteria all hold. Called by compile_row, which has checked the columns.

Parameters  @request: as compile_row takes it; @columns: check_columns' JSON; @with_misses: 1 puts the notifications whose
            criteria do not hold into @matches too, as negative numbers; results: @declarations: to put in front, values read from @request into variables of the
            column's exact type; @matches: an expression over a table aliased t, a JSON array of notification ids
Errors      50154 an unknown operator, or no value to compare with
*/
CREATE OR ALTER PROCEDURE notify.compile_criteria
    @request NVARCHAR(MAX),
    @columns NVARCHAR(MAX),
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
    SELECT cs.notification_number, cs.criterion_number, cs.declarations, cs.predicate
    FROM notify.criterion_sql(@request, @columns) AS cs;

    IF EXISTS (SELECT 1 FROM @criterion AS cr WHERE cr.predicate IS NULL)
        THROW 50154, N'A criterion has an unknown operator, or no value to compare with. Save the definition again.', 1;

    SELECT
        @declarations = STRING_AGG(cr.declarations, N'') WITHIN GROUP (
            ORDER BY cr.notification_number, cr.criterion_number
        )
    FROM @criterion AS cr;

    SELECT
        @matches = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                N'CASE WHEN ' +
                COALESCE(p.predicate, N'1 = 1') +
                N' THEN N'',' +
                n.id +
                N''' ELSE N''' +
                CASE WHEN @with_misses = 1 THEN N',-' + n.id ELSE N'' END +
                N''' END'
            ),
            N' + '
        ) WITHIN GROUP (ORDER BY n.notification_number)
    FROM (
        SELECT
            CONVERT(INTEGER, j.[key]) AS notification_number,
            CONVERT(NVARCHAR(11), CONVERT(INTEGER, JSON_VALUE(j.value, '$.id'))) AS id
        FROM OPENJSON(@request, '$.notifications') AS j
    ) AS n
    OUTER APPLY (
        SELECT STRING_AGG(N'(' + cr.predicate + N')', N' AND ') WITHIN GROUP (ORDER BY cr.criterion_number) AS predicate
        FROM @criterion AS cr
        WHERE cr.notification_number = n.notification_number
    ) AS p;

    SET @declarations = COALESCE(@declarations, N'');
    SET @matches = COALESCE(N'CONCAT(N''['', STUFF(' + @matches + N', 1, 1, N''''), N'']'')', N'N''[]''');
END;
GO
