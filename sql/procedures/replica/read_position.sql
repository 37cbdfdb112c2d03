SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
read_position: which heartbeat this database shows. For doctor and status; detection reads it with its rows.

Result   one row: beat, beat_at, safe_point (UTC of source), min_active_rowversion (all NULL before the first heartbeat),
         is_read_only, database_name. Runs on source too, so that doctor can tell what it is connected to.
*/
CREATE OR ALTER PROCEDURE notify.read_position
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    SELECT
        h.beat AS beat,
        h.beat_at AS beat_at,
        h.safe_point AS safe_point,
        h.min_active_rowversion AS min_active_rowversion,
        CONVERT(
            BIT,
            CASE
                WHEN CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')) = N'READ_ONLY' THEN 1
                ELSE 0
            END
        ) AS is_read_only,
        DB_NAME() AS database_name
    FROM (VALUES (1)) AS one (heartbeat_id)
    LEFT JOIN notify.heartbeat AS h ON h.heartbeat_id = one.heartbeat_id;
END;
GO
