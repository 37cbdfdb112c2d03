SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A new bonus, for its sales person, with the total of the year.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_bonus @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(NVARCHAR(20), person.BusinessEntityID),
        recipient_name = employee.LoginID,
        email = address.EmailAddress,
        bonus = person.Bonus,
        total = total.Total
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        person_id INT '$.key[0]'
    ) AS change
    INNER JOIN Purchasing.SalesPerson AS person ON person.BusinessEntityID = change.person_id
    INNER JOIN Purchasing.Employee AS employee ON employee.BusinessEntityID = person.BusinessEntityID
    INNER JOIN Purchasing.SalesTotal AS total ON total.BusinessEntityID = person.BusinessEntityID
    LEFT JOIN Purchasing.EmailAddress AS address ON address.BusinessEntityID = person.BusinessEntityID
    ORDER BY change.change_number;
END;
GO
