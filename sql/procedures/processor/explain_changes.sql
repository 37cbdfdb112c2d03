SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
explain_changes: the story of one record on the processor, also why there is none.

Parameters  @record_key: a JSON array of the key's texts, or the text of a key of one column; @table: schema.name, NULL for all tables.
Results     1  its changes, oldest first: change_id, change_key (hex), notification_name, table_name, record_key, operation, version,
               state_stamp, state, reason, message_count, claim_count, beat, detected_at, due_at, first_claimed_at, completed_at
            2  every state they took: change_id, from_state, to_state, reason, changed_at, run_id
            3  what is watched, and from where to where: notification_name, state, table_name, column_name, baseline_stamp, low_stamp,
               scanned_at, last_beat
            4  the record in the stored key snapshots: table_name, record_key, created_stamp, state_stamp, key_snapshot_at
*/
CREATE OR ALTER PROCEDURE notify.explain_changes @record_key NVARCHAR(450), @table NVARCHAR(257) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @key NVARCHAR(450) = notify.record_key_of(@record_key);

    /* A case-insensitive key is recorded in upper case: both spellings are sought, each by a seek. */
    DECLARE @spelling TABLE (
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY
    );
    INSERT @spelling (record_match)
    SELECT @key COLLATE Latin1_General_BIN2
    UNION
    SELECT UPPER(@key) COLLATE Latin1_General_BIN2;

    CREATE TABLE #found (
        change_id BIGINT NOT NULL PRIMARY KEY
    );
    INSERT #found (change_id)
    SELECT c.change_id
    FROM @spelling AS s
    INNER JOIN notify.change AS c ON c.record_match = s.record_match
    INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    WHERE @table IS NULL OR wt.schema_name + N'.' + wt.table_name = @table;

    SELECT
        c.change_id,
        CONVERT(CHAR(64), c.change_key, 2) AS change_key,
        n.name AS notification_name,
        wt.schema_name + N'.' + wt.table_name AS table_name,
        c.record_key,
        c.operation,
        c.version,
        c.state_stamp,
        c.state,
        c.reason,
        c.message_count,
        c.claim_count,
        c.beat,
        c.detected_at,
        c.due_at,
        c.first_claimed_at,
        c.completed_at
    FROM #found AS f
    INNER JOIN notify.change AS c ON c.change_id = f.change_id
    INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    ORDER BY c.change_id;

    SELECT h.change_id, h.from_state, h.to_state, h.reason, h.changed_at, h.run_id
    FROM #found AS f
    INNER JOIN notify.change_history AS h ON h.change_id = f.change_id
    ORDER BY h.change_id, h.change_history_id;

    SELECT
        n.name AS notification_name,
        n.state,
        wt.schema_name + N'.' + wt.table_name AS table_name,
        sc.column_name,
        m.baseline_stamp,
        m.low_stamp,
        sc.scanned_at,
        sc.last_beat
    FROM notify.notification AS n
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    INNER JOIN notify.stamp_column AS sc ON sc.watched_table_id = wt.watched_table_id
    LEFT JOIN notify.schedule AS s ON s.notification_id = n.notification_id
    LEFT JOIN notify.watermark AS m ON m.schedule_id = s.schedule_id AND m.stamp_column_id = sc.stamp_column_id
    WHERE (@table IS NULL OR wt.schema_name + N'.' + wt.table_name = @table) AND n.state <> 'retired'
    ORDER BY wt.schema_name, wt.table_name, n.name, sc.stamp_column_id;

    SELECT DISTINCT
        wt.schema_name + N'.' + wt.table_name AS table_name,
        r.record_key,
        r.created_stamp,
        r.state_stamp,
        stored.taken_at AS key_snapshot_at
    FROM notify.watched_table AS wt
    INNER JOIN notify.notification AS n ON n.watched_table_id = wt.watched_table_id
    INNER JOIN notify.key_snapshot AS stored ON stored.notification_id = n.notification_id
    CROSS JOIN @spelling AS s
    INNER JOIN notify.key_scan_row AS r ON r.key_scan_id = stored.key_scan_id AND r.record_match = s.record_match
    WHERE @table IS NULL OR wt.schema_name + N'.' + wt.table_name = @table
    ORDER BY wt.schema_name + N'.' + wt.table_name, r.record_key, stored.taken_at;
END;
GO
