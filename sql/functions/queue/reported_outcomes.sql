SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
What callers of record_outcomes say, each element by itself; reads no table. In the order of the messages, so that who joins them in a loop locks
them in that order.

@outcomes   as record_outcomes has it
message_id  a number of its own below 0, where the element cannot be recorded
outcome     a word that is none of the four, letter by letter, is unknown, and detail tells it
reason      code and detail, of what was not accepted. Whatever else cannot be read counts as not given
LEFT        no number or id is longer; of a value of more than 4,000 characters TRY_CONVERT may make an error for all, not NULL
defect      why the element cannot be recorded; NULL: it can. Of several for one message an acceptance goes first
*/
CREATE OR ALTER FUNCTION notify.reported_outcomes (@outcomes NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    message_id = CASE WHEN d.defect IS NULL THEN n.message_id ELSE -n.number END,
    n.attempt_id,
    claim_token = TRY_CONVERT(UNIQUEIDENTIFIER, LEFT(n.claim_token, 40)),
    gateway = CONVERT(NVARCHAR(128), n.gateway),
    outcome = CASE WHEN n.is_known = 1 THEN CONVERT(VARCHAR(20), n.outcome) ELSE 'unknown' END,
    is_permanent = COALESCE(TRY_CONVERT(BIT, LEFT(n.is_permanent, 40)), 0),
    provider_id = CONVERT(NVARCHAR(400), n.provider_id),
    code = CONVERT(VARCHAR(20), n.code),
    d.detail,
    /* What was not handed over has no code, and may have no detail: then there is no reason. */
    reason = CASE
        WHEN n.outcome <> N'accepted' OR n.is_known = 0 THEN CONVERT(
            NVARCHAR(400),
            NULLIF(LTRIM(CONCAT(CONVERT(VARCHAR(20), n.code), N' ', d.detail)), N'')
        )
    END,
    retry_after_seconds = TRY_CONVERT(INTEGER, LEFT(n.retry_after_seconds, 40)),
    d.defect
FROM (
    SELECT
        c.message_id,
        c.attempt_id,
        c.is_known,
        given_message_id = j.message_id,
        given_attempt_id = j.attempt_id,
        j.claim_token,
        j.gateway,
        j.outcome,
        j.is_permanent,
        j.provider_id,
        j.code,
        j.detail,
        j.retry_after_seconds,
        number = ROW_NUMBER() OVER (ORDER BY c.message_id, c.rank),
        message_before = LAG(c.message_id) OVER (ORDER BY c.message_id, c.rank)
    FROM OPENJSON(@outcomes) WITH (
        message_id NVARCHAR(MAX),
        attempt_id NVARCHAR(MAX),
        claim_token NVARCHAR(MAX),
        gateway NVARCHAR(MAX),
        outcome NVARCHAR(MAX),
        is_permanent NVARCHAR(MAX),
        provider_id NVARCHAR(MAX),
        code NVARCHAR(MAX),
        detail NVARCHAR(MAX),
        retry_after_seconds NVARCHAR(MAX)
    ) AS j
    CROSS APPLY ( VALUES (
        TRY_CONVERT(BIGINT, LEFT(j.message_id, 40)),
        TRY_CONVERT(UNIQUEIDENTIFIER, LEFT(j.attempt_id, 40)),
        CASE
            WHEN j.outcome COLLATE Latin1_General_BIN2 IN (
                N'accepted',
                N'refused',
                N'not_handed_over',
                N'unknown'
            ) THEN 1
            ELSE 0
        END,
        CASE WHEN j.outcome COLLATE Latin1_General_BIN2 = N'accepted' THEN 0 ELSE 1 END
    )) AS c (message_id, attempt_id, is_known, rank)
) AS n
CROSS APPLY ( VALUES (
    CASE
        WHEN n.message_id IS NULL OR n.message_id < 1 THEN N'no number of a message'
        WHEN n.attempt_id IS NULL THEN N'no id of an attempt'
        WHEN n.message_before = n.message_id THEN N'the message is there twice in this call'
    END
)) AS f (defect)
CROSS APPLY ( VALUES (
    f.defect,
    CONVERT(
        NVARCHAR(1000),
        CASE
            WHEN f.defect IS NOT NULL THEN CONCAT(
                f.defect,
                N': message ',
                n.given_message_id,
                N', attempt ',
                n.given_attempt_id,
                N', ',
                n.outcome,
                N' ',
                n.detail
            )
            WHEN n.is_known = 1 THEN n.detail
            ELSE CONCAT(N'no such outcome: ', n.outcome, N' ', n.detail)
        END
    )
)) AS d (defect, detail);
GO
