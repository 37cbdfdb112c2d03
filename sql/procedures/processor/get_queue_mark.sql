SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_queue_mark: how far the queue's outcomes are copied.

Result      one row: queue_mark, highest (for read_outcomes' @after; NULL: nothing is copied yet)
*/
CREATE OR ALTER PROCEDURE notify.get_queue_mark
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    SELECT qm.queue_mark AS queue_mark, qm.highest AS highest
    FROM (VALUES (1)) AS one (queue_mark_id)
    LEFT JOIN notify.queue_mark AS qm ON qm.queue_mark_id = one.queue_mark_id;
END;
GO
