SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
get_definitions: the stored notifications, as save_notification takes them.

Parameters  @name: one of them; NULL for all that are not retired.
Result      name, notification_guid (by which the queue knows it), state, version, saved_at, saved_by, activated_at, paused_at, retired_at,
            definition (JSON).
*/
CREATE OR ALTER PROCEDURE notify.get_definitions @name NVARCHAR(100) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    SELECT
        n.name,
        n.notification_guid,
        n.state,
        n.version,
        n.saved_at,
        n.saved_by,
        n.activated_at,
        n.paused_at,
        n.retired_at,
        notify.definition_of(n.notification_id) AS definition
    FROM notify.notification AS n
    WHERE (@name IS NULL AND n.state <> 'retired') OR n.name = @name
    ORDER BY n.name;
END;
GO
