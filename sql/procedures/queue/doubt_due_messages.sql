SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of recover_queue that puts in doubt what the lost queue may have handed over after the backup, within its transaction.

@lost_at, @by       as there
@batch_size         at most so many
@now                the caller's time
@found              OUTPUT: how many were found, at most @batch_size: fewer, and nothing is left
@messages_in_doubt  OUTPUT: how many of them are in doubt now: what was recorded since they were found stands
Locks               messages by message_id, of this batch alone; a ready row that a claim is taking is left to it
*/
CREATE OR ALTER PROCEDURE notify.doubt_due_messages (
    @lost_at DATETIME2(3),
    @by NVARCHAR(128),
    @batch_size INTEGER,
    @now DATETIME2(3),
    @found INTEGER OUTPUT,
    @messages_in_doubt INTEGER OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @candidate TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    DECLARE @doubtful TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        old_state VARCHAR(10) NOT NULL,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL
    );

    /* A lease says nothing about when its message was due: claimed and sending are doubtful whatever their next_at.
       What the backup shows as held may have been released, and sent, before the loss. In the order of the index, without a lock: a
       million due messages are not locked, nor sorted, for each thousand of them. */
    INSERT @candidate (message_id)
    SELECT TOP (@batch_size) m.message_id
    FROM notify.message AS m WITH (INDEX (ix_message_open))
    WHERE m.state IN ('claimed', 'sending', 'held', 'scheduled', 'queued', 'retrying')
        AND m.completed_at IS NULL
        AND (m.state IN ('claimed', 'sending') OR m.next_at <= @lost_at)
    ORDER BY m.state, m.next_at, m.message_id;

    SET @found = @@ROWCOUNT;

    UPDATE m
    SET m.state = 'in_doubt', m.reason = N'due before the queue was lost: it may have been sent'
    OUTPUT inserted.message_id, deleted.state, inserted.channel, inserted.priority
    INTO @doubtful (message_id, old_state, channel, priority)
    FROM @candidate AS t
    JOIN notify.message AS m WITH (ROWLOCK) ON m.message_id = t.message_id
    WHERE m.state IN ('claimed', 'sending')
        OR m.state IN ('held', 'scheduled', 'queued', 'retrying') AND m.next_at <= @lost_at
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* by message_id, as everybody locks them */

    SET @messages_in_doubt = @@ROWCOUNT;

    DELETE r
    FROM @doubtful AS d
    JOIN notify.ready AS r WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
        ON r.channel = d.channel AND r.priority = d.priority AND r.message_id = d.message_id
    OPTION (FORCE ORDER, LOOP JOIN);

    INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
    SELECT
        d.message_id,
        happened_at = @now,
        d.old_state,
        new_state = 'in_doubt',
        reason = N'due before the queue was lost: it may have been sent',
        actor = @by
    FROM @doubtful AS d;
END;
GO
