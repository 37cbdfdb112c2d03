SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A person's word on a message in doubt, or on one that is held.

@verdict  send    hand it over (again): the attempts so far count as released, a second copy would be that person's
          sent    it has arrived, for instance by the provider's own log
          failed  it has not, and shall not
@by       who says so        @reason  why
Result    message_id, state
Errors    50104 no such message, or it is neither in doubt nor held; 50105 unknown verdict
*/
CREATE OR ALTER PROCEDURE notify.release_message (
    @message_id BIGINT,
    @verdict VARCHAR(10),
    @by NVARCHAR(128),
    @reason NVARCHAR(400)
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @now DATETIME2(3) = notify.utc_now(),
        @old_state VARCHAR(10),
        @new_state VARCHAR(10) = CASE @verdict
            WHEN 'send' THEN 'queued'
            WHEN 'sent' THEN 'sent'
            WHEN 'failed' THEN 'failed'
        END,
        @text NVARCHAR(400);

    IF @new_state IS NULL
    BEGIN
        SET @text = CONCAT(N'release_message: verdict ', @verdict, N' is unknown: send, sent or failed.');
        THROW 50105, @text, 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        SELECT @old_state = m.state FROM notify.message AS m WITH (UPDLOCK, ROWLOCK) WHERE m.message_id = @message_id;

        IF @old_state IS NULL OR @old_state NOT IN ('in_doubt', 'held')
        BEGIN
            SET @text = CONCAT(
                    N'release_message: message ',
                    @message_id,
                    N' is ',
                    COALESCE(@old_state, N'not there'),
                    N': only one in doubt or held can be released.'
                );
            THROW 50104, @text, 1;
        END;

        UPDATE a
        SET a.released_at = @now, a.released_by = @by
        FROM notify.attempt AS a
        WHERE a.message_id = @message_id AND a.released_at IS NULL AND @new_state = 'queued';

        UPDATE m
        SET
            m.state = @new_state,
            m.reason = @reason,
            m.next_at = @now,
            m.claim_token = NULL,
            m.completed_at = CASE WHEN @new_state <> 'queued' THEN @now END
        OUTPUT inserted.message_id, @now, @old_state, inserted.state, inserted.reason, @by
        INTO notify.message_history (message_id, happened_at, old_state, new_state, reason, actor)
        FROM notify.message AS m
        WHERE m.message_id = @message_id AND m.state = @old_state;

        INSERT notify.ready (channel, priority, message_id)
        SELECT m.channel, m.priority, m.message_id
        FROM notify.message AS m
        WHERE m.message_id = @message_id
            AND m.state = 'queued'
            /* One that a claim left behind, cut off while the message was being held. Waits for a claim that is dropping it: a row
               of an older version, believed in, would leave the message queued and in nobody's line. */
            AND NOT EXISTS (
                SELECT 1 / 0
                FROM notify.ready AS there WITH (READCOMMITTEDLOCK)
                WHERE there.channel = m.channel AND there.priority = m.priority AND there.message_id = m.message_id
            );

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
        BEGIN
            ROLLBACK TRANSACTION;
        END;

        THROW;
    END CATCH;

    SELECT message_id = @message_id, state = @new_state;
END;
GO
