SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* An order's customer, and its lines. */
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_order_changed @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CASE WHEN o.status = 'nobody' THEN NULL ELSE CONVERT(NVARCHAR(200), o.order_id) END,
        recipient_name = o.customer,
        email = o.email,
        phone = o.phone,
        order_id = o.order_id,
        customer = o.customer,
        status = o.status,
        /* One order in a state that breaks the procedure itself. */
        total = CONVERT(
            DECIMAL(19, 4),
            CASE WHEN o.status = 'broken' THEN N'twelve' ELSE CONVERT(NVARCHAR(40), o.total) END
        ),
        lines_json = (
            SELECT l.product, l.amount
            FROM dbo.order_line AS l
            WHERE l.order_id = o.order_id
            ORDER BY l.line_number
            FOR JSON PATH
        )
    FROM OPENJSON(@changes) WITH (
        change_number BIGINT '$.change_number',
        order_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.customer_order AS o ON o.order_id = change.order_id AND o.status <> 'unaddressed'
    ORDER BY change.change_number;
END;
GO
