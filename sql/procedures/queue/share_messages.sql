SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of enqueue_messages for changes whose messages are not all their own, within its transaction and after the messages are there:
another change had put one there already, or the change asks for the same one twice. Says who shares what, and makes what the decision
counts be there for the audit, or known to be purged.

@messages  JSON array: change_key, dedupe_key (64 hex digits each): all messages of such changes
Locks      messages that are shared, then shared rows and the caller's own decisions
*/
CREATE OR ALTER PROCEDURE notify.share_messages (@messages NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @message TABLE (
        change_key BINARY(32) NOT NULL,
        message_id BIGINT NOT NULL,
        own_change_key BINARY(32) NULL, /* the change that put it there; NULL: purged since */
        PRIMARY KEY (change_key, message_id)
    );

    /* UPDLOCK: a purge that has begun to take a message is waited for, and then it is gone; else nobody would count that it went. */
    INSERT @message (change_key, message_id, own_change_key)
    SELECT DISTINCT change_key = CONVERT(BINARY(32), j.change_key, 2), mk.message_id, own_change_key = m.change_key
    FROM OPENJSON(@messages) WITH (
        change_key CHAR(64),
        dedupe_key CHAR(64)
    ) AS j
    JOIN notify.message_key AS mk WITH (FORCESEEK) ON mk.dedupe_key = CONVERT(BINARY(32), j.dedupe_key, 2)
    LEFT JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = mk.message_id
    OPTION (FORCE ORDER, LOOP JOIN);

    INSERT notify.shared_message (change_key, message_id)
    SELECT t.change_key, t.message_id FROM @message AS t WHERE t.own_change_key <> t.change_key;

    UPDATE d
    SET d.message_count = counted.messages, d.purged_count = counted.purged
    FROM (
        SELECT t.change_key, messages = COUNT(*), purged = SUM(CASE WHEN t.own_change_key IS NULL THEN 1 ELSE 0 END)
        FROM @message AS t
        GROUP BY t.change_key
    ) AS counted
    JOIN notify.decision AS d ON d.change_key = counted.change_key
    WHERE counted.purged > 0 OR counted.messages <> d.message_count
    OPTION (FORCE ORDER, LOOP JOIN);
END;
GO
