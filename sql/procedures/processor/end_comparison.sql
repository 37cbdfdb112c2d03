SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
end_comparison (internal): a reading that was compared becomes the stored snapshot of the notifications that it was compared for;
one that is held waits for a person, with an alert. Within the caller's transaction, which holds lock_key_scan.

Parameters  @key_scan_id; @snapshots: as begin_comparison gave them; @outcome: compared, first or held; @vanished
*/
CREATE OR ALTER PROCEDURE notify.end_comparison
    @key_scan_id BIGINT,
    @snapshots NVARCHAR(MAX),
    @outcome VARCHAR(10),
    @vanished INTEGER
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @watched_table_id INTEGER;
    DECLARE @run_id BIGINT;
    DECLARE @beat BIGINT;
    DECLARE @table_name NVARCHAR(260);
    DECLARE @message NVARCHAR(2000);

    SELECT
        @watched_table_id = ks.watched_table_id,
        @run_id = ks.run_id,
        @beat = ks.beat,
        @table_name = wt.schema_name + N'.' + wt.table_name
    FROM notify.key_scan AS ks
    JOIN notify.watched_table AS wt ON wt.watched_table_id = ks.watched_table_id
    WHERE ks.key_scan_id = @key_scan_id;

    UPDATE ks
    SET
        ks.state = CASE @outcome WHEN 'held' THEN 'held' ELSE 'compared' END,
        ks.vanished_count = @vanished,
        ks.reason = CASE @outcome WHEN 'held' THEN N'a mass of records vanished' END,
        ks.ended_at = CASE WHEN @outcome <> 'held' THEN @now END
    FROM notify.key_scan AS ks
    WHERE ks.key_scan_id = @key_scan_id;

    /* A later reading says more than one that waits for a person. */
    UPDATE ks
    SET ks.state = 'discarded', ks.reason = N'a later reading was compared', ks.ended_at = @now
    FROM notify.key_scan AS ks
    WHERE ks.watched_table_id = @watched_table_id
        AND ks.ended_at IS NULL
        AND ks.state IN ('held', 'approved')
        AND ks.key_scan_id < @key_scan_id;

    /* One that is held, too: the next reading replaces it, and whoever is to approve it needs its number until then. */
    UPDATE wt
    SET wt.key_snapshot_at = @now
    FROM notify.watched_table AS wt
    WHERE wt.watched_table_id = @watched_table_id;

    /* Who has no snapshot yet takes this one, believed or not: it shows what was there, and tells no delete. */
    INSERT INTO notify.key_snapshot (notification_id, key_scan_id, taken_at, after_change_id)
    SELECT n.notification_id, @key_scan_id, @now, COALESCE((SELECT MAX(c.change_id) FROM notify.change AS c), 0)
    FROM OPENJSON(@snapshots) WITH (
        notification_id INTEGER
    ) AS s
    JOIN notify.notification AS n ON n.notification_id = s.notification_id AND n.state IN ('active', 'paused')
    WHERE NOT EXISTS (SELECT 1 FROM notify.key_snapshot AS stored WHERE stored.notification_id = s.notification_id);

    IF @@ROWCOUNT > 0
        UPDATE wt
        SET wt.key_snapshot_beat = @beat
        FROM notify.watched_table AS wt
        WHERE wt.watched_table_id = @watched_table_id AND COALESCE(wt.key_snapshot_beat, 0) < @beat;

    IF @outcome = 'held'
    BEGIN
        SELECT
            @message = CONCAT(
                @vanished,
                N' of ',
                MAX(base.row_count),
                N' records of ',
                @table_name,
                N' vanished at once. If they were deleted: EXECUTE notify.approve_held_deletes @key_scan_id = ',
                @key_scan_id,
                N'; if they come back, the next reading finds them.'
            )
        FROM OPENJSON(@snapshots) WITH (
            key_scan_id BIGINT
        ) AS s
        JOIN notify.key_scan AS base ON base.key_scan_id = s.key_scan_id;
        EXECUTE notify.raise_alert
            @kind = 'key_scan',
            @subject = @table_name,
            @severity = 'error',
            @message = @message,
            @run_id = @run_id;
        RETURN;
    END;

    UPDATE stored
    SET
        stored.key_scan_id = @key_scan_id,
        stored.taken_at = @now,
        stored.after_change_id = COALESCE((SELECT MAX(c.change_id) FROM notify.change AS c), 0)
    FROM notify.key_snapshot AS stored
    JOIN OPENJSON(@snapshots) WITH (
        notification_id INTEGER,
        key_scan_id BIGINT
    ) AS s ON s.notification_id = stored.notification_id AND s.key_scan_id = stored.key_scan_id;

    UPDATE wt
    SET
        wt.key_snapshot_beat = CASE WHEN wt.key_snapshot_beat > @beat THEN wt.key_snapshot_beat ELSE @beat END,
        /* Notifications with a later snapshot were not compared: they still need it. */
        wt.key_late_beat = CASE WHEN wt.key_snapshot_beat > @beat THEN wt.key_late_beat END
    FROM notify.watched_table AS wt
    WHERE wt.watched_table_id = @watched_table_id;

    EXECUTE notify.clear_alert @kind = 'key_scan', @subject = @table_name;
END;
GO
