SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
What only time brings about. Due retries and scheduled messages, and claims whose lease ended, are queued (or canceled, when a newer version
came while the claim lasted; or held, when their notification is); attempts whose lease ended put their message in doubt, with an alert; what
waited too long expires. Any number of senders may call it at once: they skip each other's rows.

@batch_size  at most so many of each kind, 1 to 4000
Result       queued, in_doubt, expired, has_more (call again)
Errors       50101 restored queue: recover_queue must see the claims that were open in the backup; 50103 @batch_size out of range
Locks        in each of three transactions: messages (READPAST, or by message_id what expires), then the rest
*/
CREATE OR ALTER PROCEDURE notify.sweep_messages (@batch_size INTEGER = 1000)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @now DATETIME2(3) = notify.utc_now(),
        @found INTEGER,
        @queued INTEGER,
        @in_doubt INTEGER,
        @expired INTEGER = 0,
        @overdue NVARCHAR(MAX);

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @batch_size IS NULL
    BEGIN
        THROW 50103, N'sweep_messages: @batch_size must be 1 to 4000.', 1;
    END;

    BEGIN TRY
        EXECUTE notify.queue_due_messages
            @now = @now,
            @batch_size = @batch_size,
            @found = @found OUTPUT,
            @queued = @queued OUTPUT;

        EXECUTE notify.doubt_open_attempts @now = @now, @batch_size = @batch_size, @in_doubt = @in_doubt OUTPUT;

        SET @overdue = (
                SELECT TOP (@batch_size) m.message_id
                FROM notify.message AS m WITH (INDEX (ix_message_expires)) /* never the table, for every sender's sweep */
                WHERE m.expires_at <= @now AND m.state IN ('held', 'scheduled', 'queued', 'retrying')
                ORDER BY m.expires_at, m.message_id
                FOR JSON PATH
            );

        IF @overdue IS NOT NULL
        BEGIN
            EXECUTE notify.withdraw_messages
                @messages = @overdue,
                @new_state = 'expired',
                @reason = N'too late to be sent',
                @actor = N'sweep_messages',
                @withdrawn = @expired OUTPUT;
        END;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SELECT
        queued = @queued,
        in_doubt = @in_doubt,
        expired = @expired,
        has_more = CONVERT (BIT, CASE WHEN @batch_size IN (@found, @in_doubt, @expired) THEN 1 ELSE 0 END);
END;
GO
