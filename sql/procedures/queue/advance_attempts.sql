SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
record_outcomes and begin_attempts in one transaction: a busy sender's every commit both closes finished attempts and begins the next.

@outcomes, @attempts, @lease_seconds  as there
Results  (1) of record_outcomes, (2) of begin_attempts. (1) goes out before the commit: read both at once, for the messages stay locked as long
         as a reader is slow, and nothing in (1) is sure before (2) is there
Errors   50101 restored queue: then the outcomes are not stored either; call record_outcomes alone
*/
CREATE OR ALTER PROCEDURE notify.advance_attempts (
    @outcomes NVARCHAR(MAX),
    @attempts NVARCHAR(MAX),
    @lease_seconds INTEGER = 600
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    BEGIN TRY
        BEGIN TRANSACTION;

        EXECUTE notify.record_outcomes @outcomes = @outcomes;

        EXECUTE notify.begin_attempts @attempts = @attempts, @lease_seconds = @lease_seconds;

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
