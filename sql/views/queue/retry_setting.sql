SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
How refused messages are tried again: one row of max_attempts, base_seconds, cap_seconds. The settings say what they mean. One that is
missing, no number or out of its range counts as it was delivered: a slip of the hand there may not keep outcomes from being stored.
*/
CREATE OR ALTER VIEW notify.retry_setting
AS
SELECT
    max_attempts = COALESCE(
        MAX(CASE WHEN s.name = 'max_attempts' AND s.number BETWEEN 1 AND 30000 THEN s.number END),
        8
    ),
    base_seconds = COALESCE(MAX(CASE WHEN s.name = 'retry_base_seconds' AND s.number >= 0 THEN s.number END), 60),
    cap_seconds = COALESCE(MAX(CASE WHEN s.name = 'retry_cap_seconds' AND s.number >= 0 THEN s.number END), 14400)
FROM (
    SELECT t.name, number = TRY_CONVERT(INTEGER, NULLIF(t.value, N''))
    FROM notify.setting AS t
    WHERE t.name IN ('max_attempts', 'retry_base_seconds', 'retry_cap_seconds')
) AS s;
GO
