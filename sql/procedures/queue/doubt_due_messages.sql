SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of recover_queue that puts in doubt what the lost queue may have handed over after the backup, within its transaction.

@lost_at, @by       as there
@batch_size         at most so many
@now                the caller's time
@messages_in_doubt  OUTPUT: how many
Locks               messages as they are found, for nobody else works but who records outcomes; a ready row that a claim is taking is left to it
*/
CREATE OR ALTER PROCEDURE notify.doubt_due_messages (
    @lost_at DATETIME2(3),
    @by NVARCHAR(128),
    @batch_size INTEGER,
    @now DATETIME2(3),
    @messages_in_doubt INTEGER OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @doubtful TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        old_state VARCHAR(10) NOT NULL,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL
    );

    /* A lease says nothing about when its message was due: claimed and sending are doubtful whatever their next_at.
       What the backup shows as held may have been released, and sent, before the loss. */
    WITH doubtful AS (
        SELECT TOP (@batch_size) m.message_id, m.state, m.reason, m.channel, m.priority
        FROM notify.message AS m WITH (UPDLOCK, ROWLOCK)
        WHERE m.completed_at IS NULL
            AND (
                m.state IN ('claimed', 'sending')
                OR m.state IN ('held', 'scheduled', 'queued', 'retrying') AND m.next_at <= @lost_at
            )
        ORDER BY m.message_id
    )
    UPDATE doubtful
    SET doubtful.state = 'in_doubt', doubtful.reason = N'due before the queue was lost: it may have been sent'
    OUTPUT inserted.message_id, deleted.state, inserted.channel, inserted.priority
    INTO @doubtful (message_id, old_state, channel, priority);

    SET @messages_in_doubt = @@ROWCOUNT;

    DELETE r
    FROM @doubtful AS d
    JOIN notify.ready AS r WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
        ON r.channel = d.channel AND r.priority = d.priority AND r.message_id = d.message_id;

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
