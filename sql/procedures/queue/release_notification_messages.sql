SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Ends hold_notification_messages: what is held is queued, or scheduled where its time has not come.

@batch_size  at most so many a call, 1 to 4000
Result       changed, has_more (call again)
Errors       50103 @batch_size out of range
Repeated     after it was cut off: the hold has ended, what is left is released.
Locks        the hold by itself, as who holds; then messages. Both in one transaction would meet who enqueues, in the other order
*/
CREATE OR ALTER PROCEDURE notify.release_notification_messages (
    @notification_guid UNIQUEIDENTIFIER,
    @by NVARCHAR(128),
    @reason NVARCHAR(400),
    @batch_size INTEGER = 1000
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @found INTEGER, @changed INTEGER;

    DECLARE @held TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    DECLARE @released TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        state VARCHAR(10) NOT NULL,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL
    );

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @batch_size IS NULL
    BEGIN
        THROW 50103, N'release_notification_messages: @batch_size must be 1 to 4000.', 1;
    END;

    DELETE h
    FROM notify.held_notification AS h
    WHERE h.notification_guid = @notification_guid;

    BEGIN TRY
        BEGIN TRANSACTION;

        /* Reads the held messages, and no other: a person's rare command. */
        INSERT @held (message_id)
        SELECT TOP (@batch_size) m.message_id
        FROM notify.message AS m WITH (INDEX (ix_message_open))
        WHERE m.state = 'held' AND m.completed_at IS NULL AND m.notification_guid = @notification_guid
        ORDER BY m.message_id;

        SET @found = @@ROWCOUNT;

        UPDATE m
        SET m.state = CASE WHEN m.next_at > @now THEN 'scheduled' ELSE 'queued' END, m.reason = NULL
        OUTPUT inserted.message_id, inserted.state, inserted.channel, inserted.priority
        INTO @released (message_id, state, channel, priority)
        FROM @held AS t
        JOIN notify.message AS m WITH (ROWLOCK) ON m.message_id = t.message_id
        WHERE m.state = 'held'
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* by message_id, as everybody locks them */

        SET @changed = @@ROWCOUNT;

        INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        SELECT r.message_id, happened_at = @now, old_state = 'held', new_state = r.state, reason = @reason, actor = @by
        FROM @released AS r;

        INSERT notify.ready (channel, priority, message_id)
        SELECT r.channel, r.priority, r.message_id
        FROM @released AS r
        WHERE r.state = 'queued'
            /* One that a claim left behind, cut off while the message was being held. Waits for a claim that is dropping it: a row
               of an older version, believed in, would leave the message queued and in nobody's line. */
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
