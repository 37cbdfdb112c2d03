SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of purge_messages that removes messages which ended, with bodies, attempts and history, in one transaction. Each decision counts what was
removed of it: to the audit, a message that is not there and was not purged is missing.

@before      ended before
@batch_size  at most so many
@found       OUTPUT: so many had ended, at most @batch_size        @purged  OUTPUT: of them, removed
Locks        decisions in key order, messages by message_id, then the rest, as everybody
*/
CREATE OR ALTER PROCEDURE notify.remove_ended_messages (
    @before DATETIME2(3),
    @batch_size INTEGER,
    @found INTEGER OUTPUT,
    @purged INTEGER OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @locked INTEGER;

    DECLARE @ended TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY
    );

    DECLARE @change TABLE (
        change_key BINARY(32) NOT NULL PRIMARY KEY
    );

    DECLARE @old TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        created_date DATE NOT NULL,
        change_key BINARY(32) NOT NULL
    );

    BEGIN TRY
        BEGIN TRANSACTION;

        INSERT @ended (message_id)
        SELECT TOP (@batch_size) m.message_id
        FROM notify.message AS m
        WHERE m.completed_at < @before
        ORDER BY m.completed_at, m.message_id;

        SET @found = @@ROWCOUNT;

        /* The decisions first, in their order; what is counted on them is read once the messages are locked. */
        INSERT @change (change_key)
        SELECT m.change_key
        FROM @ended AS e
        JOIN notify.message AS m ON m.message_id = e.message_id
        UNION
        SELECT sm.change_key
        FROM @ended AS e
        JOIN notify.shared_message AS sm ON sm.message_id = e.message_id
        OPTION (LOOP JOIN);

        SELECT @locked = COUNT(*)
        FROM @change AS c
        JOIN notify.decision AS d WITH (UPDLOCK, ROWLOCK) ON d.change_key = c.change_key
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @change from its first key to its last, as who enqueues */

        /* One may have been put back in line meanwhile, and none is any more. */
        INSERT @old (message_id, created_date, change_key)
        SELECT m.message_id, m.created_date, m.change_key
        FROM @ended AS e
        JOIN notify.message AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON m.message_id = e.message_id
        WHERE m.completed_at < @before
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1);

        SET @purged = @@ROWCOUNT;

        UPDATE d
        SET d.purged_count = d.purged_count + gone.messages
        FROM (
            SELECT found.change_key, messages = COUNT(*)
            FROM (
                SELECT o.change_key FROM @old AS o
                UNION ALL
                SELECT sm.change_key
                FROM @old AS o
                JOIN notify.shared_message AS sm ON sm.message_id = o.message_id
            ) AS found
            GROUP BY found.change_key
        ) AS gone
        JOIN notify.decision AS d WITH (ROWLOCK) ON d.change_key = gone.change_key
        OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1);

        /* Row by row, and the foreign key's check too: a page or a scan would also lock what senders work on. */
        DELETE a
        FROM @old AS o
        JOIN notify.attempt AS a WITH (ROWLOCK) ON a.message_id = o.message_id
        OPTION (FORCE ORDER, LOOP JOIN);

        DELETE sm
        FROM @old AS o
        JOIN notify.shared_message AS sm WITH (ROWLOCK) ON sm.message_id = o.message_id
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
END;
GO
