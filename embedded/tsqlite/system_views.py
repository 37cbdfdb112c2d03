"""The catalog views: sys.*, INFORMATION_SCHEMA.*, and the dynamic management views that have an answer here.

Each is a temporary SQLite view over the `_ts_` tables, made in a connection when it is first named, with SQL Server's
types.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import apsw.ext

from .catalog import CREATION_TYPES, SYSTEM_TYPES, Column, Table, quote
from .collation import sqlite_collation
from .compiled import Column as ResultColumn
from .errors import Unsupported
from .types import DEFAULT_COLLATION, SqlType, parse_type
from .values import guid_from_text
from .withheld import WITHHELD

if TYPE_CHECKING:
    from .session import Session
    from .session_functions import SessionFunctions

DOCS: Final = "https://learn.microsoft.com/sql/relational-databases/"
TICKS_TO_1900: Final = 693_595 * 864_000_000_000


@dataclass(frozen=True, slots=True)
class SystemView:
    """A catalog view: `columns` is 'name type, ...' with ! for NOT NULL; `sql` yields them in this order."""

    columns: str
    sql: str
    link: str


def _catalog(columns: str, sql: str, page: str) -> SystemView:
    return SystemView(columns, sql, f"{DOCS}system-catalog-views/{page}-transact-sql")


def _dynamic(columns: str, sql: str, page: str) -> SystemView:
    return SystemView(columns, sql, f"{DOCS}system-dynamic-management-views/{page}-transact-sql")


def _standard(columns: str, sql: str, page: str) -> SystemView:
    return SystemView(columns, sql, f"{DOCS}system-information-schema-views/{page}-transact-sql")


def _case(column: str, values: dict[Any, str]) -> str:
    whens = " ".join(f"WHEN {k!r} THEN '{v}'" for k, v in values.items())
    return f"CASE {column} {whens} END"


REFUSED_TYPES: Final = (
    ("image", 34, 34, 16), ("text", 35, 35, 16), ("sql_variant", 98, 98, 8016), ("ntext", 99, 99, 16),
    ("hierarchyid", 240, 128, 892), ("geometry", 240, 129, -1), ("geography", 240, 130, -1), ("xml", 241, 241, -1),
)  # fmt: skip
"""Types of sys.types that no column can have here: name, system_type_id, user_type_id, max_length."""
_SYSNAME: Final = SYSTEM_TYPES["sysname"][1]
_TYPE_DESC = _case("o.type", CREATION_TYPES)
_OBJECT = (
    f"o.name, o.object_id, NULL, o.schema_id, o.parent_object_id, printf('%-2s', o.type), {_TYPE_DESC},"
    " o.create_date, o.modify_date, 0, 0, 0"
)
_OBJECT_COLUMNS = (
    "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type char(2)!,"
    " type_desc nvarchar(60), create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!,"
    " is_schema_published bit!"
)
_ACTION = {"NO ACTION": 0, "CASCADE": 1, "SET NULL": 2, "SET DEFAULT": 3}
_action = "CASE f.{0} WHEN 'NO ACTION' THEN 0 WHEN 'CASCADE' THEN 1 WHEN 'SET NULL' THEN 2 ELSE 3 END"
_TYPES = ", ".join(
    f"('{'timestamp' if n == 'rowversion' else n}', {s}, {u}, 4, {length}, {p}, {c},"
    f" {repr(DEFAULT_COLLATION) if 'char' in n or n == 'sysname' else 'NULL'},"
    f" {int(n not in ('sysname', 'rowversion'))}, 0)"
    for n, (s, u, length, p, c) in SYSTEM_TYPES.items()
) + "".join(
    f", ('{n}', {s}, {u}, 4, {length}, 0, 0, {repr(DEFAULT_COLLATION) if 'text' in n else 'NULL'}, 1, {int(s == 240)})"
    for n, s, u, length in REFUSED_TYPES
)
_type_row = (
    "name, system_type_id, user_type_id, schema_id, NULL, max_length, precision, scale, collation_name, is_nullable"
)
_DATA_TYPE = (
    "(SELECT CASE t.column1 WHEN 'timestamp' THEN 'timestamp' ELSE t.column1 END FROM (VALUES "
    + ", ".join(f"('{'timestamp' if n == 'rowversion' else n}', {u})" for n, (_, u, *_x) in SYSTEM_TYPES.items())
    + ") AS t WHERE t.column2 = {0}.system_type_id)"
)
_CHARS = (
    "CASE WHEN {0}.system_type_id IN (167, 175, 165, 173) THEN {0}.max_length WHEN {0}.system_type_id IN (231,"
    " 239) THEN"
    " CASE {0}.max_length WHEN -1 THEN -1 ELSE {0}.max_length / 2 END END"
)
_OCTETS = "CASE WHEN {0}.system_type_id IN (167, 175, 165, 173, 231, 239) THEN {0}.max_length END"
_NUMERIC = "CASE WHEN {0}.system_type_id IN (48, 52, 56, 59, 60, 62, 106, 108, 122, 127) THEN {0}.precision END"
_SCALE = "CASE WHEN {0}.system_type_id IN (48, 52, 56, 60, 106, 108, 122, 127) THEN {0}.scale END"
_RADIX = (
    "CASE WHEN {0}.system_type_id IN (59, 62) THEN 2 WHEN {0}.system_type_id IN (48, 52, 56, 60, 106, 108, 122, 127)"
    " THEN 10 END"
)
_WHEN = (
    "CASE WHEN {0}.system_type_id IN (40) THEN 0 WHEN {0}.system_type_id = 61 THEN 3 WHEN {0}.system_type_id ="
    " 58 THEN 0"
    " WHEN {0}.system_type_id IN (41, 42, 43) THEN {0}.scale END"
)

_COLUMNS = (
    "object_id int!, name sysname, column_id int!, system_type_id tinyint!, user_type_id int!, max_length"
    " smallint!,"
    " precision tinyint!, scale tinyint!, collation_name sysname, is_nullable bit, is_ansi_padded bit!,"
    " is_rowguidcol"
    " bit!, is_identity bit!, is_computed bit!, is_filestream bit!, is_sparse bit, default_object_id int!,"
    " rule_object_id int!, generated_always_type tinyint, is_hidden bit!, is_masked bit!"
)
_COLUMN_ROWS = (
    "SELECT object_id, name, column_id, system_type_id, user_type_id, max_length, precision, scale, collation_name,"
    " is_nullable, system_type_id IN (165, 167, 173, 175, 231, 239), is_rowguidcol, seed IS NOT NULL,"
    " computed IS NOT"
    " NULL, 0, 0, coalesce(default_object_id, 0), 0, 0, 0, 0 FROM main._ts_columns"
)

VIEWS: Final[dict[str, SystemView]] = {
    "sys.schemas": _catalog(
        "name sysname!, schema_id int!, principal_id int",
        "SELECT name, schema_id, principal_id FROM main._ts_schemas",
        "schemas-catalog-views",
    ),
    "sys.objects": _catalog(_OBJECT_COLUMNS, f"SELECT {_OBJECT} FROM main._ts_objects AS o", "sys-objects"),
    "sys.all_objects": _catalog(_OBJECT_COLUMNS, f"SELECT {_OBJECT} FROM main._ts_objects AS o", "sys-all-objects"),
    "sys.tables": _catalog(
        _OBJECT_COLUMNS + ", max_column_id_used int!, uses_ansi_nulls bit, is_replicated bit, is_memory_optimized bit,"
        " temporal_type tinyint, temporal_type_desc nvarchar(60), lock_escalation tinyint, is_external bit!",
        f"SELECT {_OBJECT}, (SELECT max(column_id) FROM main._ts_columns AS c WHERE c.object_id = o.object_id),"
        " 1, 0, 0, 0,"
        " 'NON_TEMPORAL_TABLE', 0, 0 FROM main._ts_objects AS o WHERE o.type = 'U'",
        "sys-tables",
    ),
    "sys.views": _catalog(
        _OBJECT_COLUMNS + ", is_replicated bit, has_opaque_metadata bit!, with_check_option bit!",
        f"SELECT {_OBJECT}, 0, 0, 0 FROM main._ts_objects AS o WHERE o.type = 'V'",
        "sys-views",
    ),
    "sys.procedures": _catalog(
        _OBJECT_COLUMNS + ", is_auto_executed bit!, is_execution_replicated bit",
        f"SELECT {_OBJECT}, 0, 0 FROM main._ts_objects AS o WHERE o.type = 'P'",
        "sys-procedures",
    ),
    "sys.triggers": _catalog(
        "name sysname!, object_id int!, parent_class tinyint!, parent_id int!, type char(2)!, is_disabled bit!",
        "SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE 0",
        "sys-triggers",
    ),
    "sys.synonyms": _catalog(
        _OBJECT_COLUMNS + ", base_object_name nvarchar(1035)",
        f"SELECT {_OBJECT}, NULL FROM main._ts_objects AS o WHERE 0",
        "sys-synonyms",
    ),
    "sys.sequences": _catalog(
        _OBJECT_COLUMNS + ", start_value bigint!, increment bigint!, minimum_value bigint, maximum_value bigint,"
        " is_cycling bit, user_type_id int!, current_value bigint",
        f"SELECT {_OBJECT}, s.start, s.increment, s.minimum, s.maximum, s.cycle, 127,"
        " coalesce((SELECT value FROM main._ts_counters AS c WHERE c.name = 'sequence:' || s.object_id), s.start)"
        " FROM main._ts_objects AS o JOIN main._ts_sequences AS s ON s.object_id = o.object_id",
        "sys-sequences",
    ),
    "sys.columns": _catalog(
        _COLUMNS,
        _COLUMN_ROWS,
        "sys-columns",
    ),
    "sys.all_columns": _catalog(_COLUMNS, _COLUMN_ROWS, "sys-all-columns"),
    "sys.computed_columns": _catalog(
        "object_id int!, name sysname, column_id int!, is_computed bit!, definition nvarchar(max),"
        " uses_database_collation bit!, is_persisted bit!, is_nullable bit",
        "SELECT object_id, name, column_id, 1, computed, 1, is_persisted, is_nullable FROM main._ts_columns"
        " WHERE computed IS NOT NULL",
        "sys-computed-columns",
    ),
    "sys.identity_columns": _catalog(
        "object_id int!, name sysname, column_id int!, is_identity bit!, seed_value bigint, increment_value bigint,"
        " last_value bigint, is_not_for_replication bit, is_computed bit!",
        "SELECT object_id, name, column_id, 1, seed, increment,"
        " (SELECT value FROM main._ts_counters AS n WHERE n.name = 'identity:' || c.object_id), 0, 0"
        " FROM main._ts_columns AS c WHERE seed IS NOT NULL",
        "sys-identity-columns",
    ),
    "sys.types": _catalog(
        "name sysname!, system_type_id tinyint!, user_type_id int!, schema_id int!, principal_id int, max_length"
        " smallint!,"
        " precision tinyint!, scale tinyint!, collation_name sysname, is_nullable bit, is_user_defined bit!,"
        " is_assembly_type bit!, default_object_id int!, rule_object_id int!, is_table_type bit!",
        "SELECT column1, column2, column3, column4, NULL, column5, column6, column7, column8, column9, 0, column10,"
        f" 0, 0, 0 FROM (VALUES {_TYPES}) UNION ALL SELECT name, ts_type_part(type, 0), user_type_id, schema_id, NULL,"
        " ts_type_part(type, 2), ts_type_part(type, 3), ts_type_part(type, 4), NULL, is_nullable, 1, 0, 0, 0, 0"
        " FROM main._ts_types",
        "sys-types",
    ),
    "sys.indexes": _catalog(
        "object_id int!, name sysname, index_id int!, type tinyint!, type_desc nvarchar(60), is_unique bit,"
        " data_space_id"
        " int!, ignore_dup_key bit, is_primary_key bit, is_unique_constraint bit, fill_factor tinyint!, is_padded bit,"
        " is_disabled bit, is_hypothetical bit, allow_row_locks bit, allow_page_locks bit, has_filter bit,"
        " filter_definition nvarchar(max)",
        "SELECT object_id, name, index_id, type, CASE type WHEN 1 THEN 'CLUSTERED' ELSE 'NONCLUSTERED' END,"
        " is_unique, 1, 0,"
        " is_primary_key, is_unique_constraint, 0, 0, is_disabled, 0, 1, 1, filter_definition IS NOT NULL,"
        " filter_definition FROM main._ts_indexes UNION ALL SELECT o.object_id, NULL, 0, 0, 'HEAP', 0, 1, 0, 0,"
        " 0, 0, 0, 0,"
        " 0, 1, 1, 0, NULL FROM main._ts_objects AS o WHERE o.type = 'U' AND NOT EXISTS (SELECT 1 FROM"
        " main._ts_indexes AS i"
        " WHERE i.object_id = o.object_id AND i.type = 1)",
        "sys-indexes",
    ),
    "sys.index_columns": _catalog(
        "object_id int!, index_id int!, index_column_id int!, column_id int!, key_ordinal tinyint!, partition_ordinal"
        " tinyint!, is_descending_key bit, is_included_column bit",
        "SELECT object_id, index_id, index_column_id, column_id, key_ordinal, 0, is_descending_key, is_included_column"
        " FROM main._ts_index_columns",
        "sys-index-columns",
    ),
    "sys.key_constraints": _catalog(
        _OBJECT_COLUMNS + ", unique_index_id int, is_system_named bit!, is_enforced bit",
        f"SELECT {_OBJECT}, i.index_id, i.is_system_named, 1 FROM main._ts_objects AS o JOIN main._ts_indexes AS i"
        " ON i.object_id = o.parent_object_id AND i.constraint_id = o.object_id WHERE o.type IN ('PK', 'UQ')",
        "sys-key-constraints",
    ),
    "sys.check_constraints": _catalog(
        _OBJECT_COLUMNS + ", is_disabled bit!, is_not_for_replication bit!, is_not_trusted bit!, parent_column_id int!,"
        " definition nvarchar(max), uses_database_collation bit, is_system_named bit!",
        f"SELECT {_OBJECT}, c.is_disabled, 0, c.is_not_trusted, c.parent_column_id, c.definition, 1, c.is_system_named"
        " FROM main._ts_objects AS o JOIN main._ts_checks AS c ON c.object_id = o.object_id",
        "sys-check-constraints",
    ),
    "sys.default_constraints": _catalog(
        _OBJECT_COLUMNS + ", parent_column_id int!, definition nvarchar(max), is_system_named bit!",
        f"SELECT {_OBJECT}, d.parent_column_id, d.definition, d.is_system_named FROM main._ts_objects AS o"
        " JOIN main._ts_defaults AS d ON d.object_id = o.object_id",
        "sys-default-constraints",
    ),
    "sys.foreign_keys": _catalog(
        _OBJECT_COLUMNS + ", referenced_object_id int, key_index_id int, is_disabled bit!, is_not_for_replication bit!,"
        " is_not_trusted bit!, delete_referential_action tinyint, delete_referential_action_desc nvarchar(60),"
        " update_referential_action tinyint, update_referential_action_desc nvarchar(60), is_system_named bit!",
        f"SELECT {_OBJECT}, f.referenced_object_id, f.key_index_id, f.is_disabled, 0, f.is_not_trusted,"
        f" {_action.format('delete_action')}, replace(f.delete_action, ' ', '_'), {_action.format('update_action')},"
        " replace(f.update_action, ' ', '_'), f.is_system_named FROM main._ts_objects AS o"
        " JOIN main._ts_foreign_keys AS f ON f.object_id = o.object_id",
        "sys-foreign-keys",
    ),
    "sys.foreign_key_columns": _catalog(
        "constraint_object_id int!, constraint_column_id int!, parent_object_id int!, parent_column_id int!,"
        " referenced_object_id int!, referenced_column_id int!",
        "SELECT c.object_id, c.constraint_column_id, f.parent_object_id, c.parent_column_id, f.referenced_object_id,"
        " c.referenced_column_id FROM main._ts_foreign_key_columns AS c"
        " JOIN main._ts_foreign_keys AS f ON f.object_id = c.object_id",
        "sys-foreign-key-columns",
    ),
    "sys.parameters": _catalog(
        "object_id int!, name sysname, parameter_id int!, system_type_id tinyint!, user_type_id int!, max_length"
        " smallint!,"
        " precision tinyint!, scale tinyint!, is_output bit!, is_cursor_ref bit!, has_default_value bit!,"
        " is_xml_document"
        " bit!, is_readonly bit!, is_nullable bit",
        "SELECT object_id, name, parameter_id, system_type_id, user_type_id, max_length, precision, scale,"
        " is_output, 0, 0, 0,"
        " is_readonly, 1 FROM main._ts_parameters",
        "sys-parameters",
    ),
    "sys.sql_modules": _catalog(
        "object_id int!, definition nvarchar(max), uses_ansi_nulls bit, uses_quoted_identifier bit,"
        " is_schema_bound bit,"
        " uses_database_collation bit, is_recompiled bit, null_on_null_input bit, execute_as_principal_id int,"
        " uses_native_compilation bit",
        "SELECT object_id, definition, uses_ansi_nulls, uses_quoted_identifier, is_schema_bound, 0, is_recompiled, 0,"
        " CASE upper(execute_as) WHEN 'OWNER' THEN -2 WHEN 'SELF' THEN 1 END, 0 FROM main._ts_modules",
        "sys-sql-modules",
    ),
    "sys.database_principals": _catalog(
        "name sysname!, principal_id int!, type char(1)!, type_desc nvarchar(60), default_schema_name sysname,"
        " create_date"
        " datetime!, modify_date datetime!, owning_principal_id int, is_fixed_role bit!, authentication_type int!",
        "SELECT name, principal_id, type, CASE type WHEN 'R' THEN 'DATABASE_ROLE' WHEN 'S' THEN 'SQL_USER' WHEN"
        " 'C' THEN"
        " 'CERTIFICATE_MAPPED_USER' WHEN 'E' THEN 'EXTERNAL_USER' ELSE 'ASYMMETRIC_KEY_MAPPED_USER' END,"
        " CASE type WHEN 'R' THEN NULL ELSE 'dbo' END, create_date, create_date, owning_principal_id, is_fixed_role, 0"
        " FROM main._ts_principals",
        "sys-database-principals",
    ),
    "sys.database_role_members": _catalog(
        "role_principal_id int!, member_principal_id int!",
        "SELECT role_principal_id, member_principal_id FROM main._ts_role_members",
        "sys-database-role-members",
    ),
    "sys.database_permissions": _catalog(
        "class tinyint!, class_desc nvarchar(60), major_id int!, minor_id int!, grantee_principal_id int!,"
        " grantor_principal_id int!, permission_name nvarchar(128), state char(1)!, state_desc nvarchar(60)",
        "SELECT class, CASE class WHEN 0 THEN 'DATABASE' WHEN 1 THEN 'OBJECT_OR_COLUMN' WHEN 3 THEN 'SCHEMA' ELSE"
        " 'DATABASE_PRINCIPAL' END, major_id, minor_id, grantee_principal_id, grantor_principal_id,"
        " permission_name, state,"
        " CASE state WHEN 'G' THEN 'GRANT' WHEN 'D' THEN 'DENY' ELSE 'GRANT_WITH_GRANT_OPTION' END FROM"
        " main._ts_permissions",
        "sys-database-permissions",
    ),
    "sys.certificates": _catalog(
        "name sysname!, certificate_id int!, principal_id int, thumbprint varbinary(32)!",
        "SELECT NULL, NULL, NULL, NULL WHERE 0",
        "sys-certificates",
    ),
    "sys.crypt_properties": _catalog(
        "class tinyint!, class_desc nvarchar(60), major_id int!, thumbprint varbinary(32)!, crypt_type char(4)!,"
        " crypt_type_desc nvarchar(60), crypt_property varbinary(max)!",
        "SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0",
        "sys-crypt-properties",
    ),
    "sys.extended_properties": _catalog(
        "class tinyint!, class_desc nvarchar(60), major_id int!, minor_id int!, name sysname!, value nvarchar(4000)",
        "SELECT class, CASE class WHEN 0 THEN 'DATABASE' WHEN 1 THEN 'OBJECT_OR_COLUMN' ELSE 'SCHEMA' END,"
        " major_id, minor_id,"
        " name, value FROM main._ts_properties",
        "extended-properties-catalog-views-sys-extended-properties",
    ),
    "sys.databases": _catalog(
        "name sysname!, database_id int!, create_date datetime!, compatibility_level tinyint!, collation_name sysname,"
        " user_access tinyint, is_read_only bit, state tinyint, state_desc nvarchar(60),"
        " snapshot_isolation_state tinyint,"
        " snapshot_isolation_state_desc nvarchar(60), is_read_committed_snapshot_on bit, recovery_model tinyint,"
        " recovery_model_desc nvarchar(60), page_verify_option tinyint, page_verify_option_desc nvarchar(60),"
        " is_auto_close_on bit!, is_auto_shrink_on bit, is_broker_enabled bit!, delayed_durability int,"
        " delayed_durability_desc nvarchar(60), replica_id uniqueidentifier, owner_sid varbinary(85)",
        "SELECT name, database_id, create_date, compatibility_level, collation_name, 0, is_read_only, 0, 'ONLINE',"
        " snapshot, CASE snapshot WHEN 1 THEN 'ON' ELSE 'OFF' END, read_committed_snapshot,"
        " CASE recovery WHEN 'SIMPLE' THEN 3 WHEN 'BULK_LOGGED' THEN 2 ELSE 1 END, recovery, 2,"
        " 'CHECKSUM', 0, 0, 0, 0, 'DISABLED', NULL, x'01' FROM ts_databases",
        "sys-databases",
    ),
    "sys.database_recovery_status": _catalog(
        "database_id int!, database_guid uniqueidentifier, family_guid uniqueidentifier, last_log_backup_lsn"
        " numeric(25,0),"
        " recovery_fork_guid uniqueidentifier, first_recovery_fork_guid uniqueidentifier, fork_point_lsn numeric(25,0)",
        "SELECT ts_database('id'), ts_database('family_guid'), ts_database('family_guid'), NULL,"
        " ts_database('recovery_fork_guid'), NULL, NULL",
        "sys-database-recovery-status",
    ),
    "sys.configurations": _catalog(
        "configuration_id int!, name nvarchar(35)!, value int, minimum int, maximum int, value_in_use int, description"
        " nvarchar(255)!, is_dynamic bit!, is_advanced bit!",
        "SELECT column1, column2, column3, 0, 32767, column3, column2, 1, 1 FROM (VALUES (518, 'show advanced"
        " options', 0),"
        " (1517, 'priority boost', 0), (1539, 'max degree of parallelism', 0), (16390, 'xp_cmdshell', 0))",
        "sys-configurations",
    ),
    "sys.partitions": _catalog(
        "partition_id bigint!, object_id int!, index_id int!, partition_number int!, hobt_id bigint!, rows bigint,"
        " data_compression tinyint!, data_compression_desc nvarchar(60)",
        "SELECT i.object_id * 1000 + i.index_id, i.object_id, i.index_id, 1, i.object_id * 1000 + i.index_id,"
        " ts_table_rows(i.object_id), 0, 'NONE' FROM temp.\"sys.indexes\" AS i",
        "sys-partitions",
    ),
    "sys.stats": _catalog(
        "object_id int!, name nvarchar(128), stats_id int!, auto_created bit, user_created bit",
        "SELECT object_id, name, index_id, 0, 0 FROM main._ts_indexes UNION ALL SELECT object_id, name, 1000, 0, 1"
        " FROM main._ts_statistics",
        "sys-stats",
    ),
    "sys.time_zone_info": _catalog(
        "name sysname!, current_utc_offset nvarchar(6)!, is_currently_dst bit!",
        "SELECT name, current_utc_offset, is_currently_dst FROM ts_time_zones",
        "sys-time-zone-info",
    ),
    "sys.system_views": _catalog(
        "name sysname!, object_id int!, schema_id int!, type char(2)!, type_desc nvarchar(60)",
        "SELECT name, object_id, 4, 'V ', 'VIEW' FROM ts_system_views",
        "sys-system-views",
    ),
    "sys.dm_tran_active_transactions": _dynamic(
        "transaction_id bigint!, name nvarchar(32)!, transaction_begin_time datetime!, transaction_type int!,"
        " transaction_state int!, dtc_state int!",
        "SELECT transaction_id, 'user_transaction', begin_time, 1, 2, 0 FROM ts_transactions",
        "sys-dm-tran-active-transactions",
    ),
    "sys.dm_tran_session_transactions": _dynamic(
        "session_id int!, transaction_id bigint!, is_user_transaction bit!, is_local bit!, enlist_count int!,"
        " is_bound bit!",
        "SELECT session_id, transaction_id, 1, 1, 1, 0 FROM ts_transactions",
        "sys-dm-tran-session-transactions",
    ),
    "sys.dm_exec_sessions": _dynamic(
        "session_id smallint!, login_time datetime!, host_name nvarchar(128), program_name nvarchar(128),"
        " host_process_id int,"
        " login_name nvarchar(128)!, status nvarchar(30)!, text_size int!, language nvarchar(128), date_format"
        " nvarchar(3),"
        " date_first smallint!, quoted_identifier bit!, arithabort bit!, ansi_nulls bit!, transaction_isolation_level"
        " smallint!, lock_timeout int!, deadlock_priority int!, row_count bigint!, prev_error int!, original_login_name"
        " nvarchar(128)!, is_user_process bit!, database_id smallint!, open_transaction_count int!",
        "SELECT * FROM ts_sessions",
        "sys-dm-exec-sessions",
    ),
    "sys.dm_exec_connections": _dynamic(
        "session_id int, most_recent_session_id int, connect_time datetime!, net_transport nvarchar(40)!, protocol_type"
        " nvarchar(40), protocol_version int, encrypt_option nvarchar(40)!, auth_scheme nvarchar(40)!, net_packet_size"
        " int, client_net_address varchar(48), client_tcp_port int, local_net_address varchar(48), local_tcp_port int",
        "SELECT * FROM ts_connections",
        "sys-dm-exec-connections",
    ),
    "INFORMATION_SCHEMA.SCHEMATA": _standard(
        "CATALOG_NAME nvarchar(128), SCHEMA_NAME nvarchar(128)!, SCHEMA_OWNER nvarchar(128),"
        " DEFAULT_CHARACTER_SET_CATALOG varchar(6), DEFAULT_CHARACTER_SET_SCHEMA varchar(3),"
        " DEFAULT_CHARACTER_SET_NAME nvarchar(128)",
        "SELECT ts_database('name'), s.name, p.name, NULL, NULL, 'iso_1' FROM main._ts_schemas AS s"
        " LEFT JOIN main._ts_principals AS p"
        " ON p.principal_id = s.principal_id",
        "schemata",
    ),
    "INFORMATION_SCHEMA.TABLES": _standard(
        "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, TABLE_TYPE varchar(10)",
        "SELECT ts_database('name'), s.name, o.name, CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END"
        " FROM main._ts_objects AS o JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id WHERE o.type IN"
        " ('U', 'V')",
        "tables",
    ),
    "INFORMATION_SCHEMA.VIEWS": _standard(
        "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, VIEW_DEFINITION nvarchar(4000),"
        " CHECK_OPTION varchar(7), IS_UPDATABLE varchar(2)!",
        "SELECT ts_database('name'), s.name, o.name, CASE WHEN length(m.definition) <= 4000 THEN m.definition"
        " END, 'NONE',"
        " 'NO' FROM main._ts_objects AS o JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id JOIN"
        " main._ts_modules AS m"
        " ON m.object_id = o.object_id WHERE o.type = 'V'",
        "views",
    ),
    "INFORMATION_SCHEMA.COLUMNS": _standard(
        "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME nvarchar(128)!, COLUMN_NAME nvarchar(128),"
        " ORDINAL_POSITION int, COLUMN_DEFAULT nvarchar(4000), IS_NULLABLE varchar(3), DATA_TYPE nvarchar(128),"
        " CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int, NUMERIC_PRECISION tinyint, NUMERIC_PRECISION_RADIX"
        " smallint, NUMERIC_SCALE int, DATETIME_PRECISION smallint, CHARACTER_SET_CATALOG nvarchar(128),"
        " CHARACTER_SET_SCHEMA nvarchar(128), CHARACTER_SET_NAME nvarchar(128), COLLATION_CATALOG nvarchar(128),"
        " COLLATION_SCHEMA nvarchar(128), COLLATION_NAME nvarchar(128), DOMAIN_CATALOG nvarchar(128),"
        " DOMAIN_SCHEMA nvarchar(128), DOMAIN_NAME nvarchar(128)",
        "SELECT ts_database('name'), s.name, o.name, c.name, c.column_id, d.definition, CASE c.is_nullable WHEN"
        " 1 THEN 'YES'"
        f" ELSE 'NO' END, {_DATA_TYPE.format('c')}, {_CHARS.format('c')}, {_OCTETS.format('c')},"
        f" {_NUMERIC.format('c')},"
        f" {_RADIX.format('c')}, {_SCALE.format('c')}, {_WHEN.format('c')}, NULL, NULL,"
        " CASE WHEN c.system_type_id IN (231, 239) THEN"
        " 'UNICODE' WHEN c.system_type_id IN (167, 175) THEN 'iso_1' END, NULL, NULL, c.collation_name,"
        f" CASE WHEN c.user_type_id > {_SYSNAME} THEN ts_database('name') END,"
        " (SELECT s.name FROM main._ts_types AS t JOIN main._ts_schemas AS s ON s.schema_id = t.schema_id"
        " WHERE t.user_type_id = c.user_type_id),"
        " (SELECT t.name FROM main._ts_types AS t WHERE t.user_type_id = c.user_type_id) FROM main._ts_columns AS c"
        " JOIN main._ts_objects AS o ON o.object_id = c.object_id JOIN main._ts_schemas AS s ON s.schema_id ="
        " o.schema_id"
        " LEFT JOIN main._ts_defaults AS d ON d.object_id = c.default_object_id WHERE o.type IN ('U', 'V')",
        "columns",
    ),
    "INFORMATION_SCHEMA.TABLE_CONSTRAINTS": _standard(
        "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!, TABLE_CATALOG"
        " nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME nvarchar(128), CONSTRAINT_TYPE varchar(11),"
        " IS_DEFERRABLE"
        " varchar(2)!, INITIALLY_DEFERRED varchar(2)!",
        "SELECT ts_database('name'), s.name, o.name, ts_database('name'), s.name, t.name, CASE o.type WHEN 'PK' THEN"
        " 'PRIMARY KEY' WHEN 'UQ' THEN 'UNIQUE' WHEN 'F' THEN 'FOREIGN KEY' ELSE 'CHECK' END, 'NO', 'NO'"
        " FROM main._ts_objects AS o JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id"
        " JOIN main._ts_objects AS t ON t.object_id = o.parent_object_id WHERE o.type IN ('PK', 'UQ', 'F', 'C')",
        "table-constraints",
    ),
    "INFORMATION_SCHEMA.KEY_COLUMN_USAGE": _standard(
        "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME nvarchar(128)!,"
        " TABLE_CATALOG"
        " nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME nvarchar(128)!, COLUMN_NAME nvarchar(128),"
        " ORDINAL_POSITION"
        " int!",
        "SELECT ts_database('name'), s.name, i.name, ts_database('name'), s.name, t.name, c.name, k.key_ordinal"
        " FROM main._ts_indexes AS i JOIN main._ts_objects AS t ON t.object_id = i.object_id JOIN main._ts_schemas AS s"
        " ON s.schema_id = t.schema_id JOIN main._ts_index_columns AS k ON k.object_id = i.object_id AND k.index_id ="
        " i.index_id AND k.key_ordinal > 0 JOIN main._ts_columns AS c ON c.object_id = k.object_id AND c.column_id ="
        " k.column_id WHERE i.constraint_id > 0 UNION ALL SELECT ts_database('name'), s.name, o.name,"
        " ts_database('name'),"
        " s.name, t.name, c.name, k.constraint_column_id FROM main._ts_foreign_key_columns AS k JOIN"
        " main._ts_objects AS o"
        " ON o.object_id = k.object_id JOIN main._ts_objects AS t ON t.object_id = o.parent_object_id JOIN"
        " main._ts_schemas"
        " AS s ON s.schema_id = t.schema_id JOIN main._ts_columns AS c ON c.object_id = t.object_id AND c.column_id ="
        " k.parent_column_id",
        "key-column-usage",
    ),
    "INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE": _standard(
        "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME nvarchar(128)!, COLUMN_NAME nvarchar(128),"
        " CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME nvarchar(128)!",
        "SELECT TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, CONSTRAINT_CATALOG, CONSTRAINT_SCHEMA,"
        " CONSTRAINT_NAME"
        ' FROM temp."INFORMATION_SCHEMA.KEY_COLUMN_USAGE"',
        "constraint-column-usage",
    ),
    "INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS": _standard(
        "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!,"
        " UNIQUE_CONSTRAINT_CATALOG nvarchar(128), UNIQUE_CONSTRAINT_SCHEMA nvarchar(128),"
        " UNIQUE_CONSTRAINT_NAME sysname,"
        " MATCH_OPTION varchar(7), UPDATE_RULE varchar(11), DELETE_RULE varchar(11)",
        "SELECT ts_database('name'), s.name, o.name, ts_database('name'), r.name, i.name, 'SIMPLE', f.update_action,"
        " f.delete_action FROM main._ts_foreign_keys AS f JOIN main._ts_objects AS o ON o.object_id = f.object_id"
        " JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id JOIN main._ts_objects AS p"
        " ON p.object_id = f.referenced_object_id JOIN main._ts_schemas AS r ON r.schema_id = p.schema_id"
        " LEFT JOIN main._ts_indexes AS i ON i.object_id = f.referenced_object_id AND i.index_id = f.key_index_id",
        "referential-constraints",
    ),
    "INFORMATION_SCHEMA.CHECK_CONSTRAINTS": _standard(
        "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!, CHECK_CLAUSE"
        " nvarchar(4000)",
        "SELECT ts_database('name'), s.name, o.name, c.definition FROM main._ts_checks AS c JOIN main._ts_objects AS o"
        " ON o.object_id = c.object_id JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id",
        "check-constraints",
    ),
    "INFORMATION_SCHEMA.ROUTINES": _standard(
        "SPECIFIC_CATALOG nvarchar(128), SPECIFIC_SCHEMA nvarchar(128), SPECIFIC_NAME nvarchar(128)!, ROUTINE_CATALOG"
        " nvarchar(128), ROUTINE_SCHEMA nvarchar(128), ROUTINE_NAME nvarchar(128)!, ROUTINE_TYPE nvarchar(20),"
        " ROUTINE_DEFINITION nvarchar(4000), CREATED datetime!, LAST_ALTERED datetime!",
        "SELECT ts_database('name'), s.name, o.name, ts_database('name'), s.name, o.name, CASE o.type WHEN 'P' THEN"
        " 'PROCEDURE' ELSE 'FUNCTION' END, substr(m.definition, 1, 4000), o.create_date, o.modify_date FROM"
        " main._ts_objects"
        " AS o JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id JOIN main._ts_modules AS m"
        " ON m.object_id = o.object_id WHERE o.type IN ('P', 'FN', 'IF', 'TF')",
        "routines",
    ),
    "INFORMATION_SCHEMA.PARAMETERS": _standard(
        "SPECIFIC_CATALOG nvarchar(128), SPECIFIC_SCHEMA nvarchar(128), SPECIFIC_NAME nvarchar(128)!,"
        " ORDINAL_POSITION int!,"
        " PARAMETER_MODE nvarchar(10), IS_RESULT nvarchar(10), PARAMETER_NAME nvarchar(128), DATA_TYPE nvarchar(128),"
        " CHARACTER_MAXIMUM_LENGTH int, NUMERIC_PRECISION tinyint, NUMERIC_SCALE int",
        "SELECT ts_database('name'), s.name, o.name, p.parameter_id, CASE p.is_output WHEN 1 THEN CASE"
        " p.parameter_id WHEN 0"
        " THEN 'OUT' ELSE 'INOUT' END ELSE 'IN' END, CASE p.parameter_id WHEN 0 THEN 'YES' ELSE 'NO' END, p.name,"
        f" {_DATA_TYPE.format('p')}, {_CHARS.format('p')}, {_NUMERIC.format('p')}, {_SCALE.format('p')}"
        " FROM main._ts_parameters AS p JOIN main._ts_objects AS o ON o.object_id = p.object_id"
        " JOIN main._ts_schemas AS s ON s.schema_id = o.schema_id",
        "parameters",
    ),
    "INFORMATION_SCHEMA.SEQUENCES": _standard(
        "SEQUENCE_CATALOG nvarchar(128), SEQUENCE_SCHEMA nvarchar(128), SEQUENCE_NAME sysname!, START_VALUE bigint!,"
        " MINIMUM_VALUE bigint, MAXIMUM_VALUE bigint, INCREMENT bigint!",
        "SELECT ts_database('name'), s.name, o.name, q.start, q.minimum, q.maximum, q.increment FROM"
        " main._ts_sequences AS q"
        " JOIN main._ts_objects AS o ON o.object_id = q.object_id JOIN main._ts_schemas AS s ON s.schema_id ="
        " o.schema_id",
        "sequences",
    ),
}

REFUSED: Final = frozenset(
    """all_parameters all_sql_modules all_views allocation_units assemblies assembly_types
    change_tracking_tables
    column_store_segments data_spaces database_files database_mirroring database_scoped_configurations dm_ filegroups
    fulltext_indexes function_order_columns master_files messages module_assembly_usages partition_functions
    partition_schemes
    periods query_store_query security_policies server_principals server_role_members servers service_queues sql_logins
    sql_dependencies sql_expression_dependencies stats_columns symmetric_keys syscolumns sysobjects sysindexes
    sysusers systypes
    syscomments sysprocesses sysdatabases table_types trigger_events xml_indexes xml_schema_collections
    event_notifications
    endpoints credentials backup_devices asymmetric_keys hash_indexes internal_tables plan_guides
    remote_logins numbered_procedures numbered_procedure_parameters column_type_usages parameter_type_usages
    type_assembly_usages routes services service_contracts service_message_types conversation_endpoints openkeys
    key_encryptions user_token login_token server_permissions server_triggers server_trigger_events traces
    linked_logins availability_groups availability_replicas fulltext_catalogs fulltext_stoplists spatial_indexes
    external_tables external_data_sources external_file_formats column_encryption_keys column_master_keys
    masked_columns change_tracking_databases extended_procedures system_columns system_objects system_parameters
    system_sql_modules selective_xml_index_paths registered_search_properties syslogins sysfiles sysfilegroups
    sysforeignkeys sysconstraints sysdepends sysindexkeys sysmembers syspermissions sysprotects sysreferences
    sysaltfiles syscharsets sysconfigures syscurconfigs sysdevices syslanguages syslockinfo sysmessages sysopentapes
    sysperfinfo sysremotelogins sysservers""".split()
)
"""Names that SQL Server has and the engine refuses; of the dynamic management views all that are not listed above."""

SERVER_WIDE: Final = frozenset({"databases", "configurations", "time_zone_info"})
"""Views of the catalog that say the same in every database, so also as master.sys.name; as all sys.dm_ views do."""

_BY_LOWER: Final = {name.lower(): name for name in VIEWS}
_MODULES: Final[dict[str, tuple[str, ...]]] = {
    "ts_transactions": ("session_id", "transaction_id", "begin_time"),
    "ts_time_zones": ("name", "current_utc_offset", "is_currently_dst"),
    "ts_system_views": ("name", "object_id"),
    "ts_sessions": tuple(c.split()[0] for c in VIEWS["sys.dm_exec_sessions"].columns.split(", ")),
    "ts_connections": tuple(c.split()[0] for c in VIEWS["sys.dm_exec_connections"].columns.split(", ")),
    "ts_databases": (
        "name",
        "database_id",
        "create_date",
        "compatibility_level",
        "collation_name",
        "is_read_only",
        "snapshot",
        "read_committed_snapshot",
        "recovery",
    ),
}


def _type(text: str) -> SqlType:
    name, _, rest = text.partition("(")
    args = [a.strip() for a in rest.rstrip(")").split(",")] if rest else []
    made = parse_type(name, args)
    return made.with_collation(DEFAULT_COLLATION, "implicit") if made.is_string else made


def _split(columns: str) -> Iterator[tuple[str, str, bool]]:
    depth, current = 0, ""
    for char in columns + ",":
        if char == "," and depth == 0:
            name, text = current.strip().split(" ", 1)
            yield name, " ".join(text.rstrip("!").split()), not text.endswith("!")
            current = ""
            continue
        depth += (char == "(") - (char == ")")
        current += char


def columns_of(text: str) -> tuple[ResultColumn, ...]:
    """Columns of a result set, written as those of a view are."""
    return tuple(ResultColumn(name, _type(type_).with_nullable(null)) for name, type_, null in _split(text))


@lru_cache(maxsize=200)
def relation(key: str) -> Table:
    """The view's description."""
    columns = tuple(
        Column(name, _type(text).with_nullable(nullable), nullable, i, user_type=_SYSNAME if text == "sysname" else 0)
        for i, (name, text, nullable) in enumerate(_split(VIEWS[key].columns), 1)
    )
    schema, _, name = key.partition(".")
    withheld = WITHHELD.get(key, frozenset())
    return Table(name, schema, columns, "temp", key, object_id(name) or 0, "system", withheld=withheld)


