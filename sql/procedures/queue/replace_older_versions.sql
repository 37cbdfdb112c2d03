SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of enqueue_messages that lets newer versions of a record take the place of older ones, within its transaction: those that still
wait are canceled. A version that is shown again by a later snapshot becomes as new as that.

@versions  JSON array: conversation_key (64 hex digits), shown_order, message_id (left out: about to be stored)
@newest    OUTPUT, JSON array: conversation_key, newest_order of each conversation that has a version, stored or about to be
Locks      the newest place of each conversation and the range above it, in key order and in the index alone (a rival with the same
           conversation waits); then all messages that this may concern, by message_id, as everybody locks them. What ended long ago is not
           read: a record that changes every minute has a hundred thousand versions before a purge takes the first.
*/
CREATE OR ALTER PROCEDURE notify.replace_older_versions (@versions NVARCHAR(MAX), @newest NVARCHAR(MAX) OUTPUT)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @older NVARCHAR(MAX), @locked INTEGER;

    DECLARE @version TABLE (
        conversation_key BINARY(32) NOT NULL,
        shown_order VARCHAR(47) COLLATE Latin1_General_BIN2 NOT NULL,
        message_id BIGINT NULL
    );

    DECLARE @conversation TABLE (
        conversation_key BINARY(32) NOT NULL PRIMARY KEY,
        newest_order VARCHAR(47) COLLATE Latin1_General_BIN2 NULL
    );

    DECLARE @message TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    INSERT @version (conversation_key, shown_order, message_id)
    SELECT conversation_key = CONVERT(BINARY(32), j.conversation_key, 2), j.shown_order, j.message_id
    FROM OPENJSON(@versions) WITH (
        conversation_key CHAR(64),
        shown_order VARCHAR(47),
        message_id BIGINT
    ) AS j;

    INSERT @conversation (conversation_key, newest_order)
    SELECT v.conversation_key, newest_order = MAX(CASE WHEN v.message_id IS NULL THEN v.shown_order END)
    FROM @version AS v
    GROUP BY v.conversation_key;

    /* The newest of each, in whatever state: it may have failed, and be given another round just now. */
    INSERT @message (message_id)
    SELECT newest.message_id
    FROM @conversation AS c
    CROSS APPLY (
        SELECT TOP (1) m.message_id
        FROM notify.message AS m WITH (UPDLOCK, SERIALIZABLE, FORCESEEK)
        WHERE m.conversation_key = c.conversation_key
        ORDER BY m.shown_order DESC
    ) AS newest
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @conversation from its first key to its last */

    INSERT @message (message_id)
    SELECT found.message_id
    FROM (
        SELECT m.message_id
        FROM @conversation AS c
        JOIN notify.message AS m WITH (READCOMMITTEDLOCK, FORCESEEK, INDEX (ix_message_waiting))
            ON m.conversation_key = c.conversation_key
        WHERE m.completed_at IS NULL
        UNION
        SELECT v.message_id FROM @version AS v WHERE v.message_id IS NOT NULL
    ) AS found
    WHERE NOT EXISTS (SELECT 1 / 0 FROM @message AS t WHERE t.message_id = found.message_id)
    OPTION (FORCE ORDER, LOOP JOIN);

    /* An outcome that is being recorded is waited for: it may put its message back in line. */
    SELECT @locked = COUNT(*)
    FROM (
        SELECT TOP (2147483647) m.message_id
        FROM @message AS t
        JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = t.message_id
        ORDER BY t.message_id
    ) AS taken
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* from the first id to the last, in whatever order their pages arrive */

    UPDATE m
    SET m.shown_order = v.shown_order
    FROM @version AS v
    JOIN notify.message AS m ON m.message_id = v.message_id
    WHERE m.shown_order < v.shown_order AND m.state <> 'canceled'
    OPTION (FORCE ORDER, LOOP JOIN);

    UPDATE c
    SET c.newest_order = newest.shown_order
    FROM @conversation AS c
    CROSS APPLY (
        SELECT TOP (1) m.shown_order
        FROM notify.message AS m WITH (FORCESEEK)
        WHERE m.conversation_key = c.conversation_key
        ORDER BY m.shown_order DESC
    ) AS newest
    WHERE c.newest_order IS NULL OR newest.shown_order > c.newest_order
    OPTION (FORCE ORDER, LOOP JOIN);

    SET @older = (
            SELECT m.message_id
            FROM @message AS t
            JOIN notify.message AS m WITH (FORCESEEK) ON m.message_id = t.message_id
            JOIN @conversation AS c ON c.conversation_key = m.conversation_key
            WHERE m.shown_order < c.newest_order AND m.state IN ('held', 'scheduled', 'queued', 'retrying')
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

    SET @newest = (
            SELECT conversation_key = CONVERT(CHAR(64), c.conversation_key, 2), c.newest_order
            FROM @conversation AS c
            WHERE c.newest_order IS NOT NULL
            FOR JSON PATH
        );
END;
GO
