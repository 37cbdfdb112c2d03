SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of enqueue_messages that stores the messages of the changes decided by it, within its transaction.

@changes        as there
@first_changes  JSON array: change_key (64 hex digits) of those whose messages are stored
@now            the caller's time
Locks           message_key by key range, in key order; then what replace_older_versions locks; then the new rows
*/
CREATE OR ALTER PROCEDURE notify.store_messages (
    @changes NVARCHAR(MAX),
    @first_changes NVARCHAR(MAX),
    @now DATETIME2(3)
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @versions NVARCHAR(MAX), @newest NVARCHAR(MAX), @shared NVARCHAR(MAX);

    /* Rows with a key, to be sought by whoever reads the other document: else it might be read once for each of them. */
    DECLARE @first_change TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY
    );

    DECLARE @message TABLE (
        dedupe_key BINARY(32) NOT NULL,
        message_number INTEGER IDENTITY(1, 1) NOT NULL,
        copy_number INTEGER NOT NULL, /* 2 and more: the same message, asked for again in this call */
        change_key BINARY(32) NOT NULL,
        notification_guid UNIQUEIDENTIFIER NOT NULL,
        conversation_key BINARY(32) NULL,
        shown_order VARCHAR(47) COLLATE Latin1_General_BIN2 NULL,
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
        PRIMARY KEY CLUSTERED (dedupe_key, message_number)
    );

    DECLARE @conversation TABLE (
        conversation_key BINARY(32) NOT NULL PRIMARY KEY,
        newest_order VARCHAR(47) COLLATE Latin1_General_BIN2 NOT NULL
    );

    DECLARE @stored TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        dedupe_key BINARY(32) NOT NULL UNIQUE,
        state VARCHAR(10) NOT NULL
    );

    INSERT @first_change (change_key)
    SELECT change_key = CONVERT(BINARY(32), j.change_key, 2)
    FROM OPENJSON(@first_changes) WITH (
        change_key CHAR(64)
    ) AS j;

    INSERT @message (
        dedupe_key,
        copy_number,
        change_key,
        notification_guid,
        conversation_key,
        shown_order,
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
        m.dedupe_key,
        copy_number = 1,
        m.change_key,
        m.notification_guid,
        m.conversation_key,
        m.shown_order,
        m.recipient_key,
        m.channel,
        m.address,
        m.priority,
        m.reason,
        due_at = DATEADD(SECOND, m.due_in_seconds, @now),
        expires_at = DATEADD(SECOND, m.expires_in_seconds, @now),
        m.recipient_name,
        m.subject,
        m.headers,
        m.html,
        m.text
    FROM notify.requested_messages(@changes) AS m
    JOIN @first_change AS f ON f.change_key = m.change_key
    OPTION (FORCE ORDER, LOOP JOIN); /* the document is read once, and @first_change sought: never the other way round */

    /* One version, shown again by a later snapshot, is as new as that snapshot: else it would cancel itself. */
    WITH numbered AS (
        SELECT
            m.copy_number,
            m.shown_order,
            number = ROW_NUMBER() OVER (PARTITION BY m.dedupe_key ORDER BY m.message_number),
            newest_order = MAX(m.shown_order) OVER (PARTITION BY m.dedupe_key)
        FROM @message AS m
    )
    UPDATE numbered
    SET numbered.copy_number = numbered.number, numbered.shown_order = numbered.newest_order;

    UPDATE m
    SET m.known_message_id = mk.message_id
    FROM @message AS m
    JOIN notify.message_key AS mk WITH (UPDLOCK, SERIALIZABLE, FORCESEEK) ON mk.dedupe_key = m.dedupe_key
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @message from its first key to its last */

    SET @versions = (
            SELECT
                conversation_key = CONVERT(CHAR(64), m.conversation_key, 2),
                m.shown_order,
                message_id = m.known_message_id
            FROM @message AS m
            WHERE m.conversation_key IS NOT NULL AND m.copy_number = 1
            FOR JSON PATH
        );

    IF @versions IS NOT NULL
    BEGIN
        EXECUTE notify.replace_older_versions @versions = @versions, @newest = @newest OUTPUT;

        INSERT @conversation (conversation_key, newest_order)
        SELECT conversation_key = CONVERT(BINARY(32), j.conversation_key, 2), j.newest_order
        FROM OPENJSON(@newest) WITH (
            conversation_key CHAR(64),
            newest_order VARCHAR(47)
        ) AS j;
    END;

    INSERT notify.message (
        dedupe_key,
        change_key,
        conversation_key,
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
    OUTPUT inserted.message_id, inserted.dedupe_key, inserted.state INTO @stored (message_id, dedupe_key, state)
    SELECT
        m.dedupe_key,
        m.change_key,
        m.conversation_key,
        m.shown_order,
        m.notification_guid,
        m.recipient_key,
        m.channel,
        m.address,
        m.priority,
        v.state,
        v.reason,
        next_at = m.due_at,
        m.expires_at,
        created_date = CONVERT(DATE, @now),
        created_at = @now,
        completed_at = CASE WHEN v.state NOT IN ('held', 'scheduled', 'queued') THEN @now END
    FROM @message AS m
    LEFT JOIN @conversation AS c ON c.conversation_key = m.conversation_key
    CROSS APPLY notify.new_message_state(
        m.reason,
        m.channel,
        m.address,
        m.shown_order,
        c.newest_order,
        m.due_at,
        m.expires_at,
        m.notification_guid,
        @now
    ) AS v
    WHERE m.known_message_id IS NULL AND m.copy_number = 1
    ORDER BY m.message_number;

    INSERT notify.message_key (dedupe_key, message_id, created_at)
    SELECT s.dedupe_key, s.message_id, created_at = @now FROM @stored AS s;

    INSERT notify.message_body (created_date, message_id, recipient_name, subject, headers, html, text)
    SELECT
        created_date = CONVERT(DATE, @now),
        s.message_id,
        m.recipient_name,
        m.subject,
        m.headers,
        html = COMPRESS(m.html),
        text = COMPRESS(m.text)
    FROM @stored AS s
    JOIN @message AS m ON m.dedupe_key = s.dedupe_key AND m.copy_number = 1;

    INSERT notify.ready (channel, priority, message_id)
    SELECT m.channel, m.priority, s.message_id
    FROM @stored AS s
    JOIN @message AS m ON m.dedupe_key = s.dedupe_key AND m.copy_number = 1
    WHERE s.state = 'queued';

    /* Where not every message is the change's own: seldom, and then thousands may have to find their change without an index for it. */
    IF EXISTS (SELECT 1 / 0 FROM @message AS t WHERE t.known_message_id IS NOT NULL OR t.copy_number > 1)
    BEGIN
        SELECT
            @shared = (
                SELECT change_key = CONVERT(CHAR(64), m.change_key, 2), dedupe_key = CONVERT(CHAR(64), m.dedupe_key, 2)
                FROM @message AS m
                WHERE m.change_key IN (
                        SELECT t.change_key FROM @message AS t WHERE t.known_message_id IS NOT NULL OR t.copy_number > 1
                    )
                FOR JSON PATH
            )
        OPTION (HASH JOIN);

        EXECUTE notify.share_messages @messages = @shared;
    END;
END;
GO
