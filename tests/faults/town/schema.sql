/* A town small enough to be played through a thousand times: purchases, bookings, bonuses with their totals. */
CREATE TABLE dbo.purchase (
    purchase_id int NOT NULL CONSTRAINT pk_purchase PRIMARY KEY,
    buyer nvarchar(100) NOT NULL,
    email nvarchar(320) NULL,
    phone nvarchar(40) NULL,
    status varchar(20) NOT NULL,
    created_at datetime2(3) NOT NULL CONSTRAINT df_purchase_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at datetime2(3) NOT NULL CONSTRAINT df_purchase_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_purchase_created_at ON dbo.purchase (created_at);
CREATE NONCLUSTERED INDEX ix_purchase_modified_at ON dbo.purchase (modified_at);
CREATE TABLE dbo.booking (
    booking_id int NOT NULL CONSTRAINT pk_booking PRIMARY KEY,
    guest nvarchar(100) NOT NULL,
    email nvarchar(320) NOT NULL,
    modified_at datetime2(3) NOT NULL CONSTRAINT df_booking_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_booking_modified_at ON dbo.booking (modified_at);
CREATE TABLE dbo.bonus (
    agent_id int NOT NULL CONSTRAINT pk_bonus PRIMARY KEY,
    email nvarchar(320) NOT NULL,
    amount int NOT NULL,
    modified_at datetime2(3) NOT NULL CONSTRAINT df_bonus_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_bonus_modified_at ON dbo.bonus (modified_at);
CREATE TABLE dbo.total (
    agent_id int NOT NULL CONSTRAINT pk_total PRIMARY KEY,
    covers_through datetime2(3) NOT NULL
);
GO
