/*
A real-estate brokerage: what its own application keeps on the primary. Nothing here knows of notifications.

Stamps are UTC and set by the server; showing.starts_at is the town's local time, as people say it. Listings are deleted softly,
showings for good. agent_total is an aggregate that a job of the application refreshes a few times an hour.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

CREATE TABLE dbo.office (
    office_id INT NOT NULL CONSTRAINT pk_office PRIMARY KEY,
    name NVARCHAR(80) NOT NULL,
    street NVARCHAR(80) NOT NULL,
    city NVARCHAR(60) NOT NULL,
    postal_code VARCHAR(10) NOT NULL,
    phone VARCHAR(20) NOT NULL
);

CREATE TABLE dbo.agent (
    agent_id INT NOT NULL CONSTRAINT pk_agent PRIMARY KEY,
    office_id INT NOT NULL CONSTRAINT fk_agent_office REFERENCES dbo.office(office_id),
    first_name NVARCHAR(40) NOT NULL,
    last_name NVARCHAR(60) NOT NULL,
    email NVARCHAR(254) NULL,
    phone VARCHAR(20) NULL,
    title NVARCHAR(60) NOT NULL,
    hired_on DATE NOT NULL,
    is_active BIT NOT NULL CONSTRAINT df_agent_is_active DEFAULT (1)
);

CREATE TABLE dbo.agent_total (
    agent_id INT NOT NULL CONSTRAINT pk_agent_total PRIMARY KEY CONSTRAINT fk_agent_total_agent REFERENCES dbo.agent(agent_id),
    closed_count INT NOT NULL,
    closed_volume DECIMAL(19, 2) NOT NULL,
    commission DECIMAL(19, 2) NOT NULL,
    covers_through DATETIME2(3) NOT NULL
);

CREATE TABLE dbo.person (
    person_id INT NOT NULL CONSTRAINT pk_person PRIMARY KEY,
    first_name NVARCHAR(40) NOT NULL,
    last_name NVARCHAR(60) NOT NULL,
    email NVARCHAR(254) NULL,
    phone VARCHAR(20) NULL,
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_person_created_at DEFAULT (SYSUTCDATETIME())
);

CREATE TABLE dbo.saved_search (
    saved_search_id INT NOT NULL CONSTRAINT pk_saved_search PRIMARY KEY,
    person_id INT NOT NULL CONSTRAINT fk_saved_search_person REFERENCES dbo.person(person_id),
    neighborhood NVARCHAR(60) NULL,
    price_limit DECIMAL(12, 2) NOT NULL,
    bedrooms_at_least TINYINT NOT NULL
);

CREATE TABLE dbo.listing (
    listing_id INT NOT NULL CONSTRAINT pk_listing PRIMARY KEY,
    agent_id INT NOT NULL CONSTRAINT fk_listing_agent REFERENCES dbo.agent(agent_id),
    seller_id INT NOT NULL CONSTRAINT fk_listing_person REFERENCES dbo.person(person_id),
    street NVARCHAR(80) NOT NULL,
    neighborhood NVARCHAR(60) NOT NULL,
    city NVARCHAR(60) NOT NULL,
    postal_code VARCHAR(10) NOT NULL,
    price DECIMAL(12, 2) NOT NULL CONSTRAINT ck_listing_price CHECK (price > 0),
    bedrooms TINYINT NOT NULL,
    bathrooms DECIMAL(3, 1) NOT NULL,
    area_sqft INT NOT NULL,
    year_built SMALLINT NOT NULL,
    headline NVARCHAR(120) NOT NULL,
    description NVARCHAR(1000) NOT NULL,
    status VARCHAR(20) NOT NULL CONSTRAINT ck_listing_status CHECK (status IN (
            'draft',
            'active',
            'under contract',
            'sold',
            'withdrawn'
        )),
    is_deleted BIT NOT NULL CONSTRAINT df_listing_is_deleted DEFAULT (0),
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_listing_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at DATETIME2(3) NOT NULL CONSTRAINT df_listing_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE INDEX ix_listing_created_at ON dbo.listing(created_at);
CREATE INDEX ix_listing_modified_at ON dbo.listing(modified_at);

CREATE TABLE dbo.price_change (
    price_change_id INT NOT NULL CONSTRAINT pk_price_change PRIMARY KEY,
    listing_id INT NOT NULL CONSTRAINT fk_price_change_listing REFERENCES dbo.listing(listing_id),
    old_price DECIMAL(12, 2) NOT NULL,
    new_price DECIMAL(12, 2) NOT NULL,
    difference DECIMAL(12, 2) NOT NULL,
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_price_change_created_at DEFAULT (SYSUTCDATETIME())
);
CREATE INDEX ix_price_change_created_at ON dbo.price_change(created_at);

CREATE TABLE dbo.showing (
    showing_id INT NOT NULL CONSTRAINT pk_showing PRIMARY KEY,
    listing_id INT NOT NULL CONSTRAINT fk_showing_listing REFERENCES dbo.listing(listing_id),
    person_id INT NOT NULL CONSTRAINT fk_showing_person REFERENCES dbo.person(person_id),
    agent_id INT NOT NULL CONSTRAINT fk_showing_agent REFERENCES dbo.agent(agent_id),
    starts_at DATETIME2(0) NOT NULL,
    minutes SMALLINT NOT NULL CONSTRAINT df_showing_minutes DEFAULT (30),
    note NVARCHAR(400) NULL,
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_showing_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at DATETIME2(3) NOT NULL CONSTRAINT df_showing_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE INDEX ix_showing_created_at ON dbo.showing(created_at);
CREATE INDEX ix_showing_modified_at ON dbo.showing(modified_at);
CREATE INDEX ix_showing_listing_id ON dbo.showing(listing_id, starts_at);

CREATE TABLE dbo.sale (
    sale_id INT NOT NULL CONSTRAINT pk_sale PRIMARY KEY,
    listing_id INT NOT NULL CONSTRAINT fk_sale_listing REFERENCES dbo.listing(listing_id),
    buyer_id INT NOT NULL CONSTRAINT fk_sale_person REFERENCES dbo.person(person_id),
    agent_id INT NOT NULL CONSTRAINT fk_sale_agent REFERENCES dbo.agent(agent_id),
    price DECIMAL(12, 2) NOT NULL,
    commission DECIMAL(12, 2) NOT NULL,
    posted_on DATE NOT NULL,
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_sale_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at DATETIME2(3) NOT NULL CONSTRAINT df_sale_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE INDEX ix_sale_created_at ON dbo.sale(created_at);
CREATE INDEX ix_sale_modified_at ON dbo.sale(modified_at);
CREATE INDEX ix_sale_agent_id ON dbo.sale(agent_id, posted_on);
GO

/* The application's own job: agent totals, current as of the moment the statement begins. */
CREATE OR ALTER PROCEDURE dbo.refresh_agent_totals
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = SYSUTCDATETIME();

    UPDATE total
    SET
        total.closed_count = ISNULL(sums.closed_count, 0),
        total.closed_volume = ISNULL(sums.closed_volume, 0),
        total.commission = ISNULL(sums.commission, 0),
        total.covers_through = @now
    FROM dbo.agent_total AS total
    LEFT JOIN (
        SELECT s.agent_id, closed_count = COUNT(*), closed_volume = SUM(s.price), commission = SUM(s.commission)
        FROM dbo.sale AS s
        WHERE s.posted_on >= DATEFROMPARTS(YEAR(@now), 1, 1)
        GROUP BY s.agent_id
    ) AS sums ON sums.agent_id = total.agent_id;
END;
GO
