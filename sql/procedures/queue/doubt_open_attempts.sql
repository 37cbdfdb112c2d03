SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of sweep_messages for attempts whose lease ended without a word of how: their messages are in doubt, with an alert.

@now         the caller's time
@batch_size  at most so many
@in_doubt    OUTPUT: how many
Locks        messages (READPAST), then alerts. A transaction of its own
*/
CREATE OR ALTER PROCEDURE notify.doubt_open_attempts (@now DATETIME2(3), @batch_size INTEGER, @in_doubt INTEGER OUTPUT)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @alerts NVARCHAR(MAX);

    DECLARE @doubtful TABLE (
        message_id BIGINT NOT NULL PRIMARY KEY,
        notification_guid UNIQUEIDENTIFIER NOT NULL
    );

    BEGIN TRY
        BEGIN TRANSACTION;

        WITH doubtful AS (
            SELECT TOP (@batch_size) m.message_id, m.notification_guid, m.state, m.reason
            FROM notify.message AS m WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
            WHERE m.state = 'sending' AND m.next_at <= @now AND m.completed_at IS NULL
            ORDER BY m.state, m.next_at, m.message_id
        )
        UPDATE doubtful
        SET doubtful.state = 'in_doubt', doubtful.reason = N'the sender did not say how the attempt ended'
        OUTPUT inserted.message_id, inserted.notification_guid INTO @doubtful (message_id, notification_guid);

        SET @in_doubt = @@ROWCOUNT;

        IF @in_doubt > 0
        BEGIN
            INSERT notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
            SELECT
                d.message_id,
                happened_at = @now,
                old_state = 'sending',
                new_state = 'in_doubt',
                reason = N'the sender did not say how the attempt ended',
                actor = N'sweep_messages'
            FROM @doubtful AS d;

            SET @alerts = (
                    SELECT
                        kind = 'message_in_doubt',
                        d.notification_guid,
                        occurrences = COUNT(*),
                        message_id = MAX(d.message_id),
                        detail = N'the sender did not say how the attempt ended'
                    FROM @doubtful AS d
                    GROUP BY d.notification_guid
                    FOR JSON PATH
                );

            EXECUTE notify.raise_alerts @alerts = @alerts;
        END;

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
