SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Stores how attempts ended; on a restored queue too, for what happened must never be lost.

An acceptance makes its message sent from any state. Anything else moves it only while its attempt is the latest one and still open, or,
for an attempt that was never begun (refused before the body, or a claim given back), while the claim is the caller's.

@outcomes  JSON array: attempt_id, message_id, claim_token, gateway, outcome (accepted, refused, not_handed_over, unknown), is_permanent,
           provider_id, code, detail, retry_after_seconds; a message at most once. What a provider says is cut to its column
Result     attempt_id, message_id, state (NULL: no such message)
Retries    after what notify.retry_wait makes of notify.retry_setting; after max_attempts the message fails. A claim given back
           is no refusal: without retry_after_seconds it is queued at once, unless its notification is held.
Repeated   with the same outcomes: changes nothing.
Locks      messages by message_id, attempts, then ready. A late acceptance may meet a claim of the same message: 1205, call again.
*/
CREATE OR ALTER PROCEDURE notify.record_outcomes (@outcomes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @unusual NVARCHAR(MAX);

    DECLARE @outcome TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        attempt_id UNIQUEIDENTIFIER NOT NULL,
        gateway NVARCHAR(128) NULL,
        outcome VARCHAR(20) NOT NULL,
        is_permanent BIT NOT NULL,
        provider_id NVARCHAR(400) NULL,
        code VARCHAR(20) NULL,
        detail NVARCHAR(1000) NULL,
        retry_after_seconds INTEGER NULL,
        attempt_number SMALLINT NULL,
        is_begun BIT NOT NULL,
        old_state VARCHAR(10) NULL,
        new_state VARCHAR(10) NULL, /* NULL: the message stays as it is */
        next_at DATETIME2(3) NOT NULL,
        reason NVARCHAR(400) NULL
    );

    BEGIN TRY
        BEGIN TRANSACTION;

        /* READCOMMITTEDLOCK: the attempts as they are once the message is locked, not as they were when the statement began. */
        INSERT @outcome (
            message_id,
            attempt_id,
            gateway,
            outcome,
            is_permanent,
            provider_id,
            code,
            detail,
            retry_after_seconds,
            attempt_number,
            is_begun,
            old_state,
            new_state,
            next_at,
            reason
        )
        SELECT
            j.message_id,
            j.attempt_id,
            gateway = CONVERT(NVARCHAR(128), j.gateway),
            j.outcome,
            is_permanent = COALESCE(j.is_permanent, 0),
            provider_id = CONVERT(NVARCHAR(400), j.provider_id),
            code = CONVERT(VARCHAR(20), j.code),
            detail = CONVERT(NVARCHAR(1000), j.detail),
            j.retry_after_seconds,
            attempt_number = COALESCE(a.attempt_number, m.attempt_count + 1),
            is_begun = CASE WHEN a.attempt_id IS NULL THEN 0 ELSE 1 END,
            old_state = m.state,
            new_state = CASE
                WHEN j.outcome = 'accepted' THEN CASE
                    WHEN m.state NOT IN ('sent', 'delivered', 'bounced') THEN 'sent'
                END
                WHEN a.outcome IS NULL AND m.attempt_id = a.attempt_id AND m.state IN ('sending', 'in_doubt')
                OR a.attempt_id IS NULL AND m.claim_token = j.claim_token AND m.state = 'claimed' THEN CASE
                    WHEN j.outcome = 'unknown' THEN 'in_doubt'
                    ELSE 'retrying'
                END
            END,
            next_at = @now,
            reason = CASE
                WHEN j.outcome <> 'accepted' THEN CONVERT(
                    NVARCHAR(400),
                    /* What was not handed over has no code, and may have no detail: then there is no reason. */
                    NULLIF(LTRIM(CONCAT(CONVERT(VARCHAR(20), j.code), N' ', j.detail)), N'')
                )
            END
        FROM OPENJSON(@outcomes) WITH (
            message_id BIGINT,
            attempt_id UNIQUEIDENTIFIER,
            claim_token UNIQUEIDENTIFIER,
            gateway NVARCHAR(MAX),
            outcome VARCHAR(20),
            is_permanent BIT,
            provider_id NVARCHAR(MAX),
            code VARCHAR(MAX),
            detail NVARCHAR(MAX),
            retry_after_seconds INTEGER
        ) AS j
        LEFT JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = j.message_id
        LEFT JOIN notify.attempt AS a WITH (READCOMMITTEDLOCK, FORCESEEK)
            ON a.message_id = j.message_id AND a.attempt_id = j.attempt_id;

        /* Refusals: again later, or the end. */
        IF EXISTS (SELECT 1 / 0 FROM @outcome AS o WHERE o.new_state = 'retrying')
        BEGIN
            UPDATE o
            SET
                o.next_at = v.next_at,
                o.new_state = CASE
                    WHEN o.outcome = 'refused' AND o.is_permanent = 1 THEN 'failed'
                    WHEN EXISTS (
                        SELECT 1 / 0
                        FROM notify.message AS newer WITH (READCOMMITTEDLOCK)
                        WHERE newer.conversation_key = m.conversation_key AND newer.shown_order > m.shown_order
                    ) THEN 'canceled'
                    WHEN m.expires_at <= v.next_at THEN 'expired'
                    /* To the end of the transaction, as who enqueues: retrying is found by who holds the notification, or by the sweep. */
                    WHEN g.is_given_back = 1
                    AND v.next_at <= @now
                    AND NOT EXISTS (
                        SELECT 1 / 0
                        FROM notify.held_notification AS h WITH (SERIALIZABLE)
                        WHERE h.notification_guid = m.notification_guid
                    ) THEN 'queued'
                    WHEN g.is_given_back = 1 THEN 'retrying'
                    WHEN o.attempt_number >= rs.max_attempts THEN 'failed'
                    ELSE 'retrying'
                END
            FROM @outcome AS o
            JOIN notify.message AS m ON m.message_id = o.message_id
            CROSS JOIN notify.retry_setting AS rs
            CROSS APPLY ( VALUES (CASE WHEN o.is_begun = 0 AND o.outcome = 'not_handed_over' THEN 1 ELSE 0 END)) AS g (
                is_given_back
            )
            CROSS APPLY notify.retry_wait(
                o.attempt_number,
                o.attempt_id,
                o.retry_after_seconds,
                CASE WHEN g.is_given_back = 1 THEN 0 ELSE rs.base_seconds END,
                CASE WHEN g.is_given_back = 1 THEN 0 ELSE rs.cap_seconds END
            ) AS rw
            CROSS APPLY ( VALUES (
                DATEADD(MILLISECOND, rw.wait_milliseconds % 1000, DATEADD(SECOND, rw.wait_milliseconds / 1000, @now))
            )) AS v (next_at)
            WHERE o.new_state = 'retrying';
        END;

        UPDATE a
        SET
            a.outcome = o.outcome,
            a.is_permanent = o.is_permanent,
            a.provider_id = o.provider_id,
            a.code = o.code,
            a.detail = o.detail,
            a.closed_at = @now
        FROM @outcome AS o
        JOIN notify.attempt AS a ON a.message_id = o.message_id AND a.attempt_id = o.attempt_id
        WHERE o.is_begun = 1 AND (a.outcome IS NULL OR a.outcome <> 'accepted')
        OPTION (FORCE ORDER, LOOP JOIN);

        UPDATE m
        SET
            m.state = o.new_state,
            m.reason = o.reason,
            m.next_at = o.next_at,
            m.attempt_count = CASE
                WHEN o.is_begun = 0 AND o.outcome <> 'not_handed_over' THEN o.attempt_number
                ELSE m.attempt_count
            END,
            m.provider_id = COALESCE(o.provider_id, m.provider_id),
            m.completed_at = CASE WHEN o.new_state IN ('sent', 'failed', 'canceled', 'expired') THEN @now END
        FROM @outcome AS o
        JOIN notify.message AS m ON m.message_id = o.message_id
        WHERE o.new_state IS NOT NULL
        OPTION (FORCE ORDER, LOOP JOIN);

        /* Everything but: begun, accepted, sent. */
        SET @unusual = (
                SELECT
                    o.message_id,
                    o.attempt_id,
                    o.attempt_number,
                    o.gateway,
                    o.outcome,
                    o.is_permanent,
                    o.provider_id,
                    o.code,
                    o.detail,
                    o.is_begun,
                    o.old_state,
                    o.new_state,
                    o.reason
                FROM @outcome AS o
                WHERE o.is_begun = 0 OR o.old_state <> 'sending' OR o.new_state <> 'sent'
                FOR JSON PATH
            );

        IF @unusual IS NOT NULL
        BEGIN
            EXECUTE notify.record_unusual_outcomes @outcomes = @unusual, @now = @now;
        END;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SELECT o.attempt_id, o.message_id, state = COALESCE(o.new_state, o.old_state)
    FROM @outcome AS o
    ORDER BY o.message_id;
END;
GO
