SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
raise_alert: notes what a person should look at. An open alert of the same kind about the same subject is counted up instead.

Parameters  @kind: heartbeat, run, change, key_scan, queue, ...; @subject: what it is about; @severity: warning or error; @message;
            @run_id: the cycle that found it, or NULL.
Errors      50013 unknown severity
The Agent job "notify alerts" (sql/jobs) tells operators through Database Mail.
*/
CREATE OR ALTER PROCEDURE notify.raise_alert
    @kind VARCHAR(40),
    @subject NVARCHAR(200),
    @severity VARCHAR(10),
    @message NVARCHAR(2000),
    @run_id BIGINT = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();

    IF @severity IS NULL OR @severity NOT IN ('warning', 'error')
        THROW 50013, N'raise_alert: @severity is warning or error.', 1;

    BEGIN TRY
        BEGIN TRANSACTION;

        UPDATE a
        SET
            a.raise_count = a.raise_count + 1,
            a.last_raised_at = @now,
            a.severity = @severity,
            a.message = @message,
            a.run_id = @run_id
        FROM notify.alert AS a WITH (UPDLOCK, SERIALIZABLE)
        WHERE a.kind = @kind AND a.subject = @subject AND a.cleared_at IS NULL;
        IF @@ROWCOUNT = 0
            INSERT notify.alert (kind, subject, severity, message, run_id, raised_at, last_raised_at)
            VALUES (@kind, @subject, @severity, @message, @run_id, @now, @now);

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
