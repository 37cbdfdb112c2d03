SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_activation: what must be read on the replica before a notification is activated, or resumed with the policy skip.

Parameters  @name: of a draft or paused notification.
Results     1  stamp_column_id, column_name, request: one row per stamp column, for detect_changes
            2  watched_table_id, request: for read_keys; key_scan_id: for record_keys, a reading begun for this activation (an
               earlier one is discarded); no row where no key snapshot is needed
Errors      50003 no such notification; 50004 it is active or retired; 50005 it cannot be activated, with every reason
*/
CREATE OR ALTER PROCEDURE notify.get_activation @name NVARCHAR(100)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
    DECLARE @message NVARCHAR(2048);

    EXECUTE notify.find_notification
        @name = @name,
        @notification_id = @notification_id OUTPUT,
        @state = @state OUTPUT,
        @watched_table_id = @watched_table_id OUTPUT;
    IF @state NOT IN ('draft', 'paused')
    BEGIN
        SET @message = CONCAT(
                N'The notification ',
                @name,
                N' is ',
                @state,
                N': only a draft is activated, only a paused one resumed.'
            );
        THROW 50004, @message, 1;
    END;
    EXECUTE notify.check_activation @notification_id = @notification_id;

    /* Without low a request means: above this snapshot's own safe stamp. That is little, and must be all: one page. */
    SELECT
        sc.stamp_column_id,
        sc.column_name,
        notify.table_request(
            @watched_table_id,
            sc.stamp_column_id,
            @notification_id,
            NULL,
            NULL,
            NULL,
            NULL,
            50000
        ) AS request
    FROM notify.stamp_column AS sc
    WHERE sc.watched_table_id = @watched_table_id
    ORDER BY sc.stamp_column_id;

    UPDATE ks
    SET ks.state = 'discarded', ks.reason = N'the activation was begun anew', ks.ended_at = @now
    FROM notify.key_scan AS ks
    WHERE ks.watched_table_id = @watched_table_id
        AND ks.notification_id = @notification_id
        AND ks.state = 'reading'
        AND ks.ended_at IS NULL;

    INSERT INTO notify.key_scan (watched_table_id, notification_id, state, started_at)
    SELECT n.watched_table_id, n.notification_id, 'reading', @now
    FROM notify.notification AS n
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    WHERE n.notification_id = @notification_id AND n.on_delete = 1 AND wt.key_snapshot_minutes IS NOT NULL;

    SELECT
        ks.watched_table_id,
        notify.table_request(@watched_table_id, NULL, @notification_id, NULL, NULL, NULL, NULL, NULL) AS request,
        ks.key_scan_id
    FROM notify.key_scan AS ks
    WHERE ks.watched_table_id = @watched_table_id
        AND ks.notification_id = @notification_id
        AND ks.state = 'reading'
        AND ks.ended_at IS NULL;
END;
GO
