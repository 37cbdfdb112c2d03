SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A home taken off the market: one row for every person who was going to see it, with up to three others like it.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_listing_withdrawn @changes NVARCHAR(MAX)
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
        visit_at = visit.starts_at,
        agent_name = CONCAT(agent.first_name, N' ', agent.last_name),
        agent_title = agent.title,
        agent_email = agent.email,
        agent_phone = agent.phone,
        office_name = office.name,
        office_street = office.street,
        office_phone = office.phone,
        alternatives_json = (
            SELECT TOP (3)
                home.headline,
                home.street,
                home.neighborhood,
                home.price,
                home.bedrooms,
                home.bathrooms,
                home.area_sqft
            FROM dbo.listing AS home
            WHERE home.status = 'active'
                AND home.is_deleted = 0
                AND home.listing_id <> listing.listing_id
                AND home.bedrooms = listing.bedrooms
                AND home.price BETWEEN listing.price * 0.85 AND listing.price * 1.15
            ORDER BY CASE WHEN home.neighborhood = listing.neighborhood THEN 0 ELSE 1 END, home.price, home.listing_id
            FOR JSON PATH
        )
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        listing_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.listing AS listing ON listing.listing_id = change.listing_id
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
