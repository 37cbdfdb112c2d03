SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
check_columns (internal): refuses a request that names what this database has not, or a column that cannot play its role.

Parameters  @request: as compile_row takes it
Errors      50151 unknown table, 50152 unknown columns (all of them named), 50153 the type of a column does not allow its role
*/
CREATE OR ALTER PROCEDURE notify.check_columns @request NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @message NVARCHAR(2048);
    DECLARE @column TABLE (
        column_name sysname NOT NULL PRIMARY KEY,
        type_name sysname NULL,
        declared_type NVARCHAR(300) NULL,
        as_text NVARCHAR(500) NULL,
        as_stamp NVARCHAR(500) NULL
    );

    INSERT INTO @column (column_name, type_name, declared_type, as_text, as_stamp)
    SELECT tc.column_name, tc.type_name, tc.declared_type, tc.as_text, tc.as_stamp
    FROM notify.table_columns(JSON_VALUE(@request, '$.schema'), JSON_VALUE(@request, '$.table')) AS tc;

    IF @@ROWCOUNT = 0
    BEGIN
        SET @message = CONCAT(
                N'There is no table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' in this database, or the procedure may not read it. Refresh the catalog copy; see roles/replica.sql for the grant.'
            );
        THROW 50151, @message, 1;
    END;

    SELECT
        @message = STRING_AGG(CONVERT(NVARCHAR(MAX), missing.column_name), N', ') WITHIN GROUP (
            ORDER BY missing.column_name
        )
    FROM (
        SELECT DISTINCT r.column_name AS column_name
        FROM notify.request_columns(@request) AS r
        WHERE NOT EXISTS (SELECT 1 FROM @column AS c WHERE c.column_name = r.column_name)
    ) AS missing;

    IF @message IS NOT NULL
    BEGIN
        SET @message = CONCAT(
                N'Table ',
                JSON_VALUE(@request, '$.schema'),
                N'.',
                JSON_VALUE(@request, '$.table'),
                N' has no column ',
                @message,
                N'. Refresh the catalog copy and change the definitions that name it.'
            );
        THROW 50152, @message, 1;
    END;

    SELECT @message = STRING_AGG(CONVERT(NVARCHAR(MAX), CONCAT(r.column_name, N' (', r.role, N')')), N', ')
    FROM notify.request_columns(@request) AS r
    JOIN @column AS c ON c.column_name = r.column_name
    WHERE (r.role = 'key' AND c.as_text IS NULL)
        OR (r.role IN ('scan', 'stamp', 'created') AND c.as_stamp IS NULL)
        OR (r.role = 'rowversion' AND c.type_name <> N'timestamp')
        OR (r.role IN ('criterion', 'soft_delete') AND c.declared_type IS NULL);

    IF @message IS NOT NULL
    BEGIN
        SET @message = CONCAT(N'The type of these columns does not allow their role: ', @message, N'.');
        THROW 50153, @message, 1;
    END;
END;
GO
