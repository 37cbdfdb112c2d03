SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* A booking that is gone: what its guest must know comes from the key snapshot. */
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_booking @changes nvarchar(max)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(nvarchar(20), change.booking_id),
        recipient_name = change.guest,
        email = change.email,
        booking_id = change.booking_id
    FROM OPENJSON(@changes) WITH (
        change_number int '$.change_number',
        booking_id int '$.key[0]',
        guest nvarchar(100) '$.fields.guest',
        email nvarchar(320) '$.fields.email'
    ) AS change
    ORDER BY change.change_number;
END;
GO
