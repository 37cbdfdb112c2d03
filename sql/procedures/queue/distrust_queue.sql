SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A person says that this database is not what it was, though its server does not show it (a machine or a volume that was taken back to
an older state keeps its recovery fork): nothing is enqueued or sent any more, until recover_queue.

@by, @reason  who says so, and why: an alert tells it, or the queue is trusted as before
Result        none
*/
CREATE OR ALTER PROCEDURE notify.distrust_queue (@by NVARCHAR(128), @reason NVARCHAR(400))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @alerts NVARCHAR(MAX) = (
            SELECT
                kind = 'queue_distrusted',
                notification_guid = CONVERT(UNIQUEIDENTIFIER, '00000000-0000-0000-0000-000000000000'),
                occurrences = 1,
                detail = CONCAT(@by, N': ', @reason)
            FOR JSON PATH
        );

    BEGIN TRY
        BEGIN TRANSACTION;

        UPDATE qi
        SET qi.recovery_fork_guid = NULL
        FROM notify.queue_identity AS qi;

        EXECUTE notify.raise_alerts @alerts = @alerts;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;
END;
GO
