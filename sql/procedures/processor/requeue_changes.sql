SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
requeue_changes: failed changes become pending again, at once due.

Parameters  @notification: its name, NULL for all; @reason: only those whose reason begins with it, NULL for all;
            @batch_size: at most so many in a call.
Result      one row: requeued.
Errors      50003 no such notification; 50013 @batch_size is not 1 to 4000
Changes of retired notifications stay failed.
*/
CREATE OR ALTER PROCEDURE notify.requeue_changes
    @notification NVARCHAR(100) = NULL,
    @reason NVARCHAR(400) = NULL,
    @batch_size INTEGER = 1000
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
    DECLARE @requeued INTEGER;

    IF @batch_size IS NULL OR @batch_size NOT BETWEEN 1 AND 4000
        THROW 50013, N'requeue_changes: @batch_size must be 1 to 4000.', 1;
    IF @notification IS NOT NULL
        EXECUTE notify.find_notification
            @name = @notification,
            @notification_id = @notification_id OUTPUT,
            @state = @state OUTPUT,
            @watched_table_id = @watched_table_id OUTPUT;

    /* Failed changes have an index of their own, and are few: the two optional filters need no other. */
    WITH failed AS (
        SELECT TOP (@batch_size) c.change_id, c.state, c.reason, c.due_at, c.completed_at
        FROM notify.change AS c
        INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id
        WHERE c.state = 'failed'
            AND n.state <> 'retired'
            AND (@notification_id IS NULL OR c.notification_id = @notification_id)
            AND (@reason IS NULL OR LEFT(c.reason, LEN(@reason)) = @reason)
        ORDER BY c.change_id
    )
    UPDATE f
    SET f.state = 'pending', f.reason = NULL, f.due_at = @now, f.completed_at = NULL
    OUTPUT inserted.change_id, deleted.state, inserted.state, N'requeued', @now
    INTO notify.change_history (change_id, from_state, to_state, reason, changed_at)
    FROM failed AS f;
    SET @requeued = @@ROWCOUNT;

    SELECT @requeued AS requeued;
END;
GO
