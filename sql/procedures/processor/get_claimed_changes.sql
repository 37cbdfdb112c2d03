SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_claimed_changes: the changes that a worker has ever held, a page at a time, for recover_queue: what the restored queue does not
know of them may have been sent.

Parameters  @after: 0, then the last change_number of the page before; @take: rows a page
Result      change_number, change_key (64 hex digits), notification_guid, notification_name, record_key, record_match, operation, shown_stamp
            (policy latest: the latest state that its messages may have shown);
            fewer than @take: the last page
Asked for once in the life of a queue: the clustered index is read in its order, and no other one is kept for it.
*/
CREATE OR ALTER PROCEDURE notify.get_claimed_changes @after BIGINT = 0, @take INTEGER = 1000
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    SELECT TOP (@take)
        c.change_id AS change_number,
        CONVERT(CHAR(64), c.change_key, 2) AS change_key,
        n.notification_guid AS notification_guid,
        n.name AS notification_name,
        c.record_key AS record_key,
        c.record_match AS record_match,
        c.operation AS operation,
        CASE
            WHEN n.policy = 'latest' AND c.operation IN ('I', 'U') THEN COALESCE(c.shown_stamp, c.state_stamp)
        END AS shown_stamp
    FROM notify.change AS c
    JOIN notify.notification AS n ON n.notification_id = c.notification_id
    WHERE c.first_claimed_at IS NOT NULL AND c.change_id > @after
    ORDER BY c.change_id;
END;
GO
