SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Gives a sender the next messages of one channel, by priority and age, under a lease: rivals skip each other's rows and never wait.

@channel        email, sms or push
@take           at most so many, 1 to 1000
@lease_seconds  after that the sweep queues again what was not begun
@sender         who claims, for people
Result          one row per message: message_id, claim_token (the same for the whole call), attempt_number (the next attempt's),
                dedupe_key (64 hex digits), channel, address, recipient_name, subject, headers (JSON), html, text, expires_at
Errors          50101 restored queue, 50103 a parameter out of range
Locks           ready rows (READPAST), then their messages. Messages that expired or whose address was suppressed meanwhile end here:
                state, reason, sender and completed_at tell it, and no row of message_history; the claim_token they keep is worth nothing
*/
CREATE OR ALTER PROCEDURE notify.claim_messages (
    @channel VARCHAR(10),
    @take INTEGER = 100,
    @lease_seconds INTEGER = 120,
    @sender NVARCHAR(128) = N'sender'
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @claim_token UNIQUEIDENTIFIER = NEWID();

    DECLARE @taken TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    DECLARE @claimed TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        state VARCHAR(10) NOT NULL
    );

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    IF @take NOT BETWEEN 1 AND 1000 OR @lease_seconds NOT BETWEEN 1 AND 86400 OR @take IS NULL OR @lease_seconds IS NULL
    BEGIN
        THROW 50103, N'claim_messages: @take must be 1 to 1000, @lease_seconds 1 to 86400.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        WITH next_ready AS (
            SELECT TOP (@take) r.message_id
            FROM notify.ready AS r WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            WHERE r.channel = @channel
            ORDER BY r.channel, r.priority, r.message_id
        )
        DELETE next_ready
        OUTPUT deleted.message_id INTO @taken (message_id);

        UPDATE m
        SET
            m.state = v.state,
            m.reason = CASE v.state
                WHEN 'suppressed' THEN s.reason
                WHEN 'expired' THEN N'too late to be sent'
                ELSE m.reason
            END,
            m.claim_token = @claim_token,
            m.sender = @sender,
            m.next_at = DATEADD(SECOND, @lease_seconds, @now),
            m.completed_at = CASE WHEN v.state <> 'claimed' THEN @now END
        OUTPUT inserted.message_id, inserted.state INTO @claimed (message_id, state)
        FROM @taken AS t
        JOIN notify.message AS m ON m.message_id = t.message_id
        LEFT JOIN notify.suppression AS s ON s.channel = m.channel AND s.address = m.address
        CROSS APPLY ( VALUES (
            CASE
                WHEN m.expires_at <= @now THEN 'expired'
                WHEN s.address IS NOT NULL THEN 'suppressed'
                ELSE 'claimed'
            END
        )) AS v (state)
        WHERE m.state = 'queued'
        OPTION (FORCE ORDER, LOOP JOIN); /* never a scan of message, whatever the statistics of its first hour say */

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SELECT
        m.message_id,
        claim_token = @claim_token,
        attempt_number = m.attempt_count + 1,
        dedupe_key = CONVERT(CHAR(64), m.dedupe_key, 2),
        m.channel,
        m.address,
        mb.recipient_name,
        mb.subject,
        mb.headers,
        html = CONVERT(NVARCHAR(MAX), DECOMPRESS(mb.html)),
        text = CONVERT(NVARCHAR(MAX), DECOMPRESS(mb.text)),
        m.expires_at
    FROM @claimed AS c
    JOIN notify.message AS m ON m.message_id = c.message_id
    JOIN notify.message_body AS mb ON mb.created_date = m.created_date AND mb.message_id = m.message_id
    WHERE c.state = 'claimed'
    ORDER BY m.priority, m.message_id
    OPTION (FORCE ORDER, LOOP JOIN);
END;
GO
