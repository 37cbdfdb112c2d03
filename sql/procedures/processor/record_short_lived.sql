SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_short_lived (internal): the deletes of records that were recorded alive since the stored snapshot was read, and are neither
in it nor in the reading: they came and went between the two. Within the caller's transaction, which holds lock_key_scan.

Parameters  @key_scan_id: the reading; @snapshots: as begin_comparison gave them; results: @is_last: no more is left; counted on:
            @recorded, @pending, @superseded
Locks       change: those of store_changes

At most 4,000 changes a call; what is recorded is not found again. Sought by ix_change_beat between the two beats, or from the
least beat that was recorded late, by a replica behind the snapshot: of those below the snapshot's beat only what was recorded
after it was stored. The rest it was judged with, or it is history: a baseline is refused while anything is recorded with its beat.
*/
CREATE OR ALTER PROCEDURE notify.record_short_lived
    @key_scan_id BIGINT,
    @snapshots NVARCHAR(MAX),
    @is_last BIT OUTPUT,
    @recorded INTEGER OUTPUT,
    @pending INTEGER OUTPUT,
    @superseded INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @beat BIGINT;
    DECLARE @late_beat BIGINT;
    DECLARE @is_local BIT;
    DECLARE @before INTEGER = @recorded;
    DECLARE @found INTEGER;
    DECLARE @gone NVARCHAR(MAX);

    SELECT
        @beat = ks.beat,
        @late_beat = wt.key_late_beat,
        @is_local = CASE WHEN wt.time_zone <> N'UTC' AND wt.rowversion_column IS NULL THEN 1 ELSE 0 END
    FROM notify.key_scan AS ks
    JOIN notify.watched_table AS wt ON wt.watched_table_id = ks.watched_table_id
    WHERE ks.key_scan_id = @key_scan_id;

    SELECT
        @gone = (
            SELECT TOP (4000)
                c.notification_id AS notification_id,
                c.record_key AS record_key,
                c.record_match AS record_match,
                c.created_stamp AS created_stamp,
                c.state_stamp AS state_stamp,
                c.fields AS fields
            FROM OPENJSON(@snapshots) WITH (
                notification_id INTEGER,
                key_scan_id BIGINT,
                beat BIGINT
            ) AS s
            JOIN notify.key_snapshot AS stored
                ON stored.notification_id = s.notification_id AND stored.key_scan_id = s.key_scan_id
            JOIN notify.change AS c
                ON c.notification_id = s.notification_id
                    AND c.beat >= CASE WHEN @late_beat < s.beat THEN @late_beat ELSE s.beat END
                    AND c.beat < @beat
                    AND (c.beat >= s.beat OR c.change_id > stored.after_change_id)
                    AND c.operation IN ('I', 'U')
            CROSS APPLY notify.latest_change(c.notification_id, c.record_match, @is_local, 0) AS latest
            WHERE latest.change_id = c.change_id
                AND NOT EXISTS (
                    SELECT 1
                    FROM notify.key_scan_row AS shown
                    WHERE shown.key_scan_id = @key_scan_id AND shown.record_match = c.record_match
                )
                AND NOT EXISTS (
                    SELECT 1
                    FROM notify.key_scan_row AS r
                    WHERE r.key_scan_id = stored.key_scan_id AND r.record_match = c.record_match
                )
            ORDER BY c.notification_id, c.beat, c.change_id
            FOR JSON PATH
        )
    OPTION (RECOMPILE); /* the span of the beats says whether ix_change_beat is worth its lookups */

    SELECT @found = COUNT(*) FROM OPENJSON(@gone) AS g;

    EXECUTE notify.store_deletes
        @key_scan_id = @key_scan_id,
        @gone = @gone,
        @recorded = @recorded OUTPUT,
        @pending = @pending OUTPUT,
        @superseded = @superseded OUTPUT;

    /* One of a full page that is stored already must not end what comes behind it. */
    SET @is_last = CASE WHEN @found < 4000 OR @recorded = @before THEN 1 ELSE 0 END;
END;
GO
