SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
forget_key_snapshot: a notification gives up its stored key snapshot: it is retired, or begins anew to watch deletes. Within the
caller's transaction. The next comparison takes a first snapshot for it and finds no delete.

One row goes; the snapshot's own rows are deleted in steps by clear_key_scans.
*/
CREATE OR ALTER PROCEDURE notify.forget_key_snapshot @notification_id INTEGER
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DELETE stored
    FROM notify.key_snapshot AS stored
    WHERE stored.notification_id = @notification_id;

    /* The table's last snapshot: nothing is left that a reading could be behind. */
    UPDATE wt
    SET wt.key_snapshot_beat = NULL, wt.key_snapshot_at = NULL, wt.key_late_beat = NULL
    FROM notify.notification AS n
    JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    WHERE n.notification_id = @notification_id
        AND NOT EXISTS (
            SELECT 1
            FROM notify.notification AS other
            JOIN notify.key_snapshot AS stored ON stored.notification_id = other.notification_id
            WHERE other.watched_table_id = wt.watched_table_id
        );
END;
GO
