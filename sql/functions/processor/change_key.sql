SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
change_key: the identity of a change, one row with one column change_key binary(32).

SHA2_256 over the JSON text ["notification guid","record_match","operation","version"] in UTF-16. Inline, so that a page of
changes is hashed by one plan: CROSS APPLY notify.change_key(...) AS k.
*/
CREATE OR ALTER FUNCTION notify.change_key (
    @notification_guid UNIQUEIDENTIFIER,
    @record_match NVARCHAR(450),
    @operation CHAR(1),
    @version VARCHAR(100)
)
RETURNS TABLE AS RETURN SELECT
    CONVERT(
        BINARY(32),
        HASHBYTES(
            'SHA2_256',
            N'["' +
            CONVERT(NVARCHAR(36), @notification_guid) +
            N'","' +
            STRING_ESCAPE(@record_match, 'json') +
            N'","' +
            @operation +
            N'","' +
            STRING_ESCAPE(@version, 'json') +
            N'"]'
        )
    ) AS change_key;
GO