def object_id(name: str) -> int | None:
    """Negative ids, as system objects have."""
    for i, key in enumerate(VIEWS):
        if key.partition(".")[2].lower() == name.lower():
            return -(100 + i)
    return None


def find(session: SessionFunctions, schema: str, name: str) -> Table | None:
    """The catalog view `schema.name`, made in the session's connection. `Unsupported` for one that SQL Server has."""
    key = _BY_LOWER.get(f"{schema}.{name}".lower())
    if key is None:
        lower = name.lower()
        if schema.lower() == "sys" and (lower in REFUSED or lower.startswith("dm_")):
            raise Unsupported(f"sys.{lower}")
        if schema.lower() == "information_schema" and lower in (
            "column_domain_usage", "column_privileges", "constraint_table_usage", "domains", "domain_constraints",
            "routine_columns", "table_privileges", "view_column_usage", "view_table_usage",
        ):  # fmt: skip
            raise Unsupported(f"INFORMATION_SCHEMA.{name.upper()}")
        return None
    make(session, key)  # type: ignore[arg-type]
    return relation(key)


def find_bare(session: SessionFunctions, name: str) -> Table | None:
    """A name without schema: the old compatibility views (sysobjects ...) are refused, all else is not there."""
    if name.lower() in REFUSED and name.lower().startswith("sys"):
        raise Unsupported(name)
    return None


