SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
definition_of: a stored notification as the JSON that save_notification takes; NULL when there is none of this id.

What is NULL or not said is left out. Two equal definitions give equal texts: this is how a change is told from none.
*/
CREATE OR ALTER FUNCTION notify.definition_of (@notification_id INTEGER)
RETURNS NVARCHAR(MAX)
AS
BEGIN
    DECLARE
        @definition NVARCHAR(MAX) = (
            SELECT
                n.name AS name,
                n.description AS description,
                JSON_QUERY(notify.table_definition(n.watched_table_id)) AS [table],
                JSON_QUERY(
                    N'[' +
                    STUFF(
                        CONCAT(
                            CASE WHEN n.on_insert = 1 THEN N',"insert"' END,
                            CASE WHEN n.on_update = 1 THEN N',"update"' END,
                            CASE WHEN n.on_delete = 1 THEN N',"delete"' END
                        ),
                        1,
                        1,
                        N''
                    ) +
                    N']'
                ) AS [on],
                (
                    SELECT
                        c.column_name AS [column],
                        c.operator AS operator,
                        JSON_QUERY(NULLIF(c.operand, N'[]')) AS value
                    FROM notify.criterion AS c
                    WHERE c.notification_id = n.notification_id
                    ORDER BY c.criterion_number
                    FOR JSON PATH
                ) AS [where],
                n.policy AS policy,
                n.merge_procedure AS merge_procedure,
                email.template AS [channels.email.template],
                push.template AS [channels.push.template],
                sms.template AS [channels.sms.template],
                p.procedure_name AS [prerequisite.procedure],
                p.deadline_minutes AS [prerequisite.deadline_minutes],
                n.priority AS priority,
                n.expires_after_minutes AS expires_after_minutes,
                n.maximum_delay_minutes AS maximum_delay_minutes
            FROM notify.notification AS n
            LEFT JOIN notify.prerequisite AS p ON p.notification_id = n.notification_id
            LEFT JOIN notify.notification_channel AS email
                ON email.notification_id = n.notification_id AND email.channel = 'email'
            LEFT JOIN notify.notification_channel AS push
                ON push.notification_id = n.notification_id AND push.channel = 'push'
            LEFT JOIN notify.notification_channel AS sms
                ON sms.notification_id = n.notification_id AND sms.channel = 'sms'
            WHERE n.notification_id = @notification_id
            FOR JSON PATH, WITHOUT_ARRAY_WRAPPER
        );
    RETURN @definition;
END;
GO
