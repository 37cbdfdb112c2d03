SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
write_stamp_columns: makes the stamp columns of a watched table those of a checked definition. Within save_notification's transaction.

A rowversion that an index leads on is scanned, and then the other stamp columns need not be: whatever changes a row changes it. One
without an index orders the states only, unless it is the table's only stamp column.
A stamp column that goes takes its watermarks with it; so does another time zone, in which the stamps mean other moments. A
notification that then has no watermark gets one, from a snapshot, when it is resumed.
*/
CREATE OR ALTER PROCEDURE notify.write_stamp_columns
    @definition NVARCHAR(MAX),
    @watched_table_id INTEGER,
    @former_time_zone sysname
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @wanted TABLE (
        column_name sysname COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
        is_created BIT NOT NULL,
        is_rowversion BIT NOT NULL,
        leads_index BIT NOT NULL,
        is_scanned BIT NOT NULL
    );

    INSERT @wanted (column_name, is_created, is_rowversion, leads_index, is_scanned)
    SELECT
        d.column_name,
        CASE WHEN d.column_use = 'created' THEN 1 ELSE 0 END,
        CASE WHEN d.column_use = 'rowversion' THEN 1 ELSE 0 END,
        d.leads_index,
        1
    FROM notify.definition_columns(@definition) AS d
    WHERE d.column_use IN ('created', 'modified', 'rowversion');

    IF EXISTS (SELECT 1 FROM @wanted AS w WHERE w.is_rowversion = 1 AND w.leads_index = 1)
        UPDATE @wanted
        SET is_scanned = 0
        WHERE is_rowversion = 0;
    ELSE IF EXISTS (SELECT 1 FROM @wanted AS w WHERE w.is_rowversion = 0)
        UPDATE @wanted
        SET is_scanned = 0
        WHERE is_rowversion = 1;

    DELETE m
    FROM notify.watermark AS m
    INNER JOIN notify.stamp_column AS sc ON sc.stamp_column_id = m.stamp_column_id
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = sc.watched_table_id
    WHERE sc.watched_table_id = @watched_table_id
        AND (
            (wt.time_zone <> @former_time_zone AND sc.is_rowversion = 0)
            OR NOT EXISTS (SELECT 1 FROM @wanted AS w WHERE w.column_name = sc.column_name)
        );
    DELETE sc
    FROM notify.stamp_column AS sc
    WHERE sc.watched_table_id = @watched_table_id
        AND NOT EXISTS (SELECT 1 FROM @wanted AS w WHERE w.column_name = sc.column_name);

    UPDATE sc
    SET sc.is_created = w.is_created, sc.is_rowversion = w.is_rowversion, sc.is_scanned = w.is_scanned
    FROM notify.stamp_column AS sc
    INNER JOIN @wanted AS w ON w.column_name = sc.column_name
    WHERE sc.watched_table_id = @watched_table_id;
    INSERT notify.stamp_column (watched_table_id, column_name, is_created, is_rowversion, is_scanned)
    SELECT @watched_table_id, w.column_name, w.is_created, w.is_rowversion, w.is_scanned
    FROM @wanted AS w
    WHERE NOT EXISTS (
            SELECT 1
            FROM notify.stamp_column AS sc
            WHERE sc.watched_table_id = @watched_table_id AND sc.column_name = w.column_name
        )
    ORDER BY w.is_created DESC, w.column_name;
END;
GO
