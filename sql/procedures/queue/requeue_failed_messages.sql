SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Gives failed messages another round of attempts. Left alone: those never attempted (a bad address stays bad) and those with a newer version.
Those of a notification that is held get it when that is released.

@notification_guid  NULL: any
@failed_within_hours  how far back
@messages           JSON array, at most 4,000: message_id. These alone, however long ago they failed; NULL: all
@batch_size         at most so many a call, 1 to 4000
Result              changed, has_more (call again)
Errors              50103 @batch_size out of range, or more than 4,000 messages
Locks               messages by message_id, held_notification, versions; then new ready rows
*/
CREATE OR ALTER PROCEDURE notify.requeue_failed_messages (
    @by NVARCHAR(128),
    @reason NVARCHAR(400),
    @notification_guid UNIQUEIDENTIFIER = NULL,
    @failed_within_hours INTEGER = 24,
    @batch_size INTEGER = 1000,
    @messages NVARCHAR(MAX) = NULL
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @changed INTEGER, @found INTEGER = 0;

    DECLARE @candidate TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    DECLARE @requeued TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL,
        state VARCHAR(10) NOT NULL
    );

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @batch_size IS NULL
    BEGIN
        THROW 50103, N'requeue_failed_messages: @batch_size must be 1 to 4000.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        IF @messages IS NULL
        BEGIN
            INSERT @candidate (message_id)
            SELECT TOP (@batch_size) m.message_id
            FROM notify.message AS m
            WHERE m.completed_at >= DATEADD(HOUR, -@failed_within_hours, @now)
                AND m.state = 'failed'
                AND m.attempt_count > 0
                AND (@notification_guid IS NULL OR m.notification_guid = @notification_guid)
                AND NOT EXISTS (SELECT 1 / 0 FROM notify.newer_versions(m.conversation_key, m.shown_order) AS newer)
            ORDER BY m.completed_at, m.message_id;

            SET @found = @@ROWCOUNT;
        END;
        ELSE
        BEGIN
            INSERT @candidate (message_id)
            SELECT DISTINCT j.message_id
            FROM OPENJSON(@messages) WITH (
                message_id BIGINT
            ) AS j
            WHERE j.message_id IS NOT NULL;

            IF @@ROWCOUNT > 4000
            BEGIN
                THROW 50103, N'requeue_failed_messages: more than 4,000 messages in one call: send them in several calls.', 1;
            END;
        END;

        WITH failed AS (
            SELECT
                m.message_id,
                m.state,
                m.reason,
                m.next_at,
                m.claim_token,
                m.attempt_count,
                m.completed_at,
                m.channel,
                m.priority,
                hold_reason = h.reason
            FROM @candidate AS t
            JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK) ON m.message_id = t.message_id
            LEFT JOIN notify.held_notification AS h WITH (SERIALIZABLE) ON h.notification_guid = m.notification_guid
            WHERE m.state = 'failed'
                AND m.attempt_count > 0
                AND NOT EXISTS (SELECT 1 / 0 FROM notify.newer_versions(m.conversation_key, m.shown_order) AS newer)
        )
        UPDATE failed
        SET
            failed.state = CASE WHEN failed.hold_reason IS NULL THEN 'queued' ELSE 'held' END,
            failed.reason = failed.hold_reason,
            failed.next_at = @now,
            failed.claim_token = NULL,
            failed.attempt_count = 0,
            failed.completed_at = NULL
        OUTPUT inserted.message_id, inserted.channel, inserted.priority, inserted.state
        INTO @requeued (message_id, channel, priority, state)
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* by message_id, as everybody locks them */

        SET @changed = @@ROWCOUNT;

        INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        SELECT
            r.message_id,
            happened_at = @now,
            old_state = 'failed',
            new_state = r.state,
            reason = @reason,
            actor = @by
        FROM @requeued AS r;

        INSERT notify.ready (channel, priority, message_id)
        SELECT r.channel, r.priority, r.message_id
        FROM @requeued AS r
        WHERE r.state = 'queued'
            /* One that a claim left behind, as in release_message. */
            AND NOT EXISTS (
                SELECT 1 / 0
                FROM notify.ready AS there WITH (READCOMMITTEDLOCK)
                WHERE there.channel = r.channel AND there.priority = r.priority AND there.message_id = r.message_id
            );

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SELECT changed = @changed, has_more = CONVERT (BIT, CASE WHEN @found = @batch_size THEN 1 ELSE 0 END);
END;
GO
