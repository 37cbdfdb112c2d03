SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
set_test_clock: sets the time that notify.utc_now() gives in a test database, or gives it back to the real clock.

Parameters  @now: UTC; NULL for the real clock.
Errors      50011 this is no test database: its setting allow_test_clock is not 1
*/
CREATE OR ALTER PROCEDURE notify.set_test_clock @now DATETIME2(3)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    IF NOT EXISTS (SELECT 1 FROM notify.setting AS s WHERE s.name = 'allow_test_clock' AND s.value = N'1')
        THROW 50011, N'The clock may be set only in a database whose setting allow_test_clock is 1.', 1;

    BEGIN TRY
        BEGIN TRANSACTION;

        DELETE s
        FROM notify.setting AS s
        WHERE s.name = 'test_clock';
        INSERT notify.setting (name, value)
        SELECT 'test_clock', CONVERT(NVARCHAR(30), @now, 126) WHERE @now IS NOT NULL;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
