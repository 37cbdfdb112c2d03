SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
An order removed: what its buyer must know comes from the fields that the key snapshot kept.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_order_removed @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(NVARCHAR(20), change.employee_id),
        recipient_name = employee.LoginID,
        email = address.EmailAddress,
        change.order_id,
        vendor_name = vendor.Name,
        change.total_due
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        order_id INT '$.key[0]',
        employee_id INT '$.fields.EmployeeID',
        vendor_id INT '$.fields.VendorID',
        total_due MONEY '$.fields.TotalDue'
    ) AS change
    INNER JOIN Purchasing.Vendor AS vendor ON vendor.BusinessEntityID = change.vendor_id
    INNER JOIN Purchasing.Employee AS employee ON employee.BusinessEntityID = change.employee_id
    LEFT JOIN Purchasing.EmailAddress AS address ON address.BusinessEntityID = employee.BusinessEntityID
    ORDER BY change.change_number;
END;
GO
