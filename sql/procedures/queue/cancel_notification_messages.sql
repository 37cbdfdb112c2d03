SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Cancels a notification's messages that wait (held, scheduled, queued, retrying). What is on its way goes on.

@batch_size  at most so many a call, 1 to 4000
Result       changed, has_more (call again)
Errors       50103 @batch_size out of range
*/
CREATE OR ALTER PROCEDURE notify.cancel_notification_messages (
    @notification_guid UNIQUEIDENTIFIER,
    @by NVARCHAR(128),
    @reason NVARCHAR(400),
    @batch_size INTEGER = 1000
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @changed INTEGER = 0, @found INTEGER, @waiting NVARCHAR(MAX);

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @batch_size IS NULL
    BEGIN
        THROW 50103, N'cancel_notification_messages: @batch_size must be 1 to 4000.', 1;
    END;

    /* Reads the open messages of these states, and no other: a person's rare command. */
    SET @waiting = (
            SELECT TOP (@batch_size) m.message_id
            FROM notify.message AS m WITH (INDEX (ix_message_open))
            WHERE m.state IN ('held', 'scheduled', 'queued', 'retrying')
                AND m.completed_at IS NULL
                AND m.notification_guid = @notification_guid
            ORDER BY m.message_id
            FOR JSON PATH
        );

    /* What a sender claims meanwhile is found and not changed: what is left is told by what was found. */
    SET @found = (SELECT COUNT(*) FROM OPENJSON(@waiting) AS w);

    IF @waiting IS NOT NULL
    BEGIN
        EXECUTE notify.withdraw_messages
            @messages = @waiting,
            @new_state = 'canceled',
            @reason = @reason,
            @actor = @by,
            @withdrawn = @changed OUTPUT;
    END;

    SELECT changed = @changed, has_more = CONVERT (BIT, CASE WHEN @found = @batch_size THEN 1 ELSE 0 END);
END;
GO
