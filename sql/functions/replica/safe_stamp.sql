SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
safe_stamp: the greatest stamp of a column that a heartbeat makes safe to pass: rows at or below it are all visible.

Parameters  @safe_point: the heartbeat's, UTC; @min_active_rowversion: the heartbeat's; @type_name, @scale: of the column (base
            type; timestamp is rowversion); @time_zone: the column's time basis, UTC or a Windows zone name; @skew_ms: greatest
            difference between the clocks of any two servers that may be source, in milliseconds
Returns     varchar(27): the stamp's text, a value that the column's type holds exactly; NULL for a type that is no stamp

safe point - skew, in the column's zone, cut down to the column's step, less one whole step. Cut, never rounded: an application
may cut its stamps too. Local time loses an hour once a year: while a change of the offset is less than two hours ahead, later
rows can carry stamps from before it, and as much more is taken off.
*/
CREATE OR ALTER FUNCTION notify.safe_stamp (
    @safe_point DATETIME2(3),
    @min_active_rowversion BINARY(8),
    @type_name sysname,
    @scale TINYINT,
    @time_zone sysname,
    @skew_ms INTEGER
)
RETURNS VARCHAR(27)
AS
BEGIN
    IF @type_name = N'timestamp'
        RETURN CONVERT(VARCHAR(27), CONVERT(BINARY(8), CONVERT(BIGINT, @min_active_rowversion) - 1), 1);

    DECLARE @point DATETIME2(7) = DATEADD(MILLISECOND, -@skew_ms, CONVERT(DATETIME2(7), @safe_point));

    IF @time_zone <> N'UTC' AND @type_name <> N'datetimeoffset'
    BEGIN
        DECLARE @offset_minutes INTEGER = DATEPART(TZOFFSET, @point AT TIME ZONE 'UTC' AT TIME ZONE @time_zone);
        DECLARE
            @offset_ahead_minutes INTEGER = DATEPART(
                TZOFFSET,
                DATEADD(HOUR, 2, @point) AT TIME ZONE 'UTC' AT TIME ZONE @time_zone
            );
        /* The lesser offset: where it is the one ahead, that takes the repeated hour off. */
        SET @point = DATEADD(
                MINUTE,
                CASE WHEN @offset_ahead_minutes < @offset_minutes THEN @offset_ahead_minutes ELSE @offset_minutes END,
                @point
            );
    END;

    DECLARE @text VARCHAR(27) = CONVERT(VARCHAR(27), @point, 121);

    SET @point = CASE @type_name
            WHEN N'date' THEN DATEADD(DAY, -1, CONVERT(DATETIME2(7), LEFT(@text, 10), 121))
            WHEN N'smalldatetime' THEN DATEADD(MINUTE, -1, CONVERT(DATETIME2(7), LEFT(@text, 16), 121))
            /* datetime counts in 1/300 s; 10 ms are its least span that decimals write exactly. */
            WHEN N'datetime' THEN DATEADD(MILLISECOND, -10, CONVERT(DATETIME2(7), LEFT(@text, 22), 121))
            WHEN N'datetime2' THEN DATEADD(
                NANOSECOND,
                -POWER(10, 9 - @scale),
                CONVERT(DATETIME2(7), LEFT(@text, CASE WHEN @scale = 0 THEN 19 ELSE 20 + @scale END), 121)
            )
            WHEN N'datetimeoffset' THEN DATEADD(
                NANOSECOND,
                -POWER(10, 9 - @scale),
                CONVERT(DATETIME2(7), LEFT(@text, CASE WHEN @scale = 0 THEN 19 ELSE 20 + @scale END), 121)
            )
        END;

    RETURN CONVERT(VARCHAR(27), @point, 121);
END;
GO
