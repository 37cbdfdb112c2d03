SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* A bonus, for its agent. */
CREATE OR ALTER PROCEDURE notify_extract.merge_fields_bonus @changes nvarchar(max)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        recipient_key = CONVERT(nvarchar(20), b.agent_id),
        email = b.email,
        agent_id = b.agent_id,
        amount = b.amount
    FROM OPENJSON(@changes) WITH (change_number int '$.change_number', agent_id int '$.key[0]') AS change
    INNER JOIN dbo.bonus AS b ON b.agent_id = change.agent_id
    ORDER BY change.change_number;
END;
GO
