/*
Heartbeat on source: one row, every 15 seconds.

The step beats for an hour and ends; the schedule starts it again within a minute. So a job that runs all day leaves
one line of history an hour, and does not push out everyone else's. The same job never overlaps itself. A failover in
mid-hour ends the step; the new primary's own job goes on. It is the only thing of notify that runs on source, and
writes one row of one table.

Run it in msdb of source (the application's primary), on every replica of its availability group, as sysadmin. It
creates the job where there is none of its name, and else changes nothing: schedule, operator and steps stay as you
have set them. The owner is sa by its SID, whatever its name. The first step ends the job where this server is not the
primary; a database in no availability group passes.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
SET NOCOUNT, XACT_ABORT ON;
GO
DECLARE @job_name sysname = N'notify heartbeat';
DECLARE @database_name sysname = N'application'; /* edit: the application's database */
DECLARE @interval CHAR(8) = '00:00:15'; /* edit: 15 to 60 seconds */
DECLARE @owner sysname = SUSER_SNAME(0x01);
DECLARE @command NVARCHAR(MAX);

IF EXISTS (SELECT 1 FROM msdb.dbo.sysjobs AS j WHERE j.name = @job_name)
BEGIN
    PRINT CONCAT(N'The job ', @job_name, N' is there already: nothing is changed.');
    RETURN;
END;

BEGIN TRY
    BEGIN TRANSACTION;

    EXECUTE msdb.dbo.sp_add_job
        @job_name = @job_name,
        @enabled = 1,
        @owner_login_name = @owner,
        @description = N'Heartbeat on source: one row, every 15 seconds. Created by sql/jobs/heartbeat.sql.';

    /* A job's database is master: one set to an availability database fails at login where that is not readable. */
    SET @command = CONCAT(
            N'IF sys.fn_hadr_is_primary_replica(N',
            QUOTENAME(@database_name, N''''),
            N') = 0',
            NCHAR(13) + NCHAR(10),
            N'    THROW 50000, N''This server is not the primary of its role: the job ends here.'', 1;'
        );
    EXECUTE msdb.dbo.sp_add_jobstep
        @job_name = @job_name,
        @step_name = N'is this the primary',
        @subsystem = N'TSQL',
        @database_name = N'master',
        @command = @command,
        @on_success_action = 3, /* next step */
        @on_fail_action = 1; /* the job ends well: elsewhere it runs */

    SET @command = CONCAT(
            N'DECLARE @until datetime2(0) = DATEADD(minute, 59, SYSUTCDATETIME());',
            NCHAR(13) + NCHAR(10),
            N'WHILE SYSUTCDATETIME() < @until AND COALESCE(sys.fn_hadr_is_primary_replica(N',
            QUOTENAME(@database_name, N''''),
            N'), 1) = 1',
            NCHAR(13) + NCHAR(10),
            N'BEGIN',
            NCHAR(13) + NCHAR(10),
            N'    EXECUTE ',
            QUOTENAME(@database_name),
            N'.notify.beat_heartbeat;',
            NCHAR(13) + NCHAR(10),
            N'    WAITFOR DELAY ',
            QUOTENAME(@interval, N''''),
            N';',
            NCHAR(13) + NCHAR(10),
            N'END;'
        );
    EXECUTE msdb.dbo.sp_add_jobstep
        @job_name = @job_name,
        @step_name = N'beat for an hour',
        @subsystem = N'TSQL',
        @database_name = N'master',
        @command = @command,
        @on_success_action = 1, /* the job ends well */
        @on_fail_action = 2; /* the job fails: tell the operators */

    EXECUTE msdb.dbo.sp_add_jobschedule
        @job_name = @job_name,
        @name = @job_name,
        @freq_type = 4, /* daily */
        @freq_interval = 1,
        @freq_subday_type = 4, /* minutes */
        @freq_subday_interval = 1;

    EXECUTE msdb.dbo.sp_add_jobserver @job_name = @job_name, @server_name = N'(local)';

    COMMIT TRANSACTION;
END TRY
BEGIN CATCH
    IF @@TRANCOUNT > 0
        ROLLBACK TRANSACTION;
    THROW;
END CATCH;
GO
