SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
judge_page (internal): what a page of detected rows is to the notifications that ask for them. Within record_changes' transaction, which
holds the watched table.

Parameters  @watched_table_id; @stamp_column_id: the column scanned; @beat: of the page's snapshot; @rows: the page; result: @changes,
            as store_changes takes them

A row counts for each active notification whose low is below its stamp, unless the snapshot is older than the one that gave the
notification its baseline: all that such a one shows is history. judged_state is the contract. All that is new is stored. To be
mailed are those that meet the criteria and whose operation is asked for; others are skipped, with the reason. Under policy latest
a U that finds its I as the last that is recorded names it, to raise its state.
*/
CREATE OR ALTER PROCEDURE notify.judge_page
    @watched_table_id INTEGER,
    @stamp_column_id INTEGER,
    @beat BIGINT,
    @rows NVARCHAR(MAX),
    @changes NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @is_local BIT;
    DECLARE @has_key_snapshot BIT;

    SELECT
        @is_local = CASE WHEN wt.time_zone <> N'UTC' AND wt.rowversion_column IS NULL THEN 1 ELSE 0 END,
        @has_key_snapshot = CASE WHEN wt.key_snapshot_minutes IS NULL THEN 0 ELSE 1 END
    FROM notify.watched_table AS wt
    WHERE wt.watched_table_id = @watched_table_id;

    SET @changes = (
            SELECT
                n.notification_id AS notification_id,
                d.record_key AS record_key,
                d.record_match AS record_match,
                judged.operation AS operation,
                judged.version AS version,
                d.state_stamp AS state_stamp,
                d.state_hash AS state_hash,
                d.created_stamp AS created_stamp,
                d.fields AS fields,
                CASE WHEN explained.reason IS NULL THEN 'pending' ELSE 'skipped' END AS state,
                explained.reason AS reason,
                CASE
                    WHEN judged.operation = 'U'
                    AND n.policy = 'latest'
                    AND judged.latest_operation = 'I' THEN judged.latest_change_id
                END AS raised_change_id
            FROM (
                SELECT
                    j.record_key AS record_key,
                    j.record_match COLLATE Latin1_General_BIN2 AS record_match,
                    j.stamp COLLATE Latin1_General_BIN2 AS stamp,
                    j.created_stamp COLLATE Latin1_General_BIN2 AS created_stamp,
                    j.state_stamp COLLATE Latin1_General_BIN2 AS state_stamp,
                    j.state_hash COLLATE Latin1_General_BIN2 AS state_hash,
                    COALESCE(j.is_deleted, 0) AS is_deleted,
                    COALESCE(j.matches, N'[]') AS matches,
                    j.fields AS fields,
                    ROW_NUMBER() OVER (
                        PARTITION BY j.record_match COLLATE Latin1_General_BIN2
                        ORDER BY j.state_stamp COLLATE Latin1_General_BIN2 DESC, j.ordinal DESC
                    ) AS state_number
                FROM OPENJSON(@rows) WITH (
                    ordinal INTEGER,
                    record_key NVARCHAR(4000),
                    record_match NVARCHAR(4000),
                    stamp VARCHAR(27),
                    created_stamp VARCHAR(27),
                    state_stamp VARCHAR(27),
                    state_hash VARCHAR(64),
                    is_deleted BIT,
                    matches NVARCHAR(4000),
                    fields NVARCHAR(MAX)
                ) AS j
            ) AS d
            JOIN notify.scanned_notification AS n
                ON n.stamp_column_id = @stamp_column_id
                    AND n.state = 'active'
                    AND n.low_stamp < d.stamp
                    AND n.baseline_beat <= @beat
            CROSS APPLY notify.judged_state(
                n.notification_id,
                n.created_baseline,
                @is_local,
                @has_key_snapshot,
                @beat,
                d.record_match,
                d.created_stamp,
                d.state_stamp,
                d.state_hash,
                d.is_deleted
            ) AS judged
            CROSS APPLY (
                SELECT
                    CASE
                        WHEN judged.is_never_alive = 1 THEN N'never seen alive'
                        WHEN NOT EXISTS (
                            SELECT 1 FROM OPENJSON(d.matches) AS m WHERE CONVERT(INTEGER, m.value) = n.notification_id
                        ) THEN N'criteria'
                        WHEN (judged.operation = 'I' AND n.on_insert = 0)
                        OR (judged.operation = 'U' AND n.on_update = 0)
                        OR (judged.operation = 'D' AND n.on_delete = 0) THEN N'operation'
                    END AS reason
            ) AS explained
            WHERE d.state_number = 1 /* the record's newest state in the page */
            ORDER BY d.record_match, n.notification_id
            FOR JSON PATH
        );
END;
GO
