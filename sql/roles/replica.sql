/*
Who may do what in the application's database. Run it on source, where it can be written; it travels by redo. Repeatable.

- Schema notify holds the procedures of notify, owned by notify_owner.
- Schema notify_extract holds the shop's own procedures (merge fields, prerequisite checks). It has another owner than dbo and
  notify: a procedure in it reaches the tables of neither by ownership chaining, whoever may write procedures there.
- Role notify_detector holds EXECUTE only. What its procedures read in their dynamic SQL, and what the shop's procedures
  read, is granted to the user of a signature: roles/replica_signature.sql.
Members are added by the DBA: ALTER ROLE notify_detector ADD MEMBER [login's user].
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
IF DATABASE_PRINCIPAL_ID(N'notify_owner') IS NOT NULL
    SET NOEXEC ON;
GO
CREATE USER notify_owner WITHOUT LOGIN;
GO
SET NOEXEC OFF;
GO
IF DATABASE_PRINCIPAL_ID(N'notify_extract_owner') IS NOT NULL
    SET NOEXEC ON;
GO
CREATE USER notify_extract_owner WITHOUT LOGIN;
GO
SET NOEXEC OFF;
GO
IF DATABASE_PRINCIPAL_ID(N'notify_detector') IS NOT NULL
    SET NOEXEC ON;
GO
CREATE ROLE notify_detector AUTHORIZATION dbo;
GO
SET NOEXEC OFF;
GO
IF SCHEMA_ID(N'notify_extract') IS NOT NULL
    SET NOEXEC ON;
GO
CREATE SCHEMA notify_extract AUTHORIZATION notify_extract_owner;
GO
SET NOEXEC OFF;
GO
/*
The heartbeat's table and its readers have the same owner: chaining is enough there. A change of owner drops the grants on the
schema, the shop's own as well: it is made once.
*/
IF EXISTS (
       SELECT 1
       FROM (
           SELECT name, principal_id FROM sys.schemas
       ) AS s
       WHERE s.name = N'notify' AND s.principal_id <> USER_ID(N'notify_owner')
   )
    ALTER AUTHORIZATION ON SCHEMA::notify TO notify_owner;
IF EXISTS (
       SELECT 1
       FROM (
           SELECT name, principal_id FROM sys.schemas
       ) AS s
       WHERE s.name = N'notify_extract' AND s.principal_id <> USER_ID(N'notify_extract_owner')
   )
    ALTER AUTHORIZATION ON SCHEMA::notify_extract TO notify_extract_owner;
GO
GRANT EXECUTE ON OBJECT::notify.read_position TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.read_catalog TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.detect_changes TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.read_keys TO notify_detector;
GRANT EXECUTE ON OBJECT::notify.extract_changes TO notify_detector;
GRANT EXECUTE ON SCHEMA::notify_extract TO notify_detector;
GO
