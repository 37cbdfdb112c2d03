"""Tables, modules, other objects and permissions as T-SQL."""

from __future__ import annotations

from .. import tree as t
from .statements import StatementPrinter
from .text import columns_text, filegroup_text, name_text, names_text, options_text, quote, type_text, words


class DefinitionPrinter(StatementPrinter):
    """Statements that define; with them, all of the language."""

    # --- tables and indexes

    def _index_column(self, n: t.IndexColumn) -> str:
        return quote(n.name) + (" DESC" if n.descending else "")

    def constraint_name(self, n: t.Constraint) -> str:
        return f"CONSTRAINT {quote(n.name)}" if n.name is not None else ""

    def _key_constraint(self, n: t.KeyConstraint) -> str:
        return words(
            self.constraint_name(n),
            "PRIMARY KEY" if n.primary else "UNIQUE",
            self.clustered(n.clustered),
            f"({self.list(n.columns)})" if n.columns else "",
            options_text(n.options),
            filegroup_text(n.filegroup),
        )

    def clustered(self, clustered: bool | None) -> str:
        return "" if clustered is None else "CLUSTERED" if clustered else "NONCLUSTERED"

    def _foreign_key(self, n: t.ForeignKey) -> str:
        return words(
            self.constraint_name(n),
            f"FOREIGN KEY ({names_text(n.columns)})" if n.columns else "",
            f"REFERENCES {name_text(n.table)}{columns_text(n.ref_columns)}",
            f"ON DELETE {n.on_delete}" if n.on_delete else "",
            f"ON UPDATE {n.on_update}" if n.on_update else "",
        )

    def _check_constraint(self, n: t.CheckConstraint) -> str:
        return words(self.constraint_name(n), f"CHECK ({self.node(n.condition)})")

    def _default_constraint(self, n: t.DefaultConstraint) -> str:
        value = self.node(n.value)
        return words(
            self.constraint_name(n),
            f"DEFAULT ({value})" if isinstance(n.value, t.Binary) else f"DEFAULT {value}",
            f"FOR {quote(n.column)}" if n.column is not None else "",
            "WITH VALUES" if n.with_values else "",
        )

    def _identity(self, n: t.Identity) -> str:
        return f"IDENTITY({n.seed}, {n.increment})"

    def _column_def(self, n: t.ColumnDef) -> str:
        type_ = "" if n.type is None else type_text(n.type)
        if n.type is not None and n.type.name.parts == (n.name,) and n.name.lower() == "timestamp":
            return words(n.name, self.nullable(n.nullable), *(self.node(c) for c in n.constraints))
        return words(
            quote(n.name),
            type_,
            f"AS ({self.node(n.computed)})" if n.computed is not None else "",
            "PERSISTED" if n.persisted else "",
            f"COLLATE {n.collation}" if n.collation else "",
            "SPARSE" if n.sparse else "",
            self.node(n.identity) if n.identity else "",
            "ROWGUIDCOL" if n.rowguidcol else "",
            self.nullable(n.nullable),
            *(self.node(c) for c in n.constraints),
            self.node(n.index) if n.index else "",
        )

    def nullable(self, nullable: bool | None) -> str:
        return "" if nullable is None else "NULL" if nullable else "NOT NULL"

    def _index_def(self, n: t.IndexDef) -> str:
        return words(
            f"INDEX {quote(n.name)}",
            "UNIQUE" if n.unique else "",
            self.clustered(n.clustered),
            self.index_tail(n),
        )

    def index_tail(self, n: t.IndexDef) -> str:
        return words(
            f"({self.list(n.columns)})" if n.columns else "",
            f"INCLUDE ({names_text(n.include)})" if n.include else "",
            self.optional("WHERE", n.where),
            options_text(n.options),
            filegroup_text(n.filegroup),
        )

    def elements(self, n: t.TableDefinition) -> str:
        return ", ".join(self.node(e) for e in (*n.columns, *n.constraints, *n.indexes))

    def _table_definition(self, n: t.TableDefinition) -> str:
        return f"({self.elements(n)})"

    def _create_table(self, n: t.CreateTable) -> str:
        textimage = f"TEXTIMAGE_ON {quote(n.textimage_filegroup)}" if n.textimage_filegroup else ""
        head = f"CREATE TABLE {name_text(n.name)} {self.node(n.definition)}"
        return words(head, filegroup_text(n.filegroup), textimage, options_text(n.options))

    def check(self, check: bool | None) -> str:
        return "" if check is None else "WITH CHECK" if check else "WITH NOCHECK"

    def _add_elements(self, n: t.AddElements) -> str:
        return words(self.check(n.check), "ADD", self.elements(n.definition))

    def _drop_element(self, n: t.DropElement) -> str:
        return words(n.kind, "IF EXISTS" if n.if_exists else "", quote(n.name))

    def _drop_elements(self, n: t.DropElements) -> str:
        return f"DROP {self.list(n.elements)}"

    def _alter_column(self, n: t.AlterColumn) -> str:
        head = f"ALTER COLUMN {quote(n.name)}"
        if n.type is None:
            return words(head, n.change)
        collation = f"COLLATE {n.collation}" if n.collation else ""
        return words(head, type_text(n.type), collation, self.nullable(n.nullable))

    def _check_existing(self, n: t.CheckExisting) -> str:
        names = names_text(n.names) or "ALL"
        return words(self.check(n.check), "CHECK" if n.enable else "NOCHECK", "CONSTRAINT", names)

    def _enable_trigger(self, n: t.EnableTrigger) -> str:
        return f"{'ENABLE' if n.enable else 'DISABLE'} TRIGGER {names_text(n.names) or 'ALL'}"

    def _set_table_options(self, n: t.SetTableOptions) -> str:
        if n.rebuild:
            return words("REBUILD", options_text(n.options))
        return f"SET {options_text(n.options).removeprefix('WITH ')}"

    def _alter_table(self, n: t.AlterTable) -> str:
        return f"ALTER TABLE {name_text(n.name)} {self.node(n.action)}"

    def _create_index(self, n: t.CreateIndex) -> str:
        index = n.index
        return words(
            "CREATE",
            "UNIQUE" if index.unique else "",
            self.clustered(index.clustered),
            f"INDEX {quote(index.name)} ON {name_text(n.table)}",
            self.index_tail(index),
        )

    def _alter_index(self, n: t.AlterIndex) -> str:
        options = options_text(n.options)
        if n.action == "SET":
            options = options.removeprefix("WITH ")
        name = "ALL" if n.name is None else quote(n.name)
        return words(f"ALTER INDEX {name} ON {name_text(n.table)} {n.action}", options)

    def _dropped_index(self, n: t.DroppedIndex) -> str:
        return f"{quote(n.name)} ON {name_text(n.table)}"

    def _drop_index(self, n: t.DropIndex) -> str:
        return words("DROP INDEX", "IF EXISTS" if n.if_exists else "", self.list(n.indexes))

    def _drop(self, n: t.Drop) -> str:
        names = ", ".join(name_text(name) for name in n.names)
        return words(f"DROP {n.kind}", "IF EXISTS" if n.if_exists else "", names)

    def statistics_options(self, options: tuple[t.Option, ...]) -> str:
        texts = [
            f"{o.name} = {o.value}" if o.name in ("INCREMENTAL", "MAXDOP") else words(o.name, o.value) for o in options
        ]
        return f"WITH {', '.join(texts)}" if texts else ""

    def _create_statistics(self, n: t.CreateStatistics) -> str:
        head = f"CREATE STATISTICS {quote(n.name)} ON {name_text(n.table)} ({names_text(n.columns)})"
        return words(head, self.optional("WHERE", n.where), self.statistics_options(n.options))

    def _update_statistics(self, n: t.UpdateStatistics) -> str:
        names = f"({names_text(n.names)})" if n.names else ""
        return words(f"UPDATE STATISTICS {name_text(n.table)}", names, self.statistics_options(n.options))

    # --- modules

    def _parameter(self, n: t.Parameter) -> str:
        return words(
            n.name,
            type_text(n.type),
            self.optional("=", n.default),
            "OUTPUT" if n.output else "",
            "READONLY" if n.readonly else "",
        )

    def module_options(self, options: tuple[t.Option, ...]) -> str:
        texts = [f"{o.name} {o.value}" if o.value is not None else o.name for o in options]
        return f"WITH {', '.join(texts)}" if texts else ""

    def _create_procedure(self, n: t.CreateProcedure) -> str:
        head = words(
            f"{n.action} PROCEDURE {name_text(n.name)}", self.list(n.parameters), self.module_options(n.options), "AS"
        )
        return f"{head}\n{self.statements(n.body)}"

    def function(self, n: t.Module, parameters: tuple[t.Parameter, ...], returns: str, body: str) -> str:
        head = f"{n.action} FUNCTION {name_text(n.name)} ({self.list(parameters)}) RETURNS {returns}"
        return words(head, self.module_options(n.options), "AS") + f"\n{body}"

    def block(self, statements: tuple[t.Statement, ...]) -> str:
        return f"BEGIN\n{self.statements(statements)}\nEND"

    def _create_scalar_function(self, n: t.CreateScalarFunction) -> str:
        return self.function(n, n.parameters, type_text(n.returns), self.block(n.body))

    def _create_inline_function(self, n: t.CreateInlineFunction) -> str:
        return self.function(n, n.parameters, "TABLE", f"RETURN ({self.node(n.query)})")

    def _create_table_function(self, n: t.CreateTableFunction) -> str:
        return self.function(n, n.parameters, f"{n.variable} TABLE {self.node(n.definition)}", self.block(n.body))

    def _create_view(self, n: t.CreateView) -> str:
        head = words(
            f"{n.action} VIEW {name_text(n.name)}{columns_text(n.columns)}", self.module_options(n.options), "AS"
        )
        return words(f"{head}\n{self.node(n.query)}", "WITH CHECK OPTION" if n.check_option else "")

    def _create_trigger(self, n: t.CreateTrigger) -> str:
        head = f"{n.action} TRIGGER {name_text(n.name)} ON {name_text(n.table)}"
        events = ", ".join(n.events)
        return f"{words(head, self.module_options(n.options), n.timing, events, 'AS')}\n{self.statements(n.body)}"

    # --- other objects, permissions

    def _create_schema(self, n: t.CreateSchema) -> str:
        return f"CREATE SCHEMA {quote(n.name)}" + (f" AUTHORIZATION {quote(n.owner)}" if n.owner else "")

    def _create_type(self, n: t.CreateType) -> str:
        if n.definition is not None:
            return f"CREATE TYPE {name_text(n.name)} AS TABLE {self.node(n.definition)}"
        assert n.base is not None
        return words(f"CREATE TYPE {name_text(n.name)} FROM {type_text(n.base)}", self.nullable(n.nullable))

    def _create_sequence(self, n: t.CreateSequence) -> str:
        def number(words: str, value: int | None) -> str:
            return f"{words} {value}" if value is not None else ""

        return words(
            f"{'ALTER' if n.alter else 'CREATE'} SEQUENCE {name_text(n.name)}",
            f"AS {type_text(n.type)}" if n.type else "",
            ("RESTART" + number(" WITH", n.restart_value)) if n.restart else "",
            number("START WITH", n.start),
            number("INCREMENT BY", n.increment),
            number("MINVALUE", n.minimum),
            number("MAXVALUE", n.maximum),
            "" if n.cycle is None else "CYCLE" if n.cycle else "NO CYCLE",
            "CACHE" if n.cache == 0 else number("CACHE", n.cache) or ("NO CACHE" if n.no_cache else ""),
        )

    def _create_synonym(self, n: t.CreateSynonym) -> str:
        return f"CREATE SYNONYM {name_text(n.name)} FOR {name_text(n.target)}"

    def _create_role(self, n: t.CreateRole) -> str:
        return f"CREATE ROLE {quote(n.name)}" + (f" AUTHORIZATION {quote(n.owner)}" if n.owner else "")

    def _alter_role(self, n: t.AlterRole) -> str:
        if n.change == "NAME":
            return f"ALTER ROLE {quote(n.role)} WITH NAME = {quote(n.member)}"
        return f"ALTER ROLE {quote(n.role)} {n.change} MEMBER {quote(n.member)}"

    def _create_user(self, n: t.CreateUser) -> str:
        source = n.source
        if source is not None and source != "WITHOUT LOGIN":
            source = words(
                f"FOR {source}" if n.source_name else f"FROM {source}", n.source_name and quote(n.source_name)
            )
        options = ", ".join(f"{o.name} = {quote(o.value or '')}" for o in n.options)
        return words(f"CREATE USER {quote(n.name)}", source, f"WITH {options}" if options else "")

    def _granted_permission(self, n: t.GrantedPermission) -> str:
        return n.name + columns_text(n.columns)

    def _change_permission(self, n: t.ChangePermission) -> str:
        on = ""
        if n.securable is not None:
            on = f"ON {n.securable_class + '::' if n.securable_class else ''}{name_text(n.securable)}"
        revoke = n.action == "REVOKE"
        return words(
            n.action,
            "GRANT OPTION FOR" if revoke and n.grant_option else "",
            self.list(n.permissions),
            on,
            "FROM" if revoke else "TO",
            ", ".join(p if p.upper() in ("PUBLIC", "NULL") else quote(p) for p in n.principals),
            "WITH GRANT OPTION" if n.grant_option and not revoke else "",
            "CASCADE" if n.cascade else "",
            f"AS {quote(n.grantor)}" if n.grantor else "",
        )

    def _execute_as(self, n: t.ExecuteAs) -> str:
        return words(f"EXECUTE AS {n.kind}", self.optional("=", n.principal))

    def _revert(self, n: t.Revert) -> str:
        return "REVERT"

    def _alter_database_set(self, n: t.AlterDatabaseSet) -> str:
        database = "CURRENT" if n.database is None else quote(n.database)
        options = ", ".join(words(o.name, o.value) for o in n.options)
        return words(f"ALTER DATABASE {database} SET {options}", f"WITH {n.termination}" if n.termination else "")

    def _dbcc(self, n: t.Dbcc) -> str:
        args = f"({self.list(n.args)})" if n.args else ""
        return words(f"DBCC {n.command}", args, f"WITH {', '.join(n.options)}" if n.options else "")

    def _opaque(self, n: t.Opaque) -> str:
        return n.text
