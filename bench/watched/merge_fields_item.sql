SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* An item and whom to tell. */
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_item @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = N'1',
        recipient_name = N'The office',
        email = N'office@example.com',
        name = i.name,
        city = N'Town',
        title = i.name,
        body = i.name,
        price = i.price
    FROM OPENJSON(@changes) WITH (
        change_number BIGINT '$.change_number',
        item_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.item AS i ON i.item_id = change.item_id
    ORDER BY change.change_number;
END;
GO
