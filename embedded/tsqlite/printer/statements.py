"""Changes of rows and control of flow as T-SQL."""

from __future__ import annotations

from .. import tree as t
from .queries import QueryPrinter
from .text import columns_text, name_text, names_text, quote, quote_string, type_text, words


class StatementPrinter(QueryPrinter):
    """Statements that run."""

    # --- DML

    def _select_statement(self, n: t.SelectStatement) -> str:
        return words(self.ctes(n.ctes), self.node(n.query), self.hints(n.options))

    def _output(self, n: t.Output) -> str:
        into = f"INTO {self.node(n.into)}{columns_text(n.columns)}" if n.into is not None else ""
        return words(f"OUTPUT {self.list(n.items)}", into)

    def outputs(self, outputs: tuple[t.Output, ...]) -> str:
        return " ".join(self.node(o) for o in outputs)

    def _insert_values(self, n: t.InsertValues) -> str:
        return self.rows(n.rows)

    def _insert_query(self, n: t.InsertQuery) -> str:
        return self.node(n.query)

    def _insert_execute(self, n: t.InsertExecute) -> str:
        return self.node(n.execute)

    def _insert_defaults(self, n: t.InsertDefaults) -> str:
        return "DEFAULT VALUES"

    def _insert(self, n: t.Insert) -> str:
        columns = ", ".join(c if c.startswith("$") else quote(c) for c in n.columns)
        return words(
            self.ctes(n.ctes),
            "INSERT",
            self.node(n.top) if n.top else "",
            "INTO",
            self.node(n.target),
            f"({columns})" if columns else "",
            self.outputs(n.outputs),
            self.node(n.source),
            self.hints(n.options),
        )

    def _assignment(self, n: t.Assignment) -> str:
        column = self._column_ref(t.ColumnRef(n.column)) if n.column is not None else None
        target = f"{n.variable} = {column}" if n.variable and column else n.variable or column
        return f"{target} {n.op} {self.node(n.value)}"

    def _update(self, n: t.Update) -> str:
        return words(
            self.ctes(n.ctes),
            "UPDATE",
            self.node(n.top) if n.top else "",
            self.node(n.target),
            f"SET {self.list(n.assignments)}",
            self.outputs(n.outputs),
            f"FROM {self.list(n.from_)}" if n.from_ else "",
            self.optional("WHERE", n.where),
            self.hints(n.options),
        )

    def _delete(self, n: t.Delete) -> str:
        return words(
            self.ctes(n.ctes),
            "DELETE",
            self.node(n.top) if n.top else "",
            self.node(n.target),
            self.outputs(n.outputs),
            f"FROM {self.list(n.from_)}" if n.from_ else "",
            self.optional("WHERE", n.where),
            self.hints(n.options),
        )

    def _truncate(self, n: t.Truncate) -> str:
        return f"TRUNCATE TABLE {name_text(n.table)}"

    # --- variables and control of flow

    def _variable_declaration(self, n: t.VariableDeclaration) -> str:
        return words(
            n.name, type_text(n.type) if n.type.name.name.upper() != "CURSOR" else "CURSOR", self.optional("=", n.value)
        )

    def _declare(self, n: t.Declare) -> str:
        return f"DECLARE {self.list(n.variables)}"

    def _declare_table(self, n: t.DeclareTable) -> str:
        return f"DECLARE {n.name} TABLE {self.node(n.definition)}"

    def _declare_cursor(self, n: t.DeclareCursor) -> str:
        update = ""
        if n.for_update is not None:
            update = "FOR UPDATE" + (f" OF {names_text(n.for_update)}" if n.for_update else "")
        options = " ".join(o for o in n.options if o != "INSENSITIVE")
        before = "INSENSITIVE" if "INSENSITIVE" in n.options else ""
        head = f"SET {n.name} = CURSOR" if n.name.startswith("@") else words("DECLARE", quote(n.name), before, "CURSOR")
        if before:
            head, options = words("DECLARE", quote(n.name), *n.options, "CURSOR"), ""
        return words(head, options, "FOR", self.node(n.query), update)

    def _set_variable(self, n: t.SetVariable) -> str:
        return f"SET {n.variable} {n.op} {self.node(n.value)}"

    def _set_option(self, n: t.SetOption) -> str:
        options = ", ".join(n.options)
        if n.options[0].startswith("STATISTICS "):
            options = "STATISTICS " + ", ".join(o.removeprefix("STATISTICS ") for o in n.options)
        return f"SET {options} {'ON' if n.on else 'OFF'}"

    def _set_value(self, n: t.SetValue) -> str:
        value = n.value.value if isinstance(n.value, t.Bareword) and n.option != "LANGUAGE" else self.node(n.value)
        return f"SET {n.option} {value}"

    def _set_isolation(self, n: t.SetIsolation) -> str:
        return f"SET TRANSACTION ISOLATION LEVEL {n.level}"

    def _set_identity_insert(self, n: t.SetIdentityInsert) -> str:
        return f"SET IDENTITY_INSERT {name_text(n.table)} {'ON' if n.on else 'OFF'}"

    def _block(self, n: t.Block) -> str:
        return f"BEGIN\n{self.statements(n.statements)}\nEND"

    def _if(self, n: t.If) -> str:
        then = self.node(n.then)
        if n.otherwise is None:
            return f"IF {self.node(n.condition)}\n{then}"
        return f"IF {self.node(n.condition)}\n{then}\nELSE\n{self.node(n.otherwise)}"

    def _while(self, n: t.While) -> str:
        return f"WHILE {self.node(n.condition)}\n{self.node(n.body)}"

    def _break(self, n: t.Break) -> str:
        return "BREAK"

    def _continue(self, n: t.Continue) -> str:
        return "CONTINUE"

    def _try_catch(self, n: t.TryCatch) -> str:
        return f"BEGIN TRY\n{self.statements(n.body)}\nEND TRY\nBEGIN CATCH\n{self.statements(n.handler)}\nEND CATCH"

    def _throw(self, n: t.Throw) -> str:
        if n.number is None or n.message is None or n.state is None:
            return "THROW"
        return f"THROW {self.node(n.number)}, {self.node(n.message)}, {self.node(n.state)}"

    def _raiserror(self, n: t.Raiserror) -> str:
        options = f"WITH {', '.join(n.options)}" if n.options else ""
        return words(f"RAISERROR ({self.list((n.message, n.severity, n.state, *n.args))})", options)

    def _print(self, n: t.Print) -> str:
        return f"PRINT {self.node(n.value)}"

    def _return(self, n: t.Return) -> str:
        return words("RETURN", self.node(n.value) if n.value is not None else "")

    def _goto(self, n: t.Goto) -> str:
        return f"GOTO {n.label}"

    def _label(self, n: t.Label) -> str:
        return f"{n.name}:"

    def _wait_for(self, n: t.WaitFor) -> str:
        return f"WAITFOR {n.kind} {self.node(n.value)}"

    def _use(self, n: t.Use) -> str:
        return f"USE {quote(n.database)}"

    def transaction_name(self, name: str | None) -> str:
        return "" if name is None else name if name.startswith("@") else quote(name)

    def _begin_transaction(self, n: t.BeginTransaction) -> str:
        mark = "" if n.mark is None else f"WITH MARK {quote_string(n.mark, national=True)}" if n.mark else "WITH MARK"
        return words("BEGIN TRANSACTION", self.transaction_name(n.name), mark)

    def _commit(self, n: t.Commit) -> str:
        return words("COMMIT TRANSACTION", self.transaction_name(n.name))

    def _rollback(self, n: t.Rollback) -> str:
        return words("ROLLBACK TRANSACTION", self.transaction_name(n.name))

    def _save_transaction(self, n: t.SaveTransaction) -> str:
        return f"SAVE TRANSACTION {self.transaction_name(n.name)}"

    def _exec_argument(self, n: t.ExecArgument) -> str:
        return words(f"{n.name} =" if n.name else "", self.node(n.value), "OUTPUT" if n.output else "")

    def _execute(self, n: t.Execute) -> str:
        procedure = name_text(n.procedure) if isinstance(n.procedure, t.Name) else n.procedure.name
        options = ["RECOMPILE"] if n.recompile else []
        if n.result_sets is not None:
            options.append(f"RESULT SETS {n.result_sets}")
        return words(
            "EXECUTE",
            f"{n.return_variable} =" if n.return_variable else "",
            procedure,
            self.list(n.args),
            f"WITH {', '.join(options)}" if options else "",
        )

    def _execute_string(self, n: t.ExecuteString) -> str:
        return f"EXECUTE ({' + '.join(self.node(p) for p in n.parts)})"

    def cursor(self, name: str) -> str:
        return name if name.startswith("@") else quote(name)

    def _open_cursor(self, n: t.OpenCursor) -> str:
        return f"OPEN {self.cursor(n.cursor)}"

    def _fetch_cursor(self, n: t.FetchCursor) -> str:
        offset = self.node(n.offset) if n.offset is not None else ""
        into = f"INTO {', '.join(n.into)}" if n.into else ""
        return words("FETCH", n.direction, offset, "FROM", self.cursor(n.cursor), into)

    def _close_cursor(self, n: t.CloseCursor) -> str:
        return f"CLOSE {self.cursor(n.cursor)}"

    def _deallocate_cursor(self, n: t.DeallocateCursor) -> str:
        return f"DEALLOCATE {self.cursor(n.cursor)}"
