SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Prerequisite of every notification that displays agent totals: do the totals that this snapshot shows cover the change's sale?

A total is compared with the sales themselves (one seek an agent), not with a time: a sale may have been open while the totals
were computed. Totals are of one year, that of covers_through: a sale of the year before is in none of them and waits for none.
Result: change_number, is_ready, reason.
*/
CREATE OR ALTER PROCEDURE notify_extract.check_agent_totals @changes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        change.change_number,
        is_ready = CONVERT(
            BIT,
            CASE
                WHEN total.closed_count = sums.closed_count AND total.closed_volume = sums.closed_volume THEN 1
                ELSE 0
            END
        ),
        reason = CASE
            WHEN total.agent_id IS NULL THEN N'the agent has no totals'
            WHEN total.closed_count <> sums.closed_count OR total.closed_volume <> sums.closed_volume THEN CONCAT(
                N'agent totals show ',
                total.closed_count,
                N' sales of ',
                sums.closed_count
            )
        END
    FROM OPENJSON(@changes) WITH (
        change_number INT '$.change_number',
        sale_id INT '$.key[0]'
    ) AS change
    INNER JOIN dbo.sale AS sale ON sale.sale_id = change.sale_id
    LEFT JOIN dbo.agent_total AS total ON total.agent_id = sale.agent_id
    CROSS APPLY (
        SELECT closed_count = COUNT(*), closed_volume = ISNULL(SUM(own.price), 0)
        FROM dbo.sale AS own
        WHERE own.agent_id = sale.agent_id AND own.posted_on >= DATEFROMPARTS(YEAR(total.covers_through), 1, 1)
    ) AS sums
    ORDER BY change.change_number;
END;
GO
