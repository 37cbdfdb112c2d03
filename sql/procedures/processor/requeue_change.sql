SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
requeue_change: one change is generated again, at once due: a failed one, or one of which the queue was told to forget its decision
(release_change). Nothing can be doubled by it: what the queue has decided stands.

Parameters  @change_key: 64 hex digits
Result      no row: there is no such change. Else one: change_key, notification_name, record_key, old_state, state: pending, or the
            old one: a change that is pending, waiting or claimed is generated anyway, a skipped or superseded one has nothing to
            tell, and of a retired notification nothing is
Errors      none of its own
Locks       its change row
*/
CREATE OR ALTER PROCEDURE notify.requeue_change @change_key CHAR(64)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @key BINARY(32) = TRY_CONVERT(BINARY(32), @change_key, 2);
    DECLARE @old_state VARCHAR(10) = (SELECT c.state FROM notify.change AS c WHERE c.change_key = @key);

    UPDATE c
    SET c.state = 'pending', c.reason = NULL, c.message_count = NULL, c.due_at = @now, c.completed_at = NULL
    OUTPUT inserted.change_id, deleted.state, inserted.state, N'requeued', @now
    INTO notify.change_history (change_id, from_state, to_state, reason, changed_at)
    FROM notify.change AS c
    JOIN notify.notification AS n ON n.notification_id = c.notification_id
    WHERE c.change_key = @key AND c.state IN ('enqueued', 'failed') AND n.state <> 'retired';

    SELECT
        @change_key AS change_key,
        n.name AS notification_name,
        c.record_key,
        @old_state AS old_state,
        c.state AS state
    FROM notify.change AS c
    JOIN notify.notification AS n ON n.notification_id = c.notification_id
    WHERE c.change_key = @key;
END;
GO
