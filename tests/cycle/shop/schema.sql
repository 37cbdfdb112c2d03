/* A small shop: one table of orders, watched by created_at and modified_at, and its lines. */
CREATE TABLE dbo.customer_order (
    order_id int NOT NULL CONSTRAINT pk_customer_order PRIMARY KEY,
    customer nvarchar(100) NOT NULL,
    email nvarchar(320) NULL,
    phone nvarchar(40) NULL,
    status varchar(20) NOT NULL,
    total decimal(19, 4) NOT NULL,
    created_at datetime2(3) NOT NULL CONSTRAINT df_customer_order_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at datetime2(3) NOT NULL CONSTRAINT df_customer_order_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_customer_order_created_at ON dbo.customer_order (created_at);
CREATE NONCLUSTERED INDEX ix_customer_order_modified_at ON dbo.customer_order (modified_at);
GO
CREATE TABLE dbo.order_line (
    order_id int NOT NULL CONSTRAINT fk_order_line_order REFERENCES dbo.customer_order (order_id),
    line_number int NOT NULL,
    product nvarchar(100) NOT NULL,
    amount decimal(19, 4) NOT NULL,
    CONSTRAINT pk_order_line PRIMARY KEY (order_id, line_number)
);
GO
