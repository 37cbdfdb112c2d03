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
Locks     decision, then what store_messages locks, by key range (a rival with the same key waits) and each in the order of its keys,
          so that two callers do not wait for each other; then the new rows. FORCESEEK: with the statistics of an empty queue a plan
          could read these tables whole, and would lock what it reads. Every one has an index without a filter for it.
*/
CREATE OR ALTER PROCEDURE notify.enqueue_messages (@changes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now(), @first_changes NVARCHAR(MAX);

    DECLARE @change TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        is_decided BIT NOT NULL
    );

    DECLARE @first TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        outcome VARCHAR(10) NOT NULL
    );

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    INSERT @change (change_key, is_decided)
    SELECT change_key = CONVERT(BINARY(32), j.change_key, 2), is_decided = 0
    FROM OPENJSON(@changes) WITH (
        change_key CHAR(64)
    ) AS j;

    IF @@ROWCOUNT > 100
    BEGIN
        THROW 50102, N'More than 100 changes in one call of enqueue_messages: send them in several calls.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        UPDATE c
        SET c.is_decided = 1
        FROM @change AS c
        JOIN notify.decision AS d WITH (UPDLOCK, SERIALIZABLE, FORCESEEK) ON d.change_key = c.change_key
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @change from its first key to its last */

        INSERT notify.decision (
            change_key,
            notification_guid,
            notification_name,
            record_key,
            record_match,
            operation,
            outcome,
            reason,
            message_count,
            decided_at
        )
        OUTPUT inserted.change_key, inserted.outcome INTO @first (change_key, outcome)
        SELECT
            c.change_key,
            j.notification_guid,
            j.notification_name,
            j.record_key,
            j.record_match,
            j.operation,
            outcome = COALESCE(told.outcome, j.outcome),
            reason = COALESCE(told.reason, j.reason),
            message_count = CASE
                WHEN j.outcome = 'messages' AND told.outcome IS NULL THEN (
                    SELECT COUNT(*) FROM OPENJSON(j.messages) AS m
                )
                ELSE 0
            END,
            decided_at = @now
        FROM OPENJSON(@changes) WITH (
            change_key CHAR(64),
            notification_guid UNIQUEIDENTIFIER,
            notification_name NVARCHAR(128),
            record_key NVARCHAR(450),
            record_match NVARCHAR(450),
            operation CHAR(1),
            policy VARCHAR(10),
            shown_stamp VARCHAR(27),
            outcome VARCHAR(10),
            reason NVARCHAR(400),
            messages NVARCHAR(MAX) AS JSON
        ) AS j
        JOIN @change AS c ON c.change_key = CONVERT(BINARY(32), j.change_key, 2) AND c.is_decided = 0
        OUTER APPLY (
            SELECT TOP (1) d.outcome, d.reason
            FROM notify.decision AS d WITH (FORCESEEK)
            WHERE d.record_match = j.record_match COLLATE Latin1_General_BIN2
                AND d.notification_guid = j.notification_guid
                AND d.shown_stamp IS NOT NULL /* for ix_decision_shown */
                AND d.shown_stamp >= j.shown_stamp COLLATE Latin1_General_BIN2
                AND d.outcome IN ('in_doubt', 'sent', 'failed')
                AND j.policy = 'latest'
                AND j.operation IN ('I', 'U')
                AND j.outcome = 'messages'
            ORDER BY d.shown_stamp, d.change_key
        ) AS told;

        SET @first_changes = (
                SELECT change_key = CONVERT(CHAR(64), f.change_key, 2)
                FROM @first AS f
                WHERE f.outcome = 'messages'
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

    SELECT
        change_key = CONVERT(CHAR(64), d.change_key, 2),
        d.outcome,
        d.reason,
        d.message_count,
        was_first = CONVERT (BIT, CASE WHEN f.change_key IS NULL THEN 0 ELSE 1 END)
    FROM @change AS c
    JOIN notify.decision AS d ON d.change_key = c.change_key
    LEFT JOIN @first AS f ON f.change_key = c.change_key
    ORDER BY d.change_key;
END;
GO
