"""`notify new TABLE` and `notify preview`: a first definition from the catalog, and one real record rendered."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from notify import definitions, filters
from notify.config import Config
from notify.databases import Connection, Role
from notify.errors import CONVERSION_ERRORS, ConfigError, DatabaseError, NotifyError, RenderError, UnknownName
from notify.generate import compose
from notify.indexes import index_statement
from notify.procedures import from_json, processor, replica, to_json
from notify.procedures.processor import Batch
from notify.render import Rendered

__all__ = ["New", "new_notification", "preview"]

TIMES: Final = ("datetime2", "datetime", "smalldatetime", "datetimeoffset", "date")
CREATED: Final = re.compile(r"creat|insert|added|entered|signup|registered", re.I)
MODIFIED: Final = re.compile(r"modif|updat|chang|edited|touched", re.I)
LOCAL: Final = re.compile(r"local", re.I)
DELETED: Final = re.compile(r"^(is_?)?(soft_?)?(deleted|removed|erased)(_?(at|on|date|time|flag|utc))*$", re.I)
EMAIL: Final = re.compile(r"e_?mail", re.I)
PHONE: Final = re.compile(r"phone|mobile|cell", re.I)
NAME: Final = re.compile(r"^(full_?|display_?|contact_?|customer_?)?name$", re.I)
AMOUNT: Final = re.compile(r"price|amount|total|cost|fee|balance|salary|commission|due|paid|discount|tax", re.I)
NO_QUANTITY: Final = re.compile(r"(id|_no|number|code|zip)$|year", re.I)
NEW_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,80}")
FIELDS_LIMIT: Final = 30


@dataclass
class New:
    """What `notify new` proposes and wrote."""

    name: str
    table: str
    keys: list[str]
    created: str | None
    modified: list[str]
    rowversion: str | None
    soft_delete: dict[str, str] | None
    advice: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    added: str | None = None
    """The stamp column that is proposed, where the table has none."""
    wanted: str | None = None
    """T-SQL for the stamp column and the indexes that detection needs, and the table lacks."""
    preview: Rendered | None = None

    def to_json(self) -> dict[str, Any]:
        """As documented for `new --json`."""
        shown = None if self.preview is None else {"subject": self.preview.subject, "text": self.preview.text}
        return {**self.__dict__, "preview": shown}

    def sentence(self) -> str:
        """What was found."""
        stamps = ", ".join(
            [*([self.created] if self.created else []), *self.modified, *filter(None, [self.rowversion])]
        )
        new = " (to be added)" if self.added else ""
        return f"{self.name}: table {self.table}, key {', '.join(self.keys)}, stamp columns {stamps}{new}" + (
            f", soft delete {self.soft_delete['column']}" if self.soft_delete else ""
        )


def new_notification(config: Config, table: str, *, name: str | None, directory: Path | None, force: bool) -> New:
    """Proposes a notification for a table and writes its three files.

    Args:
        directory: where they go; None means where the configuration will find them: its folder and its templates'.

    Raises:
        ConfigError: no such table (with the nearest name), no key, or a file is there already.
    """
    if name is not None and not NEW_NAME.fullmatch(name):
        raise ConfigError(
            f"--name {name!r}: files and a procedure are named after it, write letters, digits and underscores"
        )
    if directory is not None:
        templates = directory / "templates"
    else:
        directory = Path() if config.path is None else config.path.parent
        templates = config.template_directories[0] if config.template_directories else directory / "templates"
    databases = config.databases()
    with databases.connection(Role.REPLICA) as source:
        columns = _columns(replica.read_catalog(source), table)
        made = _propose(columns, name)
        procedure, body = _merge_procedure(made, columns)
        files = {
            directory / f"{made.name}.toml": _definition(made),
            directory / "procedures" / f"merge_fields_{made.name}.sql": procedure,
            templates / f"{made.name}.html.mako": _template(made, columns),
        }
        if made.wanted is not None:
            files[directory / f"{made.name}_table.sql"] = made.wanted
        for file in files:
            if file.exists() and not force:
                raise ConfigError(
                    f"{file} is there already; --force writes over it, --name or --directory goes round it"
                )
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            made.files.append(str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file))
        made.preview = _first_preview(config, source, made, body, templates)
    databases.dispose()
    return made


def _columns(catalog: replica.Catalog, table: str) -> list[dict[str, Any]]:
    schema, _, name = table.replace("[", "").replace("]", "").rpartition(".")
    schema = schema or "dbo"
    found = [
        column
        for column in catalog.columns
        if (column["schema_name"].lower(), column["table_name"].lower()) == (schema.lower(), name.lower())
    ]
    if not found:
        names = sorted({f"{column['schema_name']}.{column['table_name']}" for column in catalog.columns})
        near = difflib.get_close_matches(f"{schema}.{name}", names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names[:20]) or 'none'}"
        raise ConfigError(f"the replica has no table {schema}.{name}; {hint}")
    return sorted(found, key=lambda column: int(column["column_id"]))


def _propose(columns: list[dict[str, Any]], name: str | None) -> New:
    schema, table = columns[0]["schema_name"], columns[0]["table_name"]
    if columns[0].get("is_memory_optimized"):
        raise ConfigError(
            f"{schema}.{table} is memory-optimized: a secondary shows its rows later than the heartbeat, and changes "
            "would be passed over. Watch a table on disk that is written in the same transaction"
        )
    keys = [
        column["column_name"]
        for column in sorted(columns, key=lambda column: column["key_ordinal"] or 0)
        if column["key_ordinal"] is not None
    ]
    if not keys:
        raise ConfigError(
            f"{schema}.{table} has no primary key: write a definition by hand, with the keys of a unique index"
        )
    times = [column for column in columns if column["type_name"] in TIMES]
    created = next((column["column_name"] for column in times if CREATED.search(column["column_name"])), None)
    modified = [column["column_name"] for column in times if MODIFIED.search(column["column_name"])]
    rowversion = next(
        (column["column_name"] for column in columns if column["type_name"] in ("timestamp", "rowversion")), None
    )
    deleted = next((column for column in columns if DELETED.match(column["column_name"])), None)
    soft_delete = None
    if deleted is not None:
        soft_delete = {"column": deleted["column_name"]} | ({"value": "1"} if deleted["type_name"] == "bit" else {})
        modified = [item for item in modified if item != deleted["column_name"]]
    made = New(
        name or f"{_alias(table)}_changed", f"{schema}.{table}", keys, created, modified, rowversion, soft_delete
    )
    is_without = created is None and not modified and rowversion is None
    if is_without:
        taken = {column["column_name"].lower() for column in columns}
        names = ("created_at", "notify_created_at", "notify_row_created_at")
        made.added = made.created = next(item for item in names if item not in taken)
        made.advice.append(
            f"no column says when a row was created or changed, and detection needs one: {made.created} is proposed. "
            "Where a column of another name says it, name that in the definition as created or modified instead"
        )
    elif created is None:
        made.advice.append("no column says when a row was created: a new row is told as an update")
    # A rowversion with an index is scanned instead of the other stamps; without one, only where it is alone.
    leads = {column["column_name"] for column in columns if column["leads_index"]}
    stamps = [item for item in (created, *modified) if item]
    scanned = [rowversion] if rowversion and (rowversion in leads or not stamps) else stamps
    bare = [item for item in scanned if item not in leads]
    if bare:
        made.advice.append(f"no index leads on {' or '.join(bare)}, and activation refuses a table without one")
    if is_without or bare:
        made.wanted = _wanted(made, bare)
    if any(
        column["type_name"] in ("datetime", "smalldatetime", "date") or LOCAL.search(column["column_name"])
        for column in columns
        if column["column_name"] in (created, *modified)
    ):
        made.advice.append(
            'are the stamps UTC? If they are local times, set time_zone to the Windows zone, as "Pacific Standard Time"'
        )
    if soft_delete is None:
        made.advice.append("no soft-delete column: for delete notices set key_snapshot_minutes and notice_columns")
    if not any(EMAIL.search(column["column_name"]) for column in columns):
        made.advice.append("the table has no e-mail column: join the recipients in the merge-field procedure")
    return made


def _wanted(made: New, bare: list[str]) -> str:
    """The T-SQL that gives a table the stamp column and the indexes that detection needs."""
    schema, _, table = made.table.partition(".")
    quote = replica.quote_name
    where = f"{quote(schema)}.{quote(table)}"
    text = f"/*\n{made.name}: what detection needs of {made.table}. Run it on the primary, when it is quiet there.\n"
    if made.added is not None:
        text += "Rows that are there already get the time at which it is run: activation takes them for history.\n"
    text += "*/\nSET ANSI_NULLS ON;\nSET QUOTED_IDENTIFIER ON;\nGO\n"
    if made.added is not None:
        text += (
            f"ALTER TABLE {where}\n    ADD {quote(made.added)} datetime2(3) NOT NULL\n"
            f"        CONSTRAINT {quote(f'df_{table}_{made.added}'[:128])} DEFAULT SYSUTCDATETIME(); /* UTC */\nGO\n"
        )
    for name in (*([made.added] if made.added else []), *bare):
        text += f"{index_statement(schema, table, name, made.keys)}\nGO\n"
    return text


def _definition(made: New) -> str:
    schema, _, table = made.table.partition(".")
    stamps = {
        "schema": schema,
        "name": table,
        "created": made.created,
        "modified": made.modified,
        "rowversion": made.rowversion,
        "soft_delete": made.soft_delete,
        "time_zone": "UTC",
    }
    # An insert is told from an update by its created column; an update is seen by modified or rowversion.
    shows_updates = bool(made.modified or made.rowversion)
    operations = [*(["insert"] if made.created else []), *(["update"] if shows_updates else [])]
    words = {"insert": "new", "update": "changed"}
    document = {
        "name": made.name,
        "description": f"A row of {made.table} is {' or '.join(words[item] for item in operations)}",
        "on": operations,
        "policy": "latest",
        "merge_procedure": f"notify_extract.merge_fields_{made.name}",
        "state": "draft",
        "table": stamps,
        "channels": {"email": {"template": made.name}},
    }
    return (
        '# Check what is proposed here; `notify apply` saves it, state = "active" starts it.\n\n'
        + definitions.to_toml([document])
    )


def _type(column: dict[str, Any]) -> str:
    kind = column["type_name"]
    if kind in ("varchar", "char", "varbinary", "binary", "nvarchar", "nchar"):
        length = column["max_length"]
        if length == -1:
            return f"{kind}(max)"
        return f"{kind}({length // 2 if kind.startswith('n') else length})"
    if kind in ("decimal", "numeric"):
        return f"{kind}({column['precision']}, {column['scale']})"
    if kind in ("datetime2", "time", "datetimeoffset"):
        return f"{kind}({column['scale']})"
    return str(kind)


def _collate(column: dict[str, Any]) -> str:
    return f" COLLATE {column['collation_name']}" if column["collation_name"] else ""


def _alias(name: str) -> str:
    """A column's name as a template's field."""
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower() or "field"


def _shown_columns(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    hidden = ("timestamp", "rowversion", "varbinary", "binary", "image", "xml", "geography", "geometry", "sql_variant")
    return [column for column in columns if column["type_name"] not in hidden][:FIELDS_LIMIT]


def _merge_procedure(made: New, columns: list[dict[str, Any]]) -> tuple[str, str]:
    """The procedure's file, and its SELECT alone, which a preview runs before the procedure is there."""
    quote = replica.quote_name
    by_name = {column["column_name"]: column for column in columns}
    key = " + N'-' + ".join(f"CONVERT(nvarchar(60), t.{quote(name)})" for name in made.keys)
    email = next((column for column in columns if EMAIL.search(column["column_name"])), None)
    phone = next((column for column in columns if PHONE.search(column["column_name"])), None)
    lines = [
        "change.change_number",
        f"recipient_key = {key}",
        f"recipient_name = {_name_expression(columns)}",
        f"email = {'t.' + quote(email['column_name']) if email else 'CONVERT(nvarchar(320), NULL)'}",
        f"phone = {'t.' + quote(phone['column_name']) if phone else 'CONVERT(nvarchar(40), NULL)'}",
    ]
    taken = {"change_number", "recipient_key", "recipient_name", "email", "phone"}
    for column in _shown_columns(columns):
        alias = _alias(column["column_name"])
        if alias not in taken:
            taken.add(alias)
            lines.append(f"{alias} = t.{quote(column['column_name'])}")
    given = ",\n        ".join(
        [
            "change_number int '$.change_number'",
            *(f"key_{number} {_type(by_name[item])} '$.key[{number}]'" for number, item in enumerate(made.keys)),
        ]
    )
    # What OPENJSON gives has the database's collation: against a key column of another one that is error 468.
    joined = " AND ".join(
        f"t.{quote(item)} = change.key_{number}" + _collate(by_name[item]) for number, item in enumerate(made.keys)
    )
    schema, _, table = made.table.partition(".")
    select = (
        "    SELECT\n        "
        + ",\n        ".join(lines)
        + f"\n    FROM OPENJSON(@changes) WITH (\n        {given}\n    ) AS change\n"
        f"    INNER JOIN {quote(schema)}.{quote(table)} AS t ON {joined}\n    ORDER BY change.change_number;"
    )
    text = (
        "SET ANSI_NULLS ON;\nSET QUOTED_IDENTIFIER ON;\nGO\n/*\n"
        f"{made.name}: one row per recipient of each change. Who gets it is decided here: join the recipients.\n*/\n"
        f"CREATE OR ALTER PROCEDURE notify_extract.merge_fields_{made.name} @changes nvarchar(max)\nAS\nBEGIN\n"
        f"    SET NOCOUNT, XACT_ABORT ON;\n\n{select}\nEND;\nGO\n"
    )
    return text, select


