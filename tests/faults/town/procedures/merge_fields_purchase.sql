SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* A purchase's buyer. */
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_purchase @changes nvarchar(max)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(nvarchar(20), p.purchase_id),
        recipient_name = p.buyer,
        email = p.email,
        phone = p.phone,
        purchase_id = p.purchase_id,
        status = p.status
    FROM OPENJSON(@changes) WITH (change_number int '$.change_number', purchase_id int '$.key[0]') AS change
    INNER JOIN dbo.purchase AS p ON p.purchase_id = change.purchase_id
    ORDER BY change.change_number;
END;
GO
