SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The messages that a document of changes asks for, with the keys that make them one or many; reads no table.

@changes          as enqueue_messages has it
dedupe_key        what may be there once: with policy latest, of a row that is there, the version shown, for a recipient and channel;
                  else the change, for a recipient and channel
conversation_key  with policy latest what a newer version of the record replaces; else NULL
shown_order       beat|stamp of the version, sorts as the versions of a conversation follow each other
reason            why it cannot be sent: the caller's, or that a value is longer than its column. recipient_key and address are then cut,
                  headers left out, but the keys are made of the whole: two people never become one. What people only read (recipient_name, subject,
                  reason) is cut without a word.
*/
CREATE OR ALTER FUNCTION notify.requested_messages (@changes NVARCHAR(MAX))
RETURNS TABLE AS RETURN SELECT
    v.change_key,
    c.notification_guid,
    dedupe_key = HASHBYTES(
        'SHA2_256',
        CASE
            WHEN v.is_latest = 1 THEN CONCAT(
                N'["state","',
                c.notification_guid,
                N'","',
                STRING_ESCAPE(c.record_match, 'json'),
                N'","',
                c.shown_stamp,
                N'","',
                c.shown_hash,
                v.recipient
            )
            ELSE CONCAT(N'["change","', CONVERT(CHAR(64), v.change_key, 2), v.recipient)
        END
    ),
    /* Stamps of another kind do not compare: a definition that moves to rowversion begins new conversations. */
    conversation_key = CASE
        WHEN v.is_ordered = 1 THEN HASHBYTES(
            'SHA2_256',
            CONCAT(
                N'["',
                c.notification_guid,
                N'","',
                STRING_ESCAPE(c.record_match, 'json'),
                N'","',
                LEN(c.shown_stamp),
                v.recipient
            )
        )
    END,
    /* A later snapshot's state is newer even where local stamps run backwards; within one beat the stamp decides. */
    shown_order = CASE
        WHEN v.is_ordered = 1 THEN RIGHT(CONCAT(REPLICATE('0', 19), COALESCE(c.shown_beat, 0)), 19) +
        '|' +
        c.shown_stamp
    END,
    recipient_key = CONVERT(NVARCHAR(200), m.recipient_key),
    m.channel,
    address = CONVERT(NVARCHAR(320), COALESCE(m.address, N'')),
    priority = COALESCE(m.priority, 5),
    reason = CASE
        WHEN DATALENGTH(m.recipient_key) > 400 THEN N'the recipient key has more than 200 characters'
        WHEN DATALENGTH(m.address) > 640 THEN N'the address has more than 320 characters'
        WHEN DATALENGTH(m.headers) > 8000 THEN N'the headers have more than 4,000 characters'
        ELSE CONVERT(NVARCHAR(400), m.reason)
    END,
    due_in_seconds = COALESCE(m.due_in_seconds, 0),
    m.expires_in_seconds,
    recipient_name = CONVERT(NVARCHAR(200), m.recipient_name),
    subject = CONVERT(NVARCHAR(1000), m.subject),
    headers = CASE WHEN DATALENGTH(m.headers) <= 8000 THEN CONVERT(NVARCHAR(4000), m.headers) END,
    m.html,
    m.text
FROM OPENJSON(@changes) WITH (
    change_key CHAR(64),
    notification_guid UNIQUEIDENTIFIER,
    record_match NVARCHAR(450),
    operation CHAR(1),
    policy VARCHAR(10),
    shown_stamp VARCHAR(27),
    shown_hash VARCHAR(64),
    shown_beat BIGINT,
    outcome VARCHAR(10),
    messages NVARCHAR(MAX) AS JSON
) AS c
CROSS APPLY OPENJSON(CASE WHEN c.outcome = 'messages' THEN c.messages END) WITH (
    recipient_key NVARCHAR(MAX),
    channel VARCHAR(10),
    address NVARCHAR(MAX),
    recipient_name NVARCHAR(MAX),
    subject NVARCHAR(MAX),
    html NVARCHAR(MAX),
    text NVARCHAR(MAX),
    headers NVARCHAR(MAX) AS JSON,
    priority TINYINT,
    due_in_seconds INTEGER,
    expires_in_seconds INTEGER,
    reason NVARCHAR(MAX)
) AS m
/* A delete follows the states of its record, and what comes after it follows the delete; yet it is no state that another may share. */
CROSS APPLY ( VALUES (
    CONVERT(BINARY(32), c.change_key, 2),
    CASE WHEN c.policy = 'latest' AND c.operation IN ('I', 'U') AND c.shown_stamp IS NOT NULL THEN 1 ELSE 0 END,
    CASE WHEN c.policy = 'latest' AND c.operation <> 'O' AND c.shown_stamp IS NOT NULL THEN 1 ELSE 0 END,
    CONCAT(N'","', STRING_ESCAPE(m.recipient_key, 'json'), N'","', m.channel, N'"]')
)) AS v (change_key, is_latest, is_ordered, recipient);
GO
