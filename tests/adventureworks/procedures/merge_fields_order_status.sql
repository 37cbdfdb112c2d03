SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
An order's new status, for its buyer: the order's totals, and its lines as lines_json.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_order_status @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(NVARCHAR(20), header.EmployeeID),
        recipient_name = employee.LoginID,
        email = address.EmailAddress,
        phone = phone.PhoneNumber,
        order_id = header.PurchaseOrderID,
        revision = header.RevisionNumber,
        status = header.Status,
        status_name = CHOOSE(header.Status, N'pending', N'approved', N'rejected', N'complete'),
        vendor_name = vendor.Name,
        sub_total = header.SubTotal,
        tax = header.TaxAmt,
        freight = header.Freight,
        total_due = header.TotalDue,
        lines_json = (
            SELECT
                line.OrderQty AS quantity,
                product.Name AS name,
                line.UnitPrice AS unit_price,
                line.LineTotal AS line_total
            FROM Purchasing.PurchaseOrderDetail AS line
            INNER JOIN Purchasing.Product AS product ON product.ProductID = line.ProductID
            WHERE line.PurchaseOrderID = header.PurchaseOrderID
            ORDER BY line.PurchaseOrderDetailID
            FOR JSON PATH
        )
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        order_id INT '$.key[0]'
    ) AS change
    INNER JOIN Purchasing.PurchaseOrderHeader AS header ON header.PurchaseOrderID = change.order_id
    INNER JOIN Purchasing.Vendor AS vendor ON vendor.BusinessEntityID = header.VendorID
    INNER JOIN Purchasing.Employee AS employee ON employee.BusinessEntityID = header.EmployeeID
    LEFT JOIN Purchasing.EmailAddress AS address ON address.BusinessEntityID = employee.BusinessEntityID
    LEFT JOIN Purchasing.PersonPhone AS phone ON phone.BusinessEntityID = employee.BusinessEntityID
    ORDER BY change.change_number;
END;
GO
