SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
store_outcomes: keeps copies of the queue's accepted hand-overs, and notices a queue that was taken back to an older state.

Parameters  @known_mark, @known_highest: as get_queue_mark gave them before the page was read; @queue_mark, @highest: as read_outcomes
            gave them; @outcomes: its rows (JSON array, at most 4,000)
Result      one row: stored
Errors      50032 the queue has lost what was copied from it, though it is trusted: nothing is stored; an alert is raised
Locks       queue_mark (update), outcome_copy: new rows

Another cycle may have copied more meanwhile: then the place it has reached stays, and only what was known before the reading is
compared with what the queue says. A recovery gives the queue another mark: then copying begins at its beginning again, and what is here already is left as it is.
*/
CREATE OR ALTER PROCEDURE notify.store_outcomes
    @known_mark NVARCHAR(100),
    @known_highest VARCHAR(18),
    @queue_mark NVARCHAR(100),
    @highest VARCHAR(18),
    @outcomes NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @stored_mark NVARCHAR(100);
    DECLARE @stored_highest VARCHAR(18);
    DECLARE @copied VARCHAR(18);
    DECLARE @stored INTEGER = 0;
    DECLARE @is_lost BIT = 0;

    BEGIN TRY
        BEGIN TRANSACTION;

        SELECT @stored_mark = qm.queue_mark, @stored_highest = qm.highest
        FROM notify.queue_mark AS qm WITH (UPDLOCK, HOLDLOCK)
        WHERE qm.queue_mark_id = 1;

        IF @known_mark = @queue_mark AND @highest COLLATE Latin1_General_BIN2 < @known_highest
            SET @is_lost = 1;

        IF @is_lost = 0
        BEGIN
            INSERT INTO notify.outcome_copy (attempt_id, dedupe_key, gateway, provider_id, code, copied_at)
            SELECT j.attempt_id, CONVERT(BINARY(32), j.dedupe_key, 2), j.gateway, j.provider_id, j.code, @now
            FROM OPENJSON(@outcomes) WITH (
                attempt_id UNIQUEIDENTIFIER,
                dedupe_key CHAR(64),
                gateway NVARCHAR(128),
                provider_id NVARCHAR(400),
                code VARCHAR(20)
            ) AS j
            WHERE NOT EXISTS (SELECT 1 FROM notify.outcome_copy AS oc WHERE oc.attempt_id = j.attempt_id);
            SET @stored = @@ROWCOUNT;

            SELECT @copied = MAX(j.row_version COLLATE Latin1_General_BIN2)
            FROM OPENJSON(@outcomes) WITH (
                row_version VARCHAR(18)
            ) AS j;

            UPDATE qm
            SET
                qm.queue_mark = @queue_mark,
                qm.highest = CASE
                    WHEN @stored_mark = @queue_mark
                    AND (@copied IS NULL OR @copied COLLATE Latin1_General_BIN2 < @stored_highest) THEN @stored_highest
                    ELSE @copied
                END,
                qm.noted_at = @now
            FROM notify.queue_mark AS qm
            WHERE qm.queue_mark_id = 1;

            IF @@ROWCOUNT = 0
                INSERT INTO notify.queue_mark (queue_mark, highest, noted_at)
                VALUES (@queue_mark, @copied, @now);

            EXECUTE notify.clear_alert @kind = 'queue', @subject = N'restored';
        END;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    IF @is_lost = 1
    BEGIN
        EXECUTE notify.raise_alert
            @kind = 'queue',
            @subject = N'restored',
            @severity = 'error',
            @message = N'The queue no longer has what was copied from it: it was taken back to an older state. Stop the senders; EXECUTE notify.distrust_queue there, then recover it.';
        THROW 50032, N'The queue no longer has what was copied from it: it was taken back to an older state. Stop the senders; EXECUTE notify.distrust_queue there, then recover it.', 1;
    END;

    SELECT @stored AS stored;
END;
GO
