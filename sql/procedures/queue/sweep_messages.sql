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
Locks        messages (READPAST), then ready
*/
CREATE OR ALTER PROCEDURE notify.sweep_messages (@batch_size INTEGER = 1000)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @now DATETIME2(3) = notify.utc_now(),
        @due_count INTEGER,
        @queued INTEGER,
        @in_doubt INTEGER,
        @expired INTEGER = 0,
        @overdue NVARCHAR(MAX),
        @alerts NVARCHAR(MAX);

    DECLARE @due TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL,
        old_state VARCHAR(10) NOT NULL,
        new_state VARCHAR(10) NOT NULL,
        reason NVARCHAR(400) NULL
    );

    DECLARE @doubtful TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        notification_guid UNIQUEIDENTIFIER NOT NULL
    );

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @batch_size IS NULL
    BEGIN
        THROW 50103, N'sweep_messages: @batch_size must be 1 to 4000.', 1;
    END;

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
        /* READCOMMITTEDLOCK: waits for a version that is being enqueued, which has passed over what was claimed. */
        CROSS APPLY ( VALUES (
            CASE
                WHEN EXISTS (
                    SELECT 1 / 0
                    FROM notify.message AS newer WITH (READCOMMITTEDLOCK)
                    WHERE newer.conversation_key = due.conversation_key AND newer.shown_order > due.shown_order
                ) THEN 'canceled'
                WHEN h.notification_guid IS NOT NULL THEN 'held'
                ELSE 'queued'
            END
        )) AS v (new_state);

        SET @due_count = @@ROWCOUNT;

        INSERT notify.ready (channel, priority, message_id)
        SELECT d.channel, d.priority, d.message_id FROM @due AS d WHERE d.new_state = 'queued';

        SET @queued = @@ROWCOUNT;

        INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        SELECT d.message_id, happened_at = @now, d.old_state, d.new_state, d.reason, actor = N'sweep_messages'
        FROM @due AS d
        WHERE d.new_state <> 'queued';

        COMMIT TRANSACTION;

        BEGIN TRANSACTION;

        WITH doubtful AS (
            SELECT TOP (@batch_size) m.message_id, m.notification_guid, m.state, m.reason
            FROM notify.message AS m WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            WHERE m.state = 'sending' AND m.next_at <= @now AND m.completed_at IS NULL
            ORDER BY m.state, m.next_at, m.message_id
        )
        UPDATE doubtful
        SET doubtful.state = 'in_doubt', doubtful.reason = N'the sender did not say how the attempt ended'
        OUTPUT inserted.message_id, inserted.notification_guid INTO @doubtful (message_id, notification_guid);

        SET @in_doubt = @@ROWCOUNT;

        IF @in_doubt > 0
        BEGIN
            INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
            SELECT
                d.message_id,
                happened_at = @now,
                old_state = 'sending',
                new_state = 'in_doubt',
                reason = N'the sender did not say how the attempt ended',
                actor = N'sweep_messages'
            FROM @doubtful AS d;

            SET @alerts = (
                    SELECT
                        kind = 'message_in_doubt',
                        d.notification_guid,
                        occurrences = COUNT(*),
                        message_id = MAX(d.message_id),
                        detail = N'the sender did not say how the attempt ended'
                    FROM @doubtful AS d
                    GROUP BY d.notification_guid
                    FOR JSON PATH
                );

            EXECUTE notify.raise_alerts @alerts = @alerts;
        END;

        COMMIT TRANSACTION;

        SET @overdue = (
                SELECT TOP (@batch_size) m.message_id
                FROM notify.message AS m
                WHERE m.expires_at <= @now
                    AND m.completed_at IS NULL
                    AND m.state IN ('held', 'scheduled', 'queued', 'retrying')
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
        has_more = CONVERT (BIT, CASE WHEN @batch_size IN (@due_count, @in_doubt, @expired) THEN 1 ELSE 0 END);
END;
GO
