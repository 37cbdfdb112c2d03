SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
lock_table: keeps others from judging or editing a watched table until the caller's transaction ends.

record_changes takes the same lock first: whoever changes what a page is judged by waits for the page, and the page for him.
*/
CREATE OR ALTER PROCEDURE notify.lock_table @watched_table_id INTEGER
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @version INTEGER;

    SELECT @version = wt.version
    FROM notify.watched_table AS wt WITH (UPDLOCK, HOLDLOCK)
    WHERE wt.watched_table_id = @watched_table_id;
END;
GO
