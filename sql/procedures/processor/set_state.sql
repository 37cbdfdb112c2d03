SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
set_state: moves a notification to a state, writes its history and makes scans under way on its table worthless. Within the caller's
transaction, which holds lock_definitions and has checked the old state.

Parameters  @notification_id; @state: active, paused or retired; @action: activated, paused, resumed or retired.
*/
CREATE OR ALTER PROCEDURE notify.set_state @notification_id INTEGER, @state VARCHAR(10), @action VARCHAR(10)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @watched_table_id INTEGER;

    UPDATE n
    SET
        n.state = @state,
        n.activated_at = CASE WHEN @action = 'activated' THEN @now ELSE n.activated_at END,
        n.paused_at = CASE WHEN @state = 'paused' THEN @now END,
        n.retired_at = CASE WHEN @state = 'retired' THEN @now END
    FROM notify.notification AS n
    WHERE n.notification_id = @notification_id;

    INSERT notify.notification_history (notification_id, action, version, done_at, done_by)
    SELECT n.notification_id, @action, n.version, @now, ORIGINAL_LOGIN()
    FROM notify.notification AS n
    WHERE n.notification_id = @notification_id;

    SELECT @watched_table_id = n.watched_table_id
    FROM notify.notification AS n
    WHERE n.notification_id = @notification_id;
    IF @state = 'retired'
        EXECUTE notify.forget_key_snapshot @notification_id = @notification_id;
    EXECUTE notify.restart_scans @watched_table_id = @watched_table_id;
END;
GO
