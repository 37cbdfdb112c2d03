SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The open alerts that operators have not been told yet, as a mail's subject and text. For the Agent job "notify queue alerts".

It reads no other table: whoever raises an alert holds locks on messages by then.

@subject, @body  out; NULL when there is nothing to tell. What is taken counts as told.
*/
CREATE OR ALTER PROCEDURE notify.take_alerts (@subject NVARCHAR(256) OUTPUT, @body NVARCHAR(MAX) OUTPUT)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @line_end NCHAR(2) = NCHAR(13) + NCHAR(10);
    DECLARE @empty_line NCHAR(4) = @line_end + @line_end;

    DECLARE @taken TABLE (
        alert_id BIGINT NOT NULL PRIMARY KEY,
        kind VARCHAR(30) NOT NULL,
        notification_guid UNIQUEIDENTIFIER NOT NULL,
        occurrences INTEGER NOT NULL,
        first_at DATETIME2(3) NOT NULL,
        message_id BIGINT NULL,
        detail NVARCHAR(1000) NULL
    );

    WITH untold AS (
        SELECT TOP (50)
            a.alert_id,
            a.kind,
            a.notification_guid,
            a.occurrences,
            a.first_at,
            a.message_id,
            a.detail,
            a.told_at
        FROM notify.alert AS a
        WHERE a.acknowledged_at IS NULL AND a.told_at IS NULL
        ORDER BY a.alert_id
    )
    UPDATE u
    SET u.told_at = @now
    OUTPUT
        inserted.alert_id,
        inserted.kind,
        inserted.notification_guid,
        inserted.occurrences,
        inserted.first_at,
        inserted.message_id,
        inserted.detail
    INTO @taken (alert_id, kind, notification_guid, occurrences, first_at, message_id, detail)
    FROM untold AS u;

    SET @subject = NULL;
    SET @body = NULL;
    SELECT
        @subject = CONCAT(N'notify: ', COUNT(*), N' alerts of the queue on ', @@SERVERNAME),
        @body = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                CONCAT(
                    N'alert ',
                    t.alert_id,
                    N': ',
                    t.kind,
                    N', ',
                    t.occurrences,
                    N' since ',
                    CONVERT(NVARCHAR(19), t.first_at, 120),
                    N' UTC (notification ',
                    CONVERT(NCHAR(36), t.notification_guid),
                    N')',
                    @line_end + N'message ' + CONVERT(NVARCHAR(20), t.message_id),
                    @line_end + t.detail
                )
            ),
            @empty_line
        ) WITHIN GROUP (ORDER BY t.alert_id)
    FROM @taken AS t
    HAVING COUNT(*) > 0;
END;
GO
