SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
beat_heartbeat: one heartbeat. An Agent job runs it on source every 15 to 60 seconds.

Reads the clock first, then the begin times of all open transactions, and commits the least of them as safe_point: a
transaction that is not in the list either ended before, and is in the log in front of this heartbeat, or began after the
clock was read. The other way round, or with the time of a transaction's first log record, rows would be passed over.

Parameters  none
Result      none. beat grows by the seconds since the beat before, at least by one. So a source that is restored to an older state
            goes on above every beat that was lost with it: what is recorded stays older than what its snapshots show. Not
            more often than once a second, or that may fail.
Errors      none of its own
Needs       VIEW SERVER STATE (from SQL Server 2022: VIEW SERVER PERFORMANCE STATE)
Locks       the heartbeat's row, for the length of one UPDATE

Transactions of all databases count: one that has not yet touched this database may hold a stamp that it took long ago.
Only system transactions and the engine's own worktable and LOB sessions are left out. What is not known holds the safe point
back, which shows as its age; it never lets it run ahead.
*/
CREATE OR ALTER PROCEDURE notify.beat_heartbeat
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    /* One reading of the clock gives UTC and the offset of local time: two could fall on two sides of a change. */
    DECLARE @clock DATETIMEOFFSET(7) = SYSDATETIMEOFFSET();
    DECLARE @now DATETIME2(3) = CONVERT(DATETIME2(3), SWITCHOFFSET(@clock, '+00:00'));
    DECLARE @offset_minutes SMALLINT = DATEPART(TZOFFSET, @clock);
    DECLARE @earlier_offset_minutes SMALLINT = @offset_minutes;
    DECLARE @offset_changed_at DATETIME2(3) = @now;

    SELECT
        @earlier_offset_minutes = CASE
            WHEN h.utc_offset_minutes = @offset_minutes THEN h.earlier_offset_minutes
            ELSE h.utc_offset_minutes
        END,
        @offset_changed_at = CASE WHEN h.utc_offset_minutes = @offset_minutes THEN h.offset_changed_at ELSE @now END
    FROM notify.heartbeat AS h
    WHERE h.heartbeat_id = 1;

    /*
    Begin times are local. What began before the offset last changed began under the earlier one; where both readings are
    possible, the earlier time counts.
    */
    DECLARE
        @greater_offset_minutes SMALLINT = CASE
            WHEN @earlier_offset_minutes > @offset_minutes THEN @earlier_offset_minutes
            ELSE @offset_minutes
        END;
    DECLARE
        @oldest DATETIME2(3) = (
            SELECT
                MIN(
                    CASE
                        WHEN began.earliest < @offset_changed_at THEN began.earliest
                        ELSE DATEADD(MINUTE, -@offset_minutes, began.local_time)
                    END
                )
            FROM (
                SELECT name, transaction_begin_time, transaction_type FROM sys.dm_tran_active_transactions
            ) AS tat
            CROSS APPLY (
                SELECT
                    CONVERT(DATETIME2(3), tat.transaction_begin_time) AS local_time,
                    DATEADD(
                        MINUTE,
                        -@greater_offset_minutes,
                        CONVERT(DATETIME2(3), tat.transaction_begin_time)
                    ) AS earliest
            ) AS began
            WHERE tat.transaction_type <> 3 /* system */
                AND COALESCE(tat.name, N'') NOT IN (N'worktable', N'LobStorageProviderSession')
        );
    DECLARE @min_active_rowversion BINARY(8) = MIN_ACTIVE_ROWVERSION();

    /* 4 ms: the view's times are datetime, in steps of 1/300 s, and the clock's were rounded to the millisecond. */
    DECLARE @safe_point DATETIME2(3) = DATEADD(MILLISECOND, -4, CASE WHEN @oldest < @now THEN @oldest ELSE @now END);

    UPDATE h
    SET
        h.beat = h.beat +
        CASE WHEN DATEDIFF_BIG(SECOND, h.beat_at, @now) > 1 THEN DATEDIFF_BIG(SECOND, h.beat_at, @now) ELSE 1 END,
        h.beat_at = @now,
        h.safe_point = @safe_point,
        h.min_active_rowversion = @min_active_rowversion,
        h.utc_offset_minutes = @offset_minutes,
        h.earlier_offset_minutes = @earlier_offset_minutes,
        h.offset_changed_at = @offset_changed_at,
        h.server_name = CONVERT(sysname, SERVERPROPERTY('ServerName'))
    FROM notify.heartbeat AS h
    WHERE h.heartbeat_id = 1;

    IF @@ROWCOUNT = 0
        INSERT INTO notify.heartbeat (
            heartbeat_id,
            beat,
            beat_at,
            safe_point,
            min_active_rowversion,
            utc_offset_minutes,
            earlier_offset_minutes,
            offset_changed_at,
            server_name
        )
        VALUES (
            1,
            1,
            @now,
            @safe_point,
            @min_active_rowversion,
            @offset_minutes,
            @earlier_offset_minutes,
            @offset_changed_at,
            CONVERT(sysname, SERVERPROPERTY('ServerName'))
        );
END;
GO
