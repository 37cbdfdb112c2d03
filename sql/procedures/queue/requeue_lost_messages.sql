SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of purge_messages that puts in line what is queued and in nobody's line: the message's state and its ready row are two copies of one
fact, and nothing else compares them. Normally there is none; message_history tells of each.

@batch_size  at most so many
Locks        messages by message_id, then their ready rows: a claim that is just taking one may meet it (1205). Of the caller's low
             deadlock priority. A transaction of its own
*/
CREATE OR ALTER PROCEDURE notify.requeue_lost_messages (@batch_size INTEGER)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    DECLARE @lost TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    DECLARE @requeued TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL
    );

    /* Looked for without a lock, among what nobody has taken for a quarter of an hour; looked at again with one. */
    INSERT @lost (message_id)
    SELECT TOP (@batch_size) m.message_id
    FROM notify.message AS m WITH (INDEX (ix_message_open))
    WHERE m.state = 'queued'
        AND m.completed_at IS NULL
        AND m.next_at <= DATEADD(MINUTE, -15, @now)
        AND NOT EXISTS (
            SELECT 1 / 0
            FROM notify.ready AS r
            WHERE r.channel = m.channel AND r.priority = m.priority AND r.message_id = m.message_id
        )
    ORDER BY m.next_at, m.message_id;

    IF @@ROWCOUNT = 0
    BEGIN
        RETURN;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        INSERT @requeued (message_id, channel, priority)
        SELECT m.message_id, m.channel, m.priority
        FROM @lost AS t
        JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = t.message_id
        WHERE m.state = 'queued'
            AND NOT EXISTS (
                SELECT 1 / 0
                FROM notify.ready AS there WITH (READCOMMITTEDLOCK)
                WHERE there.channel = m.channel AND there.priority = m.priority AND there.message_id = m.message_id
            )
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* by message_id, as everybody locks them */

        INSERT notify.ready (channel, priority, message_id)
        SELECT r.channel, r.priority, r.message_id FROM @requeued AS r;

        INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        SELECT
            r.message_id,
            happened_at = @now,
            old_state = 'queued',
            new_state = 'queued',
            reason = N'it was queued and in nobody''s line',
            actor = N'purge_messages'
        FROM @requeued AS r;

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
