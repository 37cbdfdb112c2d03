SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
skip_changes: ends the changes of a notification that are recorded and not claimed. Within the caller's transaction.

Claimed ones are left to their worker. In steps of 4,000 rows, for the length of a statement alone: all of them are one transaction, the
caller's, and each row stays locked until it ends (change does not escalate). Millions of pending changes are as many locks.

Parameters  @notification_id; @reason; @skipped_count: out.
*/
CREATE OR ALTER PROCEDURE notify.skip_changes
    @notification_id INTEGER,
    @reason NVARCHAR(400),
    @skipped_count INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @step_count INTEGER = 1;
    SET @skipped_count = 0;

    WHILE @step_count > 0
    BEGIN
        WITH next_changes AS (
            SELECT TOP (4000) c.change_id, c.state, c.reason, c.completed_at
            FROM notify.change AS c
            WHERE c.notification_id = @notification_id AND c.state IN ('pending', 'waiting')
            ORDER BY c.due_at, c.change_id
        )
        UPDATE nc
        SET nc.state = 'skipped', nc.reason = @reason, nc.completed_at = @now
        OUTPUT inserted.change_id, deleted.state, inserted.state, inserted.reason, @now
        INTO notify.change_history (change_id, from_state, to_state, reason, changed_at)
        FROM next_changes AS nc;
        SET @step_count = @@ROWCOUNT;
        SET @skipped_count = @skipped_count + @step_count;
    END;
END;
GO
