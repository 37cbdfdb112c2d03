SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
record_changes: judges a page of detected rows against what is recorded, and stores the changes, the sweep's place and, with
the last page, the watermarks: one transaction.

Parameters  @run_id; @stamp_column_id, @scan_version: as get_scans gave them; @beat, @safe_stamp, @is_last_page, @rows (JSON
            array): as detect_changes gave them
Result      one row: recorded, pending, skipped, superseded, raised (inserts that took on a newer state before anybody claimed
            them), scan_version (new), has_more
Errors      50020 the scan has moved (another run, an activation, a definition): nothing is recorded, read again;
            50021 unknown stamp column; 50022 a page that is not usable, or a record key too long
Locks       in this order: watched_table (update, to the end: pages of one table are judged one after the other), stamp_column,
            change, watermark
*/
CREATE OR ALTER PROCEDURE notify.record_changes
    @run_id BIGINT,
    @stamp_column_id INTEGER,
    @scan_version INTEGER,
    @beat BIGINT,
    @safe_stamp VARCHAR(27),
    @is_last_page BIT,
    @rows NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @watched_table_id INTEGER;
    DECLARE @cursor_stamp VARCHAR(27);
    DECLARE @cursor_key NVARCHAR(450);
    DECLARE @changes NVARCHAR(MAX);
    DECLARE @recorded INTEGER;
    DECLARE @pending INTEGER;
    DECLARE @skipped INTEGER;
    DECLARE @superseded INTEGER;
    DECLARE @raised INTEGER;

    BEGIN TRY
        IF @beat IS NULL
           OR @safe_stamp IS NULL
           OR @is_last_page IS NULL
           OR (@is_last_page = 0 AND NOT EXISTS (SELECT 1 FROM OPENJSON(@rows) AS j))
            THROW 50022, N'A page needs beat, safe_stamp and is_last_page, and rows unless it is the last one. Pass on what detect_changes gave.', 1;

        SELECT @watched_table_id = sc.watched_table_id
        FROM notify.stamp_column AS sc
        WHERE sc.stamp_column_id = @stamp_column_id;

        IF @watched_table_id IS NULL
            THROW 50021, N'There is no such stamp column. Take @stamp_column_id from get_scans.', 1;

        BEGIN TRANSACTION;

        EXECUTE notify.lock_table @watched_table_id = @watched_table_id;

        SELECT @scan_version = sc.scan_version
        FROM notify.stamp_column AS sc WITH (UPDLOCK, HOLDLOCK)
        WHERE sc.stamp_column_id = @stamp_column_id AND sc.scan_version = @scan_version;

        IF @@ROWCOUNT = 0
            THROW 50020, N'The scan has moved since its rows were read: nothing is recorded. Get the scan and read again.', 1;

        EXECUTE notify.judge_page
            @watched_table_id = @watched_table_id,
            @stamp_column_id = @stamp_column_id,
            @beat = @beat,
            @rows = @rows,
            @changes = @changes OUTPUT;

        EXECUTE notify.store_changes
            @run_id = @run_id,
            @beat = @beat,
            @now = @now,
            @changes = @changes,
            @recorded = @recorded OUTPUT,
            @pending = @pending OUTPUT,
            @skipped = @skipped OUTPUT,
            @superseded = @superseded OUTPUT,
            @raised = @raised OUTPUT;

        /* A comparison of keys asks for what was recorded since the last one; what an older snapshot showed is told apart here. */
        IF @recorded > 0
            UPDATE wt
            SET wt.key_late_beat = @beat
            FROM notify.watched_table AS wt
            WHERE wt.watched_table_id = @watched_table_id
                AND @beat < wt.key_snapshot_beat
                AND (wt.key_late_beat IS NULL OR @beat < wt.key_late_beat);

        IF @is_last_page = 0
            SELECT TOP (1) @cursor_stamp = j.stamp, @cursor_key = j.record_key
            FROM OPENJSON(@rows) WITH (
                ordinal INTEGER,
                stamp VARCHAR(27),
                record_key NVARCHAR(450)
            ) AS j
            ORDER BY j.ordinal DESC;

        EXECUTE notify.move_low
            @stamp_column_id = @stamp_column_id,
            @beat = @beat,
            @safe_stamp = @safe_stamp,
            @is_last_page = @is_last_page,
            @cursor_stamp = @cursor_stamp,
            @cursor_key = @cursor_key;

        COMMIT TRANSACTION;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;

    SELECT
        @recorded AS recorded,
        @pending AS pending,
        @skipped AS skipped,
        @superseded AS superseded,
        @raised AS raised,
        @scan_version + 1 AS scan_version,
        CONVERT(BIT, 1 - @is_last_page) AS has_more;
END;
GO
