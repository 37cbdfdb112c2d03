SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
approve_held_deletes: a person says that a mass of vanished records was deleted indeed; the deletes are recorded now.

Parameters  @key_scan_id: as the alert names it
Result      that of compare_keys
Errors      50041 nothing is held under this number (approved already, or a later reading has replaced it)
Locks       those of compare_keys
*/
CREATE OR ALTER PROCEDURE notify.approve_held_deletes @key_scan_id BIGINT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    DECLARE @beat BIGINT;

    /* The state moves on by itself: if the comparison fails, it can be approved again. */
    UPDATE ks
    SET ks.state = 'approved', @beat = ks.beat
    FROM notify.key_scan AS ks
    WHERE ks.key_scan_id = @key_scan_id AND ks.state IN ('held', 'approved');

    IF @@ROWCOUNT = 0
        THROW 50041, N'No deletes are held under this number: they were approved, or a later reading of the keys has replaced them.', 1;

    EXECUTE notify.compare_keys @key_scan_id = @key_scan_id, @beat = @beat;
END;
GO
