SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
compile_row (internal): turns a request's names into the SQL text that reads one row of its table. Every name is looked up in
this database's catalog and quoted; values never enter the text: they are read from @request into variables of the column's
exact type by the declarations.

Parameters  @request: as processor's table_request gives it (schema, table, keys, stamps, created, rowversion, soft_delete,
            notice_columns, notifications); @with_misses: 1 puts the notifications whose criteria do not hold into matches too,
            as negative numbers; results: @columns: check_columns' JSON; @parts, a JSON object for filled_template, expressions over a table aliased t:
            table: its quoted name; declarations: to put in front; key_order: row_sql's; record_key,
            record_match, created_stamp, state_stamp, state_hash, is_deleted, fields, matches: sql/README.md;
            newest_stamp: the greatest of the date and time stamps, NULL without any
Errors      those of check_columns and compile_criteria
*/
CREATE OR ALTER PROCEDURE notify.compile_row
    @request NVARCHAR(MAX),
    @with_misses BIT = 0,
    @columns NVARCHAR(MAX) = NULL OUTPUT,
    @parts NVARCHAR(MAX) OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @declarations NVARCHAR(MAX);
    DECLARE @matches NVARCHAR(MAX);
    DECLARE @state_hash NVARCHAR(MAX);
    DECLARE @soft_delete NVARCHAR(4000) = JSON_VALUE(@request, '$.soft_delete.value');

    EXECUTE notify.check_columns @request = @request, @columns = @columns OUTPUT;
    EXECUTE notify.compile_criteria
        @request = @request,
        @columns = @columns,
        @with_misses = @with_misses,
        @declarations = @declarations OUTPUT,
        @matches = @matches OUTPUT;

    /*
    The state's hash: the row as JSON, without NULLs, so that a nullable column added later changes nothing until it is filled. Left
    out: computed columns (others tell the same), rowversions (not the same on every kind of replica), what JSON cannot hold.
    */
    SELECT
        @state_hash = N'CONVERT(varchar(64), HASHBYTES(''SHA2_256'', (SELECT ' +
        STRING_AGG(CONVERT(NVARCHAR(MAX), CONCAT(c.reference, N' AS c', c.column_id)), N', ') WITHIN GROUP (
            ORDER BY c.column_id
        ) +
        N' FOR JSON PATH, WITHOUT_ARRAY_WRAPPER)), 2)'
    FROM notify.described_columns(@columns) AS c
    WHERE c.is_computed = 0 AND c.type_name NOT IN (N'timestamp', N'sql_variant', N'image');

    SET @parts = (
            SELECT
                QUOTENAME(JSON_VALUE(@request, '$.schema')) +
                N'.' +
                QUOTENAME(JSON_VALUE(@request, '$.table')) AS [table],
                COALESCE(N'DECLARE @soft_delete ' + row_sql.soft_delete_declaration, N'') +
                @declarations AS declarations,
                COALESCE(row_sql.key_order, N'') AS key_order,
                N'N''["'' + ' + row_sql.record_key + N' + N''"]''' AS record_key,
                N'N''["'' + ' + row_sql.record_match + N' + N''"]''' AS record_match,
                COALESCE(row_sql.created_stamp, N'CONVERT(varchar(27), NULL)') AS created_stamp,
                newest.stamp AS newest_stamp,
                /* The rowversion if there is one, else the greatest of the stamp columns. */
                COALESCE(row_sql.rowversion_stamp, newest.stamp) AS state_stamp,
                @state_hash AS state_hash,
                COALESCE(
                    N'CONVERT(bit, CASE WHEN ' + row_sql.soft_delete_predicate + N' THEN 1 ELSE 0 END)',
                    N'CONVERT(bit, 0)'
                ) AS is_deleted,
                COALESCE(
                    N'(SELECT ' + row_sql.notice_list + N' FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER)',
                    N'CONVERT(nvarchar(max), NULL)'
                ) AS fields,
                @matches AS matches
            FROM notify.row_sql(@request, @columns, @soft_delete) AS row_sql
            CROSS APPLY (
                SELECT
                    COALESCE(
                        N'(SELECT MAX(v.stamp) FROM (VALUES (' +
                        row_sql.stamp_list +
                        N')) AS v (stamp) WHERE v.stamp IS NOT NULL)',
                        N'CONVERT(varchar(27), NULL)'
                    ) AS stamp
            ) AS newest
            FOR JSON PATH, WITHOUT_ARRAY_WRAPPER
        );
END;
GO
