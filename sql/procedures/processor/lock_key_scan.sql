SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
lock_key_scan (internal): keeps a reading that is being compared, and its table, for the caller's transaction.

Parameters  @key_scan_id
Errors      50040 the reading has ended, or another run discarded it
Locks       watched_table (update, to the end: no page of the table is judged, no definition edited meanwhile), key_scan
*/
CREATE OR ALTER PROCEDURE notify.lock_key_scan @key_scan_id BIGINT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE
        @watched_table_id INTEGER = (
            SELECT ks.watched_table_id FROM notify.key_scan AS ks WHERE ks.key_scan_id = @key_scan_id
        );

    EXECUTE notify.lock_table @watched_table_id = @watched_table_id;

    IF NOT EXISTS (
           SELECT 1
           FROM notify.key_scan AS ks WITH (UPDLOCK, HOLDLOCK)
           WHERE ks.key_scan_id = @key_scan_id
               AND ks.notification_id IS NULL
               AND ks.state IN ('reading', 'comparing', 'approved')
       )
        THROW 50040, N'This reading of keys has ended: a later run has begun its own. Nothing is recorded.', 1;
END;
GO
