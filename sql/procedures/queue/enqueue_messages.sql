SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Stores the decision on each of at most 100 changes, and its messages: the first word on a change stands, later callers are told which.

@changes  JSON array: change_key (64 hex digits), notification_guid, notification_name, record_key, record_match, operation (I, U, D, O),
          policy (latest, every), shown_stamp, shown_hash, shown_beat (of the snapshot that showed it), outcome (messages, skipped), reason,
          messages: array of recipient_key, channel, address, recipient_name, subject, html, text, headers (object), priority (0 first,
          255 last; 5), due_in_seconds, expires_in_seconds, reason (why it cannot be sent: stored as failed)
Result    change_key, outcome (one decided before may also be in_doubt, or a person's sent or failed), reason, message_count (decided, as
          stored), was_first
In doubt  Under policy latest, a state that a change in doubt may have shown already is not told by another change: that one is in doubt as
          well (or sent or failed, as a person has said of the first).
Repeated  with the same changes: stores nothing, same result, was_first = 0.
Errors    50101 restored queue, 50102 more than 100 changes, 1205 deadlock: call again. One bad change refuses the whole call.
Locks     what decide_changes and store_messages lock: decision, message_key and conversations by key range (a rival with the same key
          waits), each in the order of its keys, then messages by message_id, so that two callers do not wait for each other; then the new
          rows. FORCESEEK: with the statistics of an empty queue a plan could read these tables whole, and would lock what it reads.
          Every one has an index without a filter for it.
*/
CREATE OR ALTER PROCEDURE notify.enqueue_messages (@changes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @decided NVARCHAR(MAX), @first_changes NVARCHAR(MAX);

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        EXECUTE notify.decide_changes @changes = @changes, @now = @now, @decided = @decided OUTPUT;

        SET @first_changes = (
                SELECT j.change_key
                FROM OPENJSON(@decided) WITH (
                    change_key CHAR(64),
                    outcome VARCHAR(10),
                    is_first BIT
                ) AS j
                WHERE j.is_first = 1 AND j.outcome = 'messages'
                FOR JSON PATH
            );

        IF @first_changes IS NOT NULL
        BEGIN
            EXECUTE notify.store_messages @changes = @changes, @first_changes = @first_changes, @now = @now;
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

    SELECT change_key = CONVERT(CHAR(64), d.change_key, 2), d.outcome, d.reason, d.message_count, was_first = j.is_first
    FROM OPENJSON(@decided) WITH (
        change_key CHAR(64),
        is_first BIT
    ) AS j
    JOIN notify.decision AS d ON d.change_key = CONVERT(BINARY(32), j.change_key, 2)
    ORDER BY d.change_key;
END;
GO
