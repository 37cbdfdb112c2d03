/* What is mailed of a row: its table, the operation, its key, its version. One procedure a table, for all of its notifications. */
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_parcel @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'parcel',
        c.operation,
        record = CONCAT(c.depot, N'/', c.code),
        /* A delete tells of the life that ended, whatever has come since. */
        version = COALESCE(CASE WHEN c.operation = 'D' THEN c.kept_version END, t.version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        depot SMALLINT '$.key[0]',
        code NVARCHAR(20) '$.key[1]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.parcel AS t ON t.depot = c.depot AND t.code = c.code COLLATE Latin1_General_CI_AS
    CROSS JOIN (VALUES
        (N'desk'),
        (N'chief')
    ) AS person (name)
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_device @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'device',
        c.operation,
        record = CONVERT(NVARCHAR(36), c.device_id),
        version = COALESCE(t.version, c.kept_version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        device_id UNIQUEIDENTIFIER '$.key[0]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.device AS t ON t.device_id = c.device_id
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_tag @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'tag',
        c.operation,
        record = CONVERT(NVARCHAR(20), c.code),
        version = COALESCE(t.version, c.kept_version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        code VARCHAR(20) '$.key[0]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.tag AS t ON t.code = c.code COLLATE Latin1_General_BIN2
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_memo @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'memo',
        c.operation,
        record = CONVERT(NVARCHAR(20), c.memo_id),
        version = COALESCE(t.version, c.kept_version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        memo_id BIGINT '$.key[0]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.memo AS t ON t.memo_id = c.memo_id
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_ledger @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'ledger',
        c.operation,
        record = CONCAT(c.account, N'/', c.line),
        version = COALESCE(t.version, c.kept_version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        account VARCHAR(12) '$.key[0]',
        line INTEGER '$.key[1]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.ledger AS t ON t.account = c.account COLLATE Latin1_General_CS_AS AND t.line = c.line
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_visit @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'visit',
        c.operation,
        record = CONVERT(NVARCHAR(20), c.visit_id),
        version = COALESCE(t.version, c.kept_version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        visit_id INTEGER '$.key[0]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.visit AS t ON t.visit_id = c.visit_id
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_preference @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'preference',
        c.operation,
        record = c.name,
        version = COALESCE(t.version, c.kept_version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        name NVARCHAR(30) '$.key[0]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.preference AS t ON t.name = c.name COLLATE Latin1_General_CI_AS
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO

/* The total covers a row when it was told of that row's version, or of a later one. */
CREATE OR ALTER PROCEDURE notify_extract.check_ledger_total @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        is_ready = CONVERT(BIT, CASE WHEN total.covers_version >= COALESCE(t.version, 0) THEN 1 ELSE 0 END),
        reason = N'the total is older'
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        account VARCHAR(12) '$.key[0]',
        line INTEGER '$.key[1]'
    ) AS c
    CROSS JOIN dbo.ledger_total AS total
    LEFT JOIN dbo.ledger AS t ON t.account = c.account COLLATE Latin1_General_CS_AS AND t.line = c.line
    WHERE total.id = 1
    ORDER BY c.change_number;
END;
GO

CREATE OR ALTER PROCEDURE notify_extract.merge_fields_crate @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        c.change_number,
        recipient_key = person.name,
        email = CONCAT(person.name, N'@world.example.com'),
        phone = N'+1 202 555 0143',
        table_name = N'crate',
        c.operation,
        record = CONCAT(CONVERT(NVARCHAR(36), c.hall), N'/', c.code),
        /* A delete tells of the life that ended, whatever has come since. */
        version = COALESCE(CASE WHEN c.operation = 'D' THEN c.kept_version END, t.version)
    FROM OPENJSON(@changes) WITH (
        change_number INTEGER '$.change_number',
        operation CHAR(1) '$.operation',
        hall UNIQUEIDENTIFIER '$.key[0]',
        code NVARCHAR(12) '$.key[1]',
        kept_version INTEGER '$.fields.version'
    ) AS c
    LEFT JOIN dbo.crate AS t ON t.hall = c.hall AND t.code = c.code COLLATE Latin1_General_CI_AS
    CROSS JOIN (VALUES (N'desk')) AS person (name)
    ORDER BY c.change_number;
END;
GO
