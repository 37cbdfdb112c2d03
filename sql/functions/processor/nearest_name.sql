SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
nearest_name: the candidate that a mistyped name most likely meant, or NULL when none is near.

Parameters  @name; @candidates: a JSON array of names.
*/
CREATE OR ALTER FUNCTION notify.nearest_name (@name NVARCHAR(4000), @candidates NVARCHAR(MAX))
RETURNS NVARCHAR(300)
AS
BEGIN
    RETURN (
        SELECT TOP (1) CONVERT(NVARCHAR(300), candidate.value)
        FROM OPENJSON(@candidates) AS candidate
        CROSS APPLY notify.name_similarity(@name, candidate.value) AS s
        WHERE s.similarity >= 0.4
        ORDER BY s.similarity DESC, candidate.value
    );
END;
GO
