SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
shown_verdict: what becomes of a change by what one snapshot of the replica shows of its row. Pure: one row, no table.

Parameters  @operation, @state_stamp, @state_hash, @created_stamp, @beat: of the change; @has_soft_delete: of its table;
            @snapshot_beat, @is_present, @is_deleted, @shown_stamp, @shown_hash, @shown_created, @matches: of the snapshot
Returns     verdict (generate, wait, skip), reason (NULL for generate)

Replicas differ. An insert or update goes on when its row is there at its version or newer; an equal stamp with another hash
counts as older. Else it waits until a snapshot shows a strictly greater beat than the one that detected it: then a row that is
there is mailed as shown, and only an absent one is gone. A delete waits in the same way while its life of the row is shown.
*/
CREATE OR ALTER FUNCTION notify.shown_verdict (
    @operation CHAR(1),
    @state_stamp VARCHAR(27),
    @state_hash VARCHAR(64),
    @created_stamp VARCHAR(27),
    @beat BIGINT,
    @has_soft_delete BIT,
    @snapshot_beat BIGINT,
    @is_present BIT,
    @is_deleted BIT,
    @shown_stamp VARCHAR(27),
    @shown_hash VARCHAR(64),
    @shown_created VARCHAR(27),
    @matches BIT
)
RETURNS TABLE AS RETURN SELECT
    CASE WHEN judged.verdict LIKE 'skip%' THEN 'skip' ELSE judged.verdict END AS verdict,
    CASE judged.verdict
        WHEN 'wait' THEN N'the replica is behind'
        WHEN 'skip gone' THEN N'gone'
        WHEN 'skip match' THEN N'no longer matching'
        WHEN 'skip back' THEN N'there again'
    END AS reason
FROM (
    SELECT
        CASE
            WHEN @is_present = 1 AND @shown_stamp > @state_stamp COLLATE Latin1_General_BIN2 THEN 1
            ELSE 0
        END AS is_later,
        CASE
            WHEN @is_present = 1
            AND @shown_stamp = @state_stamp COLLATE Latin1_General_BIN2
            AND @shown_hash = @state_hash COLLATE Latin1_General_BIN2 THEN 1
            ELSE 0
        END AS is_same,
        CASE WHEN @snapshot_beat > @beat THEN 1 ELSE 0 END AS is_newer_snapshot
) AS seen
CROSS APPLY (
    SELECT
        CASE
            WHEN @operation IN ('I', 'U') THEN CASE
                WHEN seen.is_later = 0 AND seen.is_same = 0 AND seen.is_newer_snapshot = 0 THEN 'wait'
                WHEN @is_present = 0 OR @is_deleted = 1 THEN 'skip gone'
                WHEN @matches = 0 THEN 'skip match'
                ELSE 'generate'
            END
            /* A delete. The row is there, not deleted, and ... */
            WHEN @is_present = 1 AND @is_deleted = 0 THEN CASE
                /* ... it is a later life of the record: this one has ended. */
                WHEN @shown_created > @created_stamp COLLATE Latin1_General_BIN2 THEN 'generate'
                /* ... no soft delete, no way to tell lives apart, and changed since: inserted again. */
                WHEN @created_stamp IS NULL
                AND @has_soft_delete = 0
                AND seen.is_later = 1
                AND seen.is_newer_snapshot = 1 THEN 'generate'
                /* ... it was brought back by a later state, or a later snapshot shows that it never went. */
                WHEN seen.is_newer_snapshot = 1 OR (seen.is_later = 1 AND @has_soft_delete = 1) THEN 'skip back'
                ELSE 'wait'
            END
            /* A soft-deleted row that is not there at all: this replica may not have it yet. */
            WHEN @is_present = 0 AND @has_soft_delete = 1 AND seen.is_newer_snapshot = 0 THEN 'wait'
            ELSE 'generate'
        END AS verdict
) AS judged;
GO
