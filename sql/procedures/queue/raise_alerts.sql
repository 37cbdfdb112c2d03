SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Counts on the open alert of a kind and notification, or opens one. Called by the queue's procedures, in their transactions.

@alerts  JSON array: kind, notification_guid, occurrences, message_id (an example), detail; each (kind, notification_guid) once
*/
CREATE OR ALTER PROCEDURE notify.raise_alerts (@alerts NVARCHAR(MAX))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @now DATETIME2(3) = notify.utc_now();

    DECLARE @alert TABLE (
        kind VARCHAR(30) NOT NULL,
        notification_guid UNIQUEIDENTIFIER NOT NULL,
        occurrences INTEGER NOT NULL,
        message_id BIGINT NULL,
        detail NVARCHAR(1000) NULL,
        PRIMARY KEY (kind, notification_guid)
    );

    INSERT @alert (kind, notification_guid, occurrences, message_id, detail)
    SELECT j.kind, j.notification_guid, j.occurrences, j.message_id, j.detail
    FROM OPENJSON(@alerts) WITH (
        kind VARCHAR(30),
        notification_guid UNIQUEIDENTIFIER,
        occurrences INTEGER,
        message_id BIGINT,
        detail NVARCHAR(1000)
    ) AS j;

    UPDATE a
    SET
        a.occurrences = a.occurrences + n.occurrences,
        a.last_at = @now,
        a.message_id = n.message_id,
        a.detail = n.detail
    FROM @alert AS n
    JOIN notify.alert AS a WITH (UPDLOCK, SERIALIZABLE, INDEX (uq_alert_open))
        ON a.kind = n.kind AND a.notification_guid = n.notification_guid
    WHERE a.acknowledged_at IS NULL
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1); /* @alert from its first key to its last: two who raise the same ones wait in one order */

    INSERT notify.alert (kind, notification_guid, occurrences, first_at, last_at, message_id, detail)
    SELECT n.kind, n.notification_guid, n.occurrences, first_at = @now, last_at = @now, n.message_id, n.detail
    FROM @alert AS n
    WHERE NOT EXISTS (
            SELECT 1 / 0
            FROM notify.alert AS a WITH (UPDLOCK, SERIALIZABLE, INDEX (uq_alert_open))
            WHERE a.kind = n.kind AND a.notification_guid = n.notification_guid AND a.acknowledged_at IS NULL
        )
    OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1);
END;
GO
