/* Newsletters: an issue goes to every reader of its list. */
CREATE TABLE dbo.reader (
    reader_id INT NOT NULL CONSTRAINT pk_reader PRIMARY KEY,
    list_id INT NOT NULL,
    name NVARCHAR(100) NOT NULL,
    email NVARCHAR(320) NOT NULL,
    city NVARCHAR(60) NOT NULL
);
CREATE NONCLUSTERED INDEX ix_reader_list ON dbo.reader(list_id);
GO
CREATE TABLE dbo.issue (
    issue_id INT NOT NULL CONSTRAINT pk_issue PRIMARY KEY,
    list_id INT NOT NULL,
    title NVARCHAR(100) NOT NULL,
    body NVARCHAR(MAX) NOT NULL,
    price DECIMAL(19, 4) NOT NULL,
    published_at DATETIME2(3) NOT NULL CONSTRAINT df_issue_published_at DEFAULT (SYSUTCDATETIME())
);
CREATE NONCLUSTERED INDEX ix_issue_published_at ON dbo.issue(published_at);
GO