def _name_expression(columns: list[dict[str, Any]]) -> str:
    """The recipient's name: one column, or a first and a last one."""
    quote = replica.quote_name
    names = {re.sub(r"[\W_]", "", column["column_name"]).lower(): column["column_name"] for column in columns}
    if "firstname" in names and "lastname" in names:
        return f"CONCAT(t.{quote(names['firstname'])}, N' ', t.{quote(names['lastname'])})"
    name = next((column["column_name"] for column in columns if NAME.match(column["column_name"])), None)
    return f"t.{quote(name)}" if name else "CONVERT(nvarchar(200), NULL)"


def _template(made: New, columns: list[dict[str, Any]]) -> str:
    shown = [
        column
        for column in _shown_columns(columns)
        if not any(pattern.search(column["column_name"]) for pattern in (EMAIL, PHONE, NAME))
        and column["column_name"] != (made.soft_delete or {}).get("column")
    ]
    # A field that is named as a helper hides it.
    helpers = set(filters.__all__) - {_alias(column["column_name"]) for column in columns}
    rows = "\n".join(
        f'${{part.row("{_words(column["column_name"])}", {_for_people(column, made.keys, helpers)})}}'
        for column in shown
    )
    first = _alias(made.keys[0])
    title = _words(made.table.partition(".")[2])
    return (
        '<%inherit file="/layouts/email.html.mako"/>\n<%namespace name="part" file="/partials/rows.html.mako"/>\n'
        f'<%def name="subject()">{title} ${{{first}}}</%def>\n<h1>{title} ${{{first}}}</h1>\n'
        f'<p>Dear ${{recipient_name or "reader"}},</p>\n<p>This is how it stands now:</p>\n'
        f'<table class="rows">\n{rows}\n</table>\n'
    )


