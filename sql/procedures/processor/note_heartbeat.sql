SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
note_heartbeat: remembers the greatest beat that a replica showed, and says whether it stands still.

A beat stands when this server has seen no greater one for heartbeat_stale_seconds (a setting; 300 when it is not set), by its own
clock: two servers' clocks are never compared. A standing beat raises the alert heartbeat, a moving one clears it.

Rowversions that went back while the beat went on tell of a source that was restored to an older state. The alert source stays until a
person clears it, and get_scans leaves out the tables that have a rowversion: new changes of them may lie below what was seen.

Parameters  @beat: of read_position or a scan; @is_standing: out; @min_active_rowversion: of read_position, if the caller has it.
*/
CREATE OR ALTER PROCEDURE notify.note_heartbeat
    @beat BIGINT,
    @is_standing BIT = NULL OUTPUT,
    @min_active_rowversion BINARY(8) = NULL
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    DECLARE @now DATETIME2(3) = notify.utc_now();
    DECLARE @stale_seconds INTEGER;
    DECLARE @seen_beat BIGINT;
    DECLARE @seen_at DATETIME2(3);
    DECLARE @seen_rowversion BINARY(8);
    DECLARE @message NVARCHAR(2000);

    SELECT @stale_seconds = TRY_CONVERT(INTEGER, s.value)
    FROM notify.setting AS s
    WHERE s.name = 'heartbeat_stale_seconds';

    UPDATE h
    SET
        @seen_rowversion = h.min_active_rowversion,
        h.beat = @beat,
        h.seen_at = @now,
        h.min_active_rowversion = COALESCE(@min_active_rowversion, h.min_active_rowversion)
    FROM notify.heartbeat_seen AS h
    WHERE h.heartbeat_seen_id = 1 AND h.beat < @beat;
    IF @@ROWCOUNT = 0
        INSERT notify.heartbeat_seen (beat, seen_at, min_active_rowversion)
        SELECT @beat, @now, @min_active_rowversion
        WHERE @beat IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM notify.heartbeat_seen AS h WITH (UPDLOCK, SERIALIZABLE) WHERE h.heartbeat_seen_id = 1
            );

    IF @min_active_rowversion < @seen_rowversion
        EXECUTE notify.raise_alert
            @kind = 'source',
            @subject = N'restored',
            @severity = 'error',
            @message = N'The rowversions of source went back: it was restored to an older state. Tables with a rowversion are not scanned, since their new changes may lie below what was seen. Retire their notifications and activate them under other names, then EXECUTE notify.clear_alert @kind = ''source'', @subject = N''restored''. All other tables go on, and nothing of them is lost.';

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
