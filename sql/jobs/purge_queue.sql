/*
Purge on the queue: what is done and old.

The keys that keep a message from being made twice outlive their messages (notify.purge_messages says what stays).

Run it in msdb of the queue's server, on every replica of its availability group, as sysadmin. It creates the job
where there is none of its name, and else changes nothing: schedule, operator and steps stay as you have set them. The
owner is sa by its SID, whatever its name. The first step ends the job where this server is not the primary; a
database in no availability group passes. A failover in the middle of the purge fails it, and the next night goes on.

A job that fails is told to nobody but the job history and Windows' event log, until you give it an operator:
sp_update_job @job_name = N'notify purge queue', @notify_level_email = 2, @notify_email_operator_name = N'...'.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
SET NOCOUNT, XACT_ABORT ON;
GO
DECLARE @job_name sysname = N'notify purge queue';
DECLARE @database_name sysname = N'notify_queue'; /* edit: the queue's database */
DECLARE @older_than_days INTEGER = 90; /* edit */
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
        @description = N'Purge on the queue: what is done and old. Created by sql/jobs/purge_queue.sql.';

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

    /* Small steps, each of its own transaction and of low deadlock priority, with a breath between them, until nothing is left or ten million
       messages are gone. A step that lost a deadlock is tried again a minute later, ten times a night. */
    SET @command = CONCAT(
            N'DECLARE @step integer = 0, @has_more bit = 1;',
            NCHAR(13) + NCHAR(10),
            N'WHILE @has_more = 1 AND @step < 2500',
            NCHAR(13) + NCHAR(10),
            N'BEGIN',
            NCHAR(13) + NCHAR(10),
            N'    EXECUTE ',
            QUOTENAME(@database_name),
            N'.notify.purge_messages @older_than_days = ',
            @older_than_days,
            N', @batch_size = 4000, @has_more = @has_more OUTPUT;',
            NCHAR(13) + NCHAR(10),
            N'    WAITFOR DELAY ''00:00:01'';',
            NCHAR(13) + NCHAR(10),
            N'    SET @step = @step + 1;',
            NCHAR(13) + NCHAR(10),
            N'END;'
        );
    EXECUTE msdb.dbo.sp_add_jobstep
        @job_name = @job_name,
        @step_name = N'purge',
        @subsystem = N'TSQL',
        @database_name = N'master',
        @command = @command,
        @retry_attempts = 10,
        @retry_interval = 1,
        @on_success_action = 1,
        @on_fail_action = 2;

    EXECUTE msdb.dbo.sp_add_jobschedule
        @job_name = @job_name,
        @name = @job_name,
        @freq_type = 4, /* daily */
        @freq_interval = 1,
        @active_start_time = 33000;

    EXECUTE msdb.dbo.sp_add_jobserver @job_name = @job_name, @server_name = N'(local)';

    COMMIT TRANSACTION;
END TRY
BEGIN CATCH
    IF @@TRANCOUNT > 0
        ROLLBACK TRANSACTION;
    THROW;
END CATCH;
GO
