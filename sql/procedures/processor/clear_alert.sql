SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
clear_alert: closes the open alert of a kind about a subject, if there is one: its cause is gone.
*/
CREATE OR ALTER PROCEDURE notify.clear_alert @kind VARCHAR(40), @subject NVARCHAR(200)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();

    UPDATE a
    SET a.cleared_at = @now
    FROM notify.alert AS a
    WHERE a.kind = @kind AND a.subject = @subject AND a.cleared_at IS NULL;
END;
GO
