SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
extract_request: the request, as JSON, that extract_changes takes for changes of one notification.

Parameters  @notification_id; @changes: JSON array of {change_number, key: [texts], operation, fields, version}.
Returns     table_request's fields for this notification, without a scan's, and: merge_procedure, prerequisite_procedure
            (left out when there is none), notification_id, criteria: [{column, operator, value: [texts]}], changes.
*/
CREATE OR ALTER FUNCTION notify.extract_request (@notification_id INTEGER, @changes NVARCHAR(MAX))
RETURNS NVARCHAR(MAX)
AS
BEGIN
    DECLARE @request NVARCHAR(MAX);
    DECLARE @merge_procedure NVARCHAR(257);
    DECLARE @prerequisite_procedure NVARCHAR(257);

    SELECT
        @request = notify.table_request(n.watched_table_id, NULL, n.notification_id, NULL, NULL, NULL, NULL, NULL),
        @merge_procedure = n.merge_procedure,
        @prerequisite_procedure = p.procedure_name
    FROM notify.notification AS n
    LEFT JOIN notify.prerequisite AS p ON p.notification_id = n.notification_id
    WHERE n.notification_id = @notification_id;

    SET @request = JSON_MODIFY(@request, '$.criteria', JSON_QUERY(@request, '$.notifications[0].criteria'));
    SET @request = JSON_MODIFY(@request, '$.notification_id', @notification_id);
    SET @request = JSON_MODIFY(@request, '$.merge_procedure', @merge_procedure);
    SET @request = JSON_MODIFY(@request, '$.prerequisite_procedure', @prerequisite_procedure);
    RETURN JSON_MODIFY(@request, '$.changes', JSON_QUERY(@changes));
END;
GO
