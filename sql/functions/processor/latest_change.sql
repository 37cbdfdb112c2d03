SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
latest_change: the last of the states that are recorded of a record for a notification; no row if there is none.

Parameters  @notification_id; @record_match; @is_local: 1 where stamps are local time and no rowversion orders the states;
            @is_alive: 1 leaves deletes out
Returns     change_id, operation, state_stamp, state_hash, created_stamp, beat, state, reason, fields; greatest_stamp: the
            greatest of all recorded stamps

The last state is the one with the greatest stamp; of equal stamps the one recorded last. In local time a state may be up to
60 minutes below an earlier one, in the repeated hour: there the snapshot's beat tells which is later, among the states within
an hour below the greatest stamp. Two seeks in ix_change_record.
*/
CREATE OR ALTER FUNCTION notify.latest_change (
    @notification_id INTEGER,
    @record_match NVARCHAR(450),
    @is_local BIT,
    @is_alive BIT
)
RETURNS TABLE AS RETURN SELECT TOP (1)
    c.change_id AS change_id,
    c.operation AS operation,
    c.state_stamp AS state_stamp,
    c.state_hash AS state_hash,
    c.created_stamp AS created_stamp,
    c.beat AS beat,
    c.state AS state,
    c.reason AS reason,
    c.fields AS fields,
    greatest.state_stamp AS greatest_stamp
FROM (
    SELECT TOP (1) g.state_stamp AS state_stamp
    FROM notify.change AS g
    WHERE g.record_match = @record_match COLLATE Latin1_General_BIN2
        AND g.notification_id = @notification_id
        AND (@is_alive = 0 OR g.operation IN ('I', 'U'))
    ORDER BY g.state_stamp DESC
) AS greatest
JOIN notify.change AS c
    ON c.record_match = @record_match COLLATE Latin1_General_BIN2
        AND c.notification_id = @notification_id
        AND c.state_stamp >= CASE
            /* An hour before the first moment of all there is no time: 517. */
            WHEN @is_local = 1 AND greatest.state_stamp >= '0001-01-02' THEN CONVERT(
                VARCHAR(27),
                DATEADD(MINUTE, -60, TRY_CONVERT(DATETIME2(7), greatest.state_stamp, 121)),
                121
            )
            ELSE greatest.state_stamp
        END
WHERE @is_alive = 0 OR c.operation IN ('I', 'U')
ORDER BY CASE WHEN @is_local = 1 THEN c.beat END DESC, c.state_stamp DESC, c.change_id DESC;
GO
