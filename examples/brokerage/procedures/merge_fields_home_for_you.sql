SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A new home on the market: one row for every person with a saved search that it fits, and no more than one a person.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_home_for_you @changes NVARCHAR(MAX)
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
        listing.description,
        listing.street,
        listing.neighborhood,
        listing.city,
        listing.postal_code,
        listing.price,
        listing.bedrooms,
        listing.bathrooms,
        listing.area_sqft,
        listing.year_built,
        agent_name = CONCAT(agent.first_name, N' ', agent.last_name),
        agent_title = agent.title,
        agent_email = agent.email,
        agent_phone = agent.phone,
        office_name = office.name,
        office_street = office.street,
        office_phone = office.phone,
        search_limit = search.price_limit,
        search_bedrooms = search.bedrooms_at_least
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        listing_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.listing AS listing ON listing.listing_id = change.listing_id
    INNER JOIN dbo.agent AS agent ON agent.agent_id = listing.agent_id
    INNER JOIN dbo.office AS office ON office.office_id = agent.office_id
    INNER JOIN (
        SELECT
            fit.listing_id,
            fit.person_id,
            fit.price_limit,
            fit.bedrooms_at_least,
            fit_number = ROW_NUMBER() OVER (PARTITION BY fit.listing_id, fit.person_id ORDER BY fit.saved_search_id)
        FROM (
            SELECT home.listing_id, saved.person_id, saved.price_limit, saved.bedrooms_at_least, saved.saved_search_id
            FROM OPENJSON(@changes) WITH (
                listing_id INT '$.key[0]'
            ) AS wanted
            INNER JOIN dbo.listing AS home ON home.listing_id = wanted.listing_id
            INNER JOIN dbo.saved_search AS saved
                ON saved.price_limit >= home.price
                    AND saved.bedrooms_at_least <= home.bedrooms
                    AND (saved.neighborhood IS NULL OR saved.neighborhood = home.neighborhood)
        ) AS fit
    ) AS search ON search.listing_id = listing.listing_id AND search.fit_number = 1
    INNER JOIN dbo.person AS person ON person.person_id = search.person_id
    ORDER BY change.change_number, person.person_id;
END;
GO
