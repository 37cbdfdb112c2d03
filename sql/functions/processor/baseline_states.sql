SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
baseline_states: the states of rows that the scans of an activation saw above the lows, each once: a row may be in the scans of several
stamp columns, and in two states if it changed between them.

Parameters  @scans: as set_baseline takes them
Returns     record_key, record_match (as long as they were given), created_stamp, state_stamp, state_hash, is_deleted, beat
*/
CREATE OR ALTER FUNCTION notify.baseline_states (@scans NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    MIN(r.record_key) AS record_key,
    r.record_match COLLATE Latin1_General_BIN2 AS record_match,
    MIN(r.created_stamp) AS created_stamp,
    r.state_stamp AS state_stamp,
    r.state_hash AS state_hash,
    r.is_deleted AS is_deleted,
    MAX(given.beat) AS beat
FROM OPENJSON(@scans) WITH (
    beat BIGINT,
    rows NVARCHAR(MAX) AS JSON
) AS given
CROSS APPLY OPENJSON(given.rows) WITH (
    record_key NVARCHAR(4000),
    record_match NVARCHAR(4000),
    created_stamp VARCHAR(27),
    state_stamp VARCHAR(27),
    state_hash VARCHAR(64),
    is_deleted BIT
) AS r
GROUP BY r.record_match COLLATE Latin1_General_BIN2, r.state_stamp, r.state_hash, r.is_deleted;
GO
