SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
detect_changes: the rows of a watched table above a stamp, a page at a time, with the heartbeat of the same snapshot.

Parameters  @request: processor's table_request with stamp: low (NULL: this snapshot's own safe stamp, for activation),
            high (optional, for the audit), cursor_stamp and cursor_key (the last row of the page before), page_size
            @debug: 1 gives the generated statement as one row, statement_text, and runs nothing
Results     1  beat, safe_stamp (what low may become after this snapshot), is_last_page
            2  ordinal, record_key, record_match, stamp, created_stamp, newest_stamp, state_stamp, state_hash, is_deleted, matches, fields: at most
               page_size rows in order of (stamp, keys); an empty last page follows a full one. fields: only with notice columns.
Errors      50150 not read only, 50155 no heartbeat yet, those of compile_scan. 3961, 3947, 3948: redo got in the way, try again.
Locks       no rows: a secondary reads by snapshot. One explicit transaction keeps heartbeat and rows in the same one; redo of DDL
            of the table waits for its end.

There is no upper bound: every row above low that the snapshot shows is read, only the advance of low is careful.
*/
CREATE OR ALTER PROCEDURE notify.detect_changes @request NVARCHAR(MAX), @debug BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'
        THROW 50150, N'This database is not read only. Point the role replica at a readable secondary (ApplicationIntent=ReadOnly), not at source.', 1;

    DECLARE @statement NVARCHAR(MAX);
    DECLARE @type_name sysname;
    DECLARE @scale TINYINT;
    DECLARE @beat BIGINT;
    DECLARE @safe_point DATETIME2(3);
    DECLARE @min_active_rowversion BINARY(8);
    DECLARE @safe_stamp VARCHAR(27);
    DECLARE @row_count INTEGER;
    DECLARE @high VARCHAR(27) = JSON_VALUE(@request, '$.high');
    DECLARE @cursor_stamp VARCHAR(27) = JSON_VALUE(@request, '$.cursor_stamp');
    DECLARE @low VARCHAR(27) = JSON_VALUE(@request, '$.low');
    DECLARE @page_size INTEGER = COALESCE(CONVERT(INTEGER, JSON_VALUE(@request, '$.page_size')), 4000);

    CREATE TABLE #detected (
        ordinal INTEGER NOT NULL PRIMARY KEY,
        /* Wider than a key may be: the processor refuses a longer one, and says so. */
        record_key NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        stamp VARCHAR(27) COLLATE DATABASE_DEFAULT NOT NULL,
        created_stamp VARCHAR(27) COLLATE DATABASE_DEFAULT NULL,
        newest_stamp VARCHAR(27) COLLATE DATABASE_DEFAULT NULL,
        state_stamp VARCHAR(27) COLLATE DATABASE_DEFAULT NOT NULL,
        state_hash VARCHAR(64) COLLATE DATABASE_DEFAULT NOT NULL,
        is_deleted BIT NOT NULL,
        matches NVARCHAR(4000) COLLATE DATABASE_DEFAULT NOT NULL,
        fields NVARCHAR(MAX) COLLATE DATABASE_DEFAULT NULL
    );

    BEGIN TRY
        EXECUTE notify.compile_scan
            @request = @request,
            @statement = @statement OUTPUT,
            @type_name = @type_name OUTPUT,
            @scale = @scale OUTPUT;

        IF @debug = 1
        BEGIN
            SELECT @statement AS statement_text;
            RETURN;
        END;

        BEGIN TRANSACTION;

        SELECT @beat = h.beat, @safe_point = h.safe_point, @min_active_rowversion = h.min_active_rowversion
        FROM notify.heartbeat AS h
        WHERE h.heartbeat_id = 1;

        IF @beat IS NULL
            THROW 50155, N'This database shows no heartbeat. Schedule notify.beat_heartbeat on source (sql/jobs), and wait until its row has arrived here.', 1;

        SET @safe_stamp = notify.safe_stamp(
                @safe_point,
                @min_active_rowversion,
                @type_name,
                @scale,
                COALESCE(JSON_VALUE(@request, '$.time_zone'), N'UTC'),
                COALESCE(CONVERT(INTEGER, JSON_VALUE(@request, '$.skew_ms')), 0)
            );
        SET @low = COALESCE(@low, @safe_stamp);

        EXECUTE sys.sp_executesql
            @statement,
            N'@request nvarchar(max), @page_size integer, @low_text varchar(27), @high_text varchar(27), @cursor_text varchar(27)',
            @request = @request,
            @page_size = @page_size,
            @low_text = @low,
            @high_text = @high,
            @cursor_text = @cursor_stamp;

        COMMIT TRANSACTION;

        SELECT @row_count = COUNT(*) FROM #detected AS d;

        SELECT
            @beat AS beat,
            @safe_stamp AS safe_stamp,
            CONVERT(BIT, CASE WHEN @row_count < @page_size THEN 1 ELSE 0 END) AS is_last_page;

        SELECT
            d.ordinal AS ordinal,
            d.record_key AS record_key,
            d.record_match AS record_match,
            d.stamp AS stamp,
            d.created_stamp AS created_stamp,
            d.newest_stamp AS newest_stamp,
            d.state_stamp AS state_stamp,
            d.state_hash AS state_hash,
            d.is_deleted AS is_deleted,
            d.matches AS matches,
            d.fields AS fields
        FROM #detected AS d
        ORDER BY d.ordinal;
    END TRY
    BEGIN CATCH
        IF @@TRANCOUNT > 0
            ROLLBACK TRANSACTION;
        THROW;
    END CATCH;
END;
GO
