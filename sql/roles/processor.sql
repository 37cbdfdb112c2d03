/*
Who may do what on the processor. Repeatable. Members are added by the DBA: ALTER ROLE notify_runner ADD MEMBER [login's user].
Roles hold EXECUTE only: every table is reached through a procedure of the same owner, and no one needs a right on one.

- notify_detector   the cycle's first half: what changed is recorded
- notify_generator  its second half: changes are claimed, decided and completed
- notify_runner     both, as the Agent job needs it
- notify_operator   definitions, activation, re-queueing, purging
- notify_auditor    reads what happened, changes nothing
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
IF DATABASE_PRINCIPAL_ID(N'notify_detector') IS NULL
BEGIN
    CREATE ROLE notify_detector AUTHORIZATION dbo;
END;
IF DATABASE_PRINCIPAL_ID(N'notify_generator') IS NULL
BEGIN
    CREATE ROLE notify_generator AUTHORIZATION dbo;
END;
IF DATABASE_PRINCIPAL_ID(N'notify_runner') IS NULL
BEGIN
    CREATE ROLE notify_runner AUTHORIZATION dbo;
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
GRANT EXECUTE ON OBJECT::notify.begin_run TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.end_run TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.refresh_catalog TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.get_scans TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.record_changes TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.get_key_scans TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.record_keys TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.compare_keys TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.raise_alert TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.clear_alert TO notify_detector;
GO
GRANT EXECUTE ON OBJECT::notify.claim_batch TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.decide_batch TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.complete_batch TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.release_batch TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.get_queue_mark TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.store_outcomes TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.raise_alert TO notify_generator;
GRANT EXECUTE ON OBJECT::notify.clear_alert TO notify_generator;
GO
ALTER ROLE notify_detector ADD MEMBER notify_runner;
ALTER ROLE notify_generator ADD MEMBER notify_runner;
GO
GRANT EXECUTE ON OBJECT::notify.refresh_catalog TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_catalog TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.save_notification TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_definitions TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_activation TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.record_keys TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.activate_notification TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.pause_notification TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.resume_notification TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.retire_notification TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_preview TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.requeue_changes TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.requeue_change TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.approve_held_deletes TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.purge_processor TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_outcome_copies TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.get_claimed_changes TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.raise_alert TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.clear_alert TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.status TO notify_operator;
GRANT EXECUTE ON OBJECT::notify.explain_changes TO notify_operator;
GO
GRANT EXECUTE ON OBJECT::notify.get_catalog TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.get_definitions TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.status TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.explain_changes TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.get_audit_scans TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.audit_changes TO notify_auditor;
GRANT EXECUTE ON OBJECT::notify.get_audited_changes TO notify_auditor;
GO
