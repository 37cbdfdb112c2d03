"""ODBC's catalog procedures: sp_tables, sp_columns, sp_stored_procedures, sp_sproc_columns, sp_pkeys,
sp_fkeys, sp_statistics, sp_special_columns; and those with _100, for clients that know the types of SQL Server 2008.

Each is a query over the catalog views, as the server's own are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import tree, units
from .catalog import Parameter
from .types import BIT, INT, SqlType, nvarchar, varchar

if TYPE_CHECKING:
    from .frames import Frame
    from .interpreter import Interpreter

_NAME: Final = nvarchar(384)
_NULL: Final = tree.NullLiteral()


def _parameter(name: str, type_: SqlType, default: tree.Expr | None = _NULL) -> Parameter:
    """A parameter; `default` None where a call must give it."""
    return Parameter(name, type_, default)


_FOREIGN: Final = """
FROM sys.foreign_key_columns AS c
    JOIN sys.foreign_keys AS f ON f.object_id = c.constraint_object_id
    JOIN sys.tables AS p ON p.object_id = c.referenced_object_id
    JOIN sys.tables AS t ON t.object_id = c.parent_object_id
    LEFT JOIN sys.indexes AS i ON i.object_id = p.object_id AND i.index_id = f.key_index_id
WHERE (@pktable_name IS NULL OR p.name = @pktable_name)
    AND (@pktable_owner IS NULL OR SCHEMA_NAME(p.schema_id) = @pktable_owner)
    AND (@pktable_qualifier IS NULL OR @pktable_qualifier = DB_NAME())
    AND (@fktable_name IS NULL OR t.name = @fktable_name)
    AND (@fktable_owner IS NULL OR SCHEMA_NAME(t.schema_id) = @fktable_owner)
    AND (@fktable_qualifier IS NULL OR @fktable_qualifier = DB_NAME())
"""
_RULE: Final = "CONVERT(smallint, CASE f.{0} WHEN 0 THEN 1 WHEN 1 THEN 0 ELSE f.{0} END)"

_TYPES: Final = """\
    JOIN (VALUES
        (36, 'uniqueidentifier', -11, 'G', 16, 37, 37), (40, 'date', 91, 'T', 6, 0, 0),
        (41, 'time', -154, 'T', 12, 0, 0), (42, 'datetime2', 93, 'T', 16, 0, 0),
        (43, 'datetimeoffset', -155, 'T', 20, 0, 0),
        (48, 'tinyint', -6, 'N', 1, 48, 38), (52, 'smallint', 5, 'N', 2, 52, 38), (56, 'int', 4, 'N', 4, 56, 38),
        (58, 'smalldatetime', 93, 'T', 16, 58, 111), (59, 'real', 7, 'F', 4, 59, 109),
        (60, 'money', 3, 'N', 21, 60, 110), (61, 'datetime', 93, 'T', 16, 61, 111), (62, 'float', 6, 'F', 8, 62, 109),
        (104, 'bit', -7, 'X', 1, 50, 50),
        (106, 'decimal', 3, 'N', NULL, 106, 106), (108, 'numeric', 2, 'N', NULL, 108, 108),
        (122, 'smallmoney', 3, 'N', 12, 122, 110), (127, 'bigint', -5, 'N', 8, 63, 108),
        (165, 'varbinary', -3, 'B', NULL, 37, 37), (167, 'varchar', 12, 'C', NULL, 39, 39),
        (173, 'binary', -2, 'B', NULL, 45, 37), (175, 'char', 1, 'C', NULL, 47, 39),
        (189, 'timestamp', -2, 'B', NULL, 45, 37), (231, 'nvarchar', -9, 'C', NULL, 39, 39),
        (239, 'nchar', -8, 'C', NULL, 47, 39)) AS k (id, name, code, kind, length, fixed, nullable)
        ON k.id = c.system_type_id
