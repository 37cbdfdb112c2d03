SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
find_notification: the id and state of a notification by its name.

Parameters  @name; @notification_id, @state, @watched_table_id: out.
Errors      50003 there is none of that name; the message names the nearest
*/
CREATE OR ALTER PROCEDURE notify.find_notification
    @name NVARCHAR(100),
    @notification_id INTEGER OUTPUT,
    @state VARCHAR(10) OUTPUT,
    @watched_table_id INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @message NVARCHAR(2048);

    SELECT @notification_id = n.notification_id, @state = n.state, @watched_table_id = n.watched_table_id
    FROM notify.notification AS n
    WHERE n.name = @name;

    IF @notification_id IS NULL
    BEGIN
        SET @message = CONCAT(
                N'There is no notification named ''',
                @name,
                N'''.',
                N' Perhaps ' +
                (
                    SELECT TOP (1) n.name
                    FROM notify.notification AS n
                    CROSS APPLY notify.name_similarity(@name, n.name) AS s
                    WHERE s.similarity >= 0.4
                    ORDER BY s.similarity DESC, n.name
                ) +
                N'?'
            );
        THROW 50003, @message, 1;
    END;
END;
GO
