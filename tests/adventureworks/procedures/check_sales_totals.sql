SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Does the sales person's total cover the change? Result: change_number, is_ready, reason.
*/
CREATE OR ALTER PROCEDURE notify_extract.check_sales_totals @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        is_ready = CONVERT(BIT, CASE WHEN total.CoversThrough >= person.ModifiedDate THEN 1 ELSE 0 END),
        reason = CASE
            WHEN total.CoversThrough >= person.ModifiedDate THEN NULL
            ELSE N'the sales total is older than the bonus'
        END
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        person_id INT '$.key[0]'
    ) AS change
    INNER JOIN Purchasing.SalesPerson AS person ON person.BusinessEntityID = change.person_id
    LEFT JOIN Purchasing.SalesTotal AS total ON total.BusinessEntityID = person.BusinessEntityID
    ORDER BY change.change_number;
END;
GO
