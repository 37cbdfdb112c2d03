SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Takes messages that wait (held, scheduled, queued, retrying) out of the way of every claim. One claimed meanwhile is on its way and stays so.

@messages   JSON array: message_id
@new_state  canceled, expired or held
@withdrawn  OUTPUT: how many
Locks       ready rows, which wait for nobody (READPAST), then messages by message_id. A ready row that a claim is taking is left to it: the
            claim waits for the message, finds it gone, and drops the row.
*/
CREATE OR ALTER PROCEDURE notify.withdraw_messages (
    @messages NVARCHAR(MAX),
    @new_state VARCHAR(10),
    @reason NVARCHAR(400),
    @actor NVARCHAR(128),
    @withdrawn INTEGER = NULL OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    DECLARE @message TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL
    );

    BEGIN TRY
        BEGIN TRANSACTION;

        INSERT @message (message_id, channel, priority)
        SELECT m.message_id, m.channel, m.priority
        FROM OPENJSON(@messages) WITH (
            message_id BIGINT
        ) AS j
        JOIN notify.message AS m WITH (FORCESEEK) ON m.message_id = j.message_id;

        DELETE r
        FROM @message AS t
        JOIN notify.ready AS r WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            ON r.channel = t.channel AND r.priority = t.priority AND r.message_id = t.message_id
        OPTION (FORCE ORDER, LOOP JOIN); /* here and below: never a scan */

        UPDATE m
        SET m.state = @new_state, m.reason = @reason, m.completed_at = CASE WHEN @new_state <> 'held' THEN @now END
        OUTPUT inserted.message_id, @now, deleted.state, inserted.state, inserted.reason, @actor
        INTO notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        FROM @message AS t
        JOIN notify.message AS m ON m.message_id = t.message_id
        WHERE m.state IN ('held', 'scheduled', 'queued', 'retrying')
        OPTION (FORCE ORDER, LOOP JOIN);

        SET @withdrawn = @@ROWCOUNT;

        /* A sweep may have queued one in between: its row came after the first DELETE. */
        DELETE r
        FROM @message AS t
        JOIN notify.message AS m ON m.message_id = t.message_id AND m.state = @new_state
        JOIN notify.ready AS r WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            ON r.channel = t.channel AND r.priority = t.priority AND r.message_id = t.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

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
