SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO

/*
The versions that take the place of one, under policy latest: none where @conversation_key is NULL.

Waits      for a version that is being enqueued, under row versions too
*/
CREATE OR ALTER FUNCTION notify.newer_versions (@conversation_key BINARY(32), @shown_order VARCHAR(47))
RETURNS TABLE AS RETURN SELECT m.message_id, m.shown_order
FROM notify.message AS m WITH (READCOMMITTEDLOCK)
WHERE m.conversation_key = @conversation_key AND m.shown_order > @shown_order COLLATE Latin1_General_BIN2;
GO
