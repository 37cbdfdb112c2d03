/* One small table of each shape that stamps and keys come in. Every state of every row has a version of its own. */
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/* A composite key with a case-insensitive string; deletes are found by key snapshot. */
CREATE TABLE dbo.parcel (
    depot SMALLINT NOT NULL,
    code NVARCHAR(20) COLLATE Latin1_General_CI_AS NOT NULL,
    status VARCHAR(10) NOT NULL,
    weight DECIMAL(9, 3) NULL,
    version INTEGER NOT NULL,
    created_at DATETIME2(7) NOT NULL,
    modified_at DATETIME2(7) NOT NULL,
    CONSTRAINT pk_parcel PRIMARY KEY (depot, code),
    INDEX ix_parcel_created_at(created_at),
    INDEX ix_parcel_modified_at(modified_at)
);

/* A GUID, steps of 1/300 s, soft delete. */
CREATE TABLE dbo.device (
    device_id UNIQUEIDENTIFIER NOT NULL CONSTRAINT pk_device PRIMARY KEY,
    kind CHAR(1) NOT NULL,
    is_deleted BIT NOT NULL,
    version INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    modified_at DATETIME NULL,
    INDEX ix_device_created_at(created_at),
    INDEX ix_device_modified_at(modified_at)
);

/* A case-sensitive string, whole minutes. */
CREATE TABLE dbo.tag (
    code VARCHAR(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT pk_tag PRIMARY KEY,
    status VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    created_at SMALLDATETIME NOT NULL,
    modified_at SMALLDATETIME NULL,
    INDEX ix_tag_created_at(created_at),
    INDEX ix_tag_modified_at(modified_at)
);

/* Whole days. */
CREATE TABLE dbo.memo (
    memo_id BIGINT NOT NULL CONSTRAINT pk_memo PRIMARY KEY,
    status NVARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    created_on DATE NOT NULL,
    modified_on DATE NOT NULL,
    INDEX ix_memo_created_on(created_on),
    INDEX ix_memo_modified_on(modified_on)
);

/* rowversion, and a total that must have caught up before anything is said of it. */
CREATE TABLE dbo.ledger (
    account VARCHAR(12) COLLATE Latin1_General_CS_AS NOT NULL,
    line INTEGER NOT NULL,
    status VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    created_at DATETIME2(3) NOT NULL,
    row_version ROWVERSION NOT NULL,
    CONSTRAINT pk_ledger PRIMARY KEY (account, line),
    INDEX ix_ledger_created_at(created_at),
    INDEX ix_ledger_row_version(row_version)
);

CREATE TABLE dbo.ledger_total (
    id INTEGER NOT NULL CONSTRAINT pk_ledger_total PRIMARY KEY,
    covers_version INTEGER NOT NULL
);

INSERT INTO dbo.ledger_total (id, covers_version)
VALUES (1, 0);

/* Stamps in the local time of Berlin. */
CREATE TABLE dbo.visit (
    visit_id INTEGER NOT NULL CONSTRAINT pk_visit PRIMARY KEY,
    status VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    created_local DATETIME2(0) NOT NULL,
    modified_local DATETIME2(0) NULL,
    INDEX ix_visit_created_local(created_local),
    INDEX ix_visit_modified_local(modified_local)
);

/* Nothing tells an insert from an update. */
CREATE TABLE dbo.preference (
    name NVARCHAR(30) COLLATE Latin1_General_CI_AS NOT NULL CONSTRAINT pk_preference PRIMARY KEY,
    status VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    modified_at DATETIME2(7) NOT NULL,
    INDEX ix_preference_modified_at(modified_at)
);
GO

/* A key of a GUID and a case-insensitive string; deletes by key snapshot, and few are a mass. */
CREATE TABLE dbo.crate (
    hall UNIQUEIDENTIFIER NOT NULL,
    code NVARCHAR(12) COLLATE Latin1_General_CI_AS NOT NULL,
    status VARCHAR(10) NOT NULL,
    version INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    modified_at DATETIME NOT NULL,
    CONSTRAINT pk_crate PRIMARY KEY (hall, code),
    INDEX ix_crate_created_at(created_at),
    INDEX ix_crate_modified_at(modified_at)
);
GO
