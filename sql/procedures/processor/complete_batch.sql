SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
complete_batch: the final states of a batch's changes, as the queue decided them.

Parameters  @batch_id, @lease_token; @results: JSON array of {change_key (64 hex digits), outcome (enqueued, skipped, failed,
            superseded), reason, message_count}. May come in pieces; the batch closes with its last change.
Result      one row: enqueued, skipped, failed, superseded (of this call), remaining (claimed changes left)
Errors      50030 the lease is lost; 50031 an outcome that does not exist. Nothing is changed then.
Locks       batch (update), its change rows
*/
CREATE OR ALTER PROCEDURE notify.complete_batch
    @batch_id UNIQUEIDENTIFIER,
    @lease_token UNIQUEIDENTIFIER,
    @results NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @run_id BIGINT;
    DECLARE @notification_id INTEGER;
    DECLARE @remaining INTEGER;
    DECLARE @result TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        outcome VARCHAR(10) NOT NULL,
        reason NVARCHAR(400) NULL,
        message_count INTEGER NULL
    );
    DECLARE @done TABLE (
        change_id BIGINT NOT NULL PRIMARY KEY,
        state VARCHAR(10) NOT NULL,
        reason NVARCHAR(400) NULL
    );

    BEGIN TRY
        INSERT INTO @result (change_key, outcome, reason, message_count)
        SELECT CONVERT(BINARY(32), j.change_key, 2), j.outcome, j.reason, j.message_count
        FROM OPENJSON(@results) WITH (
            change_key CHAR(64),
            outcome VARCHAR(10),
            reason NVARCHAR(400),
            message_count INTEGER
        ) AS j;

        IF EXISTS (SELECT 1 FROM @result AS r WHERE r.outcome NOT IN ('enqueued', 'skipped', 'failed', 'superseded'))
            THROW 50031, N'An outcome must be enqueued, skipped, failed or superseded.', 1;

        BEGIN TRANSACTION;

        SELECT @run_id = b.run_id, @notification_id = b.notification_id
        FROM notify.batch AS b WITH (UPDLOCK, HOLDLOCK)
        WHERE b.batch_id = @batch_id AND b.lease_token = @lease_token AND b.state = 'open';

        IF @notification_id IS NULL
            THROW 50030, N'The lease on this batch is lost: its changes are, or were, with another worker. Drop it and claim again.', 1;

        UPDATE c
        SET
            c.state = r.outcome,
            c.reason = CASE WHEN r.outcome = 'enqueued' THEN r.reason ELSE COALESCE(r.reason, N'no reason given') END,
            c.message_count = r.message_count,
            c.batch_id = NULL,
            c.completed_at = @now
        OUTPUT inserted.change_id, inserted.state, inserted.reason INTO @done (change_id, state, reason)
        FROM notify.change AS c
        JOIN @result AS r ON r.change_key = c.change_key
        WHERE c.state = 'claimed' AND c.batch_id = @batch_id;

        INSERT INTO notify.change_history (change_id, from_state, to_state, reason, batch_id, run_id, changed_at)
        SELECT d.change_id, 'claimed', d.state, d.reason, @batch_id, @run_id, @now FROM @done AS d ORDER BY d.change_id;

        EXECUTE notify.close_batch @batch_id = @batch_id, @now = @now;

        SELECT @remaining = COUNT(*) FROM notify.change AS c WHERE c.batch_id = @batch_id AND c.state = 'claimed';

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT
        COUNT(CASE WHEN d.state = 'enqueued' THEN 1 END) AS enqueued,
        COUNT(CASE WHEN d.state = 'skipped' THEN 1 END) AS skipped,
        COUNT(CASE WHEN d.state = 'failed' THEN 1 END) AS failed,
        COUNT(CASE WHEN d.state = 'superseded' THEN 1 END) AS superseded,
        @remaining AS remaining
    FROM @done AS d;
END;
GO
