SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of record_outcomes for what is not on the common way (begun, accepted, sent), within its transaction and after the new states are
there: attempts that were never begun, ready rows, history, alerts.

@outcomes  JSON array: message_id, attempt_id, attempt_number, gateway, outcome, is_permanent, provider_id, code, detail, is_begun,
           old_state (left out: no such message), new_state (left out: as it was), reason, defect (why it is not recorded; else left out)
@now       the caller's time
Locks      attempts and ready rows of messages that the caller has locked, then alerts. A ready row that a claim is taking is left to it:
           the claim waits for the message, and finds it sent.
*/
CREATE OR ALTER PROCEDURE notify.record_unusual_outcomes (@outcomes NVARCHAR(MAX), @now DATETIME2(3))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @alerts NVARCHAR(MAX);

    DECLARE @outcome TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        old_state VARCHAR(10) NULL,
        new_state VARCHAR(10) NULL,
        reason NVARCHAR(400) NULL,
        detail NVARCHAR(1000) NULL,
        defect NVARCHAR(100) NULL
    );

    INSERT @outcome (message_id, old_state, new_state, reason, detail, defect)
    SELECT j.message_id, j.old_state, j.new_state, j.reason, j.detail, j.defect
    FROM OPENJSON(@outcomes) WITH (
        message_id BIGINT,
        old_state VARCHAR(10),
        new_state VARCHAR(10),
        reason NVARCHAR(400),
        detail NVARCHAR(1000),
        defect NVARCHAR(100)
    ) AS j;

    INSERT notify.attempt (
        message_id,
        attempt_id,
        attempt_number,
        gateway,
        begun_at,
        closed_at,
        outcome,
        is_permanent,
        provider_id,
        code,
        detail
    )
    SELECT
        j.message_id,
        j.attempt_id,
        j.attempt_number,
        gateway = COALESCE(j.gateway, N'unknown'),
        begun_at = @now,
        closed_at = @now,
        j.outcome,
        j.is_permanent,
        j.provider_id,
        j.code,
        j.detail
    FROM OPENJSON(@outcomes) WITH (
        message_id BIGINT,
        attempt_id UNIQUEIDENTIFIER,
        attempt_number SMALLINT,
        gateway NVARCHAR(128),
        outcome VARCHAR(20),
        is_permanent BIT,
        provider_id NVARCHAR(400),
        code VARCHAR(20),
        detail NVARCHAR(1000),
        is_begun BIT,
        old_state VARCHAR(10)
    ) AS j
    WHERE j.is_begun = 0 AND j.old_state IS NOT NULL AND j.outcome <> 'not_handed_over';

    DELETE r
    FROM @outcome AS o
    JOIN notify.message AS m ON m.message_id = o.message_id
    JOIN notify.ready AS r WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
        ON r.channel = m.channel AND r.priority = m.priority AND r.message_id = m.message_id
    WHERE o.old_state = 'queued' AND o.new_state = 'sent'
    OPTION (FORCE ORDER, LOOP JOIN);

    INSERT notify.ready (channel, priority, message_id)
    SELECT m.channel, m.priority, m.message_id
    FROM @outcome AS o
    JOIN notify.message AS m ON m.message_id = o.message_id
    WHERE o.new_state = 'queued'
    OPTION (FORCE ORDER, LOOP JOIN);

    INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
    SELECT o.message_id, happened_at = @now, o.old_state, o.new_state, o.reason, actor = N'record_outcomes'
    FROM @outcome AS o
    WHERE o.new_state <> 'queued' AND (o.old_state <> 'sending' OR o.new_state <> 'sent');

    SET @alerts = (
            SELECT
                told.kind,
                told.notification_guid,
                occurrences = COUNT(*),
                message_id = MAX(told.message_id),
                detail = MAX(told.detail)
            FROM (
                SELECT
                    kind = CASE o.new_state WHEN 'failed' THEN 'message_failed' ELSE 'message_in_doubt' END,
                    m.notification_guid,
                    o.message_id,
                    detail = o.reason
                FROM @outcome AS o
                JOIN notify.message AS m WITH (FORCESEEK) ON m.message_id = o.message_id
                WHERE o.new_state IN ('failed', 'in_doubt')
                UNION ALL
                SELECT
                    kind = 'outcome_not_recorded',
                    notification_guid = CONVERT(UNIQUEIDENTIFIER, '00000000-0000-0000-0000-000000000000'),
                    message_id = NULL,
                    o.detail
                FROM @outcome AS o
                WHERE o.defect IS NOT NULL
            ) AS told
            GROUP BY told.kind, told.notification_guid
            FOR JSON PATH
        );

    IF @alerts IS NOT NULL
    BEGIN
        EXECUTE notify.raise_alerts @alerts = @alerts;
    END;
END;
GO
