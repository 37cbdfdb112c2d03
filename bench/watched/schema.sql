CREATE TABLE dbo.item (
    item_id INT NOT NULL CONSTRAINT pk_item PRIMARY KEY,
    name NVARCHAR(60) NOT NULL,
    price DECIMAL(19, 4) NOT NULL,
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_item_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at DATETIME2(3) NOT NULL CONSTRAINT df_item_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_item_created_at ON dbo.item(created_at);
CREATE NONCLUSTERED INDEX ix_item_modified_at ON dbo.item(modified_at);
GO
