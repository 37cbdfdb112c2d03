SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
decide_batch: what becomes of each change of a batch, by what one snapshot of the replica shows.

Parameters  @batch_id, @lease_token; @beat, @states, @prerequisites: as extract_changes gave them (JSON arrays of the rows)
Result      change_number, change_key, verdict, reason; one row per change of the batch that @states has:
            generate: mail it. skip: tell the queue, then complete_batch. wait: back in line already, with its reason.
            fail: final already, can be put back by requeue_changes.
Errors      50030 the lease is lost: another worker has these changes, or had
Locks       batch (update), its change rows

Each change is judged by what the snapshot shows of its row (shown_verdict), then by its prerequisite (prerequisite_verdict).
*/
CREATE OR ALTER PROCEDURE notify.decide_batch
    @batch_id UNIQUEIDENTIFIER,
    @lease_token UNIQUEIDENTIFIER,
    @beat BIGINT,
    @states NVARCHAR(MAX),
    @prerequisites NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @run_id BIGINT;
    DECLARE @notification_id INTEGER;
    DECLARE @has_soft_delete BIT;
    DECLARE @deadline_minutes INTEGER;
    DECLARE @verdicts NVARCHAR(MAX);

    CREATE TABLE #verdict (
        change_id BIGINT NOT NULL PRIMARY KEY,
        change_key BINARY(32) NOT NULL,
        verdict VARCHAR(10) COLLATE DATABASE_DEFAULT NOT NULL,
        reason NVARCHAR(400) COLLATE DATABASE_DEFAULT NULL,
        shown_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL
    );
    CREATE TABLE #prerequisite (
        change_number BIGINT NOT NULL PRIMARY KEY,
        is_ready BIT NOT NULL,
        reason NVARCHAR(400) COLLATE DATABASE_DEFAULT NULL
    );

    BEGIN TRY
        INSERT INTO #prerequisite (change_number, is_ready, reason)
        SELECT said.change_number, said.is_ready, said.reason FROM notify.least_ready(@prerequisites) AS said;

        BEGIN TRANSACTION;

        SELECT
            @run_id = b.run_id,
            @notification_id = b.notification_id,
            @has_soft_delete = CASE WHEN wt.soft_delete_column IS NULL THEN 0 ELSE 1 END,
            @deadline_minutes = p.deadline_minutes
        FROM notify.batch AS b WITH (UPDLOCK, HOLDLOCK)
        JOIN notify.notification AS n ON n.notification_id = b.notification_id
        JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
        LEFT JOIN notify.prerequisite AS p ON p.notification_id = b.notification_id
        WHERE b.batch_id = @batch_id AND b.lease_token = @lease_token AND b.state = 'open';

        IF @notification_id IS NULL
            THROW 50030, N'The lease on this batch is lost: its changes are, or were, with another worker. Drop it and claim again.', 1;

        INSERT INTO #verdict (change_id, change_key, verdict, reason, shown_stamp)
        SELECT
            c.change_id,
            c.change_key,
            CASE WHEN shown.verdict = 'generate' THEN ready.verdict ELSE shown.verdict END,
            CASE WHEN shown.verdict = 'generate' THEN ready.reason ELSE shown.reason END,
            s.shown_stamp
        FROM OPENJSON(@states) WITH (
            change_number BIGINT,
            is_present BIT,
            is_deleted BIT,
            shown_stamp VARCHAR(27),
            shown_hash VARCHAR(64),
            created_stamp VARCHAR(27),
            matches BIT
        ) AS s
        JOIN notify.change AS c ON c.change_id = s.change_number AND c.batch_id = @batch_id AND c.state = 'claimed'
        LEFT JOIN #prerequisite AS said ON said.change_number = s.change_number
        CROSS APPLY notify.shown_verdict(
            c.operation,
            c.state_stamp,
            c.state_hash,
            c.created_stamp,
            c.beat,
            @has_soft_delete,
            @beat,
            s.is_present,
            COALESCE(s.is_deleted, 0),
            s.shown_stamp,
            s.shown_hash,
            s.created_stamp,
            s.matches
        ) AS shown
        CROSS APPLY notify.prerequisite_verdict(
            c.change_id,
            c.detected_at,
            @deadline_minutes,
            said.is_ready,
            said.reason,
            @now
        ) AS ready;

        SET @verdicts = (
                SELECT v.change_id AS change_id, v.verdict AS verdict, v.reason AS reason, v.shown_stamp AS shown_stamp
                FROM #verdict AS v
                FOR JSON PATH
            );
        EXECUTE notify.apply_verdicts @batch_id = @batch_id, @run_id = @run_id, @now = @now, @verdicts = @verdicts;

        EXECUTE notify.close_batch @batch_id = @batch_id, @now = @now;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT
        v.change_id AS change_number,
        CONVERT(CHAR(64), v.change_key, 2) AS change_key,
        v.verdict AS verdict,
        v.reason AS reason
    FROM #verdict AS v
    ORDER BY v.change_id;
END;
GO
