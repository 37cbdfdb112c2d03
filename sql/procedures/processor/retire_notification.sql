SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
retire_notification: ends a notification for good. Its changes that are not generated are skipped (reason retired); its record stays.

Parameters  @name.
Result      one row: notification_id, skipped_count.
Errors      50003 no such notification; 50004 it is retired already; 50010 another session is changing definitions
Locks       application lock notify.definition, then watched_table, then the notification's open changes.
*/
CREATE OR ALTER PROCEDURE notify.retire_notification @name NVARCHAR(100)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
    DECLARE @skipped_count INTEGER;
    DECLARE @message NVARCHAR(2048);

    BEGIN TRY
        BEGIN TRANSACTION;
        EXECUTE notify.lock_definitions;
        EXECUTE notify.find_notification
            @name = @name,
            @notification_id = @notification_id OUTPUT,
            @state = @state OUTPUT,
            @watched_table_id = @watched_table_id OUTPUT;
        EXECUTE notify.lock_table @watched_table_id = @watched_table_id;
        IF @state = 'retired'
        BEGIN
            SET @message = CONCAT(N'The notification ', @name, N' is retired already.');
            THROW 50004, @message, 1;
        END;
        EXECUTE notify.set_state @notification_id = @notification_id, @state = 'retired', @action = 'retired';
        EXECUTE notify.skip_changes
            @notification_id = @notification_id,
            @reason = N'retired',
            @skipped_count = @skipped_count OUTPUT;
        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT @notification_id AS notification_id, @skipped_count AS skipped_count;
END;
GO
