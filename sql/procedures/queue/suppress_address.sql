SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Nothing goes to this address any more: messages to come are stored as suppressed, those that wait end so when they are claimed.
Case does not count. Repeated: the first reason stays.

@channel  email, sms or push
*/
CREATE OR ALTER PROCEDURE notify.suppress_address (
    @channel VARCHAR(10),
    @address NVARCHAR(320),
    @reason NVARCHAR(400),
    @by NVARCHAR(128)
)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    INSERT notify.suppression (channel, address, reason, suppressed_at, suppressed_by)
    SELECT
        channel = @channel,
        address = @address,
        reason = @reason,
        suppressed_at = notify.utc_now(),
        suppressed_by = @by
    WHERE NOT EXISTS (
            SELECT 1 / 0
            FROM notify.suppression AS s WITH (UPDLOCK, SERIALIZABLE)
            WHERE s.channel = @channel AND s.address = @address
        );
END;
GO
