SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
check_activation: refuses what cannot be activated.

Parameters  @notification_id.
Errors      50005 with every reason
*/
CREATE OR ALTER PROCEDURE notify.check_activation @notification_id INTEGER
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @message NVARCHAR(2048);
    DECLARE @definition NVARCHAR(MAX) = notify.definition_of(@notification_id);
    DECLARE
        @reasons NVARCHAR(MAX) = (
            SELECT
                STRING_AGG(CONVERT(NVARCHAR(MAX), CONCAT(p.path, N': ', p.problem)), N' ') WITHIN GROUP (
                    ORDER BY p.path, p.problem
                )
            FROM notify.activation_problems(@notification_id, @definition) AS p
        );

    IF @reasons IS NOT NULL
    BEGIN
        SELECT @message = LEFT(CONCAT(N'The notification ', n.name, N' cannot be activated. ', @reasons), 2000)
        FROM notify.notification AS n
        WHERE n.notification_id = @notification_id;
        THROW 50005, @message, 1;
    END;
END;
GO
