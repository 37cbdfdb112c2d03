"""INSERT, UPDATE, DELETE, TRUNCATE, EXECUTE."""

from __future__ import annotations

from dataclasses import replace

from .. import tree as t
from ..errors import sql_error
from ..lexer import Kind
from .core import ASSIGNMENT_OPS
from .queries import Queries

_Ctes = tuple[t.Cte, ...]


class Dml(Queries):
    """Statements that change rows, and EXECUTE."""

    def _top(self) -> t.Top | None:
        return self.top(ties=False) if self.tok.word == "TOP" else None

    def _target(self) -> t.NamedTable | t.TableVariable:
        """The table to change, with its hints, without an alias."""
        line = self.tok.line
        if self.tok.kind is Kind.VARIABLE:
            return t.TableVariable(self.advance().value, line=line)
        if self.tok.word in ("OPENQUERY", "OPENROWSET", "OPENDATASOURCE"):
            self.refuse(self.tok.word)
        name = self.name()
        hints = self.table_hints() if self.at("WITH", "(") else ()
        return t.NamedTable(name, None, hints, line=line)

    def insert(self, ctes: _Ctes = ()) -> t.Insert:
        self.expect("INSERT")
        top = self._top()
        self.accept("INTO")
        target = self._target()
        columns: tuple[str, ...] = ()
        if self.tok.word == "(" and not self.at_query():
            columns = self.parenthesized(self._insert_column)
        outputs = self.outputs()
        source = self._insert_source()
        options = self.query_hints() if not isinstance(source, t.InsertExecute) else ()
        return t.Insert(target, columns, source, top, outputs, ctes, options)

    def _insert_column(self) -> str:
        if self.tok.kind is Kind.DOLLAR:
            return self.advance().value
        if self.peek().word == ".":
            self.refuse("a qualified column in an INSERT list")
        return self.identifier()

    def _insert_source(self) -> t.InsertSource:
        line = self.tok.line
        word = self.tok.word
        if word == "VALUES":
            self.advance()
            return t.InsertValues(self.comma_list(self.row), line=line)
        if word == "DEFAULT":
            self.expect("DEFAULT", "VALUES")
            return t.InsertDefaults(line=line)
        if word in ("EXEC", "EXECUTE"):
            start = self.tok
            execute = self.execute()
            if not isinstance(execute, t.Execute | t.ExecuteString):
                self.fail(start)
            execute = replace(execute, line=line, span=(start.start, self.prev.end))
            return t.InsertExecute(execute, line=line)
        if word == "SELECT" or (word == "(" and self.at_query()):
            query = self.query()
            if query.for_json or query.for_xml:
                raise sql_error(156, "FOR", line=(query.for_json or query).line)
            return t.InsertQuery(query, line=line)
        raise self.syntax_error()

    def outputs(self) -> tuple[t.Output, ...]:
        """The OUTPUT clauses: INTO first where there are two."""
        outputs: list[t.Output] = []
        while self.tok.word == "OUTPUT" and len(outputs) < 2:
            line = self.advance().line
            items = self.comma_list(self._output_item)
            into: t.NamedTable | t.TableVariable | None = None
            columns: tuple[str, ...] = ()
            if self.accept("INTO"):
                into = self._target()
                if self.tok.word == "(" and not self.at_query():
                    columns = self.parenthesized(self._insert_column)
            outputs.append(t.Output(items, into, columns, line=line))
            if into is None:
                break
        return tuple(outputs)

    def _output_item(self) -> t.SelectItem:
        if self.tok.kind is Kind.DOLLAR:
            self.refuse(self.tok.value)
        item = self.select_item()
        if isinstance(item, t.AssignItem):
            self.fail(self.prev)
        return item

    def update(self, ctes: _Ctes = ()) -> t.Statement:
        self.expect("UPDATE")
        if not ctes and self.tok.word == "STATISTICS":
            return self.update_statistics()
        top = self._top()
        target = self._target()
        self.expect("SET")
        assignments = self.comma_list(self._assignment)
        outputs = self.outputs()
        sources = self.from_clause() if self.accept("FROM") else ()
        where = self._where()
        return t.Update(target, assignments, sources, where, top, outputs, ctes, self.query_hints())

    def _where(self) -> t.Predicate | None:
        if not self.accept("WHERE"):
            return None
        if self.at("CURRENT", "OF"):
            self.refuse("WHERE CURRENT OF")
        return self.condition()

    def _assignment(self) -> t.Assignment:
        line = self.tok.line
        variable: str | None = None
        column: t.Name | None = None
        if self.tok.kind is Kind.VARIABLE:
            variable = self.variable()
            if self.tok.word == "=" and self.at_double_assignment():
                self.advance()
                column = self.column_ref().name
        else:
            column = self.column_ref().name
            if self.tok.word == "(":
                self.refuse("a mutator method in SET")
        if self.tok.word not in ASSIGNMENT_OPS:
            self.fail()
        op = self.advance().word
        value = self._argument() if column is not None and variable is None else self.value()
        return t.Assignment(variable, column, op, value, line=line)

    def at_double_assignment(self) -> bool:
        """Whether `= column =` follows, as in `@v = column = expr`."""
        ahead = 1
        if self.peek(ahead).kind not in (Kind.WORD, Kind.QUOTED):
            return False
        while self.peek(ahead + 1).word == ".":
            ahead += 2
        return self.peek(ahead + 1).word in ASSIGNMENT_OPS

    def delete(self, ctes: _Ctes = ()) -> t.Delete:
        self.expect("DELETE")
        top = self._top()
        self.accept("FROM")
        target = self._target()
        outputs = self.outputs()
        sources = self.from_clause() if self.accept("FROM") else ()
        where = self._where()
        return t.Delete(target, sources, where, top, outputs, ctes, self.query_hints())

    def truncate(self) -> t.Truncate:
        self.expect("TRUNCATE", "TABLE")
        name = self.name()
        if self.at("WITH", "("):
            self.refuse("TRUNCATE TABLE ... WITH (PARTITIONS)")
        return t.Truncate(name)

    # --- EXECUTE

    def execute(self) -> t.Statement:
        """EXECUTE of a procedure or a string, EXECUTE AS."""
        self.expect_any("EXEC", "EXECUTE")
        if self.tok.word == "(":
            return self._execute_string()
        if self.tok.word == "AS":
            return self._execute_as()
        return self._execute_procedure()

    def implicit_execute(self) -> t.Execute:
        """A procedure's name as the first thing of a batch."""
        if self.peek().word == "=":
            self.fail(self.peek())
        execute = self._execute_procedure()
        if execute.recompile or execute.result_sets is not None:
            self.refuse("WITH options without EXECUTE")
        return execute

    def _execute_procedure(self) -> t.Execute:
        return_variable: str | None = None
        if self.tok.kind is Kind.VARIABLE and self.peek().word == "=":
            return_variable = self.variable()
            self.advance()
        procedure: t.Name | t.Variable
        line = self.tok.line
        if self.tok.kind is Kind.VARIABLE:
            procedure = t.Variable(self.variable(), line=line)
        else:
            procedure = self.name(leading_dots=True)
        if self.tok.word == ";" and self.peek().kind is Kind.INT:
            self.refuse("a procedure's number")
        args: tuple[t.ExecArgument, ...] = ()
        if self._at_exec_argument():
            args = self.comma_list(self._exec_argument)
            self._check_argument_order(args)
        if self.tok.word == "AT":
            self.refuse("EXECUTE ... AT linked server")
        recompile, result_sets = self._execute_options()
        return t.Execute(procedure, args, return_variable, recompile, result_sets)

    def _check_argument_order(self, args: tuple[t.ExecArgument, ...]) -> None:
        """119: behind a named argument every other has a name."""
        named = False
        for number, arg in enumerate(args, 1):
            if named and arg.name is None:
                raise sql_error(119, number, line=arg.line)
            named = named or arg.name is not None

    def _at_exec_argument(self) -> bool:
        tok = self.tok
        if tok.kind is Kind.OP:
            return tok.word in ("-", "+")
        if tok.kind is Kind.WORD:
            if tok.word in ("NULL", "DEFAULT"):
                return True
            return self.at_identifier() and not self.at_statement_word() and tok.word != "AT"
        return tok.kind is not Kind.END

    def at_statement_word(self) -> bool:
        """Whether an unreserved word begins a statement here (THROW, ENABLE TRIGGER): see `statements`."""
        return False

    def _exec_argument(self) -> t.ExecArgument:
        line = self.tok.line
        name: str | None = None
        if self.tok.kind is Kind.VARIABLE and self.peek().word == "=":
            name = self.variable()
            self.advance()
        value = self.exec_value()
        output = self.tok.word in ("OUTPUT", "OUT") and bool(self.advance())
        if output and not isinstance(value, t.Variable):
            raise sql_error(179, line=line)
        return t.ExecArgument(value, name, output, line=line)

    def exec_value(self) -> t.Expr:
        """A literal, variable, bare word or DEFAULT: what EXECUTE and parameter defaults take."""
        tok = self.tok
        line = tok.line
        if tok.word in ("-", "+"):
            self.advance()
            if self.tok.kind not in (Kind.INT, Kind.DECIMAL, Kind.FLOAT, Kind.MONEY):
                self.fail()
            literal = self.literal()
            assert literal is not None
            return t.Unary(tok.word, literal, line=line)
        if tok.kind is Kind.VARIABLE:
            self.advance()
            return t.Variable(tok.value, line=line)
        if tok.word == "DEFAULT":
            self.advance()
            return t.DefaultValue(line=line)
        if self.at_identifier():
            self.advance()
            return t.Bareword(tok.value, line=line)
        literal = self.literal()
        if literal is None:
            self.fail()
        return literal

    def _execute_options(self) -> tuple[bool, str | None]:
        recompile = False
        result_sets: str | None = None
        if self.tok.word == "WITH" and self.peek().word in ("RECOMPILE", "RESULT"):
            self.advance()
            while True:
                if self.accept("RECOMPILE"):
                    recompile = True
                else:
                    self.expect("RESULT", "SETS")
                    start = self.tok
                    if not (self.accept("UNDEFINED") or self.accept("NONE")):
                        self.parenthesized(self._result_set)
                    result_sets = self.source(start)
                if not self.accept(","):
                    break
        return recompile, result_sets

    def _result_set(self) -> None:
        if self.accept("AS"):
            self.refuse("WITH RESULT SETS (AS ...)")
        self.parenthesized(self._result_column)

    def _result_column(self) -> None:
        self.identifier()
        self.type_name()
        if self.accept("COLLATE"):
            self.identifier()
        if self.accept("NOT"):
            self.expect("NULL")
        else:
            self.accept("NULL")

    def _execute_string(self) -> t.ExecuteString:
        self.expect("(")
        parts: list[t.Expr] = []
        while True:
            if self.tok.kind not in (Kind.STRING, Kind.NSTRING, Kind.VARIABLE):
                self.fail()
            parts.append(self._primary())
            if not self.accept("+"):
                break
        if self.tok.word == ",":
            self.refuse("EXECUTE (string, arguments) AT linked server")
        self.expect(")")
        if self.tok.word in ("AS", "AT"):
            self.refuse(f"EXECUTE (...) {self.tok.word}")
        if self.tok.word == "WITH" and self.peek().word in ("RECOMPILE", "RESULT"):
            self.refuse("EXECUTE (...) WITH")
        return t.ExecuteString(tuple(parts))

    def _execute_as(self) -> t.ExecuteAs:
        self.expect("AS")
        kind = self.expect_any("USER", "LOGIN", "CALLER")
        principal: t.Expr | None = None
        if kind != "CALLER":
            self.expect("=")
            at_variable = self.tok.kind is Kind.VARIABLE
            principal = t.Variable(self.variable()) if at_variable else self._string_literal()
        if self.tok.word == "WITH" and self.peek().word in ("NO", "COOKIE"):
            self.refuse(f"EXECUTE AS ... WITH {self.peek().word}")
        return t.ExecuteAs(kind, principal)

    def _string_literal(self) -> t.Expr:
        literal = self.literal() if self.tok.kind in (Kind.STRING, Kind.NSTRING) else None
        if literal is None:
            self.fail()
        return literal

    def update_statistics(self) -> t.Statement:
        raise NotImplementedError
