/*
Alerts: operators are told what stands open in the queue, by Database Mail.

The notifier never tells its own failures through itself: this is msdb's mail. Each open alert is told once, however
often it counts on; raised again after it was acknowledged, again.

Run it in msdb of the queue's server, on every replica of its availability group, as sysadmin. It creates the job
where there is none of its name, and else changes nothing: schedule, operator and steps stay as you have set them. The
owner is sa by its SID, whatever its name. The first step ends the job where this server is not the primary; a
database in no availability group passes.

Its transaction spans the queue's database and msdb. In an availability group that is one transaction to a failover
only with DTC_SUPPORT = PER_DB; without it, a failover just then may lose or double one telling, never the alert. If
Database Mail itself is broken, nothing here can tell it: the job history and Windows' event log do.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
SET NOCOUNT, XACT_ABORT ON;
GO
DECLARE @job_name sysname = N'notify queue alerts';
DECLARE @database_name sysname = N'notify_queue'; /* edit: the queue's database */
DECLARE @operator_name sysname = N'notify operators'; /* edit: an operator of msdb.dbo.sysoperators */
DECLARE @owner sysname = SUSER_SNAME(0x01);
DECLARE @command NVARCHAR(MAX);

IF EXISTS (SELECT 1 FROM msdb.dbo.sysjobs AS j WHERE j.name = @job_name)
BEGIN
    PRINT CONCAT(N'The job ', @job_name, N' is there already: nothing is changed.');
    RETURN;
END;
IF NOT EXISTS (SELECT 1 FROM msdb.dbo.sysoperators AS o WHERE o.name = @operator_name AND o.enabled = 1)
    THROW 50000, N'There is no such operator. Make one with msdb.dbo.sp_add_operator, and Database Mail for Agent.', 1;

BEGIN TRY
    BEGIN TRANSACTION;

    EXECUTE msdb.dbo.sp_add_job
        @job_name = @job_name,
        @enabled = 1,
        @owner_login_name = @owner,
        @description = N'Alerts: operators are told what stands open in the queue, by Database Mail. Created by sql/jobs/tell_operators_queue.sql.';

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

    /* What is taken counts as told: only if the mail was taken too. */
    SET @command = CONCAT(
            N'DECLARE @subject nvarchar(256);',
            NCHAR(13) + NCHAR(10),
            N'DECLARE @body nvarchar(MAX);',
            NCHAR(13) + NCHAR(10),
            N'BEGIN TRY',
            NCHAR(13) + NCHAR(10),
            N'    BEGIN TRANSACTION;',
            NCHAR(13) + NCHAR(10),
            N'    EXECUTE ',
            QUOTENAME(@database_name),
            N'.notify.take_alerts @subject = @subject OUTPUT, @body = @body OUTPUT;',
            NCHAR(13) + NCHAR(10),
            N'    IF @body IS NOT NULL',
            NCHAR(13) + NCHAR(10),
            N'        EXECUTE msdb.dbo.sp_notify_operator @name = N',
            QUOTENAME(@operator_name, N''''),
            N', @subject = @subject, @body = @body;',
            NCHAR(13) + NCHAR(10),
            N'    COMMIT TRANSACTION;',
            NCHAR(13) + NCHAR(10),
            N'END TRY',
            NCHAR(13) + NCHAR(10),
            N'BEGIN CATCH',
            NCHAR(13) + NCHAR(10),
            N'    IF @@TRANCOUNT > 0',
            NCHAR(13) + NCHAR(10),
            N'        ROLLBACK TRANSACTION;',
            NCHAR(13) + NCHAR(10),
            N'    THROW;',
            NCHAR(13) + NCHAR(10),
            N'END CATCH;'
        );
    EXECUTE msdb.dbo.sp_add_jobstep
        @job_name = @job_name,
        @step_name = N'tell the operators',
        @subsystem = N'TSQL',
        @database_name = N'master',
        @command = @command,
        @on_success_action = 1,
        @on_fail_action = 2;

    EXECUTE msdb.dbo.sp_add_jobschedule
        @job_name = @job_name,
        @name = @job_name,
        @freq_type = 4, /* daily */
        @freq_interval = 1,
        @freq_subday_type = 4, /* minutes */
        @freq_subday_interval = 5;

    EXECUTE msdb.dbo.sp_add_jobserver @job_name = @job_name, @server_name = N'(local)';

    COMMIT TRANSACTION;
END TRY
BEGIN CATCH
    IF @@TRANCOUNT > 0
        ROLLBACK TRANSACTION;
    THROW;
END CATCH;
GO
