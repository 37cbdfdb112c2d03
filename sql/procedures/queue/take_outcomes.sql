SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Gives a restored queue back what the processor copied of it: hand-overs that were accepted. Before recover_queue, which would have
their messages in doubt.

@outcomes  JSON array, at most 4,000: attempt_id, dedupe_key (64 hex digits), gateway, provider_id, code
Results    (1) that of record_outcomes, (2) known (messages of the restored queue: they are sent now), unknown (enqueued after the backup)
Errors     50103 more than 4,000 outcomes
Repeated   with the same outcomes: changes nothing.
Locks      those of record_outcomes
*/
CREATE OR ALTER PROCEDURE notify.take_outcomes (@outcomes NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @numbered NVARCHAR(MAX), @copies INTEGER;

    SELECT @copies = COUNT(*) FROM OPENJSON(@outcomes) AS j;

    IF @copies > 4000
    BEGIN
        THROW 50103, N'take_outcomes: more than 4,000 outcomes in one call: send them in several calls.', 1;
    END;

    /* A message at most once in a call: of two acceptances the first is enough to make it sent. */
    SET @numbered = (
            SELECT
                latest.attempt_id,
                latest.message_id,
                latest.gateway,
                outcome = 'accepted',
                latest.provider_id,
                latest.code
            FROM (
                SELECT
                    j.attempt_id,
                    m.message_id,
                    j.gateway,
                    j.provider_id,
                    j.code,
                    message_copy = ROW_NUMBER() OVER (PARTITION BY m.message_id ORDER BY j.attempt_id)
                FROM OPENJSON(@outcomes) WITH (
                    attempt_id UNIQUEIDENTIFIER,
                    dedupe_key CHAR(64),
                    gateway NVARCHAR(128),
                    provider_id NVARCHAR(400),
                    code VARCHAR(20)
                ) AS j
                JOIN notify.message_key AS mk ON mk.dedupe_key = CONVERT(BINARY(32), j.dedupe_key, 2)
                JOIN notify.message AS m ON m.message_id = mk.message_id
            ) AS latest
            WHERE latest.message_copy = 1
            FOR JSON PATH
        );

    EXECUTE notify.record_outcomes @outcomes = @numbered;

    SELECT known = COUNT(*), unknown = @copies - COUNT(*) FROM OPENJSON(@numbered) AS j;
END;
GO
