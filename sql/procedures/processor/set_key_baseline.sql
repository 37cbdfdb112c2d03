SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
set_key_baseline: from one reading of all keys, what counts as there when a notification is activated. Within the caller's transaction.

While no other notification watches the table's deletes, the reading becomes the stored key snapshot. Otherwise the stored one stays,
for the others' sake: what it has and the reading has not is recorded for this notification as a delete that is history.

Parameters  @notification_id; @keys: {"beat": n, "rows": [{record_key, record_match, created_stamp, state_stamp, fields, matches}]}, as
            read_keys gave them; NULL where no key snapshot is needed.
Errors      50006 it is needed and was not given; 50007 it saw no heartbeat; 50014 it is older than the stored snapshot
*/
CREATE OR ALTER PROCEDURE notify.set_key_baseline @notification_id INTEGER, @keys NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @watched_table_id INTEGER;
    DECLARE @guid UNIQUEIDENTIFIER;
    DECLARE @stored_beat BIGINT;
    DECLARE @has_rival BIT;
    DECLARE @beat BIGINT = JSON_VALUE(@keys, '$.beat');

    CREATE TABLE #present (
        record_key NVARCHAR(450) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
        created_stamp VARCHAR(27) COLLATE DATABASE_DEFAULT NULL,
        state_stamp VARCHAR(27) COLLATE DATABASE_DEFAULT NOT NULL,
        fields NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
        matches NVARCHAR(4000) COLLATE DATABASE_DEFAULT NULL
    );

    SELECT
        @watched_table_id = n.watched_table_id,
        @guid = n.notification_guid,
        @stored_beat = wt.key_snapshot_beat,
        @has_rival = CASE
            WHEN EXISTS (
                SELECT 1
                FROM notify.notification AS other
                WHERE other.watched_table_id = n.watched_table_id
                    AND other.notification_id <> n.notification_id
                    AND other.state IN ('active', 'paused')
                    AND other.on_delete = 1
            ) THEN 1
            ELSE 0
        END
    FROM notify.notification AS n
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    WHERE n.notification_id = @notification_id AND n.on_delete = 1 AND wt.key_snapshot_minutes IS NOT NULL;
    IF @watched_table_id IS NULL
        RETURN;

    IF @keys IS NULL OR JSON_QUERY(@keys, '$.rows') IS NULL
        THROW 50006, N'No key snapshot was given. Read get_activation''s second request on the replica.', 1;
    IF COALESCE(@beat, 0) <= 0
        THROW 50007, N'The key snapshot was read where no heartbeat shows. Deploy sql/source and start the job "notify heartbeat" on source.', 1;
    IF @beat < @stored_beat
        THROW 50014, N'The key snapshot was read on a replica that is behind the one of the stored snapshot. Try again when it has caught up.', 1;

    INSERT #present (record_key, record_match, created_stamp, state_stamp, fields, matches)
    SELECT r.record_key, r.record_match, r.created_stamp, r.state_stamp, r.fields, r.matches
    FROM OPENJSON(@keys, '$.rows') WITH (
        record_key NVARCHAR(450),
        record_match NVARCHAR(450),
        created_stamp VARCHAR(27),
        state_stamp VARCHAR(27),
        fields NVARCHAR(MAX),
        matches NVARCHAR(4000)
    ) AS r;

    IF @has_rival = 1 AND @stored_beat IS NOT NULL
    BEGIN
        /* The anti-join reads the whole stored snapshot: that is what comparing means. */
        INSERT notify.change (
            change_key,
            notification_id,
            record_key,
            record_match,
            operation,
            version,
            state_stamp,
            state_hash,
            created_stamp,
            beat,
            state,
            reason,
            due_at,
            fields,
            detected_at,
            completed_at
        )
        OUTPUT inserted.change_id, NULL, inserted.state, inserted.reason, @now
        INTO notify.change_history (change_id, from_state, to_state, reason, changed_at)
        SELECT
            k.change_key,
            @notification_id,
            ks.record_key,
            ks.record_match,
            'D',
            v.version,
            v.state_stamp,
            v.state_hash,
            ks.created_stamp,
            @beat,
            'skipped',
            N'baseline',
            @now,
            ks.fields,
            @now,
            @now
        FROM notify.key_snapshot AS ks
        OUTER APPLY (
            SELECT TOP (1) c.operation, c.state_stamp, c.state_hash
            FROM notify.change AS c
            WHERE c.record_match = ks.record_match AND c.notification_id = @notification_id
            ORDER BY c.state_stamp DESC, c.change_id DESC
        ) AS newest
        CROSS APPLY (
            /* The state that ended: the newest recorded one, or the snapshot's if that is newer. */
            SELECT
                CASE
                    WHEN newest.state_stamp >= ks.state_stamp THEN newest.state_stamp
                    ELSE ks.state_stamp
                END AS state_stamp,
                CASE WHEN newest.state_stamp >= ks.state_stamp THEN newest.state_hash ELSE '' END AS state_hash,
                CASE
                    WHEN newest.state_stamp >= ks.state_stamp THEN newest.state_stamp + '|' + newest.state_hash
                    ELSE ks.state_stamp + '|'
                END AS version
        ) AS v
        CROSS APPLY notify.change_key(@guid, ks.record_match, 'D', v.version) AS k
        WHERE ks.watched_table_id = @watched_table_id
            AND COALESCE(newest.operation, '') <> 'D'
            AND NOT EXISTS (SELECT 1 FROM #present AS p WHERE p.record_match = ks.record_match)
            AND NOT EXISTS (SELECT 1 FROM notify.change AS c WHERE c.change_key = k.change_key);

        /* What is in both learns what this notification asks of it: the new notice columns, and whether its criteria hold. */
        UPDATE ks
        SET ks.fields = COALESCE(p.fields, ks.fields), ks.matches = merged.matches
        FROM notify.key_snapshot AS ks
        INNER JOIN #present AS p ON p.record_match = ks.record_match
        CROSS APPLY (
            SELECT N'[' + STRING_AGG(asked.value, N',') + N']' AS matches
            FROM (
                SELECT m.value FROM OPENJSON(ks.matches) AS m WHERE ABS(CONVERT(INTEGER, m.value)) <> @notification_id
                UNION ALL
                SELECT m.value FROM OPENJSON(p.matches) AS m WHERE ABS(CONVERT(INTEGER, m.value)) = @notification_id
            ) AS asked
        ) AS merged
        WHERE ks.watched_table_id = @watched_table_id;
    END;
    ELSE
    BEGIN
        DELETE ks
        FROM notify.key_snapshot AS ks
        WHERE ks.watched_table_id = @watched_table_id;
        INSERT notify.key_snapshot (
            watched_table_id,
            record_key,
            record_match,
            created_stamp,
            state_stamp,
            fields,
            matches
        )
        SELECT @watched_table_id, p.record_key, p.record_match, p.created_stamp, p.state_stamp, p.fields, p.matches
        FROM #present AS p;

        UPDATE wt
        SET wt.key_snapshot_beat = @beat, wt.key_snapshot_at = @now
        FROM notify.watched_table AS wt
        WHERE wt.watched_table_id = @watched_table_id;
        UPDATE ks
        SET ks.state = 'discarded', ks.ended_at = @now, ks.reason = N'a notification was activated'
        FROM notify.key_scan AS ks
        WHERE ks.watched_table_id = @watched_table_id AND ks.ended_at IS NULL;
    END;
END;
GO
