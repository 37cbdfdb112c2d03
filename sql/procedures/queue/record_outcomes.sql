SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Stores how attempts ended; on a restored queue too, for what happened must never be lost.

An acceptance makes its message sent from any state. Anything else moves it only while its attempt is the latest one and still open, or,
for an attempt that was never begun (refused before the body, or a claim given back), while the claim is the caller's.

@outcomes  JSON array: attempt_id, message_id, claim_token, gateway, outcome (accepted, refused, not_handed_over, unknown), is_permanent,
           provider_id, code, detail, retry_after_seconds; a message at most once
Result     attempt_id, message_id, state (NULL: no such message)
Retries    after setting retry_base_seconds, doubled with every attempt up to retry_cap_seconds, less up to half of it by the attempt's
           own random id; never earlier than retry_after_seconds. After setting max_attempts the message fails.
           A claim given back without retry_after_seconds is queued at once.
Repeated   with the same outcomes: changes nothing.
Locks      messages by message_id, attempts, then ready. A late acceptance may meet a claim of the same message: 1205, call again.
*/
CREATE OR ALTER PROCEDURE notify.record_outcomes (@outcomes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @now DATETIME2(3) = notify.utc_now(),
        @max_attempts INTEGER,
        @base_seconds INTEGER,
        @cap_seconds INTEGER,
        @alerts NVARCHAR(MAX);

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
            j.gateway,
            j.outcome,
            is_permanent = COALESCE(j.is_permanent, 0),
            j.provider_id,
            j.code,
            j.detail,
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
            reason = CASE WHEN j.outcome <> 'accepted' THEN LEFT(CONCAT(j.code, N' ', j.detail), 400) END
        FROM OPENJSON(@outcomes) WITH (
            message_id BIGINT,
            attempt_id UNIQUEIDENTIFIER,
            claim_token UNIQUEIDENTIFIER,
            gateway NVARCHAR(128),
            outcome VARCHAR(20),
            is_permanent BIT,
            provider_id NVARCHAR(400),
            code VARCHAR(20),
            detail NVARCHAR(1000),
            retry_after_seconds INTEGER
        ) AS j
        LEFT JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = j.message_id
        LEFT JOIN notify.attempt AS a WITH (READCOMMITTEDLOCK, FORCESEEK)
            ON a.message_id = j.message_id AND a.attempt_id = j.attempt_id;

        /* Refusals: again later, or the end. */
        IF EXISTS (SELECT 1 / 0 FROM @outcome AS o WHERE o.new_state = 'retrying')
        BEGIN
            SELECT
                @max_attempts = MAX(CASE s.name WHEN 'max_attempts' THEN CONVERT(INTEGER, s.value) END),
                @base_seconds = MAX(CASE s.name WHEN 'retry_base_seconds' THEN CONVERT(INTEGER, s.value) END),
                @cap_seconds = MAX(CASE s.name WHEN 'retry_cap_seconds' THEN CONVERT(INTEGER, s.value) END)
            FROM notify.setting AS s
            WHERE s.name IN ('max_attempts', 'retry_base_seconds', 'retry_cap_seconds');

            /* The wait, in milliseconds: the first byte of the attempt's random id takes off up to half of it. */
            UPDATE o
            SET
                o.next_at = DATEADD(
                    MILLISECOND,
                    v.wait_milliseconds % 1000,
                    DATEADD(SECOND, v.wait_milliseconds / 1000, @now)
                )
            FROM @outcome AS o
            CROSS APPLY ( VALUES (
                CASE
                    WHEN o.attempt_number > 16
                    OR @base_seconds * POWER(CONVERT(BIGINT, 2), o.attempt_number - 1) > @cap_seconds THEN CONVERT(
                        BIGINT,
                        1000
                    ) *
                    @cap_seconds
                    ELSE 1000 * @base_seconds * POWER(CONVERT(BIGINT, 2), o.attempt_number - 1)
                END,
                CONVERT(INTEGER, SUBSTRING(CONVERT(BINARY(16), o.attempt_id), 1, 1))
            )) AS b (wait_milliseconds, jitter)
            CROSS APPLY ( VALUES (
                CASE
                    WHEN o.is_begun = 0 AND o.outcome = 'not_handed_over' THEN CONVERT(BIGINT, 1000) *
                    COALESCE(o.retry_after_seconds, 0)
                    WHEN 1000 * CONVERT(BIGINT, o.retry_after_seconds) > b.wait_milliseconds -
                    b.wait_milliseconds * b.jitter / 510 THEN 1000 * CONVERT(BIGINT, o.retry_after_seconds)
                    ELSE b.wait_milliseconds - b.wait_milliseconds * b.jitter / 510
                END
            )) AS v (wait_milliseconds)
            WHERE o.new_state = 'retrying';

            UPDATE o
            SET
                o.new_state = CASE
                    WHEN o.outcome = 'refused' AND o.is_permanent = 1 THEN 'failed'
                    WHEN EXISTS (
                        SELECT 1 / 0
                        FROM notify.message AS newer WITH (READCOMMITTEDLOCK)
                        WHERE newer.conversation_key = m.conversation_key
                            AND newer.conversation_key IS NOT NULL
                            AND newer.shown_order > m.shown_order
                    ) THEN 'canceled'
                    WHEN m.expires_at <= o.next_at THEN 'expired'
                    WHEN o.is_begun = 0 AND o.outcome = 'not_handed_over' THEN CASE
                        WHEN o.next_at > @now THEN 'retrying'
                        ELSE 'queued'
                    END
                    WHEN o.attempt_number >= @max_attempts THEN 'failed'
                    ELSE 'retrying'
                END
            FROM @outcome AS o
            JOIN notify.message AS m ON m.message_id = o.message_id
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
        WHERE o.is_begun = 1 AND (a.outcome IS NULL OR a.outcome <> 'accepted');

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
        WHERE o.new_state IS NOT NULL;

        /* Everything but: begun, accepted, sent. */
        IF EXISTS (
               SELECT 1 / 0 FROM @outcome AS o WHERE o.is_begun = 0 OR o.old_state <> 'sending' OR o.new_state <> 'sent'
           )
        BEGIN
            INSERT notify.attempt (
                message_id,
                attempt_id,
                attempt_number,
                gateway,
                begun_at,
                closed_at,
                outcome,
                is_permanent,
                provider_id,
                code,
                detail
            )
            SELECT
                o.message_id,
                o.attempt_id,
                o.attempt_number,
                gateway = COALESCE(o.gateway, N'unknown'),
                begun_at = @now,
                closed_at = @now,
                o.outcome,
                o.is_permanent,
                o.provider_id,
                o.code,
                o.detail
            FROM @outcome AS o
            WHERE o.is_begun = 0 AND o.old_state IS NOT NULL AND o.outcome <> 'not_handed_over';

            DELETE r
            FROM @outcome AS o
            JOIN notify.message AS m ON m.message_id = o.message_id
            JOIN notify.ready AS r ON r.channel = m.channel AND r.priority = m.priority AND r.message_id = m.message_id
            WHERE o.old_state = 'queued' AND o.new_state = 'sent';

            INSERT notify.ready (channel, priority, message_id)
            SELECT m.channel, m.priority, m.message_id
            FROM @outcome AS o
            JOIN notify.message AS m ON m.message_id = o.message_id
            WHERE o.new_state = 'queued';

            INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
            SELECT o.message_id, happened_at = @now, o.old_state, o.new_state, o.reason, actor = N'record_outcomes'
            FROM @outcome AS o
            WHERE o.new_state <> 'queued' AND (o.old_state <> 'sending' OR o.new_state <> 'sent');

            SET @alerts = (
                    SELECT
                        kind = CASE o.new_state WHEN 'failed' THEN 'message_failed' ELSE 'message_in_doubt' END,
                        m.notification_guid,
                        occurrences = COUNT(*),
                        message_id = MAX(o.message_id),
                        detail = MAX(o.reason)
                    FROM @outcome AS o
                    JOIN notify.message AS m ON m.message_id = o.message_id
                    WHERE o.new_state IN ('failed', 'in_doubt')
                    GROUP BY o.new_state, m.notification_guid
                    FOR JSON PATH
                );

            IF @alerts IS NOT NULL
            BEGIN
                EXECUTE notify.raise_alerts @alerts = @alerts;
            END;
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