"""
"""ODBC's code of each type, its kind (characters, bytes, exact numbers, floats, times), its length, and SQL Server's
older codes of it: never NULL, and not so.
"""
_SIZES: Final = """\
    CONVERT(int, CASE
        WHEN c.max_length = -1 THEN 0
        WHEN k.name IN ('nchar', 'nvarchar') THEN c.max_length / 2
        WHEN k.kind IN ('C', 'B') THEN c.max_length
        WHEN k.name = 'uniqueidentifier' THEN 36
        ELSE c.precision END) AS PRECISION,
    CONVERT(int, CASE
        WHEN c.max_length = -1 THEN 0
        WHEN k.name IN ('decimal', 'numeric', 'money', 'smallmoney') THEN c.precision + 2
        ELSE COALESCE(k.length, c.max_length) END) AS LENGTH,
    CONVERT(smallint, CASE WHEN k.kind IN ('N', 'T') THEN c.scale END) AS SCALE,
    CONVERT(smallint, CASE k.kind WHEN 'N' THEN 10 WHEN 'F' THEN 2 END) AS RADIX,
"""
_CODES: Final = """\
    CONVERT(smallint, CASE WHEN k.code IN (91, 93) THEN 9 ELSE k.code END) AS SQL_DATA_TYPE,
    CONVERT(smallint, CASE k.code WHEN 91 THEN 1 WHEN 93 THEN 3 END) AS SQL_DATETIME_SUB,
    CONVERT(int, CASE WHEN k.kind IN ('C', 'B') THEN CASE c.max_length WHEN -1 THEN 0 ELSE c.max_length END END)
        AS CHAR_OCTET_LENGTH,
"""
_NO_UDT: Final = """\
    CONVERT(sysname, NULL) AS SS_UDT_CATALOG_NAME,
    CONVERT(sysname, NULL) AS SS_UDT_SCHEMA_NAME,
    CONVERT(nvarchar(4000), NULL) AS SS_UDT_ASSEMBLY_TYPE_NAME,
    CONVERT(sysname, NULL) AS SS_XML_SCHEMACOLLECTION_CATALOG_NAME,
    CONVERT(sysname, NULL) AS SS_XML_SCHEMACOLLECTION_SCHEMA_NAME,
    CONVERT(sysname, NULL) AS SS_XML_SCHEMACOLLECTION_NAME,
