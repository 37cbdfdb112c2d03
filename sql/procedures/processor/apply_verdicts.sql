SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
apply_verdicts (internal): what of a batch is not generated goes back in line or fails, and what its messages may show is kept. Within
decide_batch's transaction.

Parameters  @batch_id; @run_id: of the run that claimed it; @now; @verdicts: JSON array of {change_id, verdict, reason, shown_stamp}
Locks       change rows of the batch
*/
CREATE OR ALTER PROCEDURE notify.apply_verdicts
    @batch_id UNIQUEIDENTIFIER,
    @run_id BIGINT,
    @now DATETIME2(3),
    @verdicts NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE
        @wait_seconds INTEGER = COALESCE(
            (SELECT TRY_CONVERT(INTEGER, s.value) FROM notify.setting AS s WHERE s.name = 'wait_seconds'),
            10
        );

    UPDATE c
    SET
        c.state = CASE v.verdict WHEN 'wait' THEN 'waiting' ELSE 'failed' END,
        c.reason = v.reason,
        c.batch_id = NULL,
        c.due_at = CASE v.verdict WHEN 'wait' THEN DATEADD(SECOND, @wait_seconds, @now) ELSE c.due_at END,
        c.completed_at = CASE v.verdict WHEN 'fail' THEN @now END
    OUTPUT deleted.change_id, deleted.state, inserted.state, inserted.reason, deleted.batch_id, @run_id, @now
    INTO notify.change_history (change_id, from_state, to_state, reason, batch_id, run_id, changed_at)
    FROM OPENJSON(@verdicts) WITH (
        change_id BIGINT,
        verdict VARCHAR(10),
        reason NVARCHAR(400)
    ) AS v
    JOIN notify.change AS c ON c.change_id = v.change_id
    WHERE c.state = 'claimed' AND c.batch_id = @batch_id AND v.verdict IN ('wait', 'fail');

    /* Rare: the row has changed since it was detected. Kept before any message is made, for the day on which the queue is lost. */
    UPDATE c
    SET c.shown_stamp = v.shown_stamp
    FROM OPENJSON(@verdicts) WITH (
        change_id BIGINT,
        verdict VARCHAR(10),
        shown_stamp VARCHAR(27)
    ) AS v
    JOIN notify.change AS c ON c.change_id = v.change_id
    WHERE c.state = 'claimed'
        AND c.batch_id = @batch_id
        AND c.operation IN ('I', 'U')
        AND v.verdict = 'generate'
        AND v.shown_stamp > COALESCE(c.shown_stamp, c.state_stamp) COLLATE Latin1_General_BIN2;
END;
GO
