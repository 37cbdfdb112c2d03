SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
utc_now: the clock of the processor, UTC.

SYSUTCDATETIME(), except in a database whose setting allow_test_clock is 1 and that has a setting test_clock (ISO 8601): there
it is that time. Procedures read it once, into a variable.
*/
CREATE OR ALTER FUNCTION notify.utc_now()
RETURNS DATETIME2(3)
AS
BEGIN
    DECLARE
        @now DATETIME2(3) = (
            SELECT CONVERT(DATETIME2(3), clock.value, 126)
            FROM notify.setting AS clock
            WHERE clock.name = 'test_clock'
                AND EXISTS (
                    SELECT 1
                    FROM notify.setting AS switch
                    WHERE switch.name = 'allow_test_clock' AND switch.value = N'1'
                )
        );
    RETURN COALESCE(@now, SYSUTCDATETIME());
END;
GO