"""

_OF_PROCEDURE: Final = (
    _parameter("@procedure_name", _NAME),
    _parameter("@procedure_owner", _NAME),
    _parameter("@procedure_qualifier", nvarchar(128)),
    _parameter("@column_name", _NAME),
    _parameter("@ODBCVer", INT, tree.IntLiteral(2)),
    _parameter("@fUsePattern", BIT, tree.IntLiteral(1)),
)
_PROCEDURE_COLUMNS: Final = f"""\
SELECT
    CONVERT(sysname, DB_NAME()) AS PROCEDURE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS PROCEDURE_OWNER,
    CONVERT(nvarchar(134), o.name + CASE o.type WHEN 'P' THEN N';1' ELSE N';0' END) AS PROCEDURE_NAME,
    CONVERT(sysname, c.name) AS COLUMN_NAME,
    CONVERT(smallint, CASE WHEN c.parameter_id = 0 THEN 5 WHEN c.is_output = 1 THEN 2 ELSE 1 END) AS COLUMN_TYPE,
    CONVERT(smallint, k.code) AS DATA_TYPE,
    CONVERT(sysname, CASE WHEN c.user_type_id > 255 THEN TYPE_NAME(c.user_type_id) ELSE k.name END) AS TYPE_NAME,
{_SIZES}    CONVERT(smallint, c.is_nullable) AS NULLABLE,
    CONVERT(varchar(254), NULL) AS REMARKS,
    CONVERT(nvarchar(4000), NULL) AS COLUMN_DEF,
{_CODES}    CONVERT(int, c.parameter_id) AS ORDINAL_POSITION,
    CONVERT(varchar(254), CASE c.is_nullable WHEN 1 THEN 'YES' ELSE 'NO' END) AS IS_NULLABLE,
    CONVERT(sysname, NULL) AS SS_TYPE_CATALOG_NAME,
    CONVERT(sysname, NULL) AS SS_TYPE_SCHEMA_NAME,
{_NO_UDT}    CONVERT(tinyint, CASE c.is_nullable WHEN 1 THEN k.nullable ELSE k.fixed END) AS SS_DATA_TYPE
FROM (
    SELECT p.object_id, p.parameter_id, CASE p.parameter_id WHEN 0 THEN N'@RETURN_VALUE' ELSE p.name END AS name,
        p.system_type_id, p.user_type_id, p.max_length, p.precision, p.scale, p.is_output, p.is_nullable
    FROM sys.parameters AS p
    UNION ALL
    SELECT r.object_id, 0, N'@RETURN_VALUE', 56, 56, 4, 10, 0, 1, 0
    FROM sys.procedures AS r) AS c
    JOIN sys.objects AS o ON o.object_id = c.object_id
{_TYPES}WHERE (@procedure_name IS NULL OR o.name = @procedure_name
        OR (@fUsePattern = 1 AND o.name LIKE @procedure_name))
    AND (@procedure_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @procedure_owner
        OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @procedure_owner))
    AND (@procedure_qualifier IS NULL OR @procedure_qualifier = DB_NAME())
    AND (@column_name IS NULL OR c.name = @column_name OR (@fUsePattern = 1 AND c.name LIKE @column_name))"""
_NEWER: Final = "TYPE_NAME IN ('date', 'time', 'datetime2', 'datetimeoffset')"
"""Types that clients older than SQL Server 2008 take for texts."""

_COLUMNS: Final = f"""\
SELECT
    CONVERT(sysname, DB_NAME()) AS TABLE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_OWNER,
    CONVERT(sysname, o.name) AS TABLE_NAME,
    CONVERT(sysname, c.name) AS COLUMN_NAME,
    CONVERT(smallint, k.code) AS DATA_TYPE,
    CONVERT(sysname, CASE WHEN c.user_type_id > 255 THEN TYPE_NAME(c.user_type_id) ELSE k.name END
        + CASE WHEN c.is_identity = 1 THEN
        CASE WHEN k.name IN ('decimal', 'numeric') THEN '() identity' ELSE ' identity' END ELSE '' END) AS TYPE_NAME,
{_SIZES}    CONVERT(smallint, c.is_nullable) AS NULLABLE,
    CONVERT(varchar(254), NULL) AS REMARKS,
    CONVERT(nvarchar(4000), OBJECT_DEFINITION(c.default_object_id)) AS COLUMN_DEF,
{_CODES}    CONVERT(int, ROW_NUMBER() OVER (PARTITION BY o.object_id ORDER BY c.column_id)) AS ORDINAL_POSITION,
    CONVERT(varchar(254), CASE c.is_nullable WHEN 1 THEN 'YES' ELSE 'NO' END) AS IS_NULLABLE,
    CONVERT(smallint, 0) AS SS_IS_SPARSE,
    CONVERT(smallint, 0) AS SS_IS_COLUMN_SET,
    CONVERT(smallint, c.is_computed) AS SS_IS_COMPUTED,
    CONVERT(smallint, c.is_identity) AS SS_IS_IDENTITY,
{_NO_UDT}    CONVERT(tinyint, CASE c.is_nullable WHEN 1 THEN k.nullable ELSE k.fixed END) AS SS_DATA_TYPE
FROM sys.columns AS c
    JOIN sys.objects AS o ON o.object_id = c.object_id AND o.type IN ('U', 'V')
{_TYPES}WHERE (@table_name IS NULL OR o.name = @table_name OR (@fUsePattern = 1 AND o.name LIKE @table_name))
    AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @table_owner
        OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @table_owner))
    AND (@table_qualifier IS NULL OR @table_qualifier = DB_NAME())
    AND (@column_name IS NULL OR c.name = @column_name OR (@fUsePattern = 1 AND c.name LIKE @column_name))"""
_OLDER_COLUMNS: Final = f"""\
CONVERT(smallint, CASE WHEN {_NEWER} THEN -9 ELSE DATA_TYPE END) AS DATA_TYPE,
    TYPE_NAME, PRECISION,
    CONVERT(int, CASE WHEN {_NEWER} THEN 2 * PRECISION ELSE LENGTH END) AS LENGTH,
    CONVERT(smallint, CASE WHEN {_NEWER} THEN NULL ELSE SCALE END) AS SCALE,
    RADIX, NULLABLE, REMARKS, COLUMN_DEF,
    CONVERT(smallint, CASE WHEN {_NEWER} THEN -9 ELSE SQL_DATA_TYPE END) AS SQL_DATA_TYPE,
    CONVERT(smallint, CASE WHEN {_NEWER} THEN NULL ELSE SQL_DATETIME_SUB END) AS SQL_DATETIME_SUB,
    CHAR_OCTET_LENGTH, ORDINAL_POSITION, IS_NULLABLE, SS_DATA_TYPE"""
_OF_INDEX: Final = (
    _parameter("@table_name", nvarchar(128), None),
    _parameter("@table_owner", nvarchar(128)),
    _parameter("@table_qualifier", nvarchar(128)),
    _parameter("@index_name", nvarchar(128), tree.StringLiteral("%", True)),
    _parameter("@is_unique", nvarchar(1), tree.StringLiteral("N", True)),
    _parameter("@accuracy", nvarchar(1), tree.StringLiteral("Q", True)),
)
_STATISTICS: Final = """\
SELECT
    CONVERT(sysname, DB_NAME()) AS TABLE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(t.schema_id)) AS TABLE_OWNER,
    CONVERT(sysname, t.name) AS TABLE_NAME,
    CONVERT(smallint, CASE x.is_unique WHEN 1 THEN 0 WHEN 0 THEN 1 END) AS NON_UNIQUE,
    CONVERT(sysname, CASE WHEN x.index_id IS NOT NULL THEN t.name END) AS INDEX_QUALIFIER,
    CONVERT(sysname, x.name) AS INDEX_NAME,
    CONVERT(smallint, CASE x.type WHEN 1 THEN 1 WHEN 2 THEN 3 ELSE 0 END) AS TYPE,
    CONVERT(smallint, x.key_ordinal) AS SEQ_IN_INDEX,
    CONVERT(sysname, COL_NAME(t.object_id, x.column_id)) AS COLUMN_NAME,
    CONVERT(char(1), CASE x.is_descending_key WHEN 1 THEN 'D' WHEN 0 THEN 'A' END) AS COLLATION,
    CONVERT(int, CASE WHEN x.index_id IS NULL OR x.type = 1 THEN n.rows END) AS CARDINALITY,
    CONVERT(int, NULL) AS PAGES,
    CONVERT(varchar(128), x.filter_definition) AS FILTER_CONDITION
