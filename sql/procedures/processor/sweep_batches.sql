SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
sweep_batches: batches whose lease has expired lose their changes: these are pending again, at once due. Their worker may go on;
its token is worth nothing any more. What a worker had in hand when its notification was retired ends here, as the rest did then.

Parameters  @run_id: of the run that sweeps; results: @expired_batches, @expired_changes
Result      none
Errors      none of its own
Locks       at most 100 batches that nobody holds (READPAST), and their claimed change rows; one transaction
*/
CREATE OR ALTER PROCEDURE notify.sweep_batches
    @run_id BIGINT = NULL,
    @expired_batches INTEGER = NULL OUTPUT,
    @expired_changes INTEGER = NULL OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @expired TABLE (
        batch_id UNIQUEIDENTIFIER NOT NULL PRIMARY KEY
    );
    DECLARE @retired TABLE (
        notification_id INTEGER NOT NULL PRIMARY KEY
    );

    BEGIN TRY
        /* Before anything is locked: retire_notification holds the notification's row, and waits for its changes. */
        INSERT INTO @retired (notification_id)
        SELECT n.notification_id FROM notify.notification AS n WHERE n.state = 'retired';

        BEGIN TRANSACTION;

        WITH late AS (
            SELECT TOP (100) b.batch_id, b.state, b.closed_at, b.reason
            FROM notify.batch AS b WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            WHERE b.state = 'open' AND b.leased_until < @now
            ORDER BY b.leased_until, b.batch_number
        )
        UPDATE late
        SET late.state = 'expired', late.closed_at = @now, late.reason = N'lease expired'
        OUTPUT inserted.batch_id INTO @expired (batch_id);
        SET @expired_batches = @@ROWCOUNT;

        UPDATE c
        SET c.state = 'pending', c.reason = N'lease expired', c.batch_id = NULL, c.due_at = @now
        OUTPUT deleted.change_id, deleted.state, inserted.state, inserted.reason, deleted.batch_id, @run_id, @now
        INTO notify.change_history (change_id, from_state, to_state, reason, batch_id, run_id, changed_at)
        FROM @expired AS e
        JOIN notify.change AS c ON c.batch_id = e.batch_id AND c.batch_id IS NOT NULL AND c.state = 'claimed';
        SET @expired_changes = @@ROWCOUNT;

        UPDATE c
        SET c.state = 'skipped', c.reason = N'retired', c.completed_at = @now
        OUTPUT inserted.change_id, deleted.state, inserted.state, inserted.reason, @run_id, @now
        INTO notify.change_history (change_id, from_state, to_state, reason, run_id, changed_at)
        FROM @retired AS r
        JOIN notify.change AS c ON c.notification_id = r.notification_id AND c.state IN ('pending', 'waiting');

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
