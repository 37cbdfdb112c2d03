SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
lock_definitions: one saves, activates, pauses, resumes or retires at a time. Within the caller's transaction, until its end.

Errors      50010 somebody else held it for 10 s
*/
CREATE OR ALTER PROCEDURE notify.lock_definitions
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @granted INTEGER;

    EXECUTE @granted = sys.sp_getapplock
        @Resource = N'notify.definition',
        @LockMode = 'Exclusive',
        @LockOwner = 'Transaction',
        @LockTimeout = 10000;
    IF @granted < 0
        THROW 50010, N'Another session is changing definitions. Try again when it is done.', 1;
END;
GO
