SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
note_heartbeat: remembers the greatest beat that a replica showed, and says whether it stands still.

A beat stands when this server has seen no greater one for heartbeat_stale_seconds (a setting; 300 when it is not set), by its own
clock: two servers' clocks are never compared. A standing beat raises the alert heartbeat, a moving one clears it.

Parameters  @beat: of read_position or a scan; @is_standing: out.
*/
CREATE OR ALTER PROCEDURE notify.note_heartbeat @beat BIGINT, @is_standing BIT = NULL OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @stale_seconds INTEGER;
    DECLARE @seen_beat BIGINT;
    DECLARE @seen_at DATETIME2(3);
    DECLARE @message NVARCHAR(2000);

    SELECT @stale_seconds = TRY_CONVERT(INTEGER, s.value)
    FROM notify.setting AS s
    WHERE s.name = 'heartbeat_stale_seconds';

    UPDATE h
    SET h.beat = @beat, h.seen_at = @now
    FROM notify.heartbeat_seen AS h
    WHERE h.heartbeat_seen_id = 1 AND h.beat < @beat;
    IF @@ROWCOUNT = 0
        INSERT notify.heartbeat_seen (beat, seen_at)
        SELECT @beat, @now
        WHERE @beat IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM notify.heartbeat_seen AS h WITH (UPDLOCK, SERIALIZABLE) WHERE h.heartbeat_seen_id = 1
            );

    SELECT @seen_beat = h.beat, @seen_at = h.seen_at FROM notify.heartbeat_seen AS h WHERE h.heartbeat_seen_id = 1;
    SET @is_standing = CASE WHEN DATEDIFF(second, @seen_at, @now) > COALESCE(@stale_seconds, 300) THEN 1 ELSE 0 END;

    IF @is_standing = 1
    BEGIN
        SET @message = CONCAT(
                N'No beat after ',
                @seen_beat,
                N' has been seen since ',
                CONVERT(NVARCHAR(19), @seen_at, 120),
                N' UTC. Either the heartbeat job on source does not run, or the replica does not redo. Nothing is lost: watermarks wait.'
            );
        EXECUTE notify.raise_alert @kind = 'heartbeat', @subject = N'replica', @severity = 'error', @message = @message;
    END;
    ELSE
        EXECUTE notify.clear_alert @kind = 'heartbeat', @subject = N'replica';
END;
GO
