SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Makes a restored queue trustworthy again, after take_outcomes has taken whatever outcomes were copied elsewhere. What may have been handed
over between the backup and the loss is put in doubt, for a person to settle (release_message, release_change); then the queue takes this
server's mark.

@lost_at     UTC, by the queue's clock: when the lost queue was last alive
@changes     JSON array of changes ever claimed by the processor: change_key, notification_guid, notification_name, record_key, record_match,
             operation, shown_stamp. Those the queue does not know are decided 'in_doubt', so that none is generated twice.
@more_changes  1: @changes is a page, and others follow: nothing is done but these changes. The last call has 0, and needs no @changes
@batch_size  at most so many messages a call, 1 to 4000; has_more: call again with the same @lost_at. The mark is taken by the last call.
Repeated     after whatever was cut off: begin again with the first page of changes.
Result       messages_in_doubt, changes_in_doubt, has_more
Errors       50101 the recovery fork cannot be seen, so no mark could be taken; 50103 a parameter out of range, 50106 the queue is trusted
             already
*/
CREATE OR ALTER PROCEDURE notify.recover_queue (
    @lost_at DATETIME2(3),
    @changes NVARCHAR(MAX),
    @by NVARCHAR(128),
    @batch_size INTEGER = 1000,
    @more_changes BIT = 0
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @now DATETIME2(3) = notify.utc_now(),
        @found INTEGER = 0,
        @messages_in_doubt INTEGER = 0,
        @changes_in_doubt INTEGER;

    IF @batch_size NOT BETWEEN 1 AND 4000 OR @batch_size IS NULL OR @lost_at IS NULL OR @more_changes IS NULL
    BEGIN
        THROW 50103, N'recover_queue: @lost_at and @more_changes must be given, @batch_size must be 1 to 4000.', 1;
    END;

    IF EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)
    BEGIN
        THROW 50106, N'recover_queue: this queue is the one that was marked: there is nothing to recover.', 1;
    END;

    IF NOT EXISTS (SELECT 1 / 0 FROM notify.live_fork AS lf WHERE lf.live_fork_guid IS NOT NULL)
    BEGIN
        THROW 50101, N'recover_queue: this login cannot see the recovery fork, so the queue could not be marked. Grant VIEW ANY DATABASE.', 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        EXECUTE notify.doubt_changes @changes = @changes, @now = @now, @changes_in_doubt = @changes_in_doubt OUTPUT;

        IF @more_changes = 0
        BEGIN
            EXECUTE notify.doubt_due_messages
                @lost_at = @lost_at,
                @by = @by,
                @batch_size = @batch_size,
                @now = @now,
                @found = @found OUTPUT,
                @messages_in_doubt = @messages_in_doubt OUTPUT;
        END;

        IF @found < @batch_size AND @more_changes = 0
        BEGIN
            UPDATE qi
            SET qi.recovery_fork_guid = lf.live_fork_guid, qi.marked_at = @now
            FROM notify.queue_identity AS qi
            CROSS JOIN notify.live_fork AS lf;
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

    SELECT
        messages_in_doubt = @messages_in_doubt,
        changes_in_doubt = @changes_in_doubt,
        has_more = CONVERT (BIT, CASE WHEN @found = @batch_size OR @more_changes = 1 THEN 1 ELSE 0 END);
END;
GO
