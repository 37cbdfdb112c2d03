SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
What becomes of a message that was not handed over: again later, or the end. One row: new_state, next_at.

Of the attempt   @attempt_id, @attempt_number, @is_begun, @outcome (refused, not_handed_over), @is_permanent, @retry_after_seconds
Of the message   @notification_guid, @conversation_key, @shown_order, @expires_at; its row is locked by the caller
@now             the caller's time
Locks            held_notification to the end of the transaction, as who enqueues: retrying is found by who holds the notification, or by the sweep
*/
CREATE OR ALTER FUNCTION notify.refusal_fate (
    @attempt_id UNIQUEIDENTIFIER,
    @attempt_number SMALLINT,
    @is_begun BIT,
    @outcome VARCHAR(20),
    @is_permanent BIT,
    @retry_after_seconds INTEGER,
    @notification_guid UNIQUEIDENTIFIER,
    @conversation_key BINARY(32),
    @shown_order VARCHAR(47),
    @expires_at DATETIME2(3),
    @now DATETIME2(3)
)
RETURNS TABLE AS RETURN SELECT
    v.next_at,
    new_state = CASE
        WHEN @outcome = 'refused' AND @is_permanent = 1 THEN 'failed'
        WHEN EXISTS (SELECT 1 / 0 FROM notify.newer_versions(@conversation_key, @shown_order) AS newer) THEN 'canceled'
        WHEN @expires_at <= v.next_at THEN 'expired'
        WHEN g.is_given_back = 1
        AND v.next_at <= @now
        AND NOT EXISTS (
            SELECT 1 / 0
            FROM notify.held_notification AS h WITH (SERIALIZABLE)
            WHERE h.notification_guid = @notification_guid
        ) THEN 'queued'
        WHEN g.is_given_back = 1 THEN 'retrying'
        WHEN @attempt_number >= rs.max_attempts THEN 'failed'
        ELSE 'retrying'
    END
FROM notify.retry_setting AS rs
CROSS APPLY ( VALUES (CASE WHEN @is_begun = 0 AND @outcome = 'not_handed_over' THEN 1 ELSE 0 END)) AS g (is_given_back)
CROSS APPLY notify.retry_wait(
    @attempt_number,
    @attempt_id,
    @retry_after_seconds,
    CASE WHEN g.is_given_back = 1 THEN 0 ELSE rs.base_seconds END,
    CASE WHEN g.is_given_back = 1 THEN 0 ELSE rs.cap_seconds END
) AS rw
CROSS APPLY ( VALUES (
    DATEADD(MILLISECOND, rw.wait_milliseconds % 1000, DATEADD(SECOND, rw.wait_milliseconds / 1000, @now))
)) AS v (next_at);
GO
