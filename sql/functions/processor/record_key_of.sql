SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_key_of: the record_key that a person means: a JSON array stays as it is, any other text is the key of one column.
*/
CREATE OR ALTER FUNCTION notify.record_key_of (@text NVARCHAR(450))
RETURNS NVARCHAR(450)
AS
BEGIN
    RETURN CASE
        WHEN ISJSON(@text) = 1 AND LTRIM(@text) LIKE N'[[]%' THEN @text
        ELSE N'["' + STRING_ESCAPE(@text, 'json') + N'"]'
    END;
END;
GO
