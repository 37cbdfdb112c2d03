"""Columns of SQL Server 2017's catalog views that the engine's views have not: naming one is refused, and so is a `*`
that would show it.
"""

from __future__ import annotations

from typing import Final

_REPLICATION: Final = "is_replicated is_non_sql_subscribed is_merge_published is_dts_replicated"
_XML: Final = "is_xml_document xml_collection_id"
_ENCRYPTION: Final = (
    "encryption_type encryption_type_desc encryption_algorithm_name column_encryption_key_id"
    " column_encryption_key_database_name"
)
_COLUMN: Final = (
    f"{_REPLICATION} {_XML} {_ENCRYPTION} is_column_set generated_always_type_desc graph_type graph_type_desc"
)
_OWN_COLUMN: Final = (
    f"{_COLUMN} system_type_id user_type_id max_length precision scale collation_name is_ansi_padded is_rowguidcol"
    " is_filestream is_sparse default_object_id rule_object_id generated_always_type is_hidden is_masked"
)
_OBJECT: Final = "principal_id parent_object_id create_date modify_date is_ms_shipped is_published is_schema_published"

_NAMES: Final[dict[str, str]] = {
    "sys.tables": "lob_data_space_id filestream_data_space_id lock_on_bulk_load has_replication_filter"
    " is_merge_published is_sync_tran_subscribed has_unchecked_assembly_data text_in_row_limit"
    " large_value_types_out_of_row is_tracked_by_cdc lock_escalation_desc is_filetable durability durability_desc"
    " history_table_id is_remote_data_archive_enabled history_retention_period history_retention_period_unit"
    " history_retention_period_unit_desc is_node is_edge",
    "sys.views": "has_replication_filter has_unchecked_assembly_data is_date_correlation_view is_tracked_by_cdc",
    "sys.procedures": "is_repl_serializable_only skips_repl_constraints",
    "sys.triggers": "parent_class_desc type_desc create_date modify_date is_ms_shipped is_not_for_replication"
    " is_instead_of_trigger",
    "sys.sequences": "is_cached cache_size system_type_id precision scale is_exhausted last_used_value",
    "sys.columns": _COLUMN,
    "sys.all_columns": _COLUMN,
    "sys.computed_columns": f"{_OWN_COLUMN} is_identity",
    "sys.identity_columns": f"{_OWN_COLUMN} is_nullable",
    "sys.indexes": "is_ignored_in_optimization compression_delay suppress_dup_key_messages auto_created",
    "sys.parameters": f"default_value xml_collection_id {_ENCRYPTION}",
    "sys.database_principals": "sid authentication_type_desc default_language_name default_language_lcid"
    " allow_encrypted_value_modifications",
    "sys.database_permissions": "type",
    "sys.certificates": "pvt_key_encryption_type pvt_key_encryption_type_desc is_active_for_begin_dialog issuer_name"
    " cert_serial_number sid string_sid subject expiry_date start_date attested_by pvt_key_last_backup_date key_length",
    "sys.databases": "source_database_id user_access_desc is_in_standby is_cleanly_shutdown"
    " is_supplemental_logging_enabled is_auto_create_stats_on is_auto_create_stats_incremental_on"
    " is_auto_update_stats_on is_auto_update_stats_async_on is_ansi_null_default_on is_ansi_nulls_on"
    " is_ansi_padding_on is_ansi_warnings_on is_arithabort_on is_concat_null_yields_null_on is_numeric_roundabort_on"
    " is_quoted_identifier_on is_recursive_triggers_on is_cursor_close_on_commit_on is_local_cursor_default"
    " is_fulltext_enabled is_trustworthy_on is_db_chaining_on is_parameterization_forced"
    " is_master_key_encrypted_by_server is_query_store_on is_published is_subscribed is_merge_published"
    " is_distributor is_sync_with_backup service_broker_guid log_reuse_wait log_reuse_wait_desc"
    " is_date_correlation_on is_cdc_enabled is_encrypted is_honor_broker_priority_on group_database_id"
    " resource_pool_id default_language_lcid default_language_name default_fulltext_language_lcid"
    " default_fulltext_language_name is_nested_triggers_on is_transform_noise_words_on two_digit_year_cutoff"
    " containment containment_desc target_recovery_time_in_seconds is_memory_optimized_elevate_to_snapshot_on"
    " is_federation_member is_remote_data_archive_enabled is_mixed_page_allocation_on"
    " is_temporal_history_retention_enabled",
    "sys.partitions": "filestream_filegroup_id",
    "sys.stats": "no_recompute has_filter filter_definition is_temporary is_incremental",
    "sys.system_views": f"{_OBJECT} is_replicated has_replication_filter has_opaque_metadata"
    " has_unchecked_assembly_data with_check_option is_date_correlation_view",
    "sys.dm_tran_active_transactions": "transaction_uow transaction_status transaction_status2 dtc_status"
    " dtc_isolation_level filestream_transaction_id",
    "sys.dm_tran_session_transactions": "transaction_descriptor is_enlisted open_transaction_count",
    "sys.dm_exec_sessions": "client_version client_interface_name security_id nt_domain nt_user_name context_info"
    " cpu_time memory_usage total_scheduled_time total_elapsed_time endpoint_id last_request_start_time"
    " last_request_end_time reads writes logical_reads ansi_null_dflt_on ansi_defaults ansi_warnings ansi_padding"
    " concat_null_yields_null original_security_id last_successful_logon last_unsuccessful_logon"
    " unsuccessful_logons group_id authenticating_database_id",
    "sys.dm_exec_connections": "endpoint_id node_affinity num_reads num_writes last_read last_write connection_id"
    " parent_connection_id most_recent_sql_handle",
    "INFORMATION_SCHEMA.ROUTINES": "module_catalog module_schema module_name udt_catalog udt_schema udt_name data_type"
    " character_maximum_length character_octet_length collation_catalog collation_schema collation_name"
    " character_set_catalog character_set_schema character_set_name numeric_precision numeric_precision_radix"
    " numeric_scale datetime_precision interval_type interval_precision type_udt_catalog type_udt_schema"
    " type_udt_name scope_catalog scope_schema scope_name maximum_cardinality dtd_identifier routine_body"
    " external_name external_language parameter_style is_deterministic sql_data_access is_null_call sql_path"
    " schema_level_routine max_dynamic_result_sets is_user_defined_cast is_implicitly_invocable",
    "INFORMATION_SCHEMA.PARAMETERS": "as_locator character_octet_length collation_catalog collation_schema"
    " collation_name character_set_catalog character_set_schema character_set_name numeric_precision_radix"
    " datetime_precision interval_type interval_precision user_defined_type_catalog user_defined_type_schema"
    " user_defined_type_name scope_catalog scope_schema scope_name",
    "INFORMATION_SCHEMA.SEQUENCES": "data_type numeric_precision numeric_precision_radix numeric_scale cycle_option"
    " declared_data_type declared_numeric_precision declared_numeric_scale",
}
WITHHELD: Final = {view: frozenset(names.split()) for view, names in _NAMES.items()}
