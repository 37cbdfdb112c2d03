SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
What the queue knows of changes that an audit expects.

@changes  JSON array, at most 4,000: change_key (64 hex digits)
Errors    50103 more than 4,000 changes
Results   (1) per change asked for: change_key, outcome (NULL: the queue does not know it; sent, failed: a person's word on one in doubt), reason, message_count (decided), sent, in_doubt,
              pending (scheduled, queued, claimed, sending, retrying, held), explained (failed, bounced, suppressed, expired, canceled),
              purged (ended so long ago that they were removed), missing (decided, neither there nor purged)
          (2) per change, recipient and channel: change_key, recipient_key, channel, message_id, state, reason, accepted (hand-overs),
              released (accepted ones that a person released for another), doubled (accepted beyond one that no person released)
*/
CREATE OR ALTER PROCEDURE notify.audit_messages (@changes NVARCHAR(MAX))
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
        PRIMARY KEY (change_key, message_id)
    );

    INSERT @change (change_key)
    SELECT DISTINCT change_key = CONVERT(BINARY(32), j.change_key, 2)
    FROM OPENJSON(@changes) WITH (
        change_key CHAR(64)
    ) AS j;

    IF @@ROWCOUNT > 4000
    BEGIN
        THROW 50103, N'audit_messages: more than 4,000 changes in one call: send them in several calls.', 1;
    END;

    INSERT @message (change_key, message_id)
    SELECT c.change_key, m.message_id
    FROM @change AS c
    JOIN notify.message AS m ON m.change_key = c.change_key
    UNION ALL
    SELECT c.change_key, sm.message_id
    FROM @change AS c
    JOIN notify.shared_message AS sm ON sm.change_key = c.change_key
    JOIN notify.message AS m ON m.message_id = sm.message_id;

    SELECT
        change_key = CONVERT(CHAR(64), c.change_key, 2),
        d.outcome,
        d.reason,
        d.message_count,
        sent = COALESCE(s.sent, 0),
        in_doubt = COALESCE(s.in_doubt, 0),
        pending = COALESCE(s.pending, 0),
        explained = COALESCE(s.explained, 0),
        purged = COALESCE(d.purged_count, 0),
        missing = CASE
            WHEN d.message_count > COALESCE(s.messages, 0) + d.purged_count THEN d.message_count -
            COALESCE(s.messages, 0) -
            d.purged_count
            ELSE 0
        END
    FROM @change AS c
    /* Held while the messages are counted: a purge in between would have taken them, and not yet said so here. */
    LEFT JOIN notify.decision AS d WITH (REPEATABLEREAD) ON d.change_key = c.change_key
    LEFT JOIN (
        SELECT
            t.change_key,
            messages = COUNT(*),
            sent = SUM(CASE WHEN m.state IN ('sent', 'delivered') THEN 1 ELSE 0 END),
            in_doubt = SUM(CASE WHEN m.state = 'in_doubt' THEN 1 ELSE 0 END),
            pending = SUM(CASE WHEN m.completed_at IS NULL AND m.state <> 'in_doubt' THEN 1 ELSE 0 END),
            explained = SUM(
                CASE WHEN m.state IN ('failed', 'bounced', 'suppressed', 'expired', 'canceled') THEN 1 ELSE 0 END
            )
        FROM @message AS t
        JOIN notify.message AS m ON m.message_id = t.message_id
        GROUP BY t.change_key
    ) AS s ON s.change_key = c.change_key
    ORDER BY c.change_key;

    SELECT
        change_key = CONVERT(CHAR(64), t.change_key, 2),
        m.recipient_key,
        m.channel,
        m.message_id,
        m.state,
        m.reason,
        accepted = COALESCE(a.accepted, 0),
        released = COALESCE(a.released, 0),
        doubled = CASE WHEN a.accepted - a.released > 1 THEN a.accepted - a.released - 1 ELSE 0 END
    FROM @message AS t
    JOIN notify.message AS m ON m.message_id = t.message_id
    OUTER APPLY (
        SELECT accepted = COUNT(*), released = COUNT(h.released_at)
        FROM notify.attempt AS h
        WHERE h.message_id = m.message_id AND h.outcome = 'accepted'
    ) AS a
    ORDER BY t.change_key, m.message_id;
END;
GO