FROM sys.tables AS t
    JOIN sys.partitions AS n ON n.object_id = t.object_id AND n.index_id IN (0, 1)
    JOIN (
        SELECT object_id, CONVERT(int, NULL) AS index_id, CONVERT(sysname, NULL) AS name,
            CONVERT(bit, NULL) AS is_unique, CONVERT(tinyint, 0) AS type,
            CONVERT(int, NULL) AS key_ordinal, CONVERT(int, NULL) AS column_id,
            CONVERT(bit, NULL) AS is_descending_key, CONVERT(nvarchar(max), NULL) AS filter_definition
        FROM sys.tables
        UNION ALL
        SELECT i.object_id, i.index_id, i.name, i.is_unique, i.type, c.key_ordinal, c.column_id, c.is_descending_key,
            i.filter_definition
        FROM sys.indexes AS i
            JOIN sys.index_columns AS c ON c.object_id = i.object_id AND c.index_id = i.index_id AND c.key_ordinal > 0
        WHERE i.name LIKE @index_name AND (@is_unique <> N'Y' OR i.is_unique = 1)) AS x ON x.object_id = t.object_id
WHERE t.name = @table_name
    AND (@table_owner IS NULL OR SCHEMA_NAME(t.schema_id) = @table_owner)
    AND (@table_qualifier IS NULL OR @table_qualifier = DB_NAME())"""

_OF_ROW: Final = (
    _parameter("@table_name", nvarchar(128), None),
    _parameter("@table_owner", nvarchar(128)),
    _parameter("@table_qualifier", nvarchar(128)),
    _parameter("@col_type", varchar(1), tree.StringLiteral("R")),
    _parameter("@scope", varchar(1), tree.StringLiteral("T")),
    _parameter("@nullable", varchar(1), tree.StringLiteral("U")),
    _parameter("@ODBCVer", INT, tree.IntLiteral(2)),
)


def _special(sizes: str) -> str:
    """The columns of a table's first unique index, or its rowversion."""
    columns = _COLUMNS.replace("@fUsePattern", "0").replace("@column_name", "NULL")
    return f"""
SELECT
    CONVERT(smallint, CASE @col_type WHEN 'R' THEN 0 END) AS SCOPE,
    COLUMN_NAME,
    {sizes},
    CONVERT(smallint, 1) AS PSEUDO_COLUMN
FROM ({columns}) AS c
WHERE (@col_type = 'V' AND TYPE_NAME = 'timestamp')
    OR (@col_type = 'R' AND EXISTS (
        SELECT 1
        FROM sys.tables AS t
            JOIN sys.index_columns AS i ON i.object_id = t.object_id AND i.key_ordinal > 0
        WHERE t.name = c.TABLE_NAME AND SCHEMA_NAME(t.schema_id) = c.TABLE_OWNER
            AND COL_NAME(i.object_id, i.column_id) = c.COLUMN_NAME
            AND i.index_id = (
                SELECT MIN(u.index_id)
                FROM sys.indexes AS u
                WHERE u.object_id = t.object_id AND u.is_unique = 1 AND u.has_filter = 0
                    AND (@nullable <> 'O' OR NOT EXISTS (
                        SELECT 1
                        FROM sys.index_columns AS k
                            JOIN sys.columns AS n ON n.object_id = k.object_id AND n.column_id = k.column_id
                        WHERE k.object_id = u.object_id AND k.index_id = u.index_id AND k.key_ordinal > 0
                            AND n.is_nullable = 1)))))
ORDER BY SCOPE, ORDINAL_POSITION
"""


