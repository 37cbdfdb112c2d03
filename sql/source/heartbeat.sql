/*
source: the schema, and the heartbeat's one-row table. Run it in the application's database as often as you like: what is
there already stays as it is (NOEXEC: the batch is compiled, not run).

The row travels to every replica by redo. Whoever reads it in the same snapshot as a table's rows knows which stamps cannot
appear any more: every transaction that began before safe_point has ended, and the snapshot shows what it did.
*/
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;
GO
IF SCHEMA_ID(N'notify') IS NOT NULL
    SET NOEXEC ON;
GO
CREATE SCHEMA notify AUTHORIZATION dbo;
GO
SET NOEXEC OFF;
GO
IF OBJECT_ID(N'notify.heartbeat', N'U') IS NOT NULL
    SET NOEXEC ON;
GO
CREATE TABLE notify.heartbeat (
    heartbeat_id TINYINT NOT NULL CONSTRAINT df_heartbeat_id DEFAULT (1),
    beat BIGINT NOT NULL, /* grows with every heartbeat: a snapshot with a greater beat is strictly newer */
    beat_at DATETIME2(3) NOT NULL, /* UTC */
    safe_point DATETIME2(3) NOT NULL, /* UTC: every transaction that began before it had ended at this beat */
    min_active_rowversion BINARY(8) NOT NULL, /* every smaller rowversion is committed, or never will be */
    utc_offset_minutes SMALLINT NOT NULL, /* of this server's local time, east is positive */
    earlier_offset_minutes SMALLINT NOT NULL, /* before it last changed */
    offset_changed_at DATETIME2(3) NOT NULL, /* UTC: the first beat with the offset of now */
    server_name sysname NOT NULL,
    CONSTRAINT pk_heartbeat PRIMARY KEY CLUSTERED (heartbeat_id),
    CONSTRAINT ck_heartbeat_id CHECK (heartbeat_id = 1)
);
GO
SET NOEXEC OFF;
GO
