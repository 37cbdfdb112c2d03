SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A lower price: one row for every person who is going to see that home.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_price_reduced @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(NVARCHAR(20), person.person_id),
        recipient_name = CONCAT(person.first_name, N' ', person.last_name),
        email = person.email,
        first_name = person.first_name,
        listing.headline,
        listing.street,
        listing.neighborhood,
        listing.city,
        listing.bedrooms,
        listing.bathrooms,
        listing.area_sqft,
        price_change.old_price,
        price_change.new_price,
        saving = price_change.old_price - price_change.new_price,
        visit_at = visit.starts_at,
        agent_name = CONCAT(agent.first_name, N' ', agent.last_name),
        agent_title = agent.title,
        agent_email = agent.email,
        agent_phone = agent.phone,
        office_name = office.name,
        office_street = office.street,
        office_phone = office.phone
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        price_change_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.price_change AS price_change ON price_change.price_change_id = change.price_change_id
    INNER JOIN dbo.listing AS listing ON listing.listing_id = price_change.listing_id
    INNER JOIN dbo.agent AS agent ON agent.agent_id = listing.agent_id
    INNER JOIN dbo.office AS office ON office.office_id = agent.office_id
    INNER JOIN (
        SELECT showing.listing_id, showing.person_id, starts_at = MIN(showing.starts_at)
        FROM dbo.showing AS showing
        GROUP BY showing.listing_id, showing.person_id
    ) AS visit ON visit.listing_id = listing.listing_id
    INNER JOIN dbo.person AS person ON person.person_id = visit.person_id
    ORDER BY change.change_number, person.person_id;
END;
GO
