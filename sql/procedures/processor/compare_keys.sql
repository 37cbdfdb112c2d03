SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compare_keys: compares a finished reading of all keys with the stored key snapshot, records the deletes, and makes the reading
the new snapshot: one transaction.

Parameters  @key_scan_id: its rows are recorded, all of them; @beat: as read_keys gave it
Result      one row: outcome (compared, first, behind, held), recorded, pending, skipped, superseded, vanished, held (bit)
            first: there was no snapshot yet. behind: the replica is not proven ahead of the stored snapshot, nothing changes.
            held: more vanished than is believed (mass_delete_percent, mass_delete_rows): nothing is recorded, an alert is
            raised, approve_held_deletes goes on.
Errors      50040 the reading has ended
Locks       watched_table (update, to the end), key_scan, change, key_snapshot

Deleted is, per notification, a record that was alive by the stored snapshot or by its newest recorded change, that the reading
does not show, and that no snapshot as new as the reading has shown since. A greater beat is the proof of order; an equal one
is not. A record that was deleted and inserted again between two readings is no delete.
Both sets are read whole: that is what a key snapshot costs, at its own cadence. Of the changes, those between the two beats.
*/
CREATE OR ALTER PROCEDURE notify.compare_keys @key_scan_id BIGINT, @beat BIGINT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @outcome VARCHAR(10) = 'compared';
    DECLARE @watched_table_id INTEGER;
    DECLARE @run_id BIGINT;
    DECLARE @state VARCHAR(10);
    DECLARE @table_name NVARCHAR(260);
    DECLARE @mass_delete_percent TINYINT;
    DECLARE @mass_delete_rows INTEGER;
    DECLARE @snapshot_beat BIGINT;
    DECLARE @snapshot_rows INTEGER;
    DECLARE @vanished INTEGER = 0;
    DECLARE @changes NVARCHAR(MAX);
    DECLARE @recorded INTEGER = 0;
    DECLARE @pending INTEGER = 0;
    DECLARE @skipped INTEGER = 0;
    DECLARE @superseded INTEGER = 0;
    DECLARE @message NVARCHAR(2000);

    CREATE TABLE #gone (
        key_snapshot_id BIGINT NOT NULL PRIMARY KEY,
        record_key NVARCHAR(450) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL,
        created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        fields NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL,
        matches NVARCHAR(4000) COLLATE DATABASE_DEFAULT NULL
    );

    BEGIN TRY
        SELECT @watched_table_id = ks.watched_table_id FROM notify.key_scan AS ks WHERE ks.key_scan_id = @key_scan_id;

        BEGIN TRANSACTION;

        SELECT
            @table_name = wt.schema_name + N'.' + wt.table_name,
            @mass_delete_percent = wt.mass_delete_percent,
            @mass_delete_rows = wt.mass_delete_rows,
            @snapshot_beat = wt.key_snapshot_beat
        FROM notify.watched_table AS wt WITH (UPDLOCK, HOLDLOCK)
        WHERE wt.watched_table_id = @watched_table_id;

        SELECT @run_id = ks.run_id, @state = ks.state
        FROM notify.key_scan AS ks WITH (UPDLOCK, HOLDLOCK)
        WHERE ks.key_scan_id = @key_scan_id AND ks.state IN ('reading', 'approved');

        IF @state IS NULL
            THROW 50040, N'This reading of keys has ended: a later run has begun its own. Nothing is recorded.', 1;

        IF @beat <= @snapshot_beat
            SET @outcome = 'behind';
        ELSE
        BEGIN
            INSERT INTO #gone (key_snapshot_id, record_key, record_match, created_stamp, state_stamp, fields, matches)
            SELECT s.key_snapshot_id, s.record_key, s.record_match, s.created_stamp, s.state_stamp, s.fields, s.matches
            FROM notify.key_snapshot AS s
            WHERE s.watched_table_id = @watched_table_id
                AND NOT EXISTS (
                    SELECT 1
                    FROM notify.key_scan_row AS kr
                    WHERE kr.key_scan_id = @key_scan_id AND kr.record_match = s.record_match
                );
            SET @vanished = @@ROWCOUNT;

            SELECT @snapshot_rows = COUNT(*) FROM notify.key_snapshot AS s WHERE s.watched_table_id = @watched_table_id;

            IF @snapshot_beat IS NULL
                SET @outcome = 'first';
            ELSE IF @state = 'reading'
               AND @vanished > @mass_delete_rows
               AND @vanished * CONVERT(BIGINT, 100) > @snapshot_rows * CONVERT(BIGINT, @mass_delete_percent)
                SET @outcome = 'held';
        END;

        IF @outcome = 'compared'
        BEGIN
            SELECT
                @changes = (
                    SELECT
                        n.notification_id AS notification_id,
                        gone.record_key AS record_key,
                        gone.record_match AS record_match,
                        'D' AS operation,
                        COALESCE(alive.version, gone.state_stamp + '|') AS version,
                        COALESCE(alive.state_stamp, gone.state_stamp) AS state_stamp,
                        COALESCE(alive.state_hash, '') AS state_hash,
                        COALESCE(alive.created_stamp, gone.created_stamp) AS created_stamp,
                        COALESCE(alive.fields, gone.fields) AS fields,
                        CASE WHEN explained.reason IS NULL THEN 'pending' ELSE 'skipped' END AS state,
                        explained.reason AS reason
                    FROM notify.notification AS n
                    CROSS APPLY (
                        SELECT
                            g.record_key AS record_key,
                            g.record_match AS record_match,
                            g.created_stamp AS created_stamp,
                            g.state_stamp AS state_stamp,
                            g.fields AS fields,
                            g.matches AS matches,
                            CONVERT(BIT, 1) AS is_in_snapshot
                        FROM #gone AS g
                        UNION ALL
                        /* Recorded alive since the stored snapshot was read, and in neither of the two. */
                        SELECT
                            c.record_key,
                            c.record_match,
                            c.created_stamp,
                            c.state_stamp,
                            c.fields,
                            NULL,
                            CONVERT(BIT, 0)
                        FROM notify.change AS c
                        WHERE c.notification_id = n.notification_id
                            AND c.operation IN ('I', 'U')
                            AND c.beat >= @snapshot_beat
                            AND c.beat < @beat
                            AND NOT EXISTS (
                                SELECT 1
                                FROM notify.change AS later
                                WHERE later.record_match = c.record_match
                                    AND later.notification_id = c.notification_id
                                    AND (
                                        later.state_stamp > c.state_stamp
                                        OR (later.state_stamp = c.state_stamp AND later.change_id > c.change_id)
                                    )
                            )
                            AND NOT EXISTS (
                                SELECT 1
                                FROM notify.key_scan_row AS kr
                                WHERE kr.key_scan_id = @key_scan_id AND kr.record_match = c.record_match
                            )
                            AND NOT EXISTS (
                                SELECT 1
                                FROM notify.key_snapshot AS s
                                WHERE s.watched_table_id = @watched_table_id AND s.record_match = c.record_match
                            )
                    ) AS gone
                    OUTER APPLY (
                        SELECT TOP (1) c.operation AS operation, c.beat AS beat
                        FROM notify.change AS c
                        WHERE c.record_match = gone.record_match AND c.notification_id = n.notification_id
                        ORDER BY c.state_stamp DESC, c.change_id DESC
                    ) AS newest
                    OUTER APPLY (
                        SELECT TOP (1)
                            c.state_stamp + '|' + c.state_hash AS version,
                            c.state_stamp AS state_stamp,
                            c.state_hash AS state_hash,
                            c.created_stamp AS created_stamp,
                            c.fields AS fields,
                            c.reason AS reason,
                            c.state AS state
                        FROM notify.change AS c
                        WHERE c.record_match = gone.record_match
                            AND c.notification_id = n.notification_id
                            AND c.operation IN ('I', 'U')
                        ORDER BY c.state_stamp DESC, c.change_id DESC
                    ) AS alive
                    CROSS APPLY (
                        SELECT
                            CASE
                                /* Did the last state that is known meet the criteria? */
                                WHEN alive.state = 'skipped' AND alive.reason = N'criteria' THEN N'criteria'
                                WHEN (alive.state IS NULL OR (alive.state = 'skipped' AND alive.reason = N'baseline'))
                                AND gone.is_in_snapshot = 1
                                AND EXISTS (
                                    SELECT 1
                                    FROM OPENJSON(gone.matches) AS m
                                    WHERE CONVERT(INTEGER, m.value) = -n.notification_id
                                ) THEN N'criteria'
                                WHEN n.on_delete = 0 THEN N'operation'
                            END AS reason
                    ) AS explained
                    WHERE n.watched_table_id = @watched_table_id
                        /* A paused one takes its deletes now, the snapshot moves on without it, and mails them once it is resumed. */
                        AND n.state IN ('active', 'paused')
                        AND (newest.operation IS NULL OR (newest.operation <> 'D' AND newest.beat < @beat))
                    ORDER BY gone.record_match, n.notification_id
                    FOR JSON PATH
                )
            OPTION (RECOMPILE); /* the span between the two beats says whether ix_change_beat is worth its lookups */

            EXECUTE notify.store_changes
                @run_id = @run_id,
                @beat = @beat,
                @now = @now,
                @changes = @changes,
                @recorded = @recorded OUTPUT,
                @pending = @pending OUTPUT,
                @skipped = @skipped OUTPUT,
                @superseded = @superseded OUTPUT;
        END;

        IF @outcome IN ('compared', 'first')
        BEGIN
            DELETE s
            FROM notify.key_snapshot AS s
            JOIN #gone AS g ON g.key_snapshot_id = s.key_snapshot_id
            WHERE s.watched_table_id = @watched_table_id;

            UPDATE s
            SET
                s.record_key = kr.record_key,
                s.created_stamp = kr.created_stamp,
                s.state_stamp = kr.state_stamp,
                s.fields = kr.fields,
                s.matches = kr.matches
            FROM notify.key_snapshot AS s
            JOIN notify.key_scan_row AS kr ON kr.key_scan_id = @key_scan_id AND kr.record_match = s.record_match
            WHERE s.watched_table_id = @watched_table_id
                AND (
                    s.state_stamp <> kr.state_stamp
                    OR COALESCE(s.fields, N'') <> COALESCE(kr.fields, N'') COLLATE Latin1_General_BIN2
                    OR COALESCE(s.matches, N'') <> COALESCE(kr.matches, N'')
                );

            INSERT INTO notify.key_snapshot (
                watched_table_id,
                record_key,
                record_match,
                created_stamp,
                state_stamp,
                fields,
                matches
            )
            SELECT
                @watched_table_id,
                kr.record_key,
                kr.record_match,
                kr.created_stamp,
                kr.state_stamp,
                kr.fields,
                kr.matches
            FROM notify.key_scan_row AS kr
            WHERE kr.key_scan_id = @key_scan_id
                AND NOT EXISTS (
                    SELECT 1
                    FROM notify.key_snapshot AS s
                    WHERE s.watched_table_id = @watched_table_id AND s.record_match = kr.record_match
                );

            UPDATE wt
            SET wt.key_snapshot_beat = @beat, wt.key_snapshot_at = @now
            FROM notify.watched_table AS wt
            WHERE wt.watched_table_id = @watched_table_id;
        END;

        /* A later reading says more than one that waits for a person. */
        IF @outcome <> 'behind'
            UPDATE ks
            SET ks.state = 'discarded', ks.reason = N'a later reading was compared', ks.ended_at = @now
            FROM notify.key_scan AS ks
            WHERE ks.watched_table_id = @watched_table_id AND ks.state = 'held' AND ks.key_scan_id <> @key_scan_id;

        UPDATE ks
        SET
            ks.state = CASE @outcome
                WHEN 'behind' THEN 'discarded'
                WHEN 'held' THEN 'held'
                ELSE 'compared'
            END,
            ks.beat = @beat,
            ks.vanished_count = @vanished,
            ks.reason = CASE @outcome
                WHEN 'behind' THEN N'the replica is not proven ahead of the stored snapshot'
                WHEN 'held' THEN N'a mass of records vanished'
            END,
            ks.ended_at = CASE WHEN @outcome <> 'held' THEN @now END
        FROM notify.key_scan AS ks
        WHERE ks.key_scan_id = @key_scan_id;

        IF @outcome = 'held'
        BEGIN
            SET @message = CONCAT(
                    @vanished,
                    N' of ',
                    @snapshot_rows,
                    N' records of ',
                    @table_name,
                    N' vanished at once. If they were deleted: EXECUTE notify.approve_held_deletes @key_scan_id = ',
                    @key_scan_id,
                    N'; if they come back, the next reading finds them.'
                );
            EXECUTE notify.raise_alert
                @kind = 'key_scan',
                @subject = @table_name,
                @severity = 'error',
                @message = @message,
                @run_id = @run_id;
        END;
        ELSE IF @outcome <> 'behind'
            EXECUTE notify.clear_alert @kind = 'key_scan', @subject = @table_name;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    EXECUTE notify.clear_key_scans;

    SELECT
        @outcome AS outcome,
        @recorded AS recorded,
        @pending AS pending,
        @skipped AS skipped,
        @superseded AS superseded,
        @vanished AS vanished,
        CONVERT(BIT, CASE WHEN @outcome = 'held' THEN 1 ELSE 0 END) AS held;
END;
GO
