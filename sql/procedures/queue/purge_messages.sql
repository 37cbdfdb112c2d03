SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Removes messages that ended long ago, with bodies, attempts and history. Decisions and dedupe keys stay: a repeated change stays known.
Each decision counts what was removed of it: to the audit, a message that is not there and was not purged is missing. What stays
grows by some 0.1 kB a message and 0.8 kB a change, for ever: sql/README.md says what to do about it, and why no age is safe.

@older_than_days  1 or more
@batch_size       at most so many messages, 1 to 4000
@has_more         OUTPUT: as in the result, for a job that calls until nothing is left
Result            purged, has_more (call again)
Errors            50103 a parameter out of range
Locks             messages (READPAST), decisions in key order, then the rest: messages first, unlike all others. A deadlock with who enqueues
                  (1205) is this one's, by its priority: call again
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

    DECLARE @cutoff DATETIME2(3) = DATEADD(DAY, -@older_than_days, notify.utc_now()), @purged INTEGER;

    DECLARE @old TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        created_date DATE NOT NULL
    );

    DECLARE @gone TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY,
        messages INTEGER NOT NULL
    );

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @older_than_days < 1 OR @batch_size IS NULL OR @older_than_days IS NULL
    BEGIN
        THROW 50103, N'purge_messages: @older_than_days must be at least 1, @batch_size 1 to 4000.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        /* Locked, so that none is put back in line while it is being removed. */
        INSERT @old (message_id, created_date)
        SELECT TOP (@batch_size) m.message_id, m.created_date
        FROM notify.message AS m WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
        WHERE m.completed_at < @cutoff
        ORDER BY m.completed_at, m.message_id;

        SET @purged = @@ROWCOUNT;

        INSERT @gone (change_key, messages)
        SELECT found.change_key, messages = COUNT(*)
        FROM (
            SELECT m.change_key
            FROM @old AS o
            JOIN notify.message AS m ON m.message_id = o.message_id
            UNION ALL
            SELECT sm.change_key
            FROM @old AS o
            JOIN notify.shared_message AS sm ON sm.message_id = o.message_id
        ) AS found
        GROUP BY found.change_key
        OPTION (LOOP JOIN);

        UPDATE d
        SET d.purged_count = d.purged_count + g.messages
        FROM @gone AS g
        JOIN notify.decision AS d WITH (ROWLOCK) ON d.change_key = g.change_key
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @gone from its first key to its last, as who enqueues */

        /* Row by row, and the foreign key's check too: a page or a scan would also lock what senders work on. */
        DELETE sm
        FROM @old AS o
        JOIN notify.shared_message AS sm WITH (ROWLOCK) ON sm.message_id = o.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

        DELETE a
        FROM @old AS o
        JOIN notify.attempt AS a WITH (ROWLOCK) ON a.message_id = o.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

        DELETE mh
        FROM @old AS o
        JOIN notify.message_history AS mh WITH (ROWLOCK) ON mh.message_id = o.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

        DELETE mb
        FROM @old AS o
        JOIN notify.message_body AS mb WITH (ROWLOCK)
            ON mb.created_date = o.created_date AND mb.message_id = o.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

        DELETE m
        FROM @old AS o
        JOIN notify.message AS m WITH (ROWLOCK) ON m.message_id = o.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SET @has_more = CASE WHEN @purged = @batch_size THEN 1 ELSE 0 END;

    SELECT purged = @purged, has_more = @has_more;
END;
GO
