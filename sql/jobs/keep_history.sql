/*
Room for job history, once per server that runs jobs of notify.

SQL Server Agent keeps 1,000 rows of history for all jobs and 100 for each, if nobody said otherwise. A run leaves a row for each step and
one for the job: `notify send` every 30 seconds is some 8,600 rows a day. It sees a quarter of an hour of itself, and with `notify run-cycle` and the
others it leaves little room for the history of the server's backups. This raises the limits to 20,000 and 2,000 (some 20 MB of msdb, five
hours of the sender) where they are lower; limits that are higher, or off (-1), stay. What a run did is told by the queue and the processor
for much longer (notify status, notify why): the job's history matters when it could not even start.

Run it in msdb, as sysadmin. Repeatable. It concerns all jobs of the server: agree on it with whoever keeps them. Without it, the sender
can also run as one job that starts with the Agent and ends with it (schedule of @freq_type = 64, `notify send` without --drain): that
leaves one row a start.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
SET NOCOUNT, XACT_ABORT ON;
GO
DECLARE @wanted_rows INTEGER = 20000; /* edit: of all jobs */
DECLARE @wanted_rows_per_job INTEGER = 2000; /* edit */
DECLARE @key NVARCHAR(200) = N'SOFTWARE\Microsoft\MSSQLServer\SQLServerAgent';
DECLARE @rows INTEGER, @rows_per_job INTEGER;

EXECUTE master.dbo.xp_instance_regread N'HKEY_LOCAL_MACHINE', @key, N'JobHistoryMaxRows', @rows OUTPUT, N'no_output';
EXECUTE master.dbo.xp_instance_regread
    N'HKEY_LOCAL_MACHINE',
    @key,
    N'JobHistoryMaxRowsPerJob',
    @rows_per_job OUTPUT,
    N'no_output';

/* No value: never set, so what the product starts with. */
SET @rows = COALESCE(@rows, 1000);
SET @rows_per_job = COALESCE(@rows_per_job, 100);

IF @rows = -1
    PRINT N'The history of jobs has no limit of rows: nothing is changed.';
ELSE IF @rows >= @wanted_rows AND @rows_per_job >= @wanted_rows_per_job
    PRINT CONCAT(N'The limits are ', @rows, N' rows and ', @rows_per_job, N' a job: nothing is changed.');
ELSE
BEGIN
    SET @wanted_rows = CASE WHEN @rows > @wanted_rows THEN @rows ELSE @wanted_rows END;
    SET @wanted_rows_per_job = CASE
            WHEN @rows_per_job > @wanted_rows_per_job THEN @rows_per_job
            ELSE @wanted_rows_per_job
        END;
    EXECUTE msdb.dbo.sp_set_sqlagent_properties
        @jobhistory_max_rows = @wanted_rows,
        @jobhistory_max_rows_per_job = @wanted_rows_per_job;
    PRINT CONCAT(
            N'The limits were ',
            @rows,
            N' rows and ',
            @rows_per_job,
            N' a job, and are ',
            @wanted_rows,
            N' and ',
            @wanted_rows_per_job,
            N'.'
        );
END;
GO
