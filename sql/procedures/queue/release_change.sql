SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
A person's word on a change in doubt: it was claimed before the queue was lost, and its messages may have been sent.

@change_key  64 hex digits
@verdict  send    generate it (again): the decision is forgotten; then requeue_change on the processor. A second copy would be that person's
          sent    its messages have arrived, for instance by the provider's own log
          failed  they have not, and shall not
@by       who says so        @reason  why
Result    change_key, outcome (NULL: forgotten)
Repeated  send, once it is forgotten: changes nothing, same result, until a purge takes what was said here.
Errors    50104 no such change, or it is not in doubt; 50105 unknown verdict
Locks     decision
*/
CREATE OR ALTER PROCEDURE notify.release_change (
    @change_key CHAR(64),
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
        @key BINARY(32) = TRY_CONVERT(BINARY(32), @change_key, 2),
        @old_outcome VARCHAR(10),
        @new_outcome VARCHAR(10) = CASE WHEN @verdict IN ('sent', 'failed') THEN @verdict END,
        @text NVARCHAR(400);

    IF @verdict IS NULL OR @verdict NOT IN ('send', 'sent', 'failed')
    BEGIN
        SET @text = CONCAT(N'release_change: verdict ', @verdict, N' is unknown: send, sent or failed.');
        THROW 50105, @text, 1;
    END;

    BEGIN TRY
        BEGIN TRANSACTION;

        SELECT @old_outcome = d.outcome
        FROM notify.decision AS d WITH (UPDLOCK, SERIALIZABLE)
        WHERE d.change_key = @key;

        IF @old_outcome IS NULL
           AND @verdict = 'send'
           AND EXISTS (
               SELECT 1 / 0 FROM notify.decision_history AS dh WHERE dh.change_key = @key AND dh.new_outcome IS NULL
           )
        BEGIN
            SET @text = N'forgotten';
        END;
        ELSE IF @old_outcome IS NULL OR @old_outcome <> 'in_doubt'
        BEGIN
            SET @text = CONCAT(
                    N'release_change: change ',
                    @change_key,
                    CASE
                        WHEN @old_outcome IS NULL THEN N' is not there'
                        WHEN @old_outcome = 'messages' THEN N' has its messages'
                        ELSE CONCAT(N' is ', @old_outcome)
                    END,
                    N': only one in doubt can be released.'
                );
            THROW 50104, @text, 1;
        END;
        ELSE
        BEGIN
            INSERT notify.decision_history (change_key, happened_at, old_outcome, new_outcome, reason, actor)
            VALUES (@key, @now, @old_outcome, @new_outcome, @reason, @by);

            DELETE d
            FROM notify.decision AS d
            WHERE d.change_key = @key AND d.outcome = 'in_doubt' AND @verdict = 'send';

            UPDATE d
            SET d.outcome = @new_outcome, d.reason = @reason, d.decided_at = @now
            FROM notify.decision AS d
            WHERE d.change_key = @key AND d.outcome = 'in_doubt' AND @verdict <> 'send';
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

    SELECT change_key = @change_key, outcome = @new_outcome;
END;
GO