def make(session: Session, key: str) -> None:
    """Make the SQLite view."""
    if key in session.system_views:
        return
    if not session.system_views:
        _register(session)
    view = VIEWS[key]
    for other in VIEWS:
        if f'"{other}"' in view.sql:
            make(session, other)
    table = relation(key)
    names = ", ".join(quote(c.name) for c in table.columns)
    shown = []
    for column in table.columns:
        collation = sqlite_collation(column.type) if column.type.is_string else None
        shown.append(quote(column.name) + (f" COLLATE {collation} AS {quote(column.name)}" if collation else ""))
    sql = (
        f"CREATE TEMP VIEW {quote(key)} ({names}) AS WITH v ({names}) AS ({view.sql}) SELECT {', '.join(shown)} FROM v"
    )
    session.db.execute(sql)
    session.system_views[key] = sql


def _register(session: Session) -> None:
    db = session.db
    db.create_scalar_function("ts_database", lambda name: _property(session, name), 1)
    db.create_scalar_function("ts_table_rows", lambda id_: _rows(session, id_), 1)
    db.create_scalar_function("ts_type_part", _type_part, 2, deterministic=True)
    sources: dict[str, Callable[[], Iterator[tuple[Any, ...]]]] = {
        "ts_transactions": lambda: _transactions(session),
        "ts_time_zones": lambda: _zones(session),
        "ts_system_views": _names,
        "ts_sessions": lambda: (_session(s) for s in _known(session)),
        "ts_connections": lambda: (_connection(s) for s in _known(session)),
        "ts_databases": lambda: _databases(session),
    }
    for name, columns in _MODULES.items():
        _module(db, name, columns, sources[name])