def _for_people(column: dict[str, Any], keys: list[str], helpers: set[str]) -> str:
    """A column's field in a template, through the helper that suits its type and name."""
    name, kind = column["column_name"], column["type_name"]
    helper = {
        "date": "date",
        "time": "time",
        "bit": "yes_no",
        "money": "money",
        "smallmoney": "money",
        **dict.fromkeys(("datetime", "datetime2", "smalldatetime", "datetimeoffset"), "moment"),
        **dict.fromkeys(("decimal", "numeric"), "money" if AMOUNT.search(name) else "number"),
        **dict.fromkeys(("float", "real", "int", "bigint", "smallint", "tinyint"), "number"),
    }.get(kind)
    # An identifier, a year, a code is no quantity: its digits stay as they are.
    if helper == "number" and (name in keys or NO_QUANTITY.search(name)):
        helper = None
    return f"{helper}({_alias(name)})" if helper in helpers else _alias(name)


def _words(name: str) -> str:
    return _alias(name).replace("_", " ").capitalize()


def _first_preview(config: Config, source: Connection, made: New, body: str, templates: Path) -> Rendered | None:
    """One real row through the new SELECT and template."""
    from notify.cycle import make_renderer

    schema, _, table = made.table.partition(".")
    there = [*made.modified, *([made.created] if made.created and not made.added else [])]
    stamp = next(iter([*there, *made.keys]))
    keys = replica.newest_keys(source, schema, table, made.keys, stamp)
    if not keys:
        made.advice.append("the table is empty: nothing to preview")
        return None
    rows = replica.merge_rows(source, body, _changes(keys, "I"))
    if not rows.rows:
        return None
    renderer = make_renderer(config, templates)
    from notify.render import merge_fields

    return renderer.render("email", made.name, merge_fields(rows.records()[0]))


