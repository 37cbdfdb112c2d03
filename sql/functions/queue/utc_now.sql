SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The queue's clock, UTC: SYSUTCDATETIME(), or setting test_clock in a database whose setting allow_test_clock is 1.
Callers read it once into a variable.
*/
CREATE OR ALTER FUNCTION notify.utc_now()
RETURNS DATETIME2(3)
AS
BEGIN
    RETURN COALESCE (
        (
            SELECT CONVERT(DATETIME2(3), clock.value, 126)
            FROM notify.setting AS clock
            JOIN notify.setting AS allowed ON allowed.name = 'allow_test_clock' AND allowed.value = N'1'
            WHERE clock.name = 'test_clock'
        ),
        SYSUTCDATETIME()
    );
END;
GO
