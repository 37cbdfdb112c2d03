SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
raise_inserts (internal): an insert that is pending and that nobody has ever claimed takes on the state of an update that names it, and
stays one change. Within store_changes' transaction.

Parameters  @run_id, @beat, @now, @changes: as store_changes takes them; result: @raised, how many
Locks       change rows that are named
*/
CREATE OR ALTER PROCEDURE notify.raise_inserts
    @run_id BIGINT,
    @beat BIGINT,
    @now DATETIME2(3),
    @changes NVARCHAR(MAX),
    @raised INTEGER OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;

    /* The state is asked for here: a worker may have claimed the insert a moment ago. Then the update stands by itself. */
    UPDATE c
    SET c.state_stamp = newer.state_stamp, c.state_hash = newer.state_hash, c.beat = @beat, c.fields = newer.fields
    OUTPUT inserted.change_id, deleted.state, inserted.state, N'raised to a newer state', @run_id, @now
    INTO notify.change_history (change_id, from_state, to_state, reason, run_id, changed_at)
    FROM OPENJSON(@changes) WITH (
        raised_change_id BIGINT,
        state_stamp VARCHAR(27),
        state_hash VARCHAR(64),
        fields NVARCHAR(MAX)
    ) AS newer
    JOIN notify.change AS c ON c.change_id = newer.raised_change_id
    WHERE c.state = 'pending' AND c.first_claimed_at IS NULL;
    SET @raised = @@ROWCOUNT;
END;
GO
