SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The part of recover_queue that decides changes which the lost queue may have sent, within its transaction: they are in doubt.

@changes           as there
@now               the caller's time
@changes_in_doubt  OUTPUT: how many this queue did not know
Locks              decision by key range
*/
CREATE OR ALTER PROCEDURE notify.doubt_changes (
    @changes NVARCHAR(MAX),
    @now DATETIME2(3),
    @changes_in_doubt INTEGER OUTPUT
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    INSERT notify.decision (
        change_key,
        notification_guid,
        notification_name,
        record_key,
        record_match,
        operation,
        outcome,
        reason,
        message_count,
        decided_at,
        shown_stamp
    )
    SELECT
        change_key = CONVERT(BINARY(32), j.change_key, 2),
        j.notification_guid,
        j.notification_name,
        j.record_key,
        j.record_match,
        j.operation,
        outcome = 'in_doubt',
        reason = N'claimed before the queue was lost: its messages may have been sent',
        message_count = 0,
        decided_at = @now,
        j.shown_stamp
    FROM OPENJSON(@changes) WITH (
        change_key CHAR(64),
        notification_guid UNIQUEIDENTIFIER,
        notification_name NVARCHAR(128),
        record_key NVARCHAR(450),
        record_match NVARCHAR(450),
        operation CHAR(1),
        shown_stamp VARCHAR(27)
    ) AS j
    WHERE NOT EXISTS (
            SELECT 1 / 0
            FROM notify.decision AS d WITH (UPDLOCK, SERIALIZABLE)
            WHERE d.change_key = CONVERT(BINARY(32), j.change_key, 2)
        );

    SET @changes_in_doubt = @@ROWCOUNT;
END;
GO
