/*
Sender: what is due in the queue is handed over.

The step runs the command line under a proxy, never under the Agent's own account. Make the proxy once (the password
is asked for, not stored here):
    CREATE CREDENTIAL notify_runner WITH IDENTITY = N'DOMAIN\svc_notify', SECRET = N'...';
    EXECUTE msdb.dbo.sp_add_proxy @proxy_name = N'notify_runner', @credential_name = N'notify_runner';
    EXECUTE msdb.dbo.sp_grant_proxy_to_subsystem @proxy_name = N'notify_runner', @subsystem_name = N'CmdExec';
The command holds no secret: URLs and passwords come from notify.toml, readable by this account alone, or from its
environment. --agent: a CmdExec step has one success code; doubt ends with 0, a gateway that takes nothing with 1. SQL
Agent on Linux has no CmdExec: use a timer unit of the system instead. The sender needs the queue's URL alone.

Run it in msdb of the queue's server, on every replica of its availability group, as sysadmin. It creates the job
where there is none of its name, and else changes nothing: schedule, operator and steps stay as you have set them. The
owner is sa by its SID, whatever its name. The first step ends the job where this server is not the primary; a
database in no availability group passes. It runs so often that the Agent's limits of history matter: keep_history.sql.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
SET NOCOUNT, XACT_ABORT ON;
GO
DECLARE @job_name sysname = N'notify send';
DECLARE @database_name sysname = N'notify_queue'; /* edit: the queue's database */
DECLARE @proxy_name sysname = N'notify_runner'; /* edit */
DECLARE @executable NVARCHAR(260) = N'C:\notify\.venv\Scripts\notify.exe'; /* edit */
DECLARE @config NVARCHAR(260) = N'C:\notify\notify.toml'; /* edit */
DECLARE @owner sysname = SUSER_SNAME(0x01);
DECLARE @command NVARCHAR(MAX);

IF EXISTS (SELECT 1 FROM msdb.dbo.sysjobs AS j WHERE j.name = @job_name)
BEGIN
    PRINT CONCAT(N'The job ', @job_name, N' is there already: nothing is changed.');
    RETURN;
END;
IF NOT EXISTS (SELECT 1 FROM msdb.dbo.sysproxies AS p WHERE p.name = @proxy_name AND p.enabled = 1)
    THROW 50000, N'There is no such proxy. See the head of this file.', 1;

BEGIN TRY
    BEGIN TRANSACTION;

    EXECUTE msdb.dbo.sp_add_job
        @job_name = @job_name,
        @enabled = 1,
        @owner_login_name = @owner,
        @description = N'Sender: what is due in the queue is handed over. Created by sql/jobs/send.sql.';

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

    SET @command = CONCAT(N'"', @executable, N'" send --drain --agent --config "', @config, N'"');
    EXECUTE msdb.dbo.sp_add_jobstep
        @job_name = @job_name,
        @step_name = N'drain the queue',
        @subsystem = N'CmdExec',
        @proxy_name = @proxy_name,
        @command = @command,
        @cmdexec_success_code = 0,
        @on_success_action = 1, /* the job ends well */
        @on_fail_action = 2; /* the job fails */

    EXECUTE msdb.dbo.sp_add_jobschedule
        @job_name = @job_name,
        @name = @job_name,
        @freq_type = 4, /* daily */
        @freq_interval = 1,
        @freq_subday_type = 2, /* seconds */
        @freq_subday_interval = 30;

    EXECUTE msdb.dbo.sp_add_jobserver @job_name = @job_name, @server_name = N'(local)';

    COMMIT TRANSACTION;
END TRY
BEGIN CATCH
    IF @@TRANCOUNT > 0
        ROLLBACK TRANSACTION;
    THROW;
END CATCH;
GO
