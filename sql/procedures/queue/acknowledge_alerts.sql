SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A person has seen an alert. What happens afterwards opens a new one.

@alert_id  NULL: all that are open
Result     acknowledged: how many
*/
CREATE OR ALTER PROCEDURE notify.acknowledge_alerts (@by NVARCHAR(128), @alert_id BIGINT = NULL)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @acknowledged INTEGER;

    UPDATE a
    SET a.acknowledged_at = notify.utc_now(), a.acknowledged_by = @by
    FROM notify.alert AS a
    WHERE a.acknowledged_at IS NULL AND (@alert_id IS NULL OR a.alert_id = @alert_id);

    SET @acknowledged = @@ROWCOUNT;

    SELECT acknowledged = @acknowledged;
END;
GO
