SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
How long a refused message waits for its next attempt; reads no table.

@attempt_number       of the attempt that was refused, from 1
@attempt_id           its random id, whose first byte takes off up to half of the wait: what failed together does not come back together
@retry_after_seconds  what the provider asked for, or NULL: never earlier
@base_seconds         wait after the first attempt; it doubles with every attempt. 0: only what the provider asked for
@cap_seconds          longest wait, but for what a provider asks for
wait_milliseconds     one row
*/
CREATE OR ALTER FUNCTION notify.retry_wait (
    @attempt_number SMALLINT,
    @attempt_id UNIQUEIDENTIFIER,
    @retry_after_seconds INTEGER,
    @base_seconds INTEGER,
    @cap_seconds INTEGER
)
RETURNS TABLE AS RETURN SELECT
    wait_milliseconds = CASE
        WHEN asked.milliseconds > shortened.milliseconds THEN asked.milliseconds
        ELSE shortened.milliseconds
    END
/* No further than 2^30: the 65th attempt's factor would overflow. */
FROM ( VALUES (
    POWER(CONVERT(BIGINT, 2), CASE WHEN @attempt_number > 30 THEN 30 ELSE @attempt_number - 1 END)
)) AS doublings (factor)
CROSS APPLY ( VALUES (
    CASE
        WHEN @base_seconds * doublings.factor > @cap_seconds THEN CONVERT(BIGINT, 1000) * @cap_seconds
        ELSE doublings.factor * 1000 * @base_seconds
    END,
    CONVERT(INTEGER, SUBSTRING(CONVERT(BINARY(16), @attempt_id), 1, 1))
)) AS doubled (milliseconds, jitter)
CROSS APPLY ( VALUES (doubled.milliseconds - doubled.milliseconds * doubled.jitter / 510)) AS shortened (milliseconds)
CROSS APPLY ( VALUES (1000 * CONVERT(BIGINT, @retry_after_seconds))) AS asked (milliseconds);
GO
