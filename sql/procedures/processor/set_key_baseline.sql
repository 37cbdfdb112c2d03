SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
set_key_baseline: a reading of all keys becomes the stored key snapshot of a notification that is activated: what it shows was there.
Within the caller's transaction. Other notifications of the table keep their own.

Parameters  @notification_id; @keys: {"beat": n, "key_scan_id": n}, a reading that get_activation began and record_keys took; or, of a
            small table, {"beat": n, "rows": [at most 4,000 rows of read_keys]}; NULL where no key snapshot is needed.
Errors      50006 it is needed and was not given; 50007 it saw no heartbeat; 50014 it is older than a stored snapshot, or
            not later than what is recorded; 50015 more than 4,000 rows; 50040 the reading has ended, or was begun for another notification
Locks       key_scan, key_snapshot: a row each, whatever the table's size
*/
CREATE OR ALTER PROCEDURE notify.set_key_baseline @notification_id INTEGER, @keys NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @watched_table_id INTEGER;
    DECLARE @stored_beat BIGINT;
    DECLARE @has_rival BIT;
    DECLARE @beat BIGINT = JSON_VALUE(@keys, '$.beat');
    DECLARE @key_scan_id BIGINT = JSON_VALUE(@keys, '$.key_scan_id');
    DECLARE @rows NVARCHAR(MAX) = JSON_QUERY(@keys, '$.rows');

    SELECT
        @watched_table_id = n.watched_table_id,
        @stored_beat = wt.key_snapshot_beat,
        @has_rival = CASE
            WHEN EXISTS (
                SELECT 1
                FROM notify.notification AS other
                JOIN notify.key_snapshot AS stored ON stored.notification_id = other.notification_id
                WHERE other.watched_table_id = n.watched_table_id AND other.notification_id <> n.notification_id
            ) THEN 1
            ELSE 0
        END
    FROM notify.notification AS n
    JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    WHERE n.notification_id = @notification_id AND n.on_delete = 1 AND wt.key_snapshot_minutes IS NOT NULL;
    IF @watched_table_id IS NULL
        RETURN;

    IF @key_scan_id IS NULL AND @rows IS NULL
        THROW 50006, N'No key snapshot was given. Read get_activation''s second request on the replica.', 1;
    IF COALESCE(@beat, 0) <= 0
        THROW 50007, N'The key snapshot was read where no heartbeat shows. Deploy sql/source and start the job "notify heartbeat" on source.', 1;
    IF @beat < @stored_beat
        THROW 50014, N'The key snapshot was read on a replica that is behind the one of the stored snapshot. Try again when it has caught up.', 1;

    /* Recorded alive with this beat and not shown: gone before the reading, or inserted after it? Only a later one tells. */
    IF EXISTS (SELECT 1 FROM notify.change AS c WHERE c.notification_id = @notification_id AND c.beat >= @beat)
        THROW 50014, N'The key snapshot is not proven later than the changes that are recorded. Try again after the next heartbeat.', 1;

    IF @key_scan_id IS NULL
    BEGIN
        INSERT INTO notify.key_scan (watched_table_id, notification_id, state, started_at)
        VALUES (@watched_table_id, @notification_id, 'reading', @now);
        SET @key_scan_id = SCOPE_IDENTITY();

        EXECUTE notify.add_key_rows @key_scan_id = @key_scan_id, @rows = @rows;
    END;

    UPDATE ks
    SET
        ks.state = 'compared',
        ks.beat = @beat,
        ks.vanished_count = 0,
        ks.reason = N'first snapshot of a notification',
        ks.ended_at = @now
    FROM notify.key_scan AS ks
    WHERE ks.key_scan_id = @key_scan_id AND ks.notification_id = @notification_id AND ks.state = 'reading';

    IF @@ROWCOUNT = 0
        THROW 50040, N'This reading of keys has ended, or was begun for another notification. Get the activation''s requests and read again.', 1;

    DELETE stored
    FROM notify.key_snapshot AS stored
    WHERE stored.notification_id = @notification_id;

    INSERT INTO notify.key_snapshot (notification_id, key_scan_id, taken_at, after_change_id)
    SELECT @notification_id, @key_scan_id, @now, COALESCE(MAX(c.change_id), 0) FROM notify.change AS c;

    /* While others compare, the cadence is theirs. */
    UPDATE wt
    SET
        wt.key_snapshot_beat = @beat,
        wt.key_snapshot_at = CASE WHEN @has_rival = 1 THEN wt.key_snapshot_at ELSE @now END
    FROM notify.watched_table AS wt
    WHERE wt.watched_table_id = @watched_table_id;
END;
GO
