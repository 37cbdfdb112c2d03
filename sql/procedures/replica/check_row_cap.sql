SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
check_row_cap (internal): refuses to scan a table that has no usable index on its stamp, unless that was allowed and the table is no
larger than the size for which it was. Activation asked for the index; who drops or disables it later does not make each cycle
read the whole table.

Parameters  @request: as detect_changes takes it; its names are checked already
Errors      50156 no index, and not allowed without, or too large

Usable, as read_catalog has it: a rowstore index that leads on the stamp, without a filter, neither disabled nor hypothetical. The
rows of a view are nobody's to count: it is too large for any row_cap, unless it is an indexed one.
*/
CREATE OR ALTER PROCEDURE notify.check_row_cap @request NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @message NVARCHAR(2048);
    DECLARE @rows BIGINT;
    DECLARE @row_cap INTEGER = CONVERT(INTEGER, JSON_VALUE(@request, '$.row_cap'));
    DECLARE
        @table_name NVARCHAR(600) = QUOTENAME(JSON_VALUE(@request, '$.schema')) +
        N'.' +
        QUOTENAME(JSON_VALUE(@request, '$.table'));

    IF EXISTS (
           SELECT 1
           FROM (
               SELECT object_id, index_id, type, has_filter, is_disabled, is_hypothetical FROM sys.indexes
           ) AS i
           JOIN (
               SELECT object_id, index_id, column_id, key_ordinal FROM sys.index_columns
           ) AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
           JOIN (
               SELECT object_id, column_id, name FROM sys.columns
           ) AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
           WHERE i.object_id = OBJECT_ID(@table_name)
               AND i.type IN (1, 2)
               AND i.has_filter = 0
               AND i.is_disabled = 0
               AND i.is_hypothetical = 0
               AND ic.key_ordinal = 1
               AND c.name = JSON_VALUE(@request, '$.stamp')
       )
        RETURN;

    SELECT @rows = SUM(p.rows)
    FROM (
        SELECT object_id, index_id, rows FROM sys.partitions
    ) AS p
    WHERE p.object_id = OBJECT_ID(@table_name) AND p.index_id IN (0, 1);

    IF @rows <= @row_cap
        RETURN;

    SET @message = CONCAT(
            N'No usable index of ',
            @table_name,
            N' leads on ',
            QUOTENAME(JSON_VALUE(@request, '$.stamp')),
            N' (none, or it is disabled or filtered), and ',
            CASE
                WHEN @row_cap IS NULL THEN N'no scan may read the whole table'
                WHEN @rows IS NULL THEN N'nothing tells how many rows a view has'
                ELSE CONCAT(N'the table has more than ', @row_cap, N' rows')
            END,
            N'. ',
            CASE
                WHEN @row_cap IS NOT NULL AND @rows IS NULL THEN N'Watch the table behind the view.'
                ELSE N'Create or enable the index (notify doctor prints it), or set allow_unindexed and a row_cap that allows it.'
            END
        );
    THROW 50156, @message, 1;
END;
GO
