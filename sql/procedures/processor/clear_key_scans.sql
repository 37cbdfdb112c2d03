SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
clear_key_scans (internal): deletes the rows of finished readings, 4,000 a step, each step a transaction of its own.

Locks   at most 4,000 rows of key_scan_row at a time, by row; gives way in a deadlock
*/
CREATE OR ALTER PROCEDURE notify.clear_key_scans
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET DEADLOCK_PRIORITY LOW;

    DECLARE @key_scan_id BIGINT;
    DECLARE @deleted INTEGER = 1;

    WHILE @deleted > 0
    BEGIN
        /* A finished reading that still has rows; held ones wait for a person and keep theirs. */
        SET @key_scan_id = (
                SELECT TOP (1) ks.key_scan_id
                FROM notify.key_scan AS ks
                WHERE ks.ended_at IS NOT NULL
                    AND EXISTS (SELECT 1 FROM notify.key_scan_row AS kr WHERE kr.key_scan_id = ks.key_scan_id)
                ORDER BY ks.key_scan_id
            );

        DELETE TOP (4000) FROM notify.key_scan_row
        WHERE key_scan_id = @key_scan_id;
        SET @deleted = @@ROWCOUNT;
    END;
END;
GO