_OLDER_SIZES: Final = _OLDER_COLUMNS.partition("    RADIX")[0].rstrip().rstrip(",")
QUERIES: Final[dict[str, tuple[tuple[Parameter, ...], str]]] = {
    "sp_tables": (
        (
            _parameter("@table_name", _NAME),
            _parameter("@table_owner", _NAME),
            _parameter("@table_qualifier", nvarchar(128)),
            _parameter("@table_type", varchar(100)),
            _parameter("@fUsePattern", BIT, tree.IntLiteral(1)),
        ),
        """
SELECT
    CONVERT(sysname, DB_NAME()) AS TABLE_QUALIFIER,
    CONVERT(sysname, o.owner) AS TABLE_OWNER,
    CONVERT(sysname, o.name) AS TABLE_NAME,
    CONVERT(varchar(32), o.type) AS TABLE_TYPE,
    CONVERT(varchar(254), NULL) AS REMARKS
FROM (
    SELECT SCHEMA_NAME(t.schema_id) AS owner, t.name AS name, 'TABLE' AS type FROM sys.tables AS t
    UNION ALL
    SELECT SCHEMA_NAME(v.schema_id), v.name, 'VIEW' FROM sys.views AS v
    UNION ALL
    SELECT N'sys', s.name, 'VIEW' FROM sys.system_views AS s) AS o
WHERE (@table_name IS NULL OR o.name = @table_name OR (@fUsePattern = 1 AND o.name LIKE @table_name))
    AND (@table_owner IS NULL OR o.owner = @table_owner OR (@fUsePattern = 1 AND o.owner LIKE @table_owner))
    AND (@table_qualifier IS NULL OR @table_qualifier = DB_NAME())
    AND (@table_type IS NULL OR CHARINDEX('''' + o.type + '''', @table_type) > 0)
ORDER BY TABLE_TYPE, TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME
""",
    ),
    "sp_columns_100": (
        (
            _parameter("@table_name", _NAME, None),
            _parameter("@table_owner", _NAME),
            _parameter("@table_qualifier", nvarchar(128)),
            _parameter("@column_name", _NAME),
            _parameter("@NameScope", INT, tree.IntLiteral(0)),
            _parameter("@ODBCVer", INT, tree.IntLiteral(2)),
            _parameter("@fUsePattern", BIT, tree.IntLiteral(1)),
        ),
        f"{_COLUMNS}\nORDER BY TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, ORDINAL_POSITION",
    ),
    "sp_columns": (
        (
            _parameter("@table_name", _NAME, None),
            _parameter("@table_owner", _NAME),
            _parameter("@table_qualifier", nvarchar(128)),
            _parameter("@column_name", _NAME),
            _parameter("@ODBCVer", INT, tree.IntLiteral(2)),
        ),
        f"""
SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, COLUMN_NAME, {_OLDER_COLUMNS}
FROM ({_COLUMNS.replace("@fUsePattern", "1")}) AS c
ORDER BY TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, ORDINAL_POSITION
""",
    ),
    "sp_special_columns_100": (_OF_ROW, _special("DATA_TYPE, TYPE_NAME, PRECISION, LENGTH, SCALE")),
    "sp_special_columns": (_OF_ROW, _special(_OLDER_SIZES)),
    "sp_sproc_columns_100": (
        _OF_PROCEDURE,
        f"{_PROCEDURE_COLUMNS}\nORDER BY PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME, ORDINAL_POSITION",
    ),
    "sp_sproc_columns": (
        _OF_PROCEDURE,
        f"""
SELECT PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME, COLUMN_NAME, COLUMN_TYPE, {_OLDER_COLUMNS}
FROM ({_PROCEDURE_COLUMNS}) AS p
ORDER BY PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME, ORDINAL_POSITION
""",
    ),
    "sp_stored_procedures": (
        (
            _parameter("@sp_name", _NAME),
            _parameter("@sp_owner", _NAME),
            _parameter("@sp_qualifier", nvarchar(128)),
            _parameter("@fUsePattern", BIT, tree.IntLiteral(1)),
        ),
        """
SELECT
    CONVERT(sysname, DB_NAME()) AS PROCEDURE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS PROCEDURE_OWNER,
    CONVERT(nvarchar(134), o.name + CASE o.type WHEN 'P' THEN N';1' ELSE N';0' END) AS PROCEDURE_NAME,
    CONVERT(int, -1) AS NUM_INPUT_PARAMS,
    CONVERT(int, -1) AS NUM_OUTPUT_PARAMS,
    CONVERT(int, -1) AS NUM_RESULT_SETS,
    CONVERT(varchar(254), NULL) AS REMARKS,
    CONVERT(smallint, 2) AS PROCEDURE_TYPE
FROM sys.objects AS o
WHERE o.type IN ('P', 'FN', 'TF', 'IF')
    AND (@sp_name IS NULL OR o.name = @sp_name OR (@fUsePattern = 1 AND o.name LIKE @sp_name))
    AND (@sp_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @sp_owner
        OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @sp_owner))
    AND (@sp_qualifier IS NULL OR @sp_qualifier = DB_NAME())
ORDER BY PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME
""",
    ),
    "sp_pkeys": (
        (
            _parameter("@table_name", nvarchar(128), None),
            _parameter("@table_owner", nvarchar(128)),
            _parameter("@table_qualifier", nvarchar(128)),
        ),
        """
SELECT
    CONVERT(sysname, DB_NAME()) AS TABLE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(t.schema_id)) AS TABLE_OWNER,
    CONVERT(sysname, t.name) AS TABLE_NAME,
    CONVERT(sysname, COL_NAME(t.object_id, c.column_id)) AS COLUMN_NAME,
    CONVERT(smallint, c.key_ordinal) AS KEY_SEQ,
    CONVERT(sysname, i.name) AS PK_NAME
FROM sys.tables AS t
    JOIN sys.indexes AS i ON i.object_id = t.object_id AND i.is_primary_key = 1
    JOIN sys.index_columns AS c ON c.object_id = i.object_id AND c.index_id = i.index_id AND c.key_ordinal > 0
WHERE t.name = @table_name
    AND (@table_owner IS NULL OR SCHEMA_NAME(t.schema_id) = @table_owner)
    AND (@table_qualifier IS NULL OR @table_qualifier = DB_NAME())
ORDER BY TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, KEY_SEQ
""",
    ),
    "sp_fkeys": (
        (
            _parameter("@pktable_name", nvarchar(128)),
            _parameter("@pktable_owner", nvarchar(128)),
            _parameter("@pktable_qualifier", nvarchar(128)),
            _parameter("@fktable_name", nvarchar(128)),
            _parameter("@fktable_owner", nvarchar(128)),
            _parameter("@fktable_qualifier", nvarchar(128)),
        ),
        f"""
SELECT
    CONVERT(sysname, DB_NAME()) AS PKTABLE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(p.schema_id)) AS PKTABLE_OWNER,
    CONVERT(sysname, p.name) AS PKTABLE_NAME,
    CONVERT(sysname, COL_NAME(p.object_id, c.referenced_column_id)) AS PKCOLUMN_NAME,
    CONVERT(sysname, DB_NAME()) AS FKTABLE_QUALIFIER,
    CONVERT(sysname, SCHEMA_NAME(t.schema_id)) AS FKTABLE_OWNER,
    CONVERT(sysname, t.name) AS FKTABLE_NAME,
    CONVERT(sysname, COL_NAME(t.object_id, c.parent_column_id)) AS FKCOLUMN_NAME,
    CONVERT(smallint, c.constraint_column_id) AS KEY_SEQ,
    {_RULE.format("update_referential_action")} AS UPDATE_RULE,
    {_RULE.format("delete_referential_action")} AS DELETE_RULE,
    CONVERT(sysname, f.name) AS FK_NAME,
    CONVERT(sysname, i.name) AS PK_NAME,
    CONVERT(smallint, 7) AS DEFERRABILITY
{_FOREIGN}
ORDER BY CASE WHEN @pktable_name IS NULL THEN 0 ELSE 1 END,
    CASE WHEN @pktable_name IS NULL THEN p.name ELSE t.name END, FK_NAME, KEY_SEQ
""",
    ),
    "sp_statistics_100": (_OF_INDEX, f"{_STATISTICS}\nORDER BY NON_UNIQUE, TYPE, INDEX_NAME, SEQ_IN_INDEX"),
    "sp_statistics": (
        _OF_INDEX,
        f"""
SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, NON_UNIQUE, INDEX_QUALIFIER, INDEX_NAME, TYPE, SEQ_IN_INDEX,
    COLUMN_NAME, COLLATION, CARDINALITY, PAGES
FROM ({_STATISTICS}) AS s
ORDER BY NON_UNIQUE, TYPE, INDEX_NAME, SEQ_IN_INDEX
""",
    ),
}


def call(name: str, interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int:
    """Run one of the procedures."""
    parameters, text = QUERIES[name]
    values, _ = interpreter._arguments(name, parameters, node.args, frame)
    head = ", ".join(f"{p.name} {p.type}" for p in parameters)
    unit = units.dynamic_unit(text, head, True)
    interpreter.run_dynamic(text, head, values, frame, unit)
    return 0
