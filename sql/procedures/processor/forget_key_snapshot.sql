SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
forget_key_snapshot: drops the stored key snapshot of a notification's table, if no other notification in force watches its deletes.
Within save_notification's transaction. The next comparison then takes a first snapshot and finds no delete.
*/
CREATE OR ALTER PROCEDURE notify.forget_key_snapshot @notification_id INTEGER
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @watched_table_id INTEGER;

    SELECT @watched_table_id = n.watched_table_id
    FROM notify.notification AS n
    WHERE n.notification_id = @notification_id
        AND n.on_delete = 1
        AND NOT EXISTS (
            SELECT 1
            FROM notify.notification AS other
            WHERE other.watched_table_id = n.watched_table_id
                AND other.notification_id <> n.notification_id
                AND other.state IN ('active', 'paused')
                AND other.on_delete = 1
        );

    DELETE ks
    FROM notify.key_snapshot AS ks
    WHERE ks.watched_table_id = @watched_table_id;
    UPDATE wt
    SET wt.key_snapshot_beat = NULL, wt.key_snapshot_at = NULL
    FROM notify.watched_table AS wt
    WHERE wt.watched_table_id = @watched_table_id;
END;
GO
