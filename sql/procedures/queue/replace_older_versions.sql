SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of enqueue_messages that lets newer versions of a record take the place of older ones, within its transaction: those that still
wait are canceled.

@conversations  JSON array: conversation_key (64 hex digits), newest_order (about to be stored; left out: none)
@newest         OUTPUT, JSON array: conversation_key, newest_order of each conversation that has a version, stored or about to be
Locks           conversations by key range, in key order (a rival with the same one waits); older versions that wait lose their ready row
                first, then change state
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

    DECLARE @version TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        conversation_key BINARY(32) NOT NULL,
        shown_order VARCHAR(47) COLLATE Latin1_General_BIN2 NOT NULL,
        state VARCHAR(10) NOT NULL
    );

    INSERT @conversation (conversation_key, newest_order)
    SELECT conversation_key = CONVERT(BINARY(32), j.conversation_key, 2), j.newest_order
    FROM OPENJSON(@conversations) WITH (
        conversation_key CHAR(64),
        newest_order VARCHAR(47)
    ) AS j;

    INSERT @version (message_id, conversation_key, shown_order, state)
    SELECT m.message_id, m.conversation_key, m.shown_order, m.state
    FROM @conversation AS c
    JOIN notify.message AS m WITH (UPDLOCK, SERIALIZABLE, FORCESEEK) ON m.conversation_key = c.conversation_key
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @conversation from its first key to its last */

    UPDATE c
    SET c.newest_order = stored.newest_order
    FROM @conversation AS c
    JOIN (
        SELECT v.conversation_key, newest_order = MAX(v.shown_order) FROM @version AS v GROUP BY v.conversation_key
    ) AS stored ON stored.conversation_key = c.conversation_key
    WHERE c.newest_order IS NULL OR stored.newest_order > c.newest_order;

    SET @older = (
            SELECT v.message_id
            FROM @version AS v
            JOIN @conversation AS c ON c.conversation_key = v.conversation_key
            WHERE v.shown_order < c.newest_order AND v.state IN ('held', 'scheduled', 'queued', 'retrying')
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
