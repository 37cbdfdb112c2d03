SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
claim_batch: takes due changes of one notification under a lease.

Parameters  @run_id; @worker: who takes them; @batch_size: at most so many changes; @lease_seconds: how long they are the
            worker's own, by this server's clock
Results     1  no row, or one: batch_id, lease_token, notification_name, notification_guid, policy, priority, channels (JSON array
               of {channel, template}), request (JSON for extract_changes), leased_until, change_count
            2  the changes: change_number (a label within this batch's calls), change_key (64 hex digits), record_key,
               record_match, operation, version, state_stamp, state_hash, beat (of the snapshot that showed it), detected_at,
               expires_in_seconds (NULL: never)
Errors      none of its own
Locks       those of take_changes, which says whose turn it is
*/
CREATE OR ALTER PROCEDURE notify.claim_batch
    @run_id BIGINT,
    @worker NVARCHAR(128),
    @batch_size INTEGER = 100,
    @lease_seconds INTEGER = 300
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @batch_id UNIQUEIDENTIFIER;
    DECLARE @changes NVARCHAR(MAX);

    EXECUTE notify.take_changes
        @run_id = @run_id,
        @worker = @worker,
        @batch_size = @batch_size,
        @lease_seconds = @lease_seconds,
        @now = @now,
        @batch_id = @batch_id OUTPUT;

    SET @changes = (
            SELECT
                c.change_id AS change_number,
                JSON_QUERY(c.record_key) AS [key],
                c.operation AS operation,
                JSON_QUERY(CASE WHEN c.operation = 'D' THEN c.fields END) AS fields,
                c.version AS version
            FROM notify.change AS c
            WHERE c.batch_id = @batch_id AND c.state = 'claimed'
            ORDER BY c.change_id
            FOR JSON PATH
        );

    SELECT
        b.batch_id AS batch_id,
        b.lease_token AS lease_token,
        n.name AS notification_name,
        n.notification_guid AS notification_guid,
        n.policy AS policy,
        n.priority AS priority,
        (
            SELECT nc.channel AS channel, nc.template AS template
            FROM notify.notification_channel AS nc
            WHERE nc.notification_id = b.notification_id
            ORDER BY nc.channel
            FOR JSON PATH
        ) AS channels,
        notify.extract_request(b.notification_id, @changes) AS request,
        b.leased_until AS leased_until,
        b.change_count AS change_count
    FROM notify.batch AS b
    JOIN notify.notification AS n ON n.notification_id = b.notification_id
    WHERE b.batch_id = @batch_id;

    SELECT
        c.change_id AS change_number,
        CONVERT(CHAR(64), c.change_key, 2) AS change_key,
        c.record_key AS record_key,
        c.record_match AS record_match,
        c.operation AS operation,
        c.version AS version,
        c.state_stamp AS state_stamp,
        c.state_hash AS state_hash,
        c.beat AS beat,
        c.detected_at AS detected_at,
        CASE
            WHEN n.expires_after_minutes IS NOT NULL THEN CASE
                WHEN age.seconds < n.expires_after_minutes * 60 THEN n.expires_after_minutes * 60 - age.seconds
                ELSE 0
            END
        END AS expires_in_seconds
    FROM notify.change AS c
    JOIN notify.notification AS n ON n.notification_id = c.notification_id
    CROSS APPLY (
        SELECT DATEDIFF(SECOND, c.detected_at, @now) AS seconds
    ) AS age
    WHERE c.batch_id = @batch_id AND c.state = 'claimed'
    ORDER BY c.change_id;
END;
GO
