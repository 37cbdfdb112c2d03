SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
What is said of a change in doubt that may have told a record's state, this one or a later one: at most one row, outcome and reason.

@shown_stamp  of the state. Stamps of another kind (dates, rowversions: told apart by their length) do not compare: between the two the
              notification was activated anew, and its baseline tells no state a second time.
Reads         ix_decision_shown, which is empty but after a queue was lost. FORCESEEK: ix_decision_record is there too, so one is always possible
*/
CREATE OR ALTER FUNCTION notify.state_in_doubt (
    @notification_guid UNIQUEIDENTIFIER,
    @record_match NVARCHAR(450),
    @shown_stamp VARCHAR(27)
)
RETURNS TABLE AS RETURN SELECT TOP (1) d.outcome, d.reason
FROM notify.decision AS d WITH (FORCESEEK)
WHERE d.record_match = @record_match COLLATE Latin1_General_BIN2
    AND d.notification_guid = @notification_guid
    AND d.shown_stamp IS NOT NULL
    AND d.shown_stamp >= @shown_stamp COLLATE Latin1_General_BIN2
    AND LEN(d.shown_stamp) = LEN(@shown_stamp)
    AND d.outcome IN ('in_doubt', 'sent', 'failed')
ORDER BY d.shown_stamp, d.change_key;
GO
