SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
least_ready: what a prerequisite's procedure said, once per change. The shop's own procedure may say more than one thing of a change: the
least ready counts.

Parameters  @prerequisites: as extract_changes gave them
Returns     change_number, is_ready, reason
*/
CREATE OR ALTER FUNCTION notify.least_ready (@prerequisites NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT said.change_number AS change_number, said.is_ready AS is_ready, said.reason AS reason
FROM (
    SELECT
        j.change_number AS change_number,
        COALESCE(j.is_ready, 0) AS is_ready,
        j.reason AS reason,
        ROW_NUMBER() OVER (PARTITION BY j.change_number ORDER BY COALESCE(j.is_ready, 0), j.reason) AS said_number
    FROM OPENJSON(@prerequisites) WITH (
        change_number BIGINT,
        is_ready BIT,
        reason NVARCHAR(400)
    ) AS j
    WHERE j.change_number IS NOT NULL
) AS said
WHERE said.said_number = 1;
GO