def _module(db: Any, name: str, columns: tuple[str, ...], rows: Callable[[], Iterator[tuple[Any, ...]]]) -> None:
    def source() -> Iterator[tuple[Any, ...]]:
        return rows()

    source.columns = columns  # type: ignore[attr-defined]
    source.column_access = apsw.ext.VTColumnAccess.By_Index  # type: ignore[attr-defined]
    apsw.ext.make_virtual_module(db, name, source)  # type: ignore[arg-type]


def _property(session: Session, name: str) -> Any:
    if name == "name":
        return session.database
    if name == "id":
        return session.database_id
    if name == "read_only":
        return int(session.readonly)
    value = session.catalog.properties.get(name)
    if name in ("recovery_fork_guid", "family_guid") and value is not None:
        return guid_from_text(bytes(value).hex())
    return value


def _rows(session: Session, object_id: int) -> int | None:
    found = session.catalog.by_id(object_id)
    return int(session.db.execute(f"SELECT count(*) FROM {found.sql}").get) if isinstance(found, Table) else None


def _type_part(text: str, part: int) -> int:
    from .catalog import type_from_text, type_ids

    return type_ids(type_from_text(text))[part]


def _transactions(session: Session) -> Iterator[tuple[Any, ...]]:
    for open_ in session.presence.transactions():
        yield open_.session_id, open_.transaction_id, (open_.begin - TICKS_TO_1900) * 3 // 100_000


