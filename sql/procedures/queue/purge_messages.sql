SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Removes what is over and old, one step of each kind a call: messages that ended, with bodies, attempts and history; alerts that a person has seen;
what persons said of changes in doubt. An alert that nobody has seen stays. The last step puts in line what was queued and in nobody's line.
Decisions and dedupe keys stay for ever: a repeated change stays known, however late. They grow by some 0.1 kB a message and 0.8 kB a change:
sql/README.md says what to do about it, and why no age is safe.

@older_than_days  1 or more
@batch_size       at most so many of each kind, 1 to 4000
@has_more         OUTPUT: as in the result, for a job that calls until nothing is left
Result            purged (messages), alerts, decision_history, has_more (call again)
Errors            50103 a parameter out of range
Locks             those of remove_ended_messages, then each kind by itself, then those of requeue_lost_messages. Of low deadlock priority
*/
CREATE OR ALTER PROCEDURE notify.purge_messages (
    @older_than_days INTEGER,
    @batch_size INTEGER = 1000,
    @has_more BIT = NULL OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET DEADLOCK_PRIORITY LOW;

    DECLARE
        @before DATETIME2(3) = DATEADD(DAY, -@older_than_days, notify.utc_now()),
        @found INTEGER,
        @purged INTEGER,
        @alerts INTEGER,
        @decision_history INTEGER;

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @older_than_days < 1 OR @batch_size IS NULL OR @older_than_days IS NULL
    BEGIN
        THROW 50103, N'purge_messages: @older_than_days must be at least 1, @batch_size 1 to 4000.', 1;
    END;

    EXECUTE notify.remove_ended_messages
        @before = @before,
        @batch_size = @batch_size,
        @found = @found OUTPUT,
        @purged = @purged OUTPUT;

    WITH old AS (
        SELECT TOP (@batch_size) a.alert_id
        FROM notify.alert AS a
        WHERE a.acknowledged_at < @before
        ORDER BY a.acknowledged_at, a.alert_id
    )
    DELETE FROM old;

    SET @alerts = @@ROWCOUNT;

    WITH old AS (
        SELECT TOP (@batch_size) dh.decision_history_id
        FROM notify.decision_history AS dh
        WHERE dh.happened_at < @before
        ORDER BY dh.happened_at, dh.change_key, dh.decision_history_id
    )
    DELETE FROM old;

    SET @decision_history = @@ROWCOUNT;

    SET @has_more = CASE WHEN @batch_size IN (@found, @alerts, @decision_history) THEN 1 ELSE 0 END;

    IF @has_more = 0
    BEGIN
        EXECUTE notify.requeue_lost_messages @batch_size = @batch_size;
    END;

    SELECT purged = @purged, alerts = @alerts, decision_history = @decision_history, has_more = @has_more;
END;
GO
