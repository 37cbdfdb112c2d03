SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A visit cancelled: its row is gone, so what the notice needs comes from the fields that the key snapshot kept.
*/
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_showing_cancelled @changes NVARCHAR(MAX)
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
        change.starts_at,
        listing.headline,
        listing.street,
        listing.neighborhood,
        listing.city,
        agent_name = CONCAT(agent.first_name, N' ', agent.last_name),
        agent_title = agent.title,
        agent_email = agent.email,
        agent_phone = agent.phone,
        office_name = office.name,
        office_street = office.street,
        office_phone = office.phone
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        listing_id INT '$.fields.listing_id',
        person_id INT '$.fields.person_id',
        starts_at DATETIME2(0) '$.fields.starts_at'
    ) AS change
    INNER JOIN dbo.person AS person ON person.person_id = change.person_id
    INNER JOIN dbo.listing AS listing ON listing.listing_id = change.listing_id
    INNER JOIN dbo.agent AS agent ON agent.agent_id = listing.agent_id
    INNER JOIN dbo.office AS office ON office.office_id = agent.office_id
    ORDER BY change.change_number;
END;
GO
