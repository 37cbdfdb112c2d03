/*
Signs the procedures that read the watched tables. Run it on source, as db_owner, after every deployment of procedures:
replacing a procedure drops its signature. Edit the list of tables first; it is the whole of what notify can read. A name in it that
is no table or view of this database is refused (50191), and nothing is changed: else detection would fail later, and elsewhere.

A certificate of its own, a user made from it, SELECT for this user: while a signed procedure runs, and only then, its caller
has the user's rights. The private key is removed at the end: nobody can sign anything else with it, no password is kept, and
the next deployment makes a new certificate. Nothing here needs EXECUTE AS or TRUSTWORTHY.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
SET NOCOUNT, XACT_ABORT ON;
GO
DECLARE @password NVARCHAR(100) = CONVERT(NVARCHAR(36), NEWID()) + N'aA1!' + CONVERT(NVARCHAR(36), NEWID());
DECLARE @statement NVARCHAR(MAX);
DECLARE @message NVARCHAR(2048);

/* The tables and views that may be watched or shown in a message: schema.table. */
DECLARE @readable TABLE (
    table_name NVARCHAR(517) NOT NULL PRIMARY KEY
);
INSERT INTO @readable (table_name)
VALUES (N'dbo.replace_with_your_tables');

SELECT
    @message = N'Nothing was signed. Not a table or view of this database, written schema.name: ' +
    STRING_AGG(CONVERT(NVARCHAR(MAX), r.table_name), N', ') WITHIN GROUP (ORDER BY r.table_name) +
    N'. Edit the list in this script.'
FROM @readable AS r
WHERE PARSENAME(r.table_name, 2) IS NULL
    OR (OBJECT_ID(r.table_name, N'U') IS NULL AND OBJECT_ID(r.table_name, N'V') IS NULL);
IF @message IS NOT NULL
    THROW 50191, @message, 1;

BEGIN TRY
    BEGIN TRANSACTION;

    /* The old signatures, user and certificate go first. */
    SELECT
        @statement = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                N'DROP SIGNATURE FROM ' +
                QUOTENAME(OBJECT_SCHEMA_NAME(signed.major_id)) +
                N'.' +
                QUOTENAME(OBJECT_NAME(signed.major_id)) +
                N' BY CERTIFICATE notify_signature;'
            ),
            N' '
        )
    FROM (
        SELECT major_id, thumbprint FROM sys.crypt_properties
    ) AS signed
    JOIN (
        SELECT thumbprint FROM sys.certificates WHERE name = N'notify_signature'
    ) AS old ON old.thumbprint = signed.thumbprint;
    EXECUTE sys.sp_executesql @statement;

    IF DATABASE_PRINCIPAL_ID(N'notify_signature_user') IS NOT NULL
        DROP USER notify_signature_user;
    IF CERT_ID(N'notify_signature') IS NOT NULL
        DROP CERTIFICATE notify_signature;

    SET @statement = N'CREATE CERTIFICATE notify_signature ENCRYPTION BY PASSWORD = ' +
        QUOTENAME(@password, N'''') +
        N' WITH SUBJECT = N''Signs the procedures of notify that read watched tables'', EXPIRY_DATE = ''99991231'';';
    EXECUTE sys.sp_executesql @statement;

    CREATE USER notify_signature_user FROM CERTIFICATE notify_signature;

    SELECT
        @statement = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                N'GRANT SELECT ON OBJECT::' +
                QUOTENAME(PARSENAME(r.table_name, 2)) +
                N'.' +
                QUOTENAME(PARSENAME(r.table_name, 1)) +
                N' TO notify_signature_user;'
            ),
            N' '
        )
    FROM @readable AS r;
    EXECUTE sys.sp_executesql @statement;

    SELECT
        @statement = STRING_AGG(
            CONVERT(
                NVARCHAR(MAX),
                N'ADD SIGNATURE TO ' +
                p.quoted_name +
                N' BY CERTIFICATE notify_signature WITH PASSWORD = ' +
                QUOTENAME(@password, N'''') +
                N';'
            ),
            N' '
        )
    FROM (
        SELECT QUOTENAME(OBJECT_SCHEMA_NAME(object_id)) + N'.' + QUOTENAME(name) AS quoted_name
        FROM sys.procedures
        WHERE OBJECT_SCHEMA_NAME(object_id) = N'notify_extract'
            OR (
                OBJECT_SCHEMA_NAME(object_id) = N'notify'
                AND name IN (
                    N'read_catalog',
                    N'check_columns',
                    N'check_row_cap',
                    N'compile_criteria',
                    N'compile_row',
                    N'compile_scan',
                    N'compile_states',
                    N'detect_changes',
                    N'read_keys',
                    N'extract_changes'
                )
            )
    ) AS p;
    EXECUTE sys.sp_executesql @statement;

    ALTER CERTIFICATE notify_signature REMOVE PRIVATE KEY;

    COMMIT TRANSACTION;
END TRY
BEGIN CATCH
    IF @@TRANCOUNT > 0
        ROLLBACK TRANSACTION;
    THROW;
END CATCH;
GO
