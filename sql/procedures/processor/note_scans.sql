SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
note_scans (internal): remembers the heartbeat that an activation's scans showed, before the activation's transaction: an alert must
outlive what it refuses.

Parameters  @scans: as set_baseline takes them, or NULL; @is_standing: out, 0 where no scan shows a heartbeat
*/
CREATE OR ALTER PROCEDURE notify.note_scans @scans NVARCHAR(MAX), @is_standing BIT OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @beat BIGINT;

    SET @is_standing = 0;
    SELECT @beat = MAX(given.beat)
    FROM OPENJSON(@scans) WITH (
        beat BIGINT
    ) AS given;

    IF @beat > 0
        EXECUTE notify.note_heartbeat @beat = @beat, @is_standing = @is_standing OUTPUT;
END;
GO
