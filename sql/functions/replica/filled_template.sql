SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
filled_template: a template with its parts in place.

Parameters  @template: text with {names}, and no other brace; @parts: a JSON object, the text of each name
Returns     the text. One pass: what a part holds is never taken for a name. A name without a part stays as it is: no statement
            with a brace in it compiles.
*/
CREATE OR ALTER FUNCTION notify.filled_template (@template NVARCHAR(MAX), @parts NVARCHAR(MAX))
RETURNS NVARCHAR(MAX)
AS
BEGIN
    RETURN (
        SELECT
            STRING_AGG(
                CASE WHEN piece.is_name = 1 THEN COALESCE(part.value, N'{' + piece.text + N'}') ELSE piece.text END,
                N''
            ) WITHIN GROUP (ORDER BY piece.position)
        FROM (
            SELECT CONVERT(INTEGER, p.[key]) AS position, CONVERT(INTEGER, p.[key]) % 2 AS is_name, p.value AS text
            FROM OPENJSON(
                N'["' + REPLACE(REPLACE(STRING_ESCAPE(@template, 'json'), N'{', N'","'), N'}', N'","') + N'"]'
            ) AS p
        ) AS piece
        LEFT JOIN OPENJSON(@parts) AS part ON part.[key] = piece.text COLLATE Latin1_General_BIN2 AND piece.is_name = 1
    );
END;
GO
