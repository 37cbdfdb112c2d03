SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Messages that a person may have to do something about, oldest first, a page at a time. Of changes in doubt, whose messages nobody knows,
get_changes_in_doubt tells.

@state   a message's state: open ones all, ended ones of the last @hours
         attention  those that wait for a person: in doubt or held, and failed within @hours
         stuck      their time (due, or end of lease) was @stuck_minutes ago or more, and nothing happened: no sender runs, or none of
                    this channel
@notification_guid  NULL: any
@after   0, then the last message_id of the page before        @take  at most so many, 1 to 4000
Result   message_id, state, is_stuck, reason, notification_guid, notification_name, record_key, operation, change_key (64 hex digits),
         recipient_key, channel, address, created_at, next_at (due, or end of lease), completed_at, attempt_count; of the latest
         attempt: attempt_id, gateway, attempted_at, attempt_outcome (NULL: open), code, detail. Fewer than @take: the last page.
Errors   50103 a parameter out of range, 50107 no such state
*/
CREATE OR ALTER PROCEDURE notify.get_messages (
    @state VARCHAR(10) = 'attention',
    @notification_guid UNIQUEIDENTIFIER = NULL,
    @after BIGINT = 0,
    @take INTEGER = 100,
    @hours INTEGER = 24,
    @stuck_minutes INTEGER = 15
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @now DATETIME2(3) = notify.utc_now(),
        @ended_since DATETIME2(3),
        @stuck_since DATETIME2(3),
        @text NVARCHAR(400);

    DECLARE @wanted TABLE (
        state VARCHAR(10) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
        stuck_only BIT NOT NULL
    );

    DECLARE @page TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    IF @take IS NULL
       OR @take NOT BETWEEN 1 AND 4000
       OR @hours IS NULL
       OR @hours NOT BETWEEN 1 AND 87600
       OR @stuck_minutes IS NULL
       OR @stuck_minutes NOT BETWEEN 0 AND 525600
    BEGIN
        THROW 50103, N'get_messages: @take must be 1 to 4000, @hours 1 to 87600, @stuck_minutes 0 to 525600.', 1;
    END;

    SET @ended_since = DATEADD(HOUR, -@hours, @now);
    SET @stuck_since = DATEADD(MINUTE, -@stuck_minutes, @now);

    INSERT @wanted (state, stuck_only)
    SELECT s.state, s.stuck_only FROM notify.asked_states(@state) AS s;

    IF NOT EXISTS (SELECT 1 / 0 FROM @wanted AS w)
    BEGIN
        SET @text = CONCAT(N'get_messages: state ', @state, N' is unknown: a state of a message, attention or stuck.');
        THROW 50107, @text, 1;
    END;

    /* Open ones by ix_message_open, ended ones by ix_message_completed, in narrow rows; both are sorted for the page: a person's rare question,
       worth a plan of its own. One for any @hours would rather read the table. */
    INSERT @page (message_id)
    SELECT TOP (@take) found.message_id
    FROM (
        SELECT m.message_id
        FROM @wanted AS w
        JOIN notify.message AS m ON m.state = w.state
        WHERE m.completed_at IS NULL
            AND (w.stuck_only = 0 OR m.next_at <= @stuck_since)
            AND m.message_id > @after
            AND (@notification_guid IS NULL OR m.notification_guid = @notification_guid)
        UNION ALL
        SELECT m.message_id
        FROM notify.message AS m
        JOIN @wanted AS w ON w.state = m.state
        WHERE m.completed_at IS NOT NULL
            AND m.completed_at >= @ended_since
            AND m.message_id > @after
            AND (@notification_guid IS NULL OR m.notification_guid = @notification_guid)
    ) AS found
    ORDER BY found.message_id
    OPTION (RECOMPILE);

    SELECT
        m.message_id,
        m.state,
        is_stuck = CONVERT(
            BIT,
            CASE
                WHEN m.state IN ('scheduled', 'queued', 'claimed', 'sending', 'retrying')
                AND m.next_at <= @stuck_since THEN 1
                ELSE 0
            END
        ),
        m.reason,
        m.notification_guid,
        d.notification_name,
        d.record_key,
        d.operation,
        change_key = CONVERT(CHAR(64), m.change_key, 2),
        m.recipient_key,
        m.channel,
        m.address,
        m.created_at,
        m.next_at,
        m.completed_at,
        m.attempt_count,
        m.attempt_id,
        a.gateway,
        attempted_at = a.begun_at,
        attempt_outcome = a.outcome,
        a.code,
        a.detail
    FROM @page AS p
    JOIN notify.message AS m ON m.message_id = p.message_id
    LEFT JOIN notify.decision AS d ON d.change_key = m.change_key
    LEFT JOIN notify.attempt AS a ON a.message_id = m.message_id AND a.attempt_id = m.attempt_id
    ORDER BY m.message_id;
END;
GO
