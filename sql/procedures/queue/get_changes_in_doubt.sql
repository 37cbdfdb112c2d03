SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Changes whose messages the lost queue may have sent, and of which this one knows nothing: release_change settles them.

@notification_guid  NULL: any
@after   NULL, then the last change_key of the page before        @take  at most so many, 1 to 4000
Result   change_key (64 hex digits), notification_guid, notification_name, record_key, operation, reason, decided_at, in the keys'
         order. Fewer than @take: the last page.
Errors   50103 @take out of range
*/
CREATE OR ALTER PROCEDURE notify.get_changes_in_doubt (
    @notification_guid UNIQUEIDENTIFIER = NULL,
    @after CHAR(64) = NULL,
    @take INTEGER = 100
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @after_key BINARY(32) = COALESCE(CONVERT(BINARY(32), @after, 2), 0x);

    IF @take IS NULL OR @take NOT BETWEEN 1 AND 4000
    BEGIN
        THROW 50103, N'get_changes_in_doubt: @take must be 1 to 4000.', 1;
    END;

    SELECT TOP (@take)
        change_key = CONVERT(CHAR(64), d.change_key, 2),
        d.notification_guid,
        d.notification_name,
        d.record_key,
        d.operation,
        d.reason,
        d.decided_at
    FROM notify.decision AS d
    WHERE d.outcome = 'in_doubt'
        AND d.change_key > @after_key
        AND (@notification_guid IS NULL OR d.notification_guid = @notification_guid)
    ORDER BY d.change_key;
END;
GO
