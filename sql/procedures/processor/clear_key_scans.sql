SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
clear_key_scans (internal): deletes the rows of readings that ended and are no notification's snapshot, 4,000 a step, each step
a transaction of its own. One that must give way (a deadlock, a lock that is not granted) leaves the rest to the next call: its caller
has done its work, and is not failed by what is swept behind it. So does one that has taken its steps: a cycle waits for no large
table's old reading.

Parameters  @steps: at most so many (200,000 rows by default); @has_more: out, 1 when it stopped before the end
Locks   at most 4,000 rows of key_scan_row at a time, by row; gives way in a deadlock
*/
CREATE OR ALTER PROCEDURE notify.clear_key_scans @steps INTEGER = 50, @has_more BIT = NULL OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET DEADLOCK_PRIORITY LOW;

    DECLARE @key_scan_id BIGINT = 0;
    DECLARE @deleted INTEGER;
    SET @has_more = 0;

    BEGIN TRY
        /* The readings that have rows are few: one seek each, from the least to the greatest. */
        WHILE @key_scan_id IS NOT NULL AND @steps > 0
        BEGIN
            SET @key_scan_id = (
                    SELECT TOP (1) r.key_scan_id
                    FROM notify.key_scan_row AS r
                    WHERE r.key_scan_id > @key_scan_id
                    ORDER BY r.key_scan_id
                );

            /* Held ones wait for a person and keep their rows. */
            SET @deleted = CASE
                    WHEN EXISTS (
                        SELECT 1
                        FROM notify.key_scan AS ks
                        WHERE ks.key_scan_id = @key_scan_id
                            AND ks.ended_at IS NOT NULL
                            AND NOT EXISTS (
                                SELECT 1 FROM notify.key_snapshot AS stored WHERE stored.key_scan_id = ks.key_scan_id
                            )
                    ) THEN 4000
                    ELSE 0
                END;

            WHILE @deleted = 4000 AND @steps > 0
            BEGIN
                DELETE TOP (4000) FROM notify.key_scan_row
                WHERE key_scan_id = @key_scan_id;
                SET @deleted = @@ROWCOUNT;
                SET @steps -= 1;
            END;
        END;
        SET @has_more = CASE WHEN @key_scan_id IS NULL THEN 0 ELSE 1 END;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        IF ERROR_NUMBER() NOT IN (1205, 1222)
            THROW;
    END CATCH;
END;
GO
