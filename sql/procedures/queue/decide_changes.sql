SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of enqueue_messages that stores the decisions, within its transaction: the first word on a change stands.

@changes  as there
@now      the caller's time
@decided  OUTPUT, JSON array: change_key (64 hex digits), is_first (decided here), outcome (of these alone)
Errors    50102 more than 100 changes
Locks     decision by key range, in key order: a rival with the same change waits
*/
CREATE OR ALTER PROCEDURE notify.decide_changes (
    @changes NVARCHAR(MAX),
    @now DATETIME2(3),
    @decided NVARCHAR(MAX) OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @change TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        is_decided BIT NOT NULL
    );

    DECLARE @first TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        outcome VARCHAR(10) NOT NULL
    );

    INSERT @change (change_key, is_decided)
    SELECT change_key = CONVERT(BINARY(32), j.change_key, 2), is_decided = 0
    FROM OPENJSON(@changes) WITH (
        change_key CHAR(64)
    ) AS j;

    IF @@ROWCOUNT > 100
    BEGIN
        THROW 50102, N'More than 100 changes in one call of enqueue_messages: send them in several calls.', 1;
    END;

    UPDATE c
    SET c.is_decided = 1
    FROM @change AS c
    JOIN notify.decision AS d WITH (UPDLOCK, SERIALIZABLE, FORCESEEK) ON d.change_key = c.change_key
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @change from its first key to its last */

    INSERT notify.decision (
        change_key,
        notification_guid,
        notification_name,
        record_key,
        record_match,
        operation,
        outcome,
        reason,
        message_count,
        decided_at
    )
    OUTPUT inserted.change_key, inserted.outcome INTO @first (change_key, outcome)
    SELECT
        c.change_key,
        j.notification_guid,
        j.notification_name,
        j.record_key,
        j.record_match,
        j.operation,
        outcome = COALESCE(told.outcome, j.outcome),
        reason = COALESCE(told.reason, j.reason),
        message_count = CASE
            WHEN j.outcome = 'messages' AND told.outcome IS NULL THEN (SELECT COUNT(*) FROM OPENJSON(j.messages) AS m)
            ELSE 0
        END,
        decided_at = @now
    FROM OPENJSON(@changes) WITH (
        change_key CHAR(64),
        notification_guid UNIQUEIDENTIFIER,
        notification_name NVARCHAR(128),
        record_key NVARCHAR(450),
        record_match NVARCHAR(450),
        operation CHAR(1),
        policy VARCHAR(10),
        shown_stamp VARCHAR(27),
        outcome VARCHAR(10),
        reason NVARCHAR(400),
        messages NVARCHAR(MAX) AS JSON
    ) AS j
    JOIN @change AS c ON c.change_key = CONVERT(BINARY(32), j.change_key, 2) AND c.is_decided = 0
    OUTER APPLY (
        SELECT d.outcome, d.reason
        FROM notify.state_in_doubt(j.notification_guid, j.record_match, j.shown_stamp) AS d
        WHERE j.policy = 'latest' AND j.operation IN ('I', 'U') AND j.outcome = 'messages'
    ) AS told
    OPTION (FORCE ORDER, LOOP JOIN); /* the document is read once, and @change sought: never the other way round */

    SET @decided = (
            SELECT
                change_key = CONVERT(CHAR(64), c.change_key, 2),
                is_first = CONVERT(BIT, CASE WHEN f.change_key IS NULL THEN 0 ELSE 1 END),
                f.outcome
            FROM @change AS c
            LEFT JOIN @first AS f ON f.change_key = c.change_key
            FOR JSON PATH
        );
END;
GO
