SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
new_changes: of changes that were judged, those that are to be stored, with their keys: not stored yet, and not told by an insert that
was raised to their state.

Parameters  @changes, @beat: as store_changes takes them
Returns     change_key and the columns of store_changes' JSON, beat in every row
*/
CREATE OR ALTER FUNCTION notify.new_changes (@changes NVARCHAR(MAX), @beat BIGINT)
RETURNS TABLE AS RETURN SELECT
    k.change_key AS change_key,
    j.notification_id AS notification_id,
    j.record_key AS record_key,
    j.record_match COLLATE Latin1_General_BIN2 AS record_match,
    j.operation AS operation,
    j.version COLLATE Latin1_General_BIN2 AS version,
    j.state_stamp COLLATE Latin1_General_BIN2 AS state_stamp,
    j.state_hash COLLATE Latin1_General_BIN2 AS state_hash,
    j.created_stamp AS created_stamp,
    COALESCE(j.beat, @beat) AS beat,
    j.fields AS fields,
    j.state AS state,
    j.reason AS reason
FROM OPENJSON(@changes) WITH (
    notification_id INTEGER,
    record_key NVARCHAR(4000),
    record_match NVARCHAR(4000),
    operation CHAR(1),
    version VARCHAR(100),
    state_stamp VARCHAR(27),
    state_hash VARCHAR(64),
    created_stamp VARCHAR(27),
    beat BIGINT,
    fields NVARCHAR(MAX),
    state VARCHAR(10),
    reason NVARCHAR(400),
    raised_change_id BIGINT
) AS j
JOIN notify.notification AS n ON n.notification_id = j.notification_id
CROSS APPLY notify.change_key(n.notification_guid, j.record_match, j.operation, j.version) AS k
WHERE NOT EXISTS (SELECT 1 FROM notify.change AS c WHERE c.change_key = k.change_key)
    AND NOT EXISTS (
        SELECT 1
        FROM notify.change AS raised
        WHERE raised.change_id = j.raised_change_id
            AND raised.state_stamp = j.state_stamp COLLATE Latin1_General_BIN2
            AND raised.state_hash = j.state_hash COLLATE Latin1_General_BIN2
    );
GO
