SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
/*
scanned_notification: which notification asks for which stamp column, and from where to where it has seen it.

One row per schedule and stamp column: stamp_column_id, is_scanned, notification_id, state, policy, on_insert, on_update, on_delete,
schedule_id, baseline_stamp, baseline_beat, low_stamp; created_baseline: baseline_stamp of the table's created column (NULL: it
has none).
*/
CREATE OR ALTER VIEW notify.scanned_notification
AS
SELECT
    sc.stamp_column_id AS stamp_column_id,
    sc.is_scanned AS is_scanned,
    n.notification_id AS notification_id,
    n.state AS state,
    n.policy AS policy,
    n.on_insert AS on_insert,
    n.on_update AS on_update,
    n.on_delete AS on_delete,
    w.schedule_id AS schedule_id,
    w.baseline_stamp AS baseline_stamp,
    w.baseline_beat AS baseline_beat,
    w.low_stamp AS low_stamp,
    created.baseline_stamp AS created_baseline
FROM notify.watermark AS w
JOIN notify.stamp_column AS sc ON sc.stamp_column_id = w.stamp_column_id
JOIN notify.schedule AS sd ON sd.schedule_id = w.schedule_id
JOIN notify.notification AS n ON n.notification_id = sd.notification_id
OUTER APPLY (
    SELECT cw.baseline_stamp AS baseline_stamp
    FROM notify.stamp_column AS cs
    JOIN notify.watermark AS cw ON cw.stamp_column_id = cs.stamp_column_id AND cw.schedule_id = w.schedule_id
    WHERE cs.watched_table_id = sc.watched_table_id AND cs.is_created = 1
) AS created;
GO
