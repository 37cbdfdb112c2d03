/* A small shop: one table of orders, watched by created_at and modified_at, and its lines. */
CREATE TABLE dbo.customer_order (
    order_id INT NOT NULL CONSTRAINT pk_customer_order PRIMARY KEY,
    customer NVARCHAR(100) NOT NULL,
    email NVARCHAR(320) NULL,
    phone NVARCHAR(40) NULL,
    status VARCHAR(20) NOT NULL,
    total DECIMAL(19, 4) NOT NULL,
    created_at DATETIME2(3) NOT NULL CONSTRAINT df_customer_order_created_at DEFAULT (SYSUTCDATETIME()),
    modified_at DATETIME2(3) NOT NULL CONSTRAINT df_customer_order_modified_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_customer_order_created_at ON dbo.customer_order(created_at);
CREATE NONCLUSTERED INDEX ix_customer_order_modified_at ON dbo.customer_order(modified_at);
GO
CREATE TABLE dbo.order_line (
    order_id INT NOT NULL CONSTRAINT fk_order_line_order REFERENCES dbo.customer_order(order_id),
    line_number INT NOT NULL,
    product NVARCHAR(100) NOT NULL,
    amount DECIMAL(19, 4) NOT NULL,
    CONSTRAINT pk_order_line PRIMARY KEY (order_id, line_number)
);
GO
