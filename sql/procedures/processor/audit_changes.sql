SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
audit_changes: which of the replica's rows should be recorded as changes and are not. Called with each page that the audit
read, after the replica and before the queue.

Parameters  @stamp_column_id, @watermarks: as get_audit_scans gave them; @rows: a page of detect_changes
Result      one row per missing change: missing_key (64 hex digits, to count one found by two scans once), notification_name,
            record_key, operation, state_stamp, reason. No row: all that is expected is recorded, whatever the queue says.
Errors      none of its own
Locks       none held

Expected of a row above a notification's baseline and at or below its low: this life's insert, if it was created after the
baseline; and a recorded state at least as new as the one shown. A row above low may be on its way, and is not judged.
A soft-deleted row whose delete is recorded may be written again: nothing more is expected of it while it stays deleted.
Rows are judged by the scan of the stamp column that holds their newest stamp: only its low says that the state was passed.
Where a rowversion tells the states and is not scanned, a state that no stamp tells of is not expected.
*/
CREATE OR ALTER PROCEDURE notify.audit_changes @stamp_column_id INTEGER, @watermarks NVARCHAR(MAX), @rows NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    CREATE TABLE #shown (
        ordinal INTEGER NOT NULL PRIMARY KEY,
        record_key NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(4000) COLLATE Latin1_General_BIN2 NOT NULL,
        stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        created_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        newest_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NULL,
        state_stamp VARCHAR(27) COLLATE Latin1_General_BIN2 NOT NULL,
        is_deleted BIT NOT NULL
    );

    INSERT INTO #shown (ordinal, record_key, record_match, stamp, created_stamp, newest_stamp, state_stamp, is_deleted)
    SELECT
        j.ordinal,
        j.record_key,
        j.record_match,
        j.stamp,
        j.created_stamp,
        j.newest_stamp,
        j.state_stamp,
        COALESCE(j.is_deleted, 0)
    FROM OPENJSON(@rows) WITH (
        ordinal INTEGER,
        record_key NVARCHAR(4000),
        record_match NVARCHAR(4000),
        stamp VARCHAR(27),
        created_stamp VARCHAR(27),
        newest_stamp VARCHAR(27),
        state_stamp VARCHAR(27),
        is_deleted BIT
    ) AS j;

    SELECT
        CONVERT(CHAR(64), k.change_key, 2) AS missing_key,
        n.name AS notification_name,
        s.record_key AS record_key,
        missing.operation AS operation,
        s.state_stamp AS state_stamp,
        missing.reason AS reason
    FROM #shown AS s
    CROSS JOIN OPENJSON(@watermarks) WITH (
        notification_id INTEGER,
        baseline_stamp VARCHAR(27),
        low_stamp VARCHAR(27),
        created_baseline VARCHAR(27)
    ) AS w
    JOIN notify.notification AS n ON n.notification_id = w.notification_id
    CROSS APPLY (
        SELECT
            CASE
                WHEN s.is_deleted = 0
                AND s.created_stamp > w.created_baseline COLLATE Latin1_General_BIN2
                AND NOT EXISTS (
                    SELECT 1
                    FROM notify.change AS c
                    WHERE c.record_match = s.record_match
                        AND c.notification_id = w.notification_id
                        AND c.operation = 'I'
                        AND c.version = s.created_stamp
                ) THEN 1
                ELSE 0
            END AS is_insert_missing,
            CASE
                WHEN NOT EXISTS (
                    SELECT 1
                    FROM notify.change AS c
                    WHERE c.record_match = s.record_match
                        AND c.notification_id = w.notification_id
                        AND (
                            c.state_stamp >= s.state_stamp
                            OR s.stamp <> s.state_stamp
                            OR (
                                s.is_deleted = 1
                                AND c.operation = 'D'
                                AND NOT EXISTS (
                                    SELECT 1
                                    FROM notify.change AS alive
                                    WHERE alive.record_match = c.record_match
                                        AND alive.notification_id = c.notification_id
                                        AND alive.operation IN ('I', 'U')
                                        AND alive.state_stamp > c.state_stamp
                                )
                            )
                        )
                ) THEN 1
                ELSE 0
            END AS is_state_missing
    ) AS found
    CROSS APPLY (
        SELECT
            CASE
                WHEN found.is_insert_missing = 1 THEN 'I'
                WHEN s.is_deleted = 1 THEN 'D'
                ELSE 'U'
            END AS operation,
            CASE
                WHEN found.is_insert_missing = 1 THEN N'the row was inserted after the baseline, and no insert is recorded'
                ELSE N'no recorded state is as new as the row'
            END AS reason
    ) AS missing
    CROSS APPLY notify.change_key(n.notification_guid, s.record_match, missing.operation, s.state_stamp) AS k
    WHERE s.stamp > w.baseline_stamp COLLATE Latin1_General_BIN2
        AND s.stamp <= w.low_stamp COLLATE Latin1_General_BIN2
        AND s.stamp IN (s.state_stamp, s.newest_stamp)
        AND (found.is_insert_missing = 1 OR found.is_state_missing = 1)
    ORDER BY n.name, s.ordinal;
END;
GO
