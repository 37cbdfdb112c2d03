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
Errors      50150 not read only, 50155 no heartbeat yet, 50156 too large for a table without an index on the stamp, those of
            compile_row. 3961, 3947, 3948: redo got in the way, try again.
Locks       none: a secondary reads by snapshot. One explicit transaction keeps heartbeat and rows in the same one.

There is no upper bound: every row above low that the snapshot shows is read, only the advance of low is careful.
*/
CREATE OR ALTER PROCEDURE notify.detect_changes @request NVARCHAR(MAX), @debug BIT = 0
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'
        THROW 50150, N'This database is not read only. Point the role replica at a readable secondary (ApplicationIntent=ReadOnly), not at source.', 1;

    DECLARE @table_name NVARCHAR(600);
    DECLARE @declarations NVARCHAR(MAX);
    DECLARE @key_order NVARCHAR(MAX);
    DECLARE @record_key NVARCHAR(MAX);
    DECLARE @record_match NVARCHAR(MAX);
    DECLARE @created_stamp NVARCHAR(MAX);
    DECLARE @state_stamp NVARCHAR(MAX);
    DECLARE @state_hash NVARCHAR(MAX);
    DECLARE @is_deleted NVARCHAR(MAX);
    DECLARE @fields NVARCHAR(MAX);
    DECLARE @matches NVARCHAR(MAX);
    DECLARE @newest_stamp NVARCHAR(MAX);
    DECLARE @stamp NVARCHAR(300);
    DECLARE @stamp_text NVARCHAR(500);
    DECLARE @stamp_type NVARCHAR(300);
    DECLARE @stamp_from_text NVARCHAR(400);
    DECLARE @type_name sysname;
    DECLARE @scale TINYINT;
    DECLARE @key_declarations NVARCHAR(MAX) = N'';
    DECLARE @key_after NVARCHAR(MAX);
    DECLARE @statement NVARCHAR(MAX);
    DECLARE @beat BIGINT;
    DECLARE @safe_point DATETIME2(3);
    DECLARE @min_active_rowversion BINARY(8);
    DECLARE @safe_stamp VARCHAR(27);
    DECLARE @row_count INTEGER;
    DECLARE @message NVARCHAR(2048);
    DECLARE @high VARCHAR(27) = JSON_VALUE(@request, '$.high');
    DECLARE @cursor_stamp VARCHAR(27) = JSON_VALUE(@request, '$.cursor_stamp');
    DECLARE @low VARCHAR(27) = JSON_VALUE(@request, '$.low');
    DECLARE @page_size INTEGER = COALESCE(CONVERT(INTEGER, JSON_VALUE(@request, '$.page_size')), 4000);

    CREATE TABLE #detected (
        ordinal INTEGER NOT NULL PRIMARY KEY,
        record_key NVARCHAR(450) COLLATE DATABASE_DEFAULT NOT NULL,
        record_match NVARCHAR(450) COLLATE DATABASE_DEFAULT NOT NULL,
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
        EXECUTE notify.compile_row
            @request = @request,
            @table_name = @table_name OUTPUT,
            @declarations = @declarations OUTPUT,
            @key_order = @key_order OUTPUT,
            @record_key = @record_key OUTPUT,
            @record_match = @record_match OUTPUT,
            @created_stamp = @created_stamp OUTPUT,
            @state_stamp = @state_stamp OUTPUT,
            @state_hash = @state_hash OUTPUT,
            @is_deleted = @is_deleted OUTPUT,
            @fields = @fields OUTPUT,
            @matches = @matches OUTPUT,
            @newest_stamp = @newest_stamp OUTPUT;

        SELECT
            @stamp = tc.reference,
            @stamp_text = tc.as_stamp,
            @stamp_type = tc.declared_type,
            @stamp_from_text = tc.from_text,
            @type_name = tc.type_name,
            @scale = tc.scale
        FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
        WHERE tc.column_name = JSON_VALUE(@request, '$.stamp');

        /* A table without an index on its stamp is read whole: only where that was allowed, and only up to the size allowed. */
        IF JSON_VALUE(@request, '$.row_cap') IS NOT NULL
           AND NOT EXISTS (
               SELECT 1
               FROM (
                   SELECT object_id, column_id, key_ordinal FROM sys.index_columns
               ) AS ic
               JOIN (
                   SELECT object_id, column_id, name FROM sys.columns
               ) AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
               WHERE ic.object_id = OBJECT_ID(@table_name)
                   AND ic.key_ordinal = 1
                   AND c.name = JSON_VALUE(@request, '$.stamp')
           )
           AND (
               SELECT SUM(p.rows)
               FROM (
                   SELECT object_id, index_id, rows FROM sys.partitions
               ) AS p
               WHERE p.object_id = OBJECT_ID(@table_name) AND p.index_id IN (0, 1)
           ) > CONVERT(BIGINT, JSON_VALUE(@request, '$.row_cap'))
        BEGIN
            SET @message = CONCAT(
                    N'Table ',
                    @table_name,
                    N' has more than ',
                    JSON_VALUE(@request, '$.row_cap'),
                    N' rows and no index on ',
                    @stamp,
                    N'. Create the index (notify doctor prints it) or raise row_cap.'
                );
            THROW 50156, @message, 1;
        END;

        /* The page goes on behind the row (cursor_stamp, cursor_key); keys compare one after the other. */
        IF @cursor_stamp IS NOT NULL
            SELECT
                @key_declarations = STRING_AGG(
                    CONVERT(
                        NVARCHAR(MAX),
                        CONCAT(
                            N'DECLARE @key_',
                            CONVERT(INTEGER, k.[key]),
                            N' ',
                            tc.declared_type,
                            N' = ',
                            REPLACE(
                                tc.from_text,
                                N'?',
                                CONCAT(N'JSON_VALUE(@request, ''$.cursor_key[', CONVERT(INTEGER, k.[key]), N']'')')
                            ),
                            N';',
                            NCHAR(10)
                        )
                    ),
                    N''
                ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key])),
                @key_after = STRING_AGG(
                    CONVERT(
                        NVARCHAR(MAX),
                        CONCAT(
                            N'(',
                            COALESCE(before.equal, N''),
                            tc.reference,
                            N' > @key_',
                            CONVERT(INTEGER, k.[key]),
                            N')'
                        )
                    ),
                    N' OR '
                ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, k.[key]))
            FROM OPENJSON(@request, '$.keys') AS k
            JOIN notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc
                ON tc.column_name = k.value
            OUTER APPLY (
                SELECT
                    STRING_AGG(
                        CONVERT(
                            NVARCHAR(MAX),
                            CONCAT(N't.', QUOTENAME(j.value), N' = @key_', CONVERT(INTEGER, j.[key]), N' AND ')
                        ),
                        N''
                    ) WITHIN GROUP (ORDER BY CONVERT(INTEGER, j.[key])) AS equal
                FROM OPENJSON(@request, '$.keys') AS j
                WHERE CONVERT(INTEGER, j.[key]) < CONVERT(INTEGER, k.[key])
            ) AS before;

        SET @statement = CONCAT(
                @declarations,
                N'DECLARE @low ',
                @stamp_type,
                N' = ',
                REPLACE(@stamp_from_text, N'?', N'@low_text'),
                N';',
                NCHAR(10),
                CASE
                    WHEN @high IS NOT NULL THEN CONCAT(
                        N'DECLARE @high ',
                        @stamp_type,
                        N' = ',
                        REPLACE(@stamp_from_text, N'?', N'@high_text'),
                        N';',
                        NCHAR(10)
                    )
                END,
                CASE
                    WHEN @cursor_stamp IS NOT NULL THEN CONCAT(
                        N'DECLARE @cursor ',
                        @stamp_type,
                        N' = ',
                        REPLACE(@stamp_from_text, N'?', N'@cursor_text'),
                        N';',
                        NCHAR(10),
                        @key_declarations
                    )
                END,
                N'INSERT INTO #detected (ordinal, record_key, record_match, stamp, created_stamp, newest_stamp, state_stamp, state_hash, is_deleted, matches, fields)
SELECT TOP (@page_size)
    ROW_NUMBER() OVER (ORDER BY ',
                @stamp,
                N', ',
                @key_order,
                N'),
    ',
                @record_key,
                N',
    ',
                @record_match,
                N',
    ',
                @stamp_text,
                N',
    ',
                @created_stamp,
                N',
    ',
                @newest_stamp,
                N',
    ',
                @state_stamp,
                N',
    ',
                @state_hash,
                N',
    ',
                @is_deleted,
                N',
    ',
                @matches,
                N',
    ',
                @fields,
                N'
FROM ',
                @table_name,
                N' AS t
WHERE ',
                @stamp,
                N' > @low',
                CASE WHEN @high IS NOT NULL THEN N' AND ' + @stamp + N' <= @high' END,
                CASE
                    WHEN @cursor_stamp IS NOT NULL THEN N' AND ' +
                    @stamp +
                    N' >= @cursor AND (' +
                    @stamp +
                    N' > @cursor OR ' +
                    @key_after +
                    N')'
                END,
                N'
ORDER BY ',
                @stamp,
                N', ',
                @key_order,
                N'
OPTION (RECOMPILE);'
            );

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
