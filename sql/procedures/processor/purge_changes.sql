SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
purge_changes (internal): looks at the next old changes, and deletes those that nothing is judged by any more, with their history.

Parameters  @before: changes that ended before; @batch_size: at most so many are looked at; results: @changes, @history (rows
            deleted), @has_more
Locks       change_history by row, @batch_size rows a transaction; then, in one of their own, purge_position, change by row

A step is a seek behind the last one's end: what is kept is looked at once a pass, not once a step. The pass ends with the
youngest of the old changes; the next one begins at the oldest. History goes first: of changes that have more of it than ten
transactions delete (they waited for days, say) the rest goes with the next step, and the position waits for them.
Kept: a record's newest state and its inserts, as long as its notification is in force. By them a later change is judged, and an
insert not mailed twice. A record whose deletion from the table is itself old goes wholly, its last delete at the end.
*/
CREATE OR ALTER PROCEDURE notify.purge_changes
    @before DATETIME2(3),
    @batch_size INTEGER,
    @changes INTEGER OUTPUT,
    @history INTEGER OUTPUT,
    @has_more BIT OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    DECLARE @after_completed_at DATETIME2(3) = '0001-01-01';
    DECLARE @after_change_id BIGINT = 0;
    DECLARE @deleted INTEGER = @batch_size;
    DECLARE @steps INTEGER = 0;
    DECLARE @examined TABLE (
        change_id BIGINT NOT NULL PRIMARY KEY,
        completed_at DATETIME2(3) NOT NULL
    );
    DECLARE @purged TABLE (
        change_id BIGINT NOT NULL PRIMARY KEY
    );

    SET @changes = 0;
    SET @history = 0;

    SELECT @after_completed_at = p.completed_at, @after_change_id = p.change_id
    FROM notify.purge_position AS p
    WHERE p.purge_position_id = 1;

    INSERT INTO @examined (change_id, completed_at)
    SELECT TOP (@batch_size) c.change_id, c.completed_at
    FROM notify.change AS c
    WHERE c.completed_at >= @after_completed_at
        AND c.completed_at < @before
        AND (c.completed_at > @after_completed_at OR c.change_id > @after_change_id)
    ORDER BY c.completed_at, c.change_id;
    SET @has_more = CASE WHEN @@ROWCOUNT = @batch_size THEN 1 ELSE 0 END;

    INSERT INTO @purged (change_id)
    SELECT c.change_id
    FROM @examined AS e
    JOIN notify.change AS c ON c.change_id = e.change_id
    JOIN notify.notification AS n ON n.notification_id = c.notification_id
    JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id
    CROSS APPLY notify.latest_change(
        c.notification_id,
        c.record_match,
        CASE WHEN wt.time_zone <> N'UTC' AND wt.rowversion_column IS NULL THEN 1 ELSE 0 END,
        0
    ) AS latest
    JOIN notify.change AS d ON d.change_id = latest.change_id
    WHERE n.state = 'retired'
        OR (
            c.operation <> 'I'
            AND EXISTS (
                SELECT 1
                FROM notify.change AS newer
                WHERE newer.record_match = c.record_match
                    AND newer.notification_id = c.notification_id
                    AND newer.state_stamp > c.state_stamp
            )
        )
        OR (
            wt.soft_delete_column IS NULL
            AND d.operation = 'D'
            AND d.completed_at < @before
            AND (
                c.change_id <> d.change_id
                OR NOT EXISTS (
                    SELECT 1
                    FROM notify.change AS other
                    WHERE other.record_match = c.record_match
                        AND other.notification_id = c.notification_id
                        AND other.change_id <> c.change_id
                        AND NOT EXISTS (SELECT 1 FROM @examined AS seen WHERE seen.change_id = other.change_id)
                )
            )
        );

    /* What is young in it was written a moment ago, by who puts the change back: it stays, and so does the change. */
    WHILE @deleted = @batch_size AND @steps < 10
    BEGIN
        DELETE TOP (@batch_size) h
        FROM @purged AS p
        JOIN notify.change_history AS h ON h.change_id = p.change_id
        WHERE h.changed_at < @before;
        SET @deleted = @@ROWCOUNT;
        SET @history += @deleted;
        SET @steps += 1;
    END;

    IF @deleted = @batch_size
        SET @has_more = 1;
    ELSE
        BEGIN TRY
            BEGIN TRANSACTION;

            DELETE p
            FROM notify.purge_position AS p
            WHERE p.purge_position_id = 1;

            DELETE c
            FROM @purged AS p
            JOIN notify.change AS c ON c.change_id = p.change_id
            WHERE c.completed_at < @before;
            SET @changes = @@ROWCOUNT;

            INSERT INTO notify.purge_position (completed_at, change_id)
            SELECT TOP (1) e.completed_at, e.change_id
            FROM @examined AS e
            WHERE @has_more = 1
            ORDER BY e.completed_at DESC, e.change_id DESC;

            COMMIT TRANSACTION;
        END TRY
        BEGIN CATCH
            IF @@TRANCOUNT > 0
                ROLLBACK TRANSACTION;
            THROW;
        END CATCH;
END;
GO
