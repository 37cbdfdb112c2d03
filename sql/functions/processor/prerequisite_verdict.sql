SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
prerequisite_verdict: what a change's prerequisite says of it: one row.

Parameters  @change_id; @detected_at: of the change; @deadline_minutes: NULL where the notification has no prerequisite; @is_ready,
            @said: what the shop's procedure said of the change, NULL: nothing; @now
Returns     verdict (generate, wait, fail), reason (NULL for generate)

The deadline counts from detection, or from when the change was last put back after it had failed.
*/
CREATE OR ALTER FUNCTION notify.prerequisite_verdict (
    @change_id BIGINT,
    @detected_at DATETIME2(3),
    @deadline_minutes INTEGER,
    @is_ready BIT,
    @said NVARCHAR(400),
    @now DATETIME2(3)
)
RETURNS TABLE AS RETURN SELECT
    judged.verdict AS verdict,
    LEFT(
        CASE judged.verdict
            WHEN 'fail' THEN CONCAT(
                N'prerequisite not met within ',
                @deadline_minutes,
                N' minutes: ',
                COALESCE(@said, N'no verdict')
            )
            WHEN 'wait' THEN CONCAT(N'prerequisite: ', COALESCE(@said, N'no verdict'))
        END,
        400
    ) AS reason
FROM (
    SELECT MAX(h.changed_at) AS changed_at
    FROM notify.change_history AS h
    WHERE h.change_id = @change_id AND h.from_state = 'failed'
) AS put_back
CROSS APPLY (
    SELECT
        CASE
            WHEN @deadline_minutes IS NULL OR @is_ready = 1 THEN 'generate'
            WHEN DATEADD(MINUTE, @deadline_minutes, COALESCE(put_back.changed_at, @detected_at)) <= @now THEN 'fail'
            ELSE 'wait'
        END AS verdict
) AS judged;
GO
