SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
judged_state: what a detected state of a row is to a notification, judged against what is recorded: one row, or none if it is
nothing new.

Parameters  @notification_id; @created_baseline: of its schedule, NULL without a created column; @is_local, @has_key_snapshot: of the
            table; @beat: of the snapshot; @record_match, @created_stamp, @state_stamp, @state_hash, @is_deleted: of the row
Returns     operation, version; is_never_alive: a row deleted before it was ever seen; latest_change_id, latest_operation: of what
            was recorded last (NULL: nothing)

- A state counts only if it is newer than every recorded one: a greater stamp; or, in a snapshot with a strictly greater beat
  than the last recorded state's, an unrecorded state with the same stamp (for local time also up to 60 minutes below).
  So a replica that lags brings no old state back, and a page that is read twice adds nothing.
- I: created after the baseline, and this life of the row is not recorded yet; version: created stamp. U: any other newer state;
  version: state. What was created at or below the baseline counts as recorded.
- D, a soft-deleted row: version: the last state recorded alive; once.
- After a D by key snapshot only a strictly newer snapshot, or another life of the row, shows it alive: a replica with the same
  heartbeat may be behind the delete. What came after the delete is above low, and is read again.
*/
CREATE OR ALTER FUNCTION notify.judged_state (
    @notification_id INTEGER,
    @created_baseline VARCHAR(27),
    @is_local BIT,
    @has_key_snapshot BIT,
    @beat BIGINT,
    @record_match NVARCHAR(450),
    @created_stamp VARCHAR(27),
    @state_stamp VARCHAR(27),
    @state_hash VARCHAR(64),
    @is_deleted BIT
)
RETURNS TABLE AS RETURN SELECT
    kind.operation AS operation,
    judged.version AS version,
    CONVERT(
        BIT,
        CASE WHEN kind.operation = 'D' AND newest.change_id IS NULL AND seen.is_created_after = 1 THEN 1 ELSE 0 END
    ) AS is_never_alive,
    newest.change_id AS latest_change_id,
    newest.operation AS latest_operation
FROM (
    SELECT
        CASE WHEN @created_stamp > @created_baseline COLLATE Latin1_General_BIN2 THEN 1 ELSE 0 END AS is_created_after
) AS seen
OUTER APPLY notify.latest_change(@notification_id, @record_match, @is_local, 0) AS newest
OUTER APPLY notify.latest_change(@notification_id, @record_match, @is_local, 1) AS alive
CROSS APPLY (
    SELECT
        CASE
            WHEN @is_deleted = 1 THEN 'D'
            WHEN seen.is_created_after = 1
            AND NOT EXISTS (
                SELECT 1
                FROM notify.change AS c
                WHERE c.record_match = @record_match COLLATE Latin1_General_BIN2
                    AND c.notification_id = @notification_id
                    AND c.operation = 'I'
                    AND c.version = @created_stamp COLLATE Latin1_General_BIN2
            ) THEN 'I'
            ELSE 'U'
        END AS operation
) AS kind
CROSS APPLY (
    SELECT
        CASE
            WHEN kind.operation = 'I' THEN @created_stamp
            WHEN kind.operation = 'U' THEN @state_stamp + '|' + @state_hash
            WHEN alive.change_id IS NOT NULL THEN alive.state_stamp + '|' + alive.state_hash
            /* Nothing recorded: alive as the baseline left it, or never seen alive. After that, one D is enough. */
            WHEN newest.change_id IS NULL AND seen.is_created_after = 0 THEN 'baseline'
            WHEN newest.change_id IS NULL THEN @state_stamp + '|' + @state_hash
        END AS version
) AS judged
WHERE judged.version IS NOT NULL
    AND (
        newest.change_id IS NULL
        OR @state_stamp > newest.greatest_stamp COLLATE Latin1_General_BIN2
        OR (
            @beat > newest.beat
            AND (
                @state_stamp = newest.greatest_stamp COLLATE Latin1_General_BIN2
                OR (
                    @is_local = 1
                    AND @state_stamp COLLATE Latin1_General_BIN2 >= CASE
                        /* An hour before the first moment of all there is no time: 517. */
                        WHEN newest.greatest_stamp >= '0001-01-02' THEN CONVERT(
                            VARCHAR(27),
                            DATEADD(MINUTE, -60, TRY_CONVERT(DATETIME2(7), newest.greatest_stamp, 121)),
                            121
                        )
                        ELSE newest.greatest_stamp
                    END
                )
            )
            AND NOT EXISTS (
                SELECT 1
                FROM notify.change AS c
                WHERE c.record_match = @record_match COLLATE Latin1_General_BIN2
                    AND c.notification_id = @notification_id
                    AND c.state_stamp = @state_stamp COLLATE Latin1_General_BIN2
                    AND c.state_hash = @state_hash COLLATE Latin1_General_BIN2
            )
        )
    )
    AND (
        @has_key_snapshot = 0 OR kind.operation <> 'U' OR COALESCE(newest.operation, 'U') <> 'D' OR @beat > newest.beat
    )
    AND NOT EXISTS (
        SELECT 1
        FROM notify.change AS c
        WHERE kind.operation = 'D'
            AND c.record_match = @record_match COLLATE Latin1_General_BIN2
            AND c.notification_id = @notification_id
            AND c.operation = 'D'
            AND c.version = judged.version COLLATE Latin1_General_BIN2
    );
GO
