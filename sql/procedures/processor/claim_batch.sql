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
Locks       change rows that no rival has locked (READPAST), the new batch row

The notification with the highest priority goes first, then the one whose oldest change has been due longest; within it, the
order of ix_change_due. One UPDATE claims; a rival skips what is locked and takes what is next.
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
    DECLARE @notification_id INTEGER;
    DECLARE @batch_id UNIQUEIDENTIFIER;
    DECLARE @claimed INTEGER = 0;
    DECLARE @tries INTEGER = 0;
    DECLARE @changes NVARCHAR(MAX);

    BEGIN TRY
        /* A rival may take the last due changes between the choice and the claim: then the next choice differs. */
        WHILE @claimed = 0 AND @tries < 5
        BEGIN
            SET @tries += 1;
            SET @notification_id = (
                    SELECT TOP (1) n.notification_id
                    FROM notify.notification AS n
                    CROSS APPLY (
                        SELECT TOP (1) c.due_at AS due_at
                        FROM notify.change AS c WITH (READPAST, READCOMMITTEDLOCK)
                        WHERE c.notification_id = n.notification_id
                            AND c.state IN ('pending', 'waiting')
                            AND c.due_at <= @now
                        ORDER BY c.due_at, c.change_id
                    ) AS oldest
                    WHERE n.state = 'active'
                    ORDER BY n.priority, oldest.due_at, n.notification_id
                );

            IF @notification_id IS NULL
                BREAK;

            SET @batch_id = NEWID();

            BEGIN TRANSACTION;

            INSERT INTO notify.batch (
                batch_id,
                lease_token,
                notification_id,
                run_id,
                worker,
                state,
                change_count,
                claimed_at,
                leased_until
            )
            VALUES (
                @batch_id,
                NEWID(),
                @notification_id,
                @run_id,
                @worker,
                'open',
                0,
                @now,
                DATEADD(SECOND, @lease_seconds, @now)
            );

            WITH due AS (
                SELECT TOP (@batch_size) c.change_id, c.state, c.reason, c.batch_id, c.claim_count, c.first_claimed_at
                FROM notify.change AS c WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
                WHERE c.notification_id = @notification_id AND c.state IN ('pending', 'waiting') AND c.due_at <= @now
                ORDER BY c.due_at, c.change_id
            )
            UPDATE due
            SET
                due.state = 'claimed',
                due.reason = NULL,
                due.batch_id = @batch_id,
                due.claim_count = due.claim_count + 1,
                due.first_claimed_at = COALESCE(due.first_claimed_at, @now)
            OUTPUT deleted.change_id, deleted.state, inserted.state, inserted.batch_id, @run_id, @now
            INTO notify.change_history (change_id, from_state, to_state, batch_id, run_id, changed_at);
            SET @claimed = @@ROWCOUNT;

            IF @claimed = 0
            BEGIN
                ROLLBACK TRANSACTION;
                SET @batch_id = NULL;
            END;
            ELSE
            BEGIN
                UPDATE b
                SET b.change_count = @claimed
                FROM notify.batch AS b
                WHERE b.batch_id = @batch_id;

                COMMIT TRANSACTION;
            END;
        END;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

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
