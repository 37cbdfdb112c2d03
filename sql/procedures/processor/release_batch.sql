SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
release_batch: a worker gives a batch back that it cannot finish; its claimed changes are pending again, due after wait_seconds.

Parameters  @batch_id, @lease_token; @reason
Result      one row: released, how many changes
Errors      50030 the lease is lost
Locks       batch (update), its change rows
*/
CREATE OR ALTER PROCEDURE notify.release_batch
    @batch_id UNIQUEIDENTIFIER,
    @lease_token UNIQUEIDENTIFIER,
    @reason NVARCHAR(400)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @run_id BIGINT;
    DECLARE @released INTEGER;
    DECLARE
        @wait_seconds INTEGER = COALESCE(
            (SELECT TRY_CONVERT(INTEGER, s.value) FROM notify.setting AS s WHERE s.name = 'wait_seconds'),
            10
        );

    BEGIN TRY
        BEGIN TRANSACTION;

        UPDATE b
        SET b.state = 'released', b.closed_at = @now, b.reason = @reason, @run_id = b.run_id
        FROM notify.batch AS b
        WHERE b.batch_id = @batch_id AND b.lease_token = @lease_token AND b.state = 'open';

        IF @@ROWCOUNT = 0
            THROW 50030, N'The lease on this batch is lost: its changes are, or were, with another worker. Drop it and claim again.', 1;

        UPDATE c
        SET c.state = 'pending', c.reason = @reason, c.batch_id = NULL, c.due_at = DATEADD(SECOND, @wait_seconds, @now)
        OUTPUT deleted.change_id, deleted.state, inserted.state, inserted.reason, deleted.batch_id, @run_id, @now
        INTO notify.change_history (change_id, from_state, to_state, reason, batch_id, run_id, changed_at)
        FROM notify.change AS c
        WHERE c.batch_id = @batch_id AND c.state = 'claimed';
        SET @released = @@ROWCOUNT;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT @released AS released;
END;
GO
