SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_outcome_copies: the copied hand-overs, a page at a time, for take_outcomes on a restored queue.

Parameters  @after: 0, then the last outcome_copy_id of the page before; @take: rows a page
Result      outcome_copy_id, attempt_id, dedupe_key (64 hex digits), gateway, provider_id, code; fewer than @take: the last page
*/
CREATE OR ALTER PROCEDURE notify.get_outcome_copies @after BIGINT = 0, @take INTEGER = 1000
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    SELECT TOP (@take)
        oc.outcome_copy_id AS outcome_copy_id,
        oc.attempt_id AS attempt_id,
        CONVERT(CHAR(64), oc.dedupe_key, 2) AS dedupe_key,
        oc.gateway AS gateway,
        oc.provider_id AS provider_id,
        oc.code AS code
    FROM notify.outcome_copy AS oc
    WHERE oc.outcome_copy_id > @after
    ORDER BY oc.outcome_copy_id;
END;
GO
