SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
This database's recovery fork as the server has it now: one row, or none where the caller may not see it (VIEW ANY DATABASE).
A view of its own, with one source: a schema compiler that does not have the catalog view can then resolve every name.
*/
CREATE OR ALTER VIEW notify.live_fork
AS
SELECT recovery_fork_guid AS live_fork_guid FROM sys.database_recovery_status WHERE database_id = DB_ID();
GO
