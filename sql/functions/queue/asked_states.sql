SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The states of messages that a person asks for by a word; reads no table.

@state      a state of a message: itself; attention: those that wait for a person; stuck: those that move by themselves
stuck_only  1: of these, only messages of which nothing comes
No row      there is no such word
*/
CREATE OR ALTER FUNCTION notify.asked_states (@state VARCHAR(10))
RETURNS TABLE AS RETURN SELECT s.state, stuck_only = CONVERT (BIT, CASE WHEN @state = 'stuck' THEN 1 ELSE 0 END)
FROM ( VALUES
    ('scheduled', 1),
    ('queued', 1),
    ('claimed', 1),
    ('sending', 1),
    ('retrying', 1),
    ('in_doubt', 0),
    ('held', 0),
    ('failed', 0),
    ('sent', 0),
    ('delivered', 0),
    ('bounced', 0),
    ('suppressed', 0),
    ('expired', 0),
    ('canceled', 0)
) AS s (state, moves_by_itself)
WHERE s.state = @state
    OR @state = 'stuck' AND s.moves_by_itself = 1
    OR @state = 'attention' AND s.state IN ('in_doubt', 'held', 'failed');
GO
