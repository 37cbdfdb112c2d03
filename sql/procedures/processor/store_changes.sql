SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
store_changes (internal): stores changes that were judged, and marks the older ones that they make needless. Runs in the
transaction of its caller, who holds the watched table's row: nobody else can store changes of these notifications, and
ranges of change_key need no lock (two tables' pages, in the order of hashes, would lock each other out).

Parameters  @run_id; @beat: of the snapshot that showed the changes that say none of their own; @now; @changes: JSON array of
            {notification_id, record_key, record_match, operation, version, state_stamp, state_hash, created_stamp, fields,
            state (pending or skipped), reason, raised_change_id (optional: an insert that this state is to raise),
            beat (optional)}; results: @recorded, @pending, @skipped, @superseded, @raised
Errors      50022 a record key of more than 450 characters; a change that is stored already is left as it is
Locks       change rows of these records, then new ones

Under policy latest a change that is to be mailed supersedes the older ones of its record that nobody has claimed, unless one
of them has waited for maximum_delay_minutes. It only saves work: the queue sees to it that the last state is mailed last. So a
change that a worker is just claiming is passed over: claim_batch locks the row before the key of ix_change_record, this the other
way round, and they would lock each other out.
*/
CREATE OR ALTER PROCEDURE notify.store_changes
    @run_id BIGINT,
    @beat BIGINT,
    @now DATETIME2(3),
    @changes NVARCHAR(MAX),
    @recorded INTEGER OUTPUT,
    @pending INTEGER OUTPUT,
    @skipped INTEGER OUTPUT,
    @superseded INTEGER OUTPUT,
    @raised INTEGER = NULL OUTPUT
AS
BEGIN
    SET NOCOUNT, XACT_ABORT ON;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

    /* FOR JSON leaves out what is NULL: most pages name no insert. */
    SET @raised = 0;
    IF CHARINDEX(N'"raised_change_id":', @changes COLLATE Latin1_General_BIN2) > 0
        EXECUTE notify.raise_inserts
            @run_id = @run_id,
            @beat = @beat,
            @now = @now,
            @changes = @changes,
            @raised = @raised OUTPUT;

    /* A record's states in the order in which they followed each other. */
    SELECT
        ROW_NUMBER() OVER (
            ORDER BY j.record_match, j.notification_id, j.state_stamp, j.beat, j.operation DESC
        ) AS change_number,
        j.change_key,
        j.notification_id,
        j.record_key,
        j.record_match,
        j.operation,
        j.version,
        j.state_stamp,
        j.state_hash,
        j.created_stamp,
        j.beat,
        j.fields,
        j.state,
        j.reason
    INTO #change
    FROM notify.new_changes(@changes, @beat) AS j;

    IF EXISTS (SELECT 1 FROM #change AS newer WHERE LEN(newer.record_key) > 450 OR LEN(newer.record_match) > 450)
        THROW 50022, N'A record key has more than 450 characters as JSON text. Such a table cannot be watched.', 1;

    UPDATE c
    SET c.state = 'superseded', c.reason = N'a newer state of the record was recorded', c.completed_at = @now
    OUTPUT deleted.change_id, deleted.state, inserted.state, inserted.reason, @run_id, @now
    INTO notify.change_history (change_id, from_state, to_state, reason, run_id, changed_at)
    FROM #change AS newer
    JOIN notify.notification AS n ON n.notification_id = newer.notification_id AND n.policy = 'latest'
    JOIN notify.change AS c WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)
        ON c.record_match = newer.record_match
            AND c.notification_id = newer.notification_id
            AND c.state IN ('pending', 'waiting')
    WHERE newer.state = 'pending'
        AND (n.maximum_delay_minutes IS NULL OR c.detected_at > DATEADD(MINUTE, -n.maximum_delay_minutes, @now));
    SET @superseded = @@ROWCOUNT;

    INSERT INTO notify.change (
        change_key,
        notification_id,
        record_key,
        record_match,
        operation,
        version,
        state_stamp,
        state_hash,
        created_stamp,
        beat,
        state,
        reason,
        due_at,
        fields,
        run_id,
        detected_at,
        completed_at
    )
    OUTPUT inserted.change_id, NULL, inserted.state, inserted.reason, @run_id, @now
    INTO notify.change_history (change_id, from_state, to_state, reason, run_id, changed_at)
    SELECT
        newer.change_key,
        newer.notification_id,
        newer.record_key,
        newer.record_match,
        newer.operation,
        newer.version,
        newer.state_stamp,
        newer.state_hash,
        newer.created_stamp,
        newer.beat,
        newer.state,
        newer.reason,
        @now,
        newer.fields,
        @run_id,
        @now,
        CASE WHEN newer.state = 'pending' THEN NULL ELSE @now END
    FROM #change AS newer
    ORDER BY newer.change_number;
    SET @recorded = @@ROWCOUNT;

    SELECT @pending = COUNT(*) FROM #change AS newer WHERE newer.state = 'pending';
    SET @skipped = @recorded - @pending;
END;
GO