def _zones(session: Session) -> Iterator[tuple[Any, ...]]:
    from . import zones

    for name in zones.names():
        offset, summer = zones.current_offset(name, session.utc_now())
        yield name, offset, int(summer)


def _names() -> Iterator[tuple[Any, ...]]:
    for i, key in enumerate(VIEWS):
        schema, _, name = key.partition(".")
        if schema == "sys":
            yield name, -(100 + i)


def _known(session: Session) -> list[Session]:
    """The sessions of the server that the session belongs to; without one it sees itself."""
    return [s for _, s in sorted(session.databases.sessions.items())] if session.databases else [session]


def _session(session: Session) -> tuple[Any, ...]:
    from .session_functions import ISOLATION

    s = session.settings
    return (
        session.spid(), _datetime(session.login_time), session.host_name(), session.application,
        session.wire.get("process", os.getpid()), session.login, "running" if session.running else "sleeping",
        s.textsize, s.language, s.date_format, s.date_first, int(s.quoted_identifier), int(s.arithabort),
        int(s.ansi_nulls), ISOLATION[s.isolation], s.lock_timeout, s.deadlock_priority, session.row_count,
        session.error, session.login, 1, session.database_id, session.trancount(),
    )  # fmt: skip


def _connection(session: Session) -> tuple[Any, ...]:
    wire = session.wire
    return (
        session.spid(), session.spid(), _datetime(session.login_time), wire.get("transport", "Shared memory"), "TSQL",
        wire.get("protocol", 0x74000004), "TRUE" if wire.get("encrypted") else "FALSE", "SQL",
        wire.get("packet_size", 4096), wire.get("client_address", "<local machine>"), wire.get("client_port"),
        wire.get("local_address"), wire.get("local_port"),
    )  # fmt: skip


