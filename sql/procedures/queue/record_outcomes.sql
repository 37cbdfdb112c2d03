SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Stores how attempts ended; on a restored queue too, for what happened must never be lost.

An acceptance makes its message sent from any state. Anything else moves it only while its attempt is the latest one and still open, or,
for an attempt that was never begun (refused before the body, or a claim given back), while the claim is the caller's.

@outcomes  JSON array: attempt_id, message_id, claim_token, gateway, outcome (accepted, refused, not_handed_over, unknown), is_permanent,
           provider_id, code, detail, retry_after_seconds; a message at most once. What a provider says is cut to its column. One
           transaction: who calls keeps it short, a sender to what it has under way
Result     attempt_id, message_id, state (NULL: no such message), defect (NULL: recorded)
Defects    notify.reported_outcomes judges each element by itself. One that names no attempt of a message, or a message that the call has
           already, is not recorded: its defect says why, and an alert; its attempt stays open until it is said again, or is in doubt when its
           lease ends. The others are recorded.
Retries    after what notify.retry_wait makes of notify.retry_setting; after max_attempts the message fails. A claim given back
           is no refusal: without retry_after_seconds it is queued at once, unless its notification is held.
Repeated   with the same outcomes: changes nothing. Of an attempt that has an outcome only an acceptance is still news: what it said first
           is why its message ended as it did
Locks      messages by message_id, attempts, versions, then the rest (sql/README.md has the order)
*/
CREATE OR ALTER PROCEDURE notify.record_outcomes (@outcomes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @unusual NVARCHAR(MAX);

    DECLARE @outcome TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        attempt_id UNIQUEIDENTIFIER NULL,
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
        reason NVARCHAR(400) NULL,
        defect NVARCHAR(100) NULL
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
            reason,
            defect
        )
        SELECT
            j.message_id,
            j.attempt_id,
            j.gateway,
            j.outcome,
            j.is_permanent,
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
            j.reason,
            j.defect
        FROM notify.reported_outcomes(@outcomes) AS j
        LEFT JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = j.message_id
        LEFT JOIN notify.attempt AS a WITH (READCOMMITTEDLOCK, FORCESEEK)
            ON a.message_id = j.message_id AND a.attempt_id = j.attempt_id
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* from the first message to the last: who enqueues locks them so too */

        /* Refusals: again later, or the end. */
        IF EXISTS (SELECT 1 / 0 FROM @outcome AS o WHERE o.new_state = 'retrying')
        BEGIN
            UPDATE o
            SET o.next_at = f.next_at, o.new_state = f.new_state
            FROM @outcome AS o
            JOIN notify.message AS m ON m.message_id = o.message_id
            CROSS APPLY notify.refusal_fate(
                o.attempt_id,
                o.attempt_number,
                o.is_begun,
                o.outcome,
                o.is_permanent,
                o.retry_after_seconds,
                m.notification_guid,
                m.conversation_key,
                m.shown_order,
                m.expires_at,
                @now
            ) AS f
            WHERE o.new_state = 'retrying'
            OPTION (FORCE ORDER, LOOP JOIN);
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
        WHERE o.is_begun = 1 AND (a.outcome IS NULL OR o.outcome = 'accepted' AND a.outcome <> 'accepted')
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

        /* Everything but: begun, accepted, sent. What has a defect was not begun. */
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
                    o.reason,
                    o.defect
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

    SELECT
        o.attempt_id,
        message_id = CASE WHEN o.defect IS NULL THEN o.message_id END,
        state = COALESCE(o.new_state, o.old_state),
        o.defect
    FROM @outcome AS o
    ORDER BY o.message_id;
END;
GO
