SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of sweep_messages that puts in line what is due: retries, scheduled messages, claims whose lease ended. Canceled instead, when a newer
version came while the claim lasted; held, when their notification is.

@now         the caller's time
@batch_size  at most so many
@found       OUTPUT: how many were due, at most @batch_size        @queued  OUTPUT: of them, queued
Locks        messages (READPAST), versions, held_notification; then new ready rows. A transaction of its own
*/
CREATE OR ALTER PROCEDURE notify.queue_due_messages (
    @now DATETIME2(3),
    @batch_size INTEGER,
    @found INTEGER OUTPUT,
    @queued INTEGER OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @due TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL,
        old_state VARCHAR(10) NOT NULL,
        new_state VARCHAR(10) NOT NULL,
        reason NVARCHAR(400) NULL
    );

    BEGIN TRY
        BEGIN TRANSACTION;

        WITH due AS (
            SELECT TOP (@batch_size)
                m.message_id,
                m.channel,
                m.priority,
                m.state,
                m.claim_token,
                m.reason,
                m.completed_at,
                m.conversation_key,
                m.shown_order,
                m.notification_guid
            FROM notify.message AS m WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            WHERE m.state IN ('claimed', 'retrying', 'scheduled') AND m.next_at <= @now AND m.completed_at IS NULL
            ORDER BY m.state, m.next_at, m.message_id
        )
        UPDATE due
        SET
            due.state = v.new_state,
            due.claim_token = NULL,
            due.reason = CASE v.new_state
                WHEN 'canceled' THEN N'replaced by a newer version of the record'
                WHEN 'held' THEN h.reason
                ELSE due.reason
            END,
            due.completed_at = CASE v.new_state WHEN 'canceled' THEN @now END
        OUTPUT inserted.message_id, inserted.channel, inserted.priority, deleted.state, inserted.state, inserted.reason
        INTO @due (message_id, channel, priority, old_state, new_state, reason)
        FROM due
        /* To the end of the transaction, as who enqueues: who holds the notification waits, and then finds these messages. */
        LEFT JOIN notify.held_notification AS h WITH (SERIALIZABLE) ON h.notification_guid = due.notification_guid
        /* Waits for a version that is being enqueued, which has passed over what was claimed. */
        CROSS APPLY ( VALUES (
            CASE
                WHEN EXISTS (
                    SELECT 1 / 0 FROM notify.newer_versions(due.conversation_key, due.shown_order) AS newer
                ) THEN 'canceled'
                WHEN h.notification_guid IS NOT NULL THEN 'held'
                ELSE 'queued'
            END
        )) AS v (new_state);

        SET @found = @@ROWCOUNT;

        INSERT notify.ready (channel, priority, message_id)
        SELECT d.channel, d.priority, d.message_id FROM @due AS d WHERE d.new_state = 'queued';

        SET @queued = @@ROWCOUNT;

        INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        SELECT d.message_id, happened_at = @now, d.old_state, d.new_state, d.reason, actor = N'sweep_messages'
        FROM @due AS d
        WHERE d.new_state <> 'queued';

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;
END;
GO