def _databases(session: Session) -> Iterator[tuple[Any, ...]]:
    own = session.catalog.properties
    served: list[tuple[str, int, bool, dict[str, Any]]] = []
    if session.databases is None:
        served.append((session.database, 5, session.readonly, own))
    else:
        for s in session.databases:
            current = s.name == session.database and s.path == session.path
            properties = own if current else session.databases.properties(s)
            readonly = session.readonly if current else s.read_only or bool(properties.get("read_only"))
            served.append((s.name, s.id, readonly and s.id >= 5, properties))
            if s.id == 1:
                started = {**properties, "create_date": _datetime(session.databases.started)}
                served.append(("tempdb", 2, False, started))
    for name, id_, readonly, p in served:
        yield (
            name, id_, p.get("create_date", _SYSTEM_CREATED), p.get("compatibility_level", 140),
            p.get("collation_name", DEFAULT_COLLATION), int(readonly), p.get("allow_snapshot", 0),
            p.get("read_committed_snapshot", 0), p.get("recovery") or ("SIMPLE" if id_ < 5 else "FULL"),
        )  # fmt: skip


_SYSTEM_CREATED: Final = 977_634_604_917
"""When the system databases say that they were created: 2003-04-08 09:13:36.390, in 1/300 s since 1900."""


def _datetime(ticks: int) -> int:
    return (ticks - TICKS_TO_1900) * 3 // 100_000
