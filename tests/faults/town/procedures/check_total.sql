SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/* Does the agent's total cover the bonus? */
CREATE OR ALTER PROCEDURE notify_extract.check_total @changes nvarchar(max)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        is_ready = CONVERT(bit, CASE WHEN t.covers_through >= b.modified_at THEN 1 ELSE 0 END),
        reason = N'the total is older than the bonus'
    FROM OPENJSON(@changes) WITH (change_number int '$.change_number', agent_id int '$.key[0]') AS change
    INNER JOIN dbo.bonus AS b ON b.agent_id = change.agent_id
    LEFT JOIN dbo.total AS t ON t.agent_id = b.agent_id
    ORDER BY change.change_number;
END;
GO
