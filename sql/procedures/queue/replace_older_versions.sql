SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of enqueue_messages that lets newer versions of a record take the place of older ones, within its transaction: those that still
wait are canceled.

@conversations  JSON array: conversation_key (64 hex digits), newest_order (about to be stored; left out: none)
@newest         OUTPUT, JSON array: conversation_key, newest_order of each conversation that has a version, stored or about to be
Locks           the newest version of each conversation and the range above it, in key order (a rival with the same conversation waits);
                its open versions; older ones that wait lose their ready row first, then change state. What ended long ago is not read:
                a record that changes every minute has a hundred thousand versions before a purge takes the first.
*/
CREATE OR ALTER PROCEDURE notify.replace_older_versions (@conversations NVARCHAR(MAX), @newest NVARCHAR(MAX) OUTPUT)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @older NVARCHAR(MAX);

    DECLARE @conversation TABLE (
        conversation_key BINARY(32) NOT NULL PRIMARY KEY,
        newest_order VARCHAR(47) COLLATE Latin1_General_BIN2 NULL
    );

    DECLARE @stored TABLE (
        conversation_key BINARY(32) NOT NULL PRIMARY KEY,
        newest_order VARCHAR(47) COLLATE Latin1_General_BIN2 NOT NULL,
        state VARCHAR(10) NOT NULL
    );

    DECLARE @open TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        state VARCHAR(10) NOT NULL
    );

    INSERT @conversation (conversation_key, newest_order)
    SELECT conversation_key = CONVERT(BINARY(32), j.conversation_key, 2), j.newest_order
    FROM OPENJSON(@conversations) WITH (
        conversation_key CHAR(64),
        newest_order VARCHAR(47)
    ) AS j;

    /* With its state, so that its row is locked, not only its place in the index: it may have failed, and be given another round just now. */
    INSERT @stored (conversation_key, newest_order, state)
    SELECT c.conversation_key, newest.shown_order, newest.state
    FROM @conversation AS c
    CROSS APPLY (
        SELECT TOP (1) m.shown_order, m.state
        FROM notify.message AS m WITH (UPDLOCK, SERIALIZABLE, FORCESEEK)
        WHERE m.conversation_key = c.conversation_key
        ORDER BY m.shown_order DESC
    ) AS newest
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @conversation from its first key to its last */

    UPDATE c
    SET c.newest_order = s.newest_order
    FROM @conversation AS c
    JOIN @stored AS s ON s.conversation_key = c.conversation_key
    WHERE c.newest_order IS NULL OR s.newest_order > c.newest_order;

    /* UPDLOCK: an outcome that is being recorded is waited for; it may put its message back in line. */
    INSERT @open (message_id, state)
    SELECT m.message_id, m.state
    FROM @conversation AS c
    JOIN notify.message AS m WITH (UPDLOCK, FORCESEEK)
        ON m.conversation_key = c.conversation_key AND m.shown_order < c.newest_order
    WHERE m.completed_at IS NULL
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1);

    SET @older = (
            SELECT o.message_id
            FROM @open AS o
            WHERE o.state IN ('held', 'scheduled', 'queued', 'retrying')
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
