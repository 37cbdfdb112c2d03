SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
write_notification: stores a checked definition, all but its table. Within save_notification's transaction.

Parameters  @definition: checked; @watched_table_id; @notification_id: out.
*/
CREATE OR ALTER PROCEDURE notify.write_notification
    @definition NVARCHAR(MAX),
    @watched_table_id INTEGER,
    @notification_id INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @had_delete BIT;
    DECLARE @name NVARCHAR(100) = JSON_VALUE(@definition, '$.name');

    INSERT notify.notification (
        name,
        watched_table_id,
        on_insert,
        on_update,
        on_delete,
        merge_procedure,
        version,
        saved_at,
        saved_by
    )
    SELECT @name, @watched_table_id, 1, 0, 0, N'', 0, @now, ORIGINAL_LOGIN()
    WHERE NOT EXISTS (SELECT 1 FROM notify.notification AS n WHERE n.name = @name);
    SELECT @notification_id = n.notification_id, @had_delete = n.on_delete
    FROM notify.notification AS n
    WHERE n.name = @name;

    UPDATE n
    SET
        n.name = @name,
        n.description = given.description,
        n.watched_table_id = @watched_table_id,
        n.on_insert = asked.on_insert,
        n.on_update = asked.on_update,
        n.on_delete = asked.on_delete,
        n.policy = COALESCE(given.policy, 'latest'),
        n.merge_procedure = merging.full_name,
        n.priority = COALESCE(given.priority, 5),
        n.expires_after_minutes = given.expires_after_minutes,
        n.maximum_delay_minutes = given.maximum_delay_minutes,
        n.version = n.version + 1,
        n.saved_at = @now,
        n.saved_by = ORIGINAL_LOGIN()
    FROM notify.notification AS n
    CROSS JOIN OPENJSON(@definition) WITH (
        description NVARCHAR(1000),
        policy VARCHAR(10),
        merge_procedure NVARCHAR(300),
        priority TINYINT,
        expires_after_minutes INTEGER,
        maximum_delay_minutes INTEGER
    ) AS given
    CROSS APPLY notify.find_procedure(given.merge_procedure) AS merging
    CROSS APPLY (
        SELECT
            MAX(CASE WHEN o.value = N'insert' THEN 1 ELSE 0 END) AS on_insert,
            MAX(CASE WHEN o.value = N'update' THEN 1 ELSE 0 END) AS on_update,
            MAX(CASE WHEN o.value = N'delete' THEN 1 ELSE 0 END) AS on_delete
        FROM OPENJSON(@definition, '$.on') AS o
    ) AS asked
    WHERE n.notification_id = @notification_id;

    /* A key snapshot that nobody compared for a while is history: who now begins to watch deletes begins with a new one. */
    IF @had_delete = 0
        EXECUTE notify.forget_key_snapshot @notification_id = @notification_id;

    DELETE nc
    FROM notify.notification_channel AS nc
    WHERE nc.notification_id = @notification_id;
    INSERT notify.notification_channel (notification_id, channel, template)
    SELECT @notification_id, c.[key], JSON_VALUE(c.value, '$.template')
    FROM OPENJSON(@definition, '$.channels') AS c
    WHERE c.type = 5;

    DELETE c
    FROM notify.criterion AS c
    WHERE c.notification_id = @notification_id;
    INSERT notify.criterion (notification_id, criterion_number, column_name, operator, operand)
    SELECT @notification_id, c.criterion_number, c.column_name, c.operator, c.operand
    FROM notify.definition_criteria(@definition) AS c;

    DELETE p
    FROM notify.prerequisite AS p
    WHERE p.notification_id = @notification_id;
    INSERT notify.prerequisite (notification_id, procedure_name, deadline_minutes)
    SELECT @notification_id, found.full_name, COALESCE(given.deadline_minutes, 60)
    FROM OPENJSON(@definition, '$.prerequisite') WITH (
        [procedure] NVARCHAR(300),
        deadline_minutes INTEGER
    ) AS given
    CROSS APPLY notify.find_procedure(given.[procedure]) AS found;

    INSERT notify.schedule (notification_id)
    SELECT @notification_id
    WHERE NOT EXISTS (SELECT 1 FROM notify.schedule AS s WHERE s.notification_id = @notification_id);
END;
GO
