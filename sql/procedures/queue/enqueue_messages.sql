SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Stores the decision on each of at most 100 changes, and its messages: the first word on a change stands, later callers are told which.

@changes  JSON array: change_key (64 hex digits), notification_guid, notification_name, record_key, record_match, operation (I, U, D, O),
          policy (latest, every), shown_stamp, shown_hash, shown_beat (of the snapshot that showed it), outcome (messages, skipped), reason,
          messages: array of recipient_key, channel, address, recipient_name, subject, html, text, headers (object), priority (0 first,
          255 last; 5), due_in_seconds, expires_in_seconds, reason (why it cannot be sent: stored as failed)
Result    change_key, outcome, reason, message_count (decided, as stored), was_first
Repeated  with the same changes: stores nothing, same result, was_first = 0.
Errors    50101 restored queue, 50102 more than 100 changes, 1205 deadlock: call again. One bad change refuses the whole call.
Locks     decision, message_key and conversations by key range (a rival with the same key waits), then the new rows; older versions of a
          record that still wait lose their ready row first, then change state. FORCESEEK: with the statistics of an empty queue a
          plan could read these tables whole, and would lock what it reads.
*/
CREATE OR ALTER PROCEDURE notify.enqueue_messages (@changes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    DECLARE @change TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        notification_guid UNIQUEIDENTIFIER NOT NULL,
        notification_name NVARCHAR(128) NOT NULL,
        record_key NVARCHAR(450) NOT NULL,
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
        operation CHAR(1) NOT NULL,
        policy VARCHAR(10) NOT NULL,
        shown_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        shown_hash VARCHAR(64) NULL,
        shown_beat BIGINT NULL,
        outcome VARCHAR(10) NOT NULL,
        reason NVARCHAR(400) NULL,
        messages NVARCHAR(MAX) NULL
    );

    DECLARE @first TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY
    );

    DECLARE @message TABLE (
        message_number INTEGER IDENTITY(1, 1) NOT NULL PRIMARY KEY,
        dedupe_key BINARY(32) NOT NULL,
        conversation_key BINARY(32) NULL,
        shown_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        shown_order VARCHAR(47) COLLATE Latin1_General_BIN2 NULL,
        change_key BINARY(32) NOT NULL,
        notification_guid UNIQUEIDENTIFIER NOT NULL,
        recipient_key NVARCHAR(200) NOT NULL,
        channel VARCHAR(10) NOT NULL,
        address NVARCHAR(320) COLLATE Latin1_General_100_CI_AS NOT NULL,
        priority TINYINT NOT NULL,
        reason NVARCHAR(400) NULL,
        due_at DATETIME2(3) NOT NULL,
        expires_at DATETIME2(3) NULL,
        recipient_name NVARCHAR(200) NULL,
        subject NVARCHAR(1000) NULL,
        headers NVARCHAR(4000) NULL,
        html NVARCHAR(MAX) NULL,
        text NVARCHAR(MAX) NULL,
        known_message_id BIGINT NULL,
        UNIQUE (dedupe_key, message_number)
    );

    DECLARE @conversation TABLE (
        conversation_key BINARY(32) NOT NULL PRIMARY KEY,
        newest_order VARCHAR(47) COLLATE Latin1_General_BIN2 NOT NULL
    );

    DECLARE @stored TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        dedupe_key BINARY(32) NOT NULL UNIQUE,
        state VARCHAR(10) NOT NULL,
        channel VARCHAR(10) NOT NULL,
        priority TINYINT NOT NULL,
        created_date DATE NOT NULL
    );

    DECLARE @older NVARCHAR(MAX);

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50101, N'This queue was restored or moved, or its recovery fork cannot be seen: nothing is enqueued or sent. Run recover-queue.', 1;
    END;

    INSERT @change (
        change_key,
        notification_guid,
        notification_name,
        record_key,
        record_match,
        operation,
        policy,
        shown_stamp,
        shown_hash,
        shown_beat,
        outcome,
        reason,
        messages
    )
    SELECT
        change_key = CONVERT(BINARY(32), j.change_key, 2),
        j.notification_guid,
        j.notification_name,
        j.record_key,
        j.record_match,
        j.operation,
        j.policy,
        j.shown_stamp,
        j.shown_hash,
        j.shown_beat,
        j.outcome,
        j.reason,
        messages = CASE WHEN j.outcome = 'messages' THEN j.messages END
    FROM OPENJSON(@changes) WITH (
        change_key CHAR(64),
        notification_guid UNIQUEIDENTIFIER,
        notification_name NVARCHAR(128),
        record_key NVARCHAR(450),
        record_match NVARCHAR(450),
        operation CHAR(1),
        policy VARCHAR(10),
        shown_stamp VARCHAR(27),
        shown_hash VARCHAR(64),
        shown_beat BIGINT,
        outcome VARCHAR(10),
        reason NVARCHAR(400),
        messages NVARCHAR(MAX) AS JSON
    ) AS j;

    IF @@ROWCOUNT > 100
    BEGIN
        THROW 50102, N'More than 100 changes in one call of enqueue_messages: send them in several calls.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

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
        OUTPUT inserted.change_key INTO @first (change_key)
        SELECT
            c.change_key,
            c.notification_guid,
            c.notification_name,
            c.record_key,
            c.record_match,
            c.operation,
            c.outcome,
            c.reason,
            message_count = (SELECT COUNT(*) FROM OPENJSON(c.messages) AS m),
            decided_at = @now
        FROM @change AS c
        WHERE NOT EXISTS (
                SELECT 1 / 0
                FROM notify.decision AS d WITH (UPDLOCK, SERIALIZABLE, FORCESEEK)
                WHERE d.change_key = c.change_key
            );

        INSERT @message (
            dedupe_key,
            conversation_key,
            shown_stamp,
            shown_order,
            change_key,
            notification_guid,
            recipient_key,
            channel,
            address,
            priority,
            reason,
            due_at,
            expires_at,
            recipient_name,
            subject,
            headers,
            html,
            text
        )
        SELECT
            dedupe_key = CASE
                WHEN v.is_latest = 1 THEN HASHBYTES(
                    'SHA2_256',
                    CONCAT(
                        N'["state","',
                        c.notification_guid,
                        N'","',
                        STRING_ESCAPE(c.record_match, 'json') COLLATE DATABASE_DEFAULT,
                        N'","',
                        c.shown_stamp,
                        N'","',
                        c.shown_hash,
                        N'","',
                        STRING_ESCAPE(m.recipient_key, 'json'),
                        N'","',
                        m.channel,
                        N'"]'
                    )
                )
                ELSE HASHBYTES(
                    'SHA2_256',
                    CONCAT(
                        N'["change","',
                        CONVERT(CHAR(64), c.change_key, 2),
                        N'","',
                        STRING_ESCAPE(m.recipient_key, 'json'),
                        N'","',
                        m.channel,
                        N'"]'
                    )
                )
            END,
            /* Stamps of another kind do not compare: a definition that moves to rowversion begins new conversations. */
            conversation_key = CASE
                WHEN v.is_ordered = 1 THEN HASHBYTES(
                    'SHA2_256',
                    CONCAT(
                        N'["',
                        c.notification_guid,
                        N'","',
                        STRING_ESCAPE(c.record_match, 'json') COLLATE DATABASE_DEFAULT,
                        N'",',
                        LEN(c.shown_stamp),
                        N',"',
                        STRING_ESCAPE(m.recipient_key, 'json'),
                        N'","',
                        m.channel,
                        N'"]'
                    )
                )
            END,
            shown_stamp = CASE WHEN v.is_ordered = 1 THEN c.shown_stamp END,
            /* A later snapshot's state is newer even where local stamps run backwards; within one beat the stamp decides. */
            shown_order = CASE
                WHEN v.is_ordered = 1 THEN RIGHT(CONCAT(REPLICATE('0', 19), COALESCE(c.shown_beat, 0)), 19) +
                '|' +
                c.shown_stamp
            END,
            c.change_key,
            c.notification_guid,
            m.recipient_key,
            m.channel,
            address = COALESCE(m.address, N''),
            priority = COALESCE(m.priority, 5),
            m.reason,
            due_at = DATEADD(SECOND, COALESCE(m.due_in_seconds, 0), @now),
            expires_at = DATEADD(SECOND, m.expires_in_seconds, @now),
            m.recipient_name,
            m.subject,
            m.headers,
            m.html,
            m.text
        FROM @first AS f
        JOIN @change AS c ON c.change_key = f.change_key
        /* A delete follows the states of its record, and what comes after it follows the delete; yet it is no state that another may share. */
        CROSS APPLY ( VALUES (
            CASE WHEN c.policy = 'latest' AND c.operation IN ('I', 'U') AND c.shown_stamp IS NOT NULL THEN 1 ELSE 0 END,
            CASE WHEN c.policy = 'latest' AND c.operation <> 'O' AND c.shown_stamp IS NOT NULL THEN 1 ELSE 0 END
        )) AS v (is_latest, is_ordered)
        CROSS APPLY OPENJSON(c.messages) WITH (
            recipient_key NVARCHAR(200),
            channel VARCHAR(10),
            address NVARCHAR(320),
            recipient_name NVARCHAR(200),
            subject NVARCHAR(1000),
            html NVARCHAR(MAX),
            text NVARCHAR(MAX),
            headers NVARCHAR(MAX) AS JSON,
            priority TINYINT,
            due_in_seconds INTEGER,
            expires_in_seconds INTEGER,
            reason NVARCHAR(400)
        ) AS m;

        UPDATE m
        SET m.known_message_id = mk.message_id
        FROM @message AS m
        JOIN notify.message_key AS mk WITH (UPDLOCK, SERIALIZABLE, FORCESEEK) ON mk.dedupe_key = m.dedupe_key;

        /* One version, shown again by a later snapshot, is as new as that snapshot: else it would cancel itself. */
        UPDATE m
        SET m.shown_order = same.newest_order
        FROM @message AS m
        JOIN (
            SELECT v.dedupe_key, newest_order = MAX(v.shown_order)
            FROM @message AS v
            WHERE v.shown_order IS NOT NULL
            GROUP BY v.dedupe_key
        ) AS same ON same.dedupe_key = m.dedupe_key;

        UPDATE s
        SET s.shown_order = m.shown_order
        FROM @message AS m
        JOIN notify.message AS s ON s.message_id = m.known_message_id
        WHERE s.shown_order < m.shown_order AND s.state <> 'canceled';

        INSERT @conversation (conversation_key, newest_order)
        SELECT v.conversation_key, newest_order = MAX(v.shown_order)
        FROM (
            SELECT m.conversation_key, m.shown_order
            FROM @message AS m
            WHERE m.conversation_key IS NOT NULL AND m.known_message_id IS NULL
            UNION ALL
            SELECT s.conversation_key, s.shown_order
            FROM @message AS m
            JOIN notify.message AS s WITH (UPDLOCK, SERIALIZABLE, FORCESEEK)
                ON s.conversation_key = m.conversation_key AND s.conversation_key IS NOT NULL
        ) AS v
        GROUP BY v.conversation_key;

        INSERT notify.message (
            dedupe_key,
            change_key,
            conversation_key,
            shown_stamp,
            shown_order,
            notification_guid,
            recipient_key,
            channel,
            address,
            priority,
            state,
            reason,
            next_at,
            expires_at,
            created_date,
            created_at,
            completed_at
        )
        OUTPUT
            inserted.message_id,
            inserted.dedupe_key,
            inserted.state,
            inserted.channel,
            inserted.priority,
            inserted.created_date
        INTO @stored (message_id, dedupe_key, state, channel, priority, created_date)
        SELECT
            m.dedupe_key,
            m.change_key,
            m.conversation_key,
            m.shown_stamp,
            m.shown_order,
            m.notification_guid,
            m.recipient_key,
            m.channel,
            m.address,
            m.priority,
            v.state,
            reason = CASE v.state
                WHEN 'suppressed' THEN s.reason
                WHEN 'canceled' THEN N'a newer version of the record is already there'
                WHEN 'held' THEN h.reason
                ELSE m.reason
            END,
            next_at = m.due_at,
            m.expires_at,
            created_date = CONVERT(DATE, @now),
            created_at = @now,
            completed_at = CASE WHEN v.state NOT IN ('held', 'scheduled', 'queued') THEN @now END
        FROM @message AS m
        LEFT JOIN @conversation AS c ON c.conversation_key = m.conversation_key
        LEFT JOIN notify.suppression AS s ON s.channel = m.channel AND s.address = m.address
        /* To the end of the transaction: who holds the notification waits, and then finds these messages. */
        LEFT JOIN notify.held_notification AS h WITH (SERIALIZABLE) ON h.notification_guid = m.notification_guid
        CROSS APPLY ( VALUES (
            CASE
                WHEN m.reason IS NOT NULL THEN 'failed'
                WHEN s.address IS NOT NULL THEN 'suppressed'
                WHEN m.shown_order < c.newest_order THEN 'canceled'
                WHEN m.expires_at <= m.due_at THEN 'expired'
                WHEN h.notification_guid IS NOT NULL THEN 'held'
                WHEN m.due_at > @now THEN 'scheduled'
                ELSE 'queued'
            END
        )) AS v (state)
        WHERE m.known_message_id IS NULL
            AND NOT EXISTS (
                SELECT 1 / 0
                FROM @message AS earlier
                WHERE earlier.dedupe_key = m.dedupe_key AND earlier.message_number < m.message_number
            );

        INSERT notify.message_key (dedupe_key, message_id, created_at)
        SELECT s.dedupe_key, s.message_id, created_at = @now FROM @stored AS s;

        INSERT notify.message_body (created_date, message_id, recipient_name, subject, headers, html, text)
        SELECT
            s.created_date,
            s.message_id,
            m.recipient_name,
            m.subject,
            m.headers,
            html = COMPRESS(m.html),
            text = COMPRESS(m.text)
        FROM @stored AS s
        JOIN @message AS m ON m.dedupe_key = s.dedupe_key
        WHERE NOT EXISTS (
                SELECT 1 / 0
                FROM @message AS earlier
                WHERE earlier.dedupe_key = m.dedupe_key AND earlier.message_number < m.message_number
            );

        INSERT notify.shared_message (change_key, message_id)
        SELECT DISTINCT m.change_key, message_id = COALESCE(m.known_message_id, s.message_id)
        FROM @message AS m
        LEFT JOIN @stored AS s ON s.dedupe_key = m.dedupe_key
        JOIN notify.message AS other ON other.message_id = COALESCE(m.known_message_id, s.message_id)
        WHERE other.change_key <> m.change_key;

        /* What the decision counts must be there for the audit, or known to be purged: the same message twice in a change is one, and the
           message that another change had put there may have been removed since. */
        UPDATE d
        SET d.message_count = counted.messages, d.purged_count = counted.purged
        FROM (
            SELECT
                m.change_key,
                messages = COUNT(DISTINCT m.dedupe_key),
                purged = COUNT( DISTINCT
                    CASE WHEN m.known_message_id IS NOT NULL AND known.message_id IS NULL THEN m.dedupe_key END
                )
            FROM @message AS m
            LEFT JOIN notify.message AS known ON known.message_id = m.known_message_id
            GROUP BY m.change_key
        ) AS counted
        JOIN notify.decision AS d ON d.change_key = counted.change_key
        WHERE counted.purged > 0 OR counted.messages <> d.message_count;

        SET @older = (
                SELECT m.message_id
                FROM @conversation AS c
                JOIN notify.message AS m WITH (READCOMMITTEDLOCK, FORCESEEK)
                    ON m.conversation_key = c.conversation_key AND m.shown_order < c.newest_order
                WHERE m.conversation_key IS NOT NULL AND m.state IN ('held', 'scheduled', 'queued', 'retrying')
                FOR JSON PATH
            );

        IF @older IS NOT NULL
        BEGIN
            EXECUTE notify.withdraw_messages
                @messages = @older,
                @new_state = 'canceled',
                @reason = N'replaced by a newer version of the record',
                @actor = N'enqueue_messages';
        END;

        INSERT notify.ready (channel, priority, message_id)
        SELECT s.channel, s.priority, s.message_id FROM @stored AS s WHERE s.state = 'queued';

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
