SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_vanished (internal): the deletes of the next page of rows that a stored snapshot has and a reading does not show. Within the
caller's transaction, which holds lock_key_scan.

Parameters  @key_scan_id: the reading; @snapshots: as begin_comparison gave them; @base_key_scan_id, @after_match: where the page
            begins, 0 and NULL at first; out: where the next one does, @base_key_scan_id NULL: all snapshots are done; counted
            on: @recorded, @pending, @superseded
Locks       change: those of store_changes

A page is a seek in uq_key_scan_row_record behind the last row found, and at most 4,000 changes.
*/
CREATE OR ALTER PROCEDURE notify.record_vanished
    @key_scan_id BIGINT,
    @snapshots NVARCHAR(MAX),
    @base_key_scan_id BIGINT OUTPUT,
    @after_match NVARCHAR(450) OUTPUT,
    @recorded INTEGER OUTPUT,
    @pending INTEGER OUTPUT,
    @superseded INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @take INTEGER;
    DECLARE @taken INTEGER;
    DECLARE @gone NVARCHAR(MAX);
    DECLARE @snapshot TABLE (
        notification_id INTEGER NOT NULL PRIMARY KEY,
        key_scan_id BIGINT NOT NULL
    );
    DECLARE @page TABLE (
        key_scan_row_id BIGINT NOT NULL PRIMARY KEY,
        record_match NVARCHAR(450) COLLATE Latin1_General_BIN2 NOT NULL
    );

    /* Those that have still the snapshot that the comparison began with. */
    INSERT INTO @snapshot (notification_id, key_scan_id)
    SELECT stored.notification_id, stored.key_scan_id
    FROM OPENJSON(@snapshots) WITH (
        notification_id INTEGER,
        key_scan_id BIGINT
    ) AS s
    JOIN notify.key_snapshot AS stored
        ON stored.notification_id = s.notification_id AND stored.key_scan_id = s.key_scan_id;

    IF @after_match IS NULL
        SELECT @base_key_scan_id = MIN(s.key_scan_id), @after_match = N''
        FROM @snapshot AS s
        WHERE s.key_scan_id > @base_key_scan_id;

    IF @base_key_scan_id IS NULL
        RETURN;

    /* A row may be a delete for each notification. */
    SELECT @take = CASE WHEN COUNT(*) BETWEEN 1 AND 4000 THEN 4000 / COUNT(*) ELSE 1 END FROM @snapshot AS s;

    INSERT INTO @page (key_scan_row_id, record_match)
    SELECT TOP (@take) r.key_scan_row_id, r.record_match
    FROM notify.key_scan_row AS r
    WHERE r.key_scan_id = @base_key_scan_id
        AND r.record_match > @after_match
        AND NOT EXISTS (
            SELECT 1
            FROM notify.key_scan_row AS shown
            WHERE shown.key_scan_id = @key_scan_id AND shown.record_match = r.record_match
        )
    ORDER BY r.record_match;
    SET @taken = @@ROWCOUNT;

    SET @gone = (
            SELECT
                s.notification_id AS notification_id,
                r.record_key AS record_key,
                r.record_match AS record_match,
                r.created_stamp AS created_stamp,
                r.state_stamp AS state_stamp,
                r.fields AS fields,
                r.matches AS matches
            FROM @page AS p
            JOIN notify.key_scan_row AS r ON r.key_scan_id = @base_key_scan_id AND r.key_scan_row_id = p.key_scan_row_id
            JOIN @snapshot AS s ON s.key_scan_id = @base_key_scan_id
            ORDER BY r.record_match, s.notification_id
            FOR JSON PATH
        );
    EXECUTE notify.store_deletes
        @key_scan_id = @key_scan_id,
        @gone = @gone,
        @recorded = @recorded OUTPUT,
        @pending = @pending OUTPUT,
        @superseded = @superseded OUTPUT;

    SET @after_match = CASE WHEN @taken = @take THEN (SELECT MAX(p.record_match) FROM @page AS p) END;
END;
GO
