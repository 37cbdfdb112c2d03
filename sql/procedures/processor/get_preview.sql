SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_preview: what extract_changes must be asked to show how a notification would look for one record. Nothing is recorded.

Parameters  @name: of a notification in any state; @record_key: a JSON array of the key's texts, or the text of a key of one column;
            NULL: the caller chooses a record by keys and stamp, and puts it into the request; @operation: I, U or D.
Result      one row: notification_name, state, schema_name, table_name, key_columns (JSON list), stamp_column (the best one to find new
            rows by), merge_procedure, channels (JSON list of {channel, template}), request.
Errors      50003 no such notification; 50013 unknown operation
*/
CREATE OR ALTER PROCEDURE notify.get_preview
    @name NVARCHAR(100),
    @record_key NVARCHAR(450) = NULL,
    @operation CHAR(1) = 'I'
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @notification_id INTEGER;
    DECLARE @state VARCHAR(10);
    DECLARE @watched_table_id INTEGER;
    DECLARE @changes NVARCHAR(MAX);

    IF @operation IS NULL OR @operation NOT IN ('I', 'U', 'D')
        THROW 50013, N'get_preview: @operation is I, U or D.', 1;
    EXECUTE notify.find_notification
        @name = @name,
        @notification_id = @notification_id OUTPUT,
        @state = @state OUTPUT,
        @watched_table_id = @watched_table_id OUTPUT;

    SET @changes = CASE
            WHEN @record_key IS NULL THEN N'[]'
            ELSE (
                SELECT
                    1 AS change_number,
                    JSON_QUERY(notify.record_key_of(@record_key)) AS [key],
                    @operation AS operation,
                    '' AS version
                FOR JSON PATH
            )
        END;

    SELECT
        n.name AS notification_name,
        n.state,
        wt.schema_name,
        wt.table_name,
        JSON_QUERY(notify.table_definition(wt.watched_table_id), '$.keys') AS key_columns,
        newest.column_name AS stamp_column,
        n.merge_procedure,
        (
            SELECT nc.channel, nc.template
            FROM notify.notification_channel AS nc
            WHERE nc.notification_id = n.notification_id
            ORDER BY nc.channel
            FOR JSON PATH
        ) AS channels,
        notify.extract_request(n.notification_id, @changes) AS request
    FROM notify.notification AS n
    INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    OUTER APPLY (
        SELECT TOP (1) sc.column_name
        FROM notify.stamp_column AS sc
        WHERE sc.watched_table_id = wt.watched_table_id
        ORDER BY sc.is_scanned DESC, sc.is_created DESC, sc.stamp_column_id
    ) AS newest
    WHERE n.notification_id = @notification_id;
END;
GO
