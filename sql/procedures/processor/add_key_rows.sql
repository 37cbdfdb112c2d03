SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
add_key_rows (internal): adds rows of read_keys to a reading of all keys. Within the caller's transaction.

Parameters  @key_scan_id; @rows: JSON array, at most 4,000; a record that is there already is left as it is, one whose stamps are
            all NULL has the empty stamp, less than any other
Errors      50015 more than 4,000 rows; 50022 a record key of more than 450 characters
Locks       key_scan, its new rows
*/
CREATE OR ALTER PROCEDURE notify.add_key_rows @key_scan_id BIGINT, @rows NVARCHAR(MAX)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @added INTEGER;
    DECLARE @count INTEGER;
    DECLARE @longest INTEGER;

    SELECT
        @count = COUNT(*),
        @longest = MAX(
            CASE WHEN LEN(j.record_key) > LEN(j.record_match) THEN LEN(j.record_key) ELSE LEN(j.record_match) END
        )
    FROM OPENJSON(@rows) WITH (
        record_key NVARCHAR(4000),
        record_match NVARCHAR(4000)
    ) AS j;

    IF @count > 4000
        THROW 50015, N'At most 4,000 rows of keys in a call. Give them to record_keys in pieces.', 1;

    IF @longest > 450
        THROW 50022, N'A record key has more than 450 characters as JSON text. Such a table cannot be watched.', 1;

    INSERT INTO notify.key_scan_row (key_scan_id, record_key, record_match, created_stamp, state_stamp, fields, matches)
    SELECT @key_scan_id, j.record_key, j.record_match, j.created_stamp, COALESCE(j.state_stamp, ''), j.fields, j.matches
    FROM OPENJSON(@rows) WITH (
        record_key NVARCHAR(450),
        record_match NVARCHAR(450),
        created_stamp VARCHAR(27),
        state_stamp VARCHAR(27),
        fields NVARCHAR(MAX),
        matches NVARCHAR(4000)
    ) AS j
    WHERE NOT EXISTS (
            SELECT 1
            FROM notify.key_scan_row AS kr
            WHERE kr.key_scan_id = @key_scan_id AND kr.record_match = j.record_match COLLATE Latin1_General_BIN2
        );
    SET @added = @@ROWCOUNT;

    UPDATE ks
    SET ks.row_count = ks.row_count + @added
    FROM notify.key_scan AS ks
    WHERE ks.key_scan_id = @key_scan_id;
END;
GO
