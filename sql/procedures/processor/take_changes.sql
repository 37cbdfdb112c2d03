SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
take_changes (internal): opens a batch, with due changes of one notification as claimed. One transaction, or none.

Parameters  @run_id, @worker, @batch_size, @lease_seconds: as claim_batch takes them; @now; result: @batch_id, NULL: nothing is due
Locks       change rows that no rival has locked (READPAST), the new batch row

The notification with the highest priority goes first, then the one whose oldest change has been due longest; within it, the
order of ix_change_due. One UPDATE claims; a rival skips what is locked and takes what is next.
*/
CREATE OR ALTER PROCEDURE notify.take_changes
    @run_id BIGINT,
    @worker NVARCHAR(128),
    @batch_size INTEGER,
    @lease_seconds INTEGER,
    @now DATETIME2(3),
    @batch_id UNIQUEIDENTIFIER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @notification_id INTEGER;
    DECLARE @claimed INTEGER = 0;
    DECLARE @tries INTEGER = 0;

    SET @batch_id = NULL;

    BEGIN TRY
        /* A rival may take the last due changes between the choice and the claim: then the next choice differs. */
        WHILE @claimed = 0 AND @tries < 5
        BEGIN
            SET @tries += 1;
            SET @notification_id = (
                    SELECT TOP (1) n.notification_id
                    FROM notify.notification AS n
                    CROSS APPLY (
                        SELECT TOP (1) c.due_at AS due_at
                        FROM notify.change AS c WITH (READPAST, READCOMMITTEDLOCK)
                        WHERE c.notification_id = n.notification_id
                            AND c.state IN ('pending', 'waiting')
                            AND c.due_at <= @now
                        ORDER BY c.due_at, c.change_id
                    ) AS oldest
                    WHERE n.state = 'active'
                    ORDER BY n.priority, oldest.due_at, n.notification_id
                );

            IF @notification_id IS NULL
                BREAK;

            SET @batch_id = NEWID();

            BEGIN TRANSACTION;

            INSERT INTO notify.batch (
                batch_id,
                lease_token,
                notification_id,
                run_id,
                worker,
                state,
                change_count,
                claimed_at,
                leased_until
            )
            VALUES (
                @batch_id,
                NEWID(),
                @notification_id,
                @run_id,
                @worker,
                'open',
                0,
                @now,
                DATEADD(SECOND, @lease_seconds, @now)
            );

            WITH due AS (
                SELECT TOP (@batch_size) c.change_id, c.state, c.reason, c.batch_id, c.claim_count, c.first_claimed_at
                FROM notify.change AS c WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
                WHERE c.notification_id = @notification_id AND c.state IN ('pending', 'waiting') AND c.due_at <= @now
                ORDER BY c.due_at, c.change_id
            )
            UPDATE due
            SET
                due.state = 'claimed',
                due.reason = NULL,
                due.batch_id = @batch_id,
                due.claim_count = due.claim_count + 1,
                due.first_claimed_at = COALESCE(due.first_claimed_at, @now)
            OUTPUT deleted.change_id, deleted.state, inserted.state, inserted.batch_id, @run_id, @now
            INTO notify.change_history (change_id, from_state, to_state, batch_id, run_id, changed_at);
            SET @claimed = @@ROWCOUNT;

            IF @claimed = 0
            BEGIN
                ROLLBACK TRANSACTION;
                SET @batch_id = NULL;
            END;
            ELSE
            BEGIN
                UPDATE b
                SET b.change_count = @claimed
                FROM notify.batch AS b
                WHERE b.batch_id = @batch_id;

                COMMIT TRANSACTION;
            END;
        END;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
