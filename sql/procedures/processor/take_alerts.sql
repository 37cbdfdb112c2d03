SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
take_alerts: the open alerts that operators have not been told yet, as a mail's subject and text. For the Agent job "notify alerts".

Parameters  @subject, @body: out; NULL when there is nothing to tell. What is taken counts as told.
*/
CREATE OR ALTER PROCEDURE notify.take_alerts @subject NVARCHAR(256) OUTPUT, @body NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @taken TABLE (
        alert_id BIGINT NOT NULL PRIMARY KEY,
        severity VARCHAR(10) NOT NULL,
        kind VARCHAR(40) NOT NULL,
        subject NVARCHAR(200) NOT NULL,
        message NVARCHAR(2000) NOT NULL
    );

    WITH untold AS (
        SELECT TOP (50) a.alert_id, a.severity, a.kind, a.subject, a.message, a.told_at
        FROM notify.alert AS a
        WHERE a.cleared_at IS NULL AND a.told_at IS NULL
        ORDER BY a.alert_id
    )
    UPDATE u
    SET u.told_at = @now
    OUTPUT inserted.alert_id, inserted.severity, inserted.kind, inserted.subject, inserted.message
    INTO @taken (alert_id, severity, kind, subject, message)
    FROM untold AS u;

    SET @subject = NULL;
    SET @body = NULL;
    SELECT
        @subject = CONCAT(N'notify: ', COUNT(*), N' alerts on ', @@SERVERNAME),
        @body = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                CONCAT(t.severity, N': ', t.kind, N' (', t.subject, N')', NCHAR(13) + NCHAR(10), t.message)
            ),
            NCHAR(13) + NCHAR(10) + NCHAR(13) + NCHAR(10)
        ) WITHIN GROUP (ORDER BY t.alert_id)
    FROM @taken AS t
    HAVING COUNT(*) > 0;
END;
GO
