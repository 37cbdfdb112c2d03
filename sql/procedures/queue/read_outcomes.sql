SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Accepted hand-overs, in the order in which they were stored, for the processor to keep copies: what a queue restored from a backup
would not know.

@queue_mark, @after  as the processor keeps them: the mark of the last page, and the row version (text, 0x and 16 digits) of the last
               one copied; NULL, or another mark than this queue's: from the beginning
@take          at most so many, 1 to 4000
Results    (1) queue_mark (text: another life of the queue has another one), is_trusted, highest (row version, as text: nothing that
               this call could have given is above it; it never falls), has_more
           (2) attempt_id, dedupe_key (64 hex digits), gateway, provider_id, code, closed_at, row_version (text). None from a queue
               that is not trusted.
Errors     50103 a parameter out of range
Rows       at or above the least row version of an open transaction come later: nothing can be stored behind what was copied.
*/
CREATE OR ALTER PROCEDURE notify.read_outcomes (@queue_mark NVARCHAR(100), @after VARCHAR(18), @take INTEGER = 1000)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE
        @own_mark NVARCHAR(100) = (
            SELECT CONCAT(qi.queue_guid, N'|', CONVERT(NVARCHAR(23), qi.marked_at, 126))
            FROM notify.queue_identity AS qi
        ),
        @above BINARY(8) = 0x0000000000000000,
        @below BINARY(8) = MIN_ACTIVE_ROWVERSION(),
        @is_trusted BIT = CASE WHEN EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq) THEN 1 ELSE 0 END;

    DECLARE @page TABLE (
        row_version BINARY(8) NOT NULL PRIMARY KEY,
        message_id BIGINT NOT NULL,
        attempt_id UNIQUEIDENTIFIER NOT NULL
    );

    IF @take IS NULL OR @take NOT BETWEEN 1 AND 4000
    BEGIN
        THROW 50103, N'read_outcomes: @take must be 1 to 4000.', 1;
    END;

    IF @queue_mark = @own_mark AND @after IS NOT NULL
    BEGIN
        SET @above = CONVERT(BINARY(8), @after, 1);
    END;

    INSERT @page (row_version, message_id, attempt_id)
    SELECT TOP (@take) a.row_version, a.message_id, a.attempt_id
    FROM notify.attempt AS a
    WHERE a.outcome = 'accepted' AND a.row_version > @above AND a.row_version < @below AND @is_trusted = 1
    ORDER BY a.row_version;

    SELECT
        queue_mark = @own_mark,
        is_trusted = @is_trusted,
        highest = CONVERT(VARCHAR(18), CONVERT(BINARY(8), CONVERT(BIGINT, @below) - 1), 1),
        has_more = CONVERT(BIT, CASE WHEN (SELECT COUNT(*) FROM @page AS p) = @take THEN 1 ELSE 0 END);

    SELECT
        a.attempt_id,
        dedupe_key = CONVERT(CHAR(64), m.dedupe_key, 2),
        a.gateway,
        a.provider_id,
        a.code,
        a.closed_at,
        row_version = CONVERT(VARCHAR(18), p.row_version, 1)
    FROM @page AS p
    JOIN notify.attempt AS a ON a.message_id = p.message_id AND a.attempt_id = p.attempt_id
    JOIN notify.message AS m ON m.message_id = p.message_id
    ORDER BY p.row_version;
END;
GO
