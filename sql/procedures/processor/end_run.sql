SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
end_run: closes a cycle. A cycle that failed, or went only partly, raises the alert run; one that went well clears it.

Parameters  @run_id; @outcome: ok, partly or failed; @summary: for people.
Errors      50012 no such open run; 50013 unknown outcome
*/
CREATE OR ALTER PROCEDURE notify.end_run @run_id BIGINT, @outcome VARCHAR(10), @summary NVARCHAR(4000) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @severity VARCHAR(10) = CASE @outcome WHEN 'failed' THEN 'error' ELSE 'warning' END;
    DECLARE @message NVARCHAR(2000);

    IF @outcome IS NULL OR @outcome NOT IN ('ok', 'partly', 'failed')
        THROW 50013, N'end_run: @outcome is ok, partly or failed.', 1;

    UPDATE r
    SET r.ended_at = @now, r.outcome = @outcome, r.summary = @summary
    FROM notify.run AS r
    WHERE r.run_id = @run_id AND r.ended_at IS NULL;
    IF @@ROWCOUNT = 0
        THROW 50012, N'end_run: there is no open run of this id.', 1;

    IF @outcome = 'ok'
        EXECUTE notify.clear_alert @kind = 'run', @subject = N'cycle';
    ELSE
    BEGIN
        SET @message = CONCAT(N'Cycle ', @run_id, N' ended ', @outcome, N'. ', LEFT(@summary, 1900));
        EXECUTE notify.raise_alert
            @kind = 'run',
            @subject = N'cycle',
            @severity = @severity,
            @message = @message,
            @run_id = @run_id;
    END;
END;
GO
