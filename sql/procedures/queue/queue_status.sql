SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
How the queue stands.

@hours   the span of the third result set
Results  (1) now_at, queue_guid, is_trusted, suppressions, changes_in_doubt
         (2) open messages: channel, state, messages, due (of them), oldest_due_seconds
         (3) ended within @hours: channel, state, messages
         (4) open alerts: alert_id, kind, notification_guid, occurrences, first_at, last_at, message_id, detail
*/
CREATE OR ALTER PROCEDURE notify.queue_status (@hours INTEGER = 24)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    SELECT
        now_at = @now,
        qi.queue_guid,
        is_trusted = CONVERT (BIT, CASE WHEN EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq) THEN 1 ELSE 0 END),
        suppressions = (SELECT COUNT(*) FROM notify.suppression AS s),
        changes_in_doubt = (SELECT COUNT(*) FROM notify.decision AS d WHERE d.outcome = 'in_doubt')
    FROM notify.queue_identity AS qi;

    SELECT
        m.channel,
        m.state,
        messages = COUNT(*),
        due = SUM(CASE WHEN m.next_at <= @now THEN 1 ELSE 0 END),
        oldest_due_seconds = DATEDIFF(SECOND, MIN(CASE WHEN m.next_at <= @now THEN m.next_at END), @now)
    FROM notify.message AS m
    WHERE m.completed_at IS NULL
    GROUP BY m.channel, m.state
    ORDER BY m.channel, m.state;

    SELECT m.channel, m.state, messages = COUNT(*)
    FROM notify.message AS m
    WHERE m.completed_at >= DATEADD(HOUR, -@hours, @now)
    GROUP BY m.channel, m.state
    ORDER BY m.channel, m.state;

    SELECT TOP (100)
        a.alert_id,
        a.kind,
        a.notification_guid,
        a.occurrences,
        a.first_at,
        a.last_at,
        a.message_id,
        a.detail
    FROM notify.alert AS a
    WHERE a.acknowledged_at IS NULL
    ORDER BY a.alert_id DESC;
END;
GO
