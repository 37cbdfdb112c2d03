/*
Who may do what in the queue. Repeatable. Members are added by the DBA: ALTER ROLE notify_sender ADD MEMBER [login's user].
Roles hold EXECUTE only; no one needs a right on a table.

One right of the server is needed besides: VIEW ANY DATABASE, to see this database's recovery fork. public has it unless a hardened server
has revoked it; then grant it to the logins of these roles, or nothing is enqueued or sent (50101).
*/
IF DATABASE_PRINCIPAL_ID(N'notify_generator') IS NULL
BEGIN
    CREATE ROLE notify_generator AUTHORIZATION dbo;
END;

IF DATABASE_PRINCIPAL_ID(N'notify_sender') IS NULL
BEGIN
    CREATE ROLE notify_sender AUTHORIZATION dbo;
END;

IF DATABASE_PRINCIPAL_ID(N'notify_operator') IS NULL
BEGIN
    CREATE ROLE notify_operator AUTHORIZATION dbo;
END;

IF DATABASE_PRINCIPAL_ID(N'notify_auditor') IS NULL
BEGIN
    CREATE ROLE notify_auditor AUTHORIZATION dbo;
END;
GO

GRANT EXECUTE ON OBJECT::notify.enqueue_messages TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.read_outcomes TO notify_generator;

GRANT EXECUTE ON OBJECT::notify.claim_messages TO notify_sender;
GRANT EXECUTE ON OBJECT::notify.begin_attempts TO notify_sender;
GRANT EXECUTE ON OBJECT::notify.record_outcomes TO notify_sender;
GRANT EXECUTE ON OBJECT::notify.advance_attempts TO notify_sender;
GRANT EXECUTE ON OBJECT::notify.sweep_messages TO notify_sender;

GRANT EXECUTE ON OBJECT::notify.get_messages TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_changes_in_doubt TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.release_message TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.release_change TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.hold_notification_messages TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.release_notification_messages TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.cancel_notification_messages TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.requeue_failed_messages TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.suppress_address TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.allow_address TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.acknowledge_alerts TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.take_alerts TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.purge_messages TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.distrust_queue TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.take_outcomes TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.recover_queue TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.record_outcomes TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.queue_status TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.explain_messages TO notify_operator;

GRANT EXECUTE ON OBJECT::notify.get_messages TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.get_changes_in_doubt TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.audit_messages TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.explain_messages TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.queue_status TO notify_auditor;
GO
