SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
count_vanished (internal): how many rows of the stored snapshots a reading does not show, and whether so many may be believed.

Parameters  @key_scan_id: the reading; @snapshots: as begin_comparison gave them; results: @vanished (of the snapshot that lost
            most), @outcome: held where more vanished than mass_delete_rows and mass_delete_percent of the snapshot's rows, and
            nobody approved it; else compared
Locks       none held. Both sets are read whole, in the order of uq_key_scan_row_record: that is what a comparison costs, at its
            own cadence.
*/
CREATE OR ALTER PROCEDURE notify.count_vanished
    @key_scan_id BIGINT,
    @snapshots NVARCHAR(MAX),
    @vanished INTEGER OUTPUT,
    @outcome VARCHAR(10) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @is_mass BIT;

    SELECT
        @vanished = COALESCE(MAX(lost.row_count), 0),
        @is_mass = MAX(
            CASE
                WHEN lost.row_count > wt.mass_delete_rows
                AND lost.row_count * CONVERT(BIGINT, 100) > base.row_count * CONVERT(BIGINT, wt.mass_delete_percent)
                AND ks.state <> 'approved' THEN 1
                ELSE 0
            END
        )
    FROM (
        SELECT DISTINCT s.key_scan_id AS key_scan_id
        FROM OPENJSON(@snapshots) WITH (
            key_scan_id BIGINT
        ) AS s
    ) AS stored
    JOIN notify.key_scan AS base ON base.key_scan_id = stored.key_scan_id
    JOIN notify.key_scan AS ks ON ks.key_scan_id = @key_scan_id
    JOIN notify.watched_table AS wt ON wt.watched_table_id = ks.watched_table_id
    CROSS APPLY (
        SELECT COUNT(*) AS row_count
        FROM notify.key_scan_row AS r
        WHERE r.key_scan_id = stored.key_scan_id
            AND NOT EXISTS (
                SELECT 1
                FROM notify.key_scan_row AS shown
                WHERE shown.key_scan_id = @key_scan_id AND shown.record_match = r.record_match
            )
    ) AS lost;

    SET @outcome = CASE WHEN @is_mass = 1 THEN 'held' ELSE 'compared' END;
END;
GO
