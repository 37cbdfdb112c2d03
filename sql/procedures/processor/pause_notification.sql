SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
pause_notification: stops detection and generation of a notification. Messages in the queue leave; changes recorded wait.

Parameters  @name.
Result      one row: notification_id, open_changes (recorded and not generated; they wait for resume_notification).
Errors      50003 no such notification; 50004 it is not active; 50010 another session is changing definitions
Locks       application lock notify.definition, then watched_table.
*/
CREATE OR ALTER PROCEDURE notify.pause_notification @name NVARCHAR(100)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
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
        IF @state <> 'active'
        BEGIN
            SET @message = CONCAT(N'The notification ', @name, N' is ', @state, N': only an active one is paused.');
            THROW 50004, @message, 1;
        END;
        EXECUTE notify.set_state @notification_id = @notification_id, @state = 'paused', @action = 'paused';
        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT @notification_id AS notification_id, COUNT(*) AS open_changes
    FROM notify.change AS c
    WHERE c.notification_id = @notification_id AND c.state IN ('pending', 'waiting');
END;
GO
