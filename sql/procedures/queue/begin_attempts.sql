SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The point of no return, committed before the hand-over: from here on a message without an outcome ends in doubt, never twice in the mail.

@attempts       JSON array: attempt_id (GUID minted by the sender), message_id, claim_token, gateway; a message at most once. One
                transaction: who calls keeps it short, a sender to what it has under way
@lease_seconds  after that the sweep puts the message in doubt
Result          attempt_id, message_id, begun (hand it over only if 1), reason
Repeated        with the same ids, when the first reply was lost: begun = 1 as long as the attempt stands. 0 after a first call that did
                begin: it is no longer the caller's, who reports 'not_handed_over' for it.
Errors          50101 restored queue
Locks           messages by message_id, then their attempts
*/
CREATE OR ALTER PROCEDURE notify.begin_attempts (@attempts NVARCHAR(MAX), @lease_seconds INTEGER = 600)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    DECLARE @attempt TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        attempt_id UNIQUEIDENTIFIER NOT NULL,
        gateway NVARCHAR(128) NOT NULL,
        attempt_number SMALLINT NULL,
        begun BIT NOT NULL,
        is_new BIT NOT NULL,
        reason NVARCHAR(400) NULL
    );

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        /* READCOMMITTEDLOCK: the attempts as they are once the message is locked, not as they were when the statement began. */
        INSERT @attempt (message_id, attempt_id, gateway, attempt_number, begun, is_new, reason)
        SELECT
            j.message_id,
            j.attempt_id,
            j.gateway,
            attempt_number = m.attempt_count + 1,
            begun = CASE WHEN v.verdict IN ('begins', 'stands') THEN 1 ELSE 0 END,
            is_new = CASE WHEN v.verdict = 'begins' THEN 1 ELSE 0 END,
            reason = CASE
                WHEN v.verdict = 'refused' THEN CONCAT(
                    N'the claim is lost: the message is ',
                    COALESCE(m.state, N'not there')
                )
            END
        FROM (
            SELECT TOP (2147483647) a.message_id, a.attempt_id, a.claim_token, a.gateway
            FROM OPENJSON(@attempts) WITH (
                message_id BIGINT,
                attempt_id UNIQUEIDENTIFIER,
                claim_token UNIQUEIDENTIFIER,
                gateway NVARCHAR(128)
            ) AS a
            ORDER BY a.message_id
        ) AS j
        LEFT JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = j.message_id
        LEFT JOIN notify.attempt AS a WITH (READCOMMITTEDLOCK, FORCESEEK)
            ON a.message_id = j.message_id AND a.attempt_id = j.attempt_id
        CROSS APPLY ( VALUES (
            CASE
                WHEN a.attempt_id IS NULL AND m.state = 'claimed' AND m.claim_token = j.claim_token THEN 'begins'
                WHEN a.outcome IS NULL AND m.state = 'sending' AND m.attempt_id = j.attempt_id THEN 'stands'
                ELSE 'refused'
            END
        )) AS v (verdict)
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* all, from the first message to the last: who enqueues locks them so too */

        UPDATE m
        SET
            m.state = 'sending',
            m.attempt_id = t.attempt_id,
            m.attempt_count = t.attempt_number,
            m.next_at = DATEADD(SECOND, @lease_seconds, @now)
        FROM @attempt AS t
        JOIN notify.message AS m ON m.message_id = t.message_id
        WHERE t.is_new = 1
        OPTION (FORCE ORDER, LOOP JOIN); /* as in claim_messages: a scan would wait for every other sender */

        INSERT notify.attempt (message_id, attempt_id, attempt_number, gateway, begun_at)
        SELECT t.message_id, t.attempt_id, t.attempt_number, t.gateway, begun_at = @now
        FROM @attempt AS t
        WHERE t.is_new = 1;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SELECT t.attempt_id, t.message_id, t.begun, t.reason FROM @attempt AS t ORDER BY t.message_id;
END;
GO
