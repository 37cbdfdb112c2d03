SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* One row per reader of the issue's list. */
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_issue @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(NVARCHAR(200), r.reader_id),
        recipient_name = r.name,
        email = r.email,
        name = r.name,
        city = r.city,
        title = i.title,
        body = i.body,
        price = i.price,
        published_at = i.published_at
    FROM OPENJSON(@changes) WITH (
        change_number BIGINT '$.change_number',
        issue_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.issue AS i ON i.issue_id = change.issue_id
    INNER JOIN dbo.reader AS r ON r.list_id = i.list_id
    ORDER BY change.change_number, r.reader_id;
END;
GO
