SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
activate_notification: a draft begins to watch. From one snapshot its lows are set, and every visible row above them is recorded as
skipped (baseline): nothing that was there is ever mailed.

Parameters  @name; @scans, @keys: what get_activation's requests gave on the replica (set_baseline and set_key_baseline say how).
Result      one row: notification_id, baseline_count, low_stamps (JSON list of {column_name, low_stamp}).
Errors      50003 no such notification; 50004 it is no draft; 50005 it cannot be activated, with every reason; 50006 to 50009 and
            50014 the scans do not do; 50010 another session is changing definitions
Locks       application lock notify.definition, then watched_table, then the notification's rows; one transaction. What the scans say of
            the heartbeat is kept before it, so that the alert outlives a refusal.
*/
CREATE OR ALTER PROCEDURE notify.activate_notification
    @name NVARCHAR(100),
    @scans NVARCHAR(MAX),
    @keys NVARCHAR(MAX) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
    DECLARE @baseline_count INTEGER;
    DECLARE @is_standing BIT;
    DECLARE @message NVARCHAR(2048);

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
        IF @state <> 'draft'
        BEGIN
            SET @message = CONCAT(
                    N'The notification ',
                    @name,
                    N' is ',
                    @state,
                    N': only a draft is activated. A paused one is resumed.'
                );
            THROW 50004, @message, 1;
        END;
        EXECUTE notify.check_activation @notification_id = @notification_id;

        EXECUTE notify.set_key_baseline @notification_id = @notification_id, @keys = @keys;
        EXECUTE notify.set_baseline
            @notification_id = @notification_id,
            @scans = @scans,
            @policy = 'skip',
            @is_standing = @is_standing,
            @recorded_count = @baseline_count OUTPUT;
        EXECUTE notify.set_state @notification_id = @notification_id, @state = 'active', @action = 'activated';
        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT
        @notification_id AS notification_id,
        @baseline_count AS baseline_count,
        (
            SELECT sc.column_name, m.low_stamp
            FROM notify.schedule AS s
            INNER JOIN notify.watermark AS m ON m.schedule_id = s.schedule_id
            INNER JOIN notify.stamp_column AS sc ON sc.stamp_column_id = m.stamp_column_id
            WHERE s.notification_id = @notification_id
            ORDER BY sc.stamp_column_id
            FOR JSON PATH
        ) AS low_stamps;
END;
GO
