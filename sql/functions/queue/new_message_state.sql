SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The state that a message is stored in, and why. One row: state, reason.

@reason        why it cannot be sent, or NULL       @channel, @address  whom it is for
@shown_order   its version, and @newest_order of its conversation: NULL, NULL where versions do not count
@due_at, @expires_at, @now, @notification_guid
Locks          held_notification to the end of the transaction: who holds the notification waits, and then finds these messages
*/
CREATE OR ALTER FUNCTION notify.new_message_state (
    @reason NVARCHAR(400),
    @channel VARCHAR(10),
    @address NVARCHAR(320),
    @shown_order VARCHAR(47),
    @newest_order VARCHAR(47),
    @due_at DATETIME2(3),
    @expires_at DATETIME2(3),
    @notification_guid UNIQUEIDENTIFIER,
    @now DATETIME2(3)
)
RETURNS TABLE AS RETURN SELECT
    v.state,
    reason = CASE v.state
        WHEN 'suppressed' THEN s.reason
        WHEN 'canceled' THEN N'a newer version of the record is already there'
        WHEN 'held' THEN h.reason
        ELSE @reason
    END
FROM ( VALUES (1)) AS one (row)
LEFT JOIN notify.suppression AS s ON s.channel = @channel AND s.address = @address COLLATE Latin1_General_100_CI_AS
LEFT JOIN notify.held_notification AS h WITH (SERIALIZABLE) ON h.notification_guid = @notification_guid
CROSS APPLY ( VALUES (
    CASE
        WHEN @reason IS NOT NULL THEN 'failed'
        WHEN s.address IS NOT NULL THEN 'suppressed'
        WHEN @shown_order < @newest_order COLLATE Latin1_General_BIN2 THEN 'canceled'
        WHEN @expires_at <= @due_at THEN 'expired'
        WHEN h.notification_guid IS NOT NULL THEN 'held'
        WHEN @due_at > @now THEN 'scheduled'
        ELSE 'queued'
    END
)) AS v (state);
GO
