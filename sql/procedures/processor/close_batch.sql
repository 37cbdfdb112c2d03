SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
close_batch (internal): closes a batch that has no claimed change any more. Within the caller's transaction.
*/
CREATE OR ALTER PROCEDURE notify.close_batch @batch_id UNIQUEIDENTIFIER, @now DATETIME2(3)
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    UPDATE b
    SET b.state = 'completed', b.closed_at = @now
    FROM notify.batch AS b
    WHERE b.batch_id = @batch_id
        AND b.state = 'open'
        AND NOT EXISTS (SELECT 1 FROM notify.change AS c WHERE c.batch_id = @batch_id AND c.state = 'claimed');
END;
GO