def _changes(keys: Sequence[Sequence[str]], operation: str) -> list[dict[str, Any]]:
    return [
        {"change_number": number, "key": list(key), "operation": operation, "fields": None, "version": None}
        for number, key in enumerate(keys, 1)
    ]


# --- preview of a saved notification ---------------------------------------------------------------------------------


TRIED: Final = 20
"""Newest rows among which a preview looks for one that would be mailed."""


def preview(config: Config, name: str, key: Sequence[str]) -> dict[str, Any]:
    """Renders a saved notification for one record.

    Args:
        key: one text per key column; empty means the newest row that would be mailed.

    Raises:
        UnknownName: no such notification.
        RenderError: the template fails for this record.
    """
    from notify.cycle import make_renderer

    databases = config.databases()
    with databases.connection(Role.PROCESSOR) as connection:
        definition = _saved(connection, name)
        operations = [word[0].upper() for word in definition["on"]]
        operation = next((item for item in ("I", "U") if item in operations), "D")
        asked = processor.get_preview(connection, name, operation)
    schema, table, keys = asked["schema_name"], asked["table_name"], from_json(asked["key_columns"])
    if key and len(key) != len(keys):
        times = "once" if len(keys) == 1 else f"{len(keys)} times"
        raise ConfigError(f"the key of {schema}.{table} is {', '.join(keys)}: give --key {times}")
    with databases.connection(Role.REPLICA) as source:
        tried = [list(key)] if key else replica.newest_keys(source, schema, table, keys, asked["stamp_column"], TRIED)
        if not tried:
            raise NotifyError(f"{schema}.{table} is empty on the replica: nothing to preview")
        request = replica.parse_request(asked["request"])
        columns = request.get("notice_columns") or []
        try:
            request["changes"] = [
                {**change, "fields": replica.notice_fields(source, schema, table, keys, change["key"], columns)}
                for change in _changes(tried, operation)
            ]
            extracted = replica.extract_changes(source, to_json(request))
        except DatabaseError as error:
            if key and error.number in CONVERSION_ERRORS:
                raise ConfigError(
                    f"{' '.join(key)} is no value of the key of {schema}.{table}, {', '.join(keys)}: {error.args[0]}"
                ) from error
            raise
    databases.dispose()
    rows = extracted.merge_rows.records()
    to_mail = {row["change_number"] for row in rows}
    meets = {state["change_number"] for state in extracted.states if operation == "D" or state["matches"]}
    # The newest that would be mailed; where there is none such, the newest that has somebody to get it.
    number = min(to_mail & meets or to_mail, default=1)
    chosen = tried[number - 1]
    if number not in to_mail:
        raise RenderError(
            f"{definition['merge_procedure']} returns no row for record {' '.join(chosen)}: nobody would get it"
            + ("" if key else f"; nor for the {len(tried)} newest, --key shows another")
        )
    composed = _compose(
        definition, name, [row for row in rows if row["change_number"] == number], make_renderer(config), config
    )
    return {
        "notification": name,
        "record_key": to_json(chosen),
        "meets_criteria": number in meets,
        "messages": composed,
    }


def _compose(
    definition: dict[str, Any], name: str, rows: list[dict[str, Any]], renderer: Any, config: Config
) -> list[dict[str, Any]]:
    batch = Batch(
        batch_id="",
        lease_token="",
        notification_name=name,
        notification_guid="",
        policy="latest",
        priority=definition.get("priority") or 5,
        channels={channel: item["template"] for channel, item in definition["channels"].items()},
        request="{}",
        changes=[],
    )
    messages: list[dict[str, Any]] = compose(batch, rows, renderer, config.cycle.default_region)["messages"]
    return messages


def _saved(connection: Connection, name: str) -> dict[str, Any]:
    stored = {item["name"]: item["definition"] for item in processor.get_definitions(connection)}
    if name not in stored:
        near = difflib.get_close_matches(name, stored, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(stored)) or 'none'}"
        raise UnknownName(f"no notification {name!r}; {hint}")
    definition: dict[str, Any] = stored[name]
    return definition
