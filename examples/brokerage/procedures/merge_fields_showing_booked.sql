SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A visit booked or moved: one row for the visitor. other_visits_json lists what else that person is going to see.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_showing_booked @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(NVARCHAR(20), person.person_id),
        recipient_name = CONCAT(person.first_name, N' ', person.last_name),
        email = person.email,
        phone = person.phone,
        first_name = person.first_name,
        is_moved = CONVERT(BIT, CASE WHEN change.operation = 'U' THEN 1 ELSE 0 END),
        showing.starts_at,
        showing.minutes,
        showing.note,
        listing.headline,
        listing.street,
        listing.neighborhood,
        listing.city,
        listing.postal_code,
        listing.price,
        listing.bedrooms,
        listing.bathrooms,
        listing.area_sqft,
        agent_name = CONCAT(agent.first_name, N' ', agent.last_name),
        agent_title = agent.title,
        agent_email = agent.email,
        agent_phone = agent.phone,
        office_name = office.name,
        office_street = office.street,
        office_phone = office.phone,
        other_visits_json = (
            SELECT TOP (5) other.starts_at, home.street, home.neighborhood, home.price
            FROM dbo.showing AS other
            INNER JOIN dbo.listing AS home ON home.listing_id = other.listing_id
            WHERE other.person_id = showing.person_id
                AND other.showing_id <> showing.showing_id
                AND other.starts_at >= CONVERT(DATETIME2(0), CONVERT(DATE, showing.modified_at))
            ORDER BY other.starts_at, other.showing_id
            FOR JSON PATH
        )
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        showing_id INT '$.key[0]',
        operation CHAR(1) '$.operation'
    ) AS change
    INNER JOIN dbo.showing AS showing ON showing.showing_id = change.showing_id
    INNER JOIN dbo.listing AS listing ON listing.listing_id = showing.listing_id
    INNER JOIN dbo.agent AS agent ON agent.agent_id = showing.agent_id
    INNER JOIN dbo.office AS office ON office.office_id = agent.office_id
    INNER JOIN dbo.person AS person ON person.person_id = showing.person_id
    ORDER BY change.change_number;
END;
GO
