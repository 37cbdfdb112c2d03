SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_audited_changes: the recorded changes, a page at a time, for the audit to find each one's messages in the queue by key.
Read after the replica and before the queue: the queue's word outweighs this one.

Parameters  @after_change_number: 0, then the last change_number of the page before; @take: rows a page
Result      change_number, change_key (64 hex digits), notification_name, record_key, operation, state, reason, message_count,
            bucket: pending (pending, claimed, waiting), explained (skipped, superseded, failed: with a reason), queue (enqueued:
            the queue says what became of its messages); was_claimed: a worker has held it, so the queue may have decided it
            though this server never heard of that: ask the queue, its word counts if it has one. Ordered by change_number; fewer
            than @take rows: the last page.
Errors      none of its own
Locks       none held
*/
CREATE OR ALTER PROCEDURE notify.get_audited_changes @after_change_number BIGINT = 0, @take INTEGER = 1000
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    SELECT TOP (@take)
        c.change_id AS change_number,
        CONVERT(CHAR(64), c.change_key, 2) AS change_key,
        n.name AS notification_name,
        c.record_key AS record_key,
        c.operation AS operation,
        c.state AS state,
        c.reason AS reason,
        c.message_count AS message_count,
        CASE
            WHEN c.state IN ('pending', 'claimed', 'waiting') THEN 'pending'
            WHEN c.state = 'enqueued' THEN 'queue'
            ELSE 'explained'
        END AS bucket,
        CONVERT(BIT, CASE WHEN c.first_claimed_at IS NULL THEN 0 ELSE 1 END) AS was_claimed
    FROM notify.change AS c
    JOIN notify.notification AS n ON n.notification_id = c.notification_id
    WHERE c.change_id > @after_change_number
    ORDER BY c.change_id;
END;
GO
