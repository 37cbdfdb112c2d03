SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/* How refused messages are tried again: one row of max_attempts, base_seconds, cap_seconds. The settings say what they mean. */
CREATE OR ALTER VIEW notify.retry_setting
AS
SELECT
    max_attempts = MAX(CASE s.name WHEN 'max_attempts' THEN CONVERT(INTEGER, s.value) END),
    base_seconds = MAX(CASE s.name WHEN 'retry_base_seconds' THEN CONVERT(INTEGER, s.value) END),
    cap_seconds = MAX(CASE s.name WHEN 'retry_cap_seconds' THEN CONVERT(INTEGER, s.value) END)
FROM notify.setting AS s
WHERE s.name IN ('max_attempts', 'retry_base_seconds', 'retry_cap_seconds');
GO
