SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
One row while this database is the one that was marked, none once it was restored from a backup: a restore starts another recovery fork.
No row either where the caller may not see sys.database_recovery_status (VIEW ANY DATABASE): what cannot be proved is not trusted.
*/
CREATE OR ALTER VIEW notify.trusted_queue
AS
SELECT queue_guid = qi.queue_guid
FROM notify.queue_identity AS qi
JOIN notify.live_fork AS lf ON lf.live_fork_guid = qi.recovery_fork_guid;
GO
