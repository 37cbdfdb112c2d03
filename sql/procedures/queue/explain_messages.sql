SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The whole story of one record's messages.

@record_key   as in record_key or record_match; case counts only as far as the record's own key does
@change_keys  or: JSON array: change_key (64 hex digits), as the processor explains them
Results       (1) decisions: change_key, notification_name, record_key, operation, outcome, reason, message_count, decided_at
              (2) messages: change_key, message_id, is_shared (put there by another change), recipient_key, channel, address, state, reason,
                  shown_stamp, attempt_count, next_at, created_at, completed_at, provider_id
              (3) attempts: message_id, attempt_number, attempt_id, gateway, begun_at, closed_at, outcome, is_permanent, code, detail,
                  provider_id, released_at, released_by
              (4) history: message_id, happened_at, old_state, new_state, reason, actor
              (5) what persons said of changes in doubt: change_key, happened_at, old_outcome, new_outcome (NULL: forgotten), reason, actor
              The newest 200 changes at most.
*/
CREATE OR ALTER PROCEDURE notify.explain_messages (@record_key NVARCHAR(450) = NULL, @change_keys NVARCHAR(MAX) = NULL)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @change TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY
    );

    DECLARE @message TABLE (
        change_key BINARY(32) NOT NULL,
        message_id BIGINT NOT NULL,
        is_shared BIT NOT NULL,
        PRIMARY KEY (change_key, message_id)
    );

    /* record_match holds the values of case-insensitive columns in upper case. */
    INSERT @change (change_key)
    SELECT TOP (200) d.change_key
    FROM notify.decision AS d
    WHERE d.record_match IN (@record_key, UPPER(@record_key))
    ORDER BY d.decided_at DESC, d.change_key;

    INSERT @change (change_key)
    SELECT TOP (200) d.change_key
    FROM OPENJSON(@change_keys) WITH (
        change_key CHAR(64)
    ) AS j
    JOIN notify.decision AS d ON d.change_key = CONVERT(BINARY(32), j.change_key, 2)
    WHERE NOT EXISTS (SELECT 1 / 0 FROM @change AS c WHERE c.change_key = d.change_key)
    ORDER BY d.decided_at DESC, d.change_key;

    INSERT @message (change_key, message_id, is_shared)
    SELECT c.change_key, m.message_id, is_shared = 0
    FROM @change AS c
    JOIN notify.message AS m ON m.change_key = c.change_key
    UNION ALL
    SELECT c.change_key, sm.message_id, is_shared = 1
    FROM @change AS c
    JOIN notify.shared_message AS sm ON sm.change_key = c.change_key;

    SELECT
        change_key = CONVERT(CHAR(64), d.change_key, 2),
        d.notification_name,
        d.record_key,
        d.operation,
        d.outcome,
        d.reason,
        d.message_count,
        d.decided_at
    FROM @change AS c
    JOIN notify.decision AS d ON d.change_key = c.change_key
    ORDER BY d.decided_at, d.change_key;

    SELECT
        change_key = CONVERT(CHAR(64), t.change_key, 2),
        m.message_id,
        t.is_shared,
        m.recipient_key,
        m.channel,
        m.address,
        m.state,
        m.reason,
        shown_stamp = SUBSTRING(m.shown_order, 21, 27),
        m.attempt_count,
        m.next_at,
        m.created_at,
        m.completed_at,
        m.provider_id
    FROM @message AS t
    JOIN notify.message AS m ON m.message_id = t.message_id
    ORDER BY m.message_id, t.is_shared;

    SELECT
        a.message_id,
        a.attempt_number,
        a.attempt_id,
        a.gateway,
        a.begun_at,
        a.closed_at,
        a.outcome,
        a.is_permanent,
        a.code,
        a.detail,
        a.provider_id,
        a.released_at,
        a.released_by
    FROM notify.attempt AS a
    WHERE EXISTS (SELECT 1 / 0 FROM @message AS t WHERE t.message_id = a.message_id)
    ORDER BY a.message_id, a.begun_at, a.attempt_id;

    SELECT mh.message_id, mh.happened_at, mh.old_state, mh.new_state, mh.reason, mh.actor
    FROM notify.message_history AS mh
    WHERE EXISTS (SELECT 1 / 0 FROM @message AS t WHERE t.message_id = mh.message_id)
    ORDER BY mh.message_id, mh.message_history_id;

    SELECT
        change_key = CONVERT(CHAR(64), dh.change_key, 2),
        dh.happened_at,
        dh.old_outcome,
        dh.new_outcome,
        dh.reason,
        dh.actor
    FROM notify.decision_history AS dh
    WHERE EXISTS (SELECT 1 / 0 FROM @change AS c WHERE c.change_key = dh.change_key)
    ORDER BY dh.change_key, dh.decision_history_id;
END;
GO
