SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
resume_notification: a paused notification goes on.

Parameters  @name; @policy: catch_up (what changed during the pause is mailed) or skip (what is there now is history: as at activation;
            changes recorded before the pause and not yet generated are skipped); @scans, @keys: as for activate_notification, needed for
            skip, and for catch_up where the table got a stamp column or another time zone during the pause.
Result      one row: notification_id, baseline_count, skipped_count.
Errors      50003 no such notification; 50004 it is not paused; 50005 it cannot be activated; 50006 to 50009 and 50014 the scans do not
            do; 50010 another session is changing definitions; 50013 unknown policy
Locks       application lock notify.definition, then watched_table, then the notification's rows; one transaction. What the scans say of
            the heartbeat is kept before it, so that the alert outlives a refusal.
*/
CREATE OR ALTER PROCEDURE notify.resume_notification
    @name NVARCHAR(100),
    @policy VARCHAR(10) = 'catch_up',
    @scans NVARCHAR(MAX) = NULL,
    @keys NVARCHAR(MAX) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
    DECLARE @baseline_count INTEGER = 0;
    DECLARE @skipped_count INTEGER = 0;
    DECLARE @is_standing BIT;
    DECLARE @message NVARCHAR(2048);

    IF @policy IS NULL OR @policy NOT IN ('catch_up', 'skip')
        THROW 50013, N'resume_notification: @policy is catch_up or skip.', 1;

    BEGIN TRY
        EXECUTE notify.note_scans @scans = @scans, @is_standing = @is_standing OUTPUT;

        BEGIN TRANSACTION;
        EXECUTE notify.lock_definitions;
        EXECUTE notify.find_notification
            @name = @name,
            @notification_id = @notification_id OUTPUT,
            @state = @state OUTPUT,
            @watched_table_id = @watched_table_id OUTPUT;
        EXECUTE notify.lock_table @watched_table_id = @watched_table_id;
        IF @state <> 'paused'
        BEGIN
            SET @message = CONCAT(N'The notification ', @name, N' is ', @state, N': only a paused one is resumed.');
            THROW 50004, @message, 1;
        END;
        EXECUTE notify.check_activation @notification_id = @notification_id;

        IF @policy = 'skip'
            EXECUTE notify.set_key_baseline @notification_id = @notification_id, @keys = @keys;
        IF @policy = 'skip'
           OR EXISTS (
               SELECT 1
               FROM notify.stamp_column AS sc
               INNER JOIN notify.schedule AS s ON s.notification_id = @notification_id
               LEFT JOIN notify.watermark AS m
                   ON m.schedule_id = s.schedule_id AND m.stamp_column_id = sc.stamp_column_id
               WHERE sc.watched_table_id = @watched_table_id AND m.schedule_id IS NULL
           )
            EXECUTE notify.set_baseline
                @notification_id = @notification_id,
                @scans = @scans,
                @policy = @policy,
                @is_standing = @is_standing,
                @recorded_count = @baseline_count OUTPUT;
        IF @policy = 'skip'
            EXECUTE notify.skip_changes
                @notification_id = @notification_id,
                @reason = N'skipped when resumed',
                @skipped_count = @skipped_count OUTPUT;
        EXECUTE notify.set_state @notification_id = @notification_id, @state = 'active', @action = 'resumed';
        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT @notification_id AS notification_id, @baseline_count AS baseline_count, @skipped_count AS skipped_count;
END;
GO
