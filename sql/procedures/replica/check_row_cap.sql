SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
check_row_cap (internal): refuses to scan a table that has no index on its stamp and has outgrown the size for which that was allowed.

Parameters  @request: as detect_changes takes it; its names are checked already
Errors      50156 too large
*/
CREATE OR ALTER PROCEDURE notify.check_row_cap @request NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @message NVARCHAR(2048);
    DECLARE
        @table_name NVARCHAR(600) = QUOTENAME(JSON_VALUE(@request, '$.schema')) +
        N'.' +
        QUOTENAME(JSON_VALUE(@request, '$.table'));

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
                QUOTENAME(JSON_VALUE(@request, '$.stamp')),
                N'. Create the index (notify doctor prints it) or raise row_cap.'
            );
        THROW 50156, @message, 1;
    END;
END;
GO
