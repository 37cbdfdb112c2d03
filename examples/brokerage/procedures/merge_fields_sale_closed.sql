SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A sale posted: one row for its agent, with the year's totals. check_agent_totals holds it back until the totals cover the sale.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_sale_closed @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONCAT(N'agent ', agent.agent_id),
        recipient_name = CONCAT(agent.first_name, N' ', agent.last_name),
        email = agent.email,
        first_name = agent.first_name,
        listing.headline,
        listing.street,
        listing.neighborhood,
        listing.city,
        list_price = listing.price,
        sale.price,
        sale.commission,
        sale.posted_on,
        buyer_name = CONCAT(buyer.first_name, N' ', buyer.last_name),
        total.closed_count,
        total.closed_volume,
        total_commission = total.commission,
        total_year = YEAR(sale.posted_on),
        office_name = office.name,
        office_street = office.street,
        office_phone = office.phone,
        recent_sales_json = (
            SELECT TOP (4) recent.posted_on, home.street, recent.price, recent.commission
            FROM dbo.sale AS recent
            INNER JOIN dbo.listing AS home ON home.listing_id = recent.listing_id
            WHERE recent.agent_id = agent.agent_id
            ORDER BY recent.posted_on DESC, recent.sale_id DESC
            FOR JSON PATH
        )
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        sale_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.sale AS sale ON sale.sale_id = change.sale_id
    INNER JOIN dbo.listing AS listing ON listing.listing_id = sale.listing_id
    INNER JOIN dbo.person AS buyer ON buyer.person_id = sale.buyer_id
    INNER JOIN dbo.agent AS agent ON agent.agent_id = sale.agent_id
    INNER JOIN dbo.office AS office ON office.office_id = agent.office_id
    INNER JOIN dbo.agent_total AS total ON total.agent_id = agent.agent_id
    ORDER BY change.change_number;
END;
GO
