SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
Ends suppress_address. Messages that were suppressed stay so.

Result  removed: 1, or 0 when the address was not suppressed
*/
CREATE OR ALTER PROCEDURE notify.allow_address (@channel VARCHAR(10), @address NVARCHAR(320))
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @removed INTEGER;

    DELETE s
    FROM notify.suppression AS s
    WHERE s.channel = @channel AND s.address = @address;

    SET @removed = @@ROWCOUNT;

    SELECT removed = @removed;
END;
GO
