SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
begin_run: opens a cycle, and returns the changes of workers that died to pending.

Parameters  @host, @process_id: who runs; @beat, @min_active_rowversion: what read_position showed, if the caller read it (note_heartbeat says
            what for).
Result      one row: run_id, started_at, expired_batches, expired_changes.
Locks       run (insert); sweep_batches' own.
*/
CREATE OR ALTER PROCEDURE notify.begin_run
    @host NVARCHAR(128),
    @process_id INTEGER,
    @beat BIGINT = NULL,
    @min_active_rowversion BINARY(8) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @run_id BIGINT;
    DECLARE @expired_batches INTEGER;
    DECLARE @expired_changes INTEGER;

    INSERT notify.run (host, process_id, started_at)
    VALUES (@host, @process_id, @now);
    SET @run_id = SCOPE_IDENTITY();

    IF @beat IS NOT NULL
        EXECUTE notify.note_heartbeat @beat = @beat, @min_active_rowversion = @min_active_rowversion;
    EXECUTE notify.sweep_batches
        @run_id = @run_id,
        @expired_batches = @expired_batches OUTPUT,
        @expired_changes = @expired_changes OUTPUT;

    SELECT
        @run_id AS run_id,
        @now AS started_at,
        @expired_batches AS expired_batches,
        @expired_changes AS expired_changes;
END;
GO
