"""Tables, indexes, statistics, types, sequences: CREATE, ALTER, DROP."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .. import tree as t
from ..errors import SqlError
from ..lexer import Kind
from .dml import Dml

# how many parts a name may have
_DROPPABLE: Final = {
    "TABLE": 3, "VIEW": 2, "PROCEDURE": 2, "FUNCTION": 2, "TRIGGER": 2, "SCHEMA": 1, "TYPE": 2, "SEQUENCE": 3,
    "SYNONYM": 2, "ROLE": 1, "USER": 1, "CERTIFICATE": 1, "STATISTICS": 4, "DATABASE": 1,
}  # fmt: skip
_STATISTICS_OPTIONS: Final = tuple("FULLSCAN SAMPLE RESAMPLE NORECOMPUTE ALL COLUMNS INDEX INCREMENTAL MAXDOP".split())
_SWITCH: Final = ("ON", "OFF")
# what an option of an index or table may be; () is a number
_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "PAD_INDEX": _SWITCH,
    "FILLFACTOR": (),
    "SORT_IN_TEMPDB": _SWITCH,
    "IGNORE_DUP_KEY": _SWITCH,
    "STATISTICS_NORECOMPUTE": _SWITCH,
    "STATISTICS_INCREMENTAL": _SWITCH,
    "DROP_EXISTING": _SWITCH,
    "ONLINE": _SWITCH,
    "ALLOW_ROW_LOCKS": _SWITCH,
    "ALLOW_PAGE_LOCKS": _SWITCH,
    "MAXDOP": (),
    "DATA_COMPRESSION": ("NONE", "ROW", "PAGE"),
    "LOB_COMPACTION": _SWITCH,
    "LOCK_ESCALATION": ("AUTO", "TABLE", "DISABLE"),
}
_LITERALS: Final = (
    t.IntLiteral,
    t.DecimalLiteral,
    t.FloatLiteral,
    t.MoneyLiteral,
    t.StringLiteral,
    t.BinaryLiteral,
    t.NullLiteral,
)
_CONSTRAINT_STARTS: Final = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "REFERENCES", "CHECK", "DEFAULT"})


class Tables(Dml):
    """The shapes of stored data."""

    # --- columns and constraints

    def table_definition(self, *, named: bool = True) -> t.TableDefinition:
        """`(columns, constraints, indexes)`; without `named`, no constraint may have a name or be a foreign key."""
        opening = self.expect("(")
        start = self.pos
        definition = self._elements(closed=True)
        self.expect(")")
        if not named:
            for tok in self.tokens[start : self.pos]:
                if tok.word in ("CONSTRAINT", "FOREIGN", "REFERENCES"):
                    self.fail(tok)
        return replace(definition, line=opening.line)

    def without_subquery(self, node: t.Node) -> None:
        """1046: a stored expression has no subquery."""
        for part in t.walk(node):
            if isinstance(part, t.Query):
                text = "Subqueries are not allowed in this context. Only scalar expressions are allowed."
                raise SqlError(1046, text, 15, 1, part.line)

    def _elements(self, *, closed: bool) -> t.TableDefinition:
        """Columns, constraints and indexes; if `closed`, a comma may be last."""
        columns: list[t.ColumnDef] = []
        constraints: list[t.Constraint] = []
        indexes: list[t.IndexDef] = []
        while True:
            word = self.tok.word
            if word in _CONSTRAINT_STARTS:
                constraints.append(self.table_constraint())
            elif word == "INDEX":
                indexes.append(self._inline_index())
            elif word == "PERIOD" and self.peek().word == "FOR":
                self.refuse("PERIOD FOR SYSTEM_TIME")
            else:
                columns.append(self.column_def())
            if self.accept(","):
                if closed and self.tok.word == ")":
                    break
            else:
                break
        return t.TableDefinition(tuple(columns), tuple(constraints), tuple(indexes))

    def column_def(self) -> t.ColumnDef:
        line = self.tok.line
        name = self.identifier()
        if self.accept("AS"):
            return self._computed_column(name, line)
        if name.lower() == "timestamp" and not self.at_identifier():
            type_ = t.TypeName(t.Name((name,), line=line), line=line)
        else:
            type_ = self.type_name()
        column = t.ColumnDef(name, type_, line=line)
        return self._column_options(column)

    def _computed_column(self, name: str, line: int) -> t.ColumnDef:
        computed = self.value()
        self.without_subquery(computed)
        column = t.ColumnDef(name, None, computed, line=line)
        if self.accept("PERSISTED"):
            column = replace(column, persisted=True)
        column = self._column_options(column)
        if column.collation or column.identity or column.rowguidcol or column.sparse or column.nullable is True:
            self.fail(self.prev)
        if not column.persisted and (
            column.nullable is not None or any(not isinstance(c, t.KeyConstraint) for c in column.constraints)
        ):
            text = (
                "Only UNIQUE or PRIMARY KEY constraints can be created on computed columns, while CHECK, FOREIGN KEY, "
                "and NOT NULL constraints require that computed columns be persisted."
            )
            raise SqlError(8183, text, 16, 1, line)
        return column

    def _column_options(self, column: t.ColumnDef) -> t.ColumnDef:
        constraints: list[t.Constraint] = []
        nullable: bool | None = None
        collation: str | None = None
        identity: t.Identity | None = None
        rowguidcol = sparse = False
        index: t.IndexDef | None = None
        seen: set[str] = set()
        while True:
            word = self.tok.word
            if word in ("COLLATE", "IDENTITY", "ROWGUIDCOL", "SPARSE", "INDEX"):
                if word in seen:
                    self.fail()
                seen.add(word)
            if word == "NULL" or (word == "NOT" and self.peek().word == "NULL"):
                if nullable is not None:
                    self.fail()
                nullable = not self.accept("NOT")
                self.expect("NULL")
            elif word == "NOT" and self.peek().word == "FOR":
                self.refuse("NOT FOR REPLICATION")
            elif word == "COLLATE":
                self.advance()
                collation = self.identifier()
            elif word == "IDENTITY":
                identity = self._identity()
            elif word == "ROWGUIDCOL":
                self.advance()
                rowguidcol = True
            elif word == "SPARSE":
                self.advance()
                sparse = True
            elif word == "CONSTRAINT" and self.peek(2).word in ("NULL", "NOT"):
                self.advance()
                self.identifier()  # a name of NOT NULL is read and forgotten, as SQL Server does
            elif word in _CONSTRAINT_STARTS:
                constraints.append(self._column_constraint())
            elif word == "INDEX":
                index = self._inline_index()
                break
            elif word in ("FILESTREAM", "GENERATED", "MASKED", "ENCRYPTED", "HIDDEN") or (
                word == "WITH" and self.peek().word == "("
            ):
                self.refuse(f"column option {word}")
            else:
                break
        return replace(
            column, nullable=nullable, collation=collation, identity=identity, rowguidcol=rowguidcol, sparse=sparse,
            constraints=tuple(constraints), index=index,
        )  # fmt: skip

    def _identity(self) -> t.Identity:
        line = self.expect("IDENTITY").line
        if self.accept("("):
            seed = self.integer()
            self.expect(",")
            increment = self.integer()
            self.expect(")")
            return t.Identity(seed, increment, line=line)
        return t.Identity(line=line)

    def _constraint_name(self) -> str | None:
        return self.identifier() if self.accept("CONSTRAINT") else None

    def _column_constraint(self) -> t.Constraint:
        line = self.tok.line
        name = self._constraint_name()
        word = self.tok.word
        if word == "DEFAULT":
            self.advance()
            value = self._default_value()
            return t.DefaultConstraint(name, value, None, self.accept("WITH", "VALUES"), line=line)
        if word in ("PRIMARY", "UNIQUE"):
            return self._key(name, line)
        if word == "CHECK":
            return self._check(name, line)
        if word == "FOREIGN":
            self.expect("FOREIGN", "KEY")
        if self.tok.word == "REFERENCES":
            return self._references(name, (), line)
        raise self.syntax_error()

    def _default_value(self) -> t.Expr:
        value = self.value()
        self.without_subquery(value)
        return value

    def table_constraint(self) -> t.Constraint:
        line = self.tok.line
        name = self._constraint_name()
        word = self.tok.word
        if word in ("PRIMARY", "UNIQUE"):
            return self._key(name, line)
        if word == "CHECK":
            return self._check(name, line)
        if word == "FOREIGN":
            self.expect("FOREIGN", "KEY")
            return self._references(name, self.parenthesized(self.identifier), line)
        if word == "DEFAULT":
            self.advance()
            value = self._default_value()
            self.expect("FOR")
            return t.DefaultConstraint(name, value, self.identifier(), self.accept("WITH", "VALUES"), line=line)
        raise self.syntax_error()

    def _key(self, name: str | None, line: int) -> t.KeyConstraint:
        primary = self.expect_any("PRIMARY", "UNIQUE") == "PRIMARY"
        if primary:
            self.expect("KEY")
        clustered = self._clustered()
        columns = self.parenthesized(self._index_column) if self.tok.word == "(" else ()
        options = self.with_options()
        return t.KeyConstraint(name, primary, clustered, columns, options, self._filegroup(), line=line)

    def _clustered(self) -> bool | None:
        if self.accept("CLUSTERED"):
            return True
        if self.accept("NONCLUSTERED"):
            if self.tok.word == "HASH":
                self.refuse("a HASH index")
            return False
        return None

    def _check(self, name: str | None, line: int) -> t.CheckConstraint:
        self.expect("CHECK")
        if self.tok.word == "NOT":
            self.refuse("NOT FOR REPLICATION")
        self.expect("(")
        condition = self.condition()
        self.without_subquery(condition)
        self.expect(")")
        return t.CheckConstraint(name, condition, line=line)

    def _references(self, name: str | None, columns: tuple[str, ...], line: int) -> t.ForeignKey:
        self.expect("REFERENCES")
        table = self.name(3)
        ref_columns = self.column_names()
        actions: dict[str, str] = {}
        while self.tok.word == "ON" and self.peek().word in ("DELETE", "UPDATE"):
            self.advance()
            event = self.advance().word
            if event in actions:
                self.fail(self.prev)
            actions[event] = self._referential_action()
        if self.at("NOT", "FOR"):
            self.refuse("NOT FOR REPLICATION")
        return t.ForeignKey(name, columns, table, ref_columns, actions.get("DELETE"), actions.get("UPDATE"), line=line)

    def _referential_action(self) -> str:
        word = self.expect_any("NO", "CASCADE", "SET")
        if word == "NO":
            self.expect("ACTION")
            return "NO ACTION"
        if word == "SET":
            return f"SET {self.expect_any('NULL', 'DEFAULT')}"
        return word

    # --- indexes

    def _index_column(self) -> t.IndexColumn:
        line = self.tok.line
        name = self.identifier()
        descending = self.tok.word in ("ASC", "DESC") and self.advance().word == "DESC"
        return t.IndexColumn(name, descending, line=line)

    def _inline_index(self) -> t.IndexDef:
        line = self.expect("INDEX").line
        name = self.identifier()
        unique = self.accept("UNIQUE")
        clustered = self._clustered()
        if self.tok.word == "COLUMNSTORE":
            self.refuse("a COLUMNSTORE index")
        columns = self.parenthesized(self._index_column) if self.tok.word == "(" else ()
        where = self._filter(name)
        options = self.with_options()
        return t.IndexDef(name, columns, unique, clustered, (), where, options, self._filegroup(), line=line)

    def _include(self) -> tuple[str, ...]:
        return self.parenthesized(self.identifier) if self.accept("INCLUDE") else ()

    def create_index(self) -> t.CreateIndex:
        """`[UNIQUE] [CLUSTERED | NONCLUSTERED] INDEX ...`, after CREATE."""
        line = self.tok.line
        unique = self.accept("UNIQUE")
        clustered = self._clustered()
        if self.tok.word == "COLUMNSTORE":
            self.refuse("a COLUMNSTORE index")
        self.expect("INDEX")
        name = self.identifier()
        self.expect("ON")
        table = self.name(3)
        columns = self.parenthesized(self._index_column)
        include = self._include()
        where = self._filter(name)
        options = self.with_options()
        filegroup = self._filegroup()
        index = t.IndexDef(name, columns, unique, clustered, include, where, options, filegroup, line=line)
        return t.CreateIndex(table, index)

    def _filter(self, index: str) -> t.Predicate | None:
        """`WHERE column op constant AND ...` of an index or of statistics."""
        line = self.tok.line
        if not self.accept("WHERE"):
            return None
        condition = self.condition()
        if not _is_filter(condition):
            text = f"Incorrect WHERE clause for filtered index '{index}'."
            raise SqlError(10735, text, 15, 1, line)
        return condition

    def with_options(self) -> tuple[t.Option, ...]:
        """`WITH (NAME = value, ...)`, also the old `WITH NAME = value`; () when there is none."""
        if self.tok.word != "WITH":
            return ()
        if self.peek().word == "(":
            self.advance()
            return self.parenthesized(self._option)
        if self.peek().word in ("FILLFACTOR", "PAD_INDEX"):
            self.advance()
            return self.comma_list(self._option)
        return ()

    def _option(self) -> t.Option:
        """`NAME = value`."""
        tok = self.tok
        if tok.kind is not Kind.WORD:
            self.fail()
        values = _OPTIONS.get(tok.word)
        if values is None:
            self.refuse(f"option {tok.word}")
        self.advance()
        self.expect("=")
        if values == ():
            if self.tok.kind is not Kind.INT:
                self.fail()
            return t.Option(tok.word, self.advance().value, line=tok.line)
        value = self.expect_any(*values)
        if self.tok.word in ("(", "ON"):
            self.refuse(f"option {tok.word} = {value} {self.tok.word}")
        return t.Option(tok.word, value, line=tok.line)

    def _filegroup(self) -> str | None:
        if self.tok.word != "ON":
            return None
        if self.peek().kind not in (Kind.WORD, Kind.QUOTED, Kind.STRING) or self.peek().word in ("DELETE", "UPDATE"):
            return None
        self.advance()
        if self.tok.kind is Kind.STRING or self.tok.word in ("PRIMARY", "DEFAULT"):
            name = self.advance().value
        else:
            name = self.identifier()
        if self.tok.word == "(":
            self.refuse("a partition scheme")
        return name

    def alter_index(self) -> t.AlterIndex:
        """After ALTER."""
        self.expect("INDEX")
        name = None if self.accept("ALL") else self.identifier()
        self.expect("ON")
        table = self.name(3)
        action = self.expect_any("REBUILD", "REORGANIZE", "DISABLE", "SET")
        options: tuple[t.Option, ...] = ()
        if self.tok.word == "PARTITION":
            self.refuse("ALTER INDEX ... PARTITION")
        if action == "SET":
            options = self.parenthesized(self._option)
        elif action != "DISABLE":
            options = self.with_options()
        return t.AlterIndex(name, table, action, options)

    # --- CREATE, ALTER, DROP TABLE

    def create_table(self) -> t.CreateTable:
        """After CREATE."""
        self.expect("TABLE")
        name = self.name(3)
        if self.tok.word == "AS":
            self.refuse("CREATE TABLE AS")
        definition = self.table_definition()
        filegroup = self._filegroup()
        textimage: str | None = None
        if self.accept("TEXTIMAGE_ON"):
            in_quotes = self.tok.kind is Kind.STRING or self.tok.word == "DEFAULT"
            textimage = self.advance().value if in_quotes else self.identifier()
        options = self.with_options()
        return t.CreateTable(name, definition, options, filegroup, textimage)

    def alter_table(self) -> t.AlterTable:
        """After ALTER."""
        self.expect("TABLE")
        name = self.name(3)
        return t.AlterTable(name, self._alter_action())

    def _alter_action(self) -> t.AlterAction:
        line = self.tok.line
        check: bool | None = None
        if self.tok.word == "WITH":
            self.advance()
            check = self.expect_any("CHECK", "NOCHECK") == "CHECK"
            if self.tok.word not in ("ADD", "CHECK", "NOCHECK"):
                self.fail()
        word = self.tok.word
        if word == "ADD":
            self.advance()
            return t.AddElements(self._elements(closed=False), check, line=line)
        if word in ("CHECK", "NOCHECK"):
            self.advance()
            self.expect("CONSTRAINT")
            return t.CheckExisting(word == "CHECK", self._all_or_names(), check, line=line)
        if word == "DROP":
            self.advance()
            return t.DropElements(self._dropped_elements(), line=line)
        if word == "ALTER":
            return self._alter_column()
        if word in ("ENABLE", "DISABLE"):
            self.advance()
            if self.tok.word != "TRIGGER":
                self.refuse(f"ALTER TABLE ... {word} {self.tok.word}")
            self.expect("TRIGGER")
            return t.EnableTrigger(word == "ENABLE", self._all_or_names(), line=line)
        if word == "SET":
            self.advance()
            return t.SetTableOptions(self.parenthesized(self._option), line=line)
        if word == "REBUILD":
            self.advance()
            if self.tok.word == "PARTITION":
                self.refuse("REBUILD PARTITION")
            return t.SetTableOptions(self.with_options(), True, line=line)
        if word == "SWITCH":
            self.refuse("ALTER TABLE ... SWITCH")
        raise self.syntax_error()

    def _all_or_names(self) -> tuple[str, ...]:
        return () if self.accept("ALL") else self.comma_list(self.identifier)

    def _dropped_elements(self) -> tuple[t.DropElement, ...]:
        elements: list[t.DropElement] = []
        kind, if_exists = "CONSTRAINT", False
        while True:
            line = self.tok.line
            if self.tok.word in ("COLUMN", "CONSTRAINT"):
                kind = self.advance().word
                if_exists = self.accept("IF", "EXISTS")
            elif self.tok.word in ("INDEX", "PERIOD"):
                self.refuse(f"ALTER TABLE ... DROP {self.tok.word}")
            elements.append(t.DropElement(kind, self.identifier(), if_exists, line=line))
            if kind == "CONSTRAINT" and self.at("WITH", "("):
                self.refuse("DROP CONSTRAINT ... WITH")
            if not self.accept(","):
                return tuple(elements)

    def _alter_column(self) -> t.AlterColumn:
        line = self.tok.line
        self.expect("ALTER", "COLUMN")
        name = self.identifier()
        if self.tok.word in ("ADD", "DROP"):
            verb = self.advance().word
            what = self.expect_any("ROWGUIDCOL", "PERSISTED", "SPARSE")
            return t.AlterColumn(name, None, change=f"{verb} {what}", line=line)
        type_ = self.type_name()
        collation = self.identifier() if self.accept("COLLATE") else None
        nullable: bool | None = None
        if self.accept("NULL"):
            nullable = True
        elif self.accept("NOT"):
            self.expect("NULL")
            nullable = False
        if self.at("WITH", "(") or self.tok.word == "SPARSE":
            self.refuse(f"ALTER COLUMN ... {self.tok.word}")
        return t.AlterColumn(name, type_, nullable, collation, line=line)

    def drop(self) -> t.Statement:
        """After DROP."""
        kind = self.tok.word
        if kind == "INDEX":
            return self._drop_index()
        if kind == "PROC":
            kind = "PROCEDURE"
        if kind not in _DROPPABLE:
            if self.tok.kind is not Kind.WORD:
                self.fail()
            self.refuse(f"DROP {self.tok.value.upper()}")
        self.advance()
        if_exists = self.accept("IF", "EXISTS")
        most = _DROPPABLE[kind]
        many = kind in ("TABLE", "VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "SEQUENCE", "STATISTICS", "DATABASE")
        names = self.comma_list(lambda: self.name(most)) if many else (self.name(most),)
        if kind == "STATISTICS" and any(len(name.parts) < 2 for name in names):
            self.fail(self.prev)
        if kind == "TRIGGER" and self.tok.word == "ON":
            self.refuse("DROP TRIGGER ... ON")
        return t.Drop(kind, names, if_exists)

    def _drop_index(self) -> t.Statement:
        self.expect("INDEX")
        if_exists = self.accept("IF", "EXISTS")
        return t.DropIndex(self.comma_list(self._dropped_index), if_exists)

    def _dropped_index(self) -> t.DroppedIndex:
        line = self.tok.line
        name = self.name(4)
        if self.tok.word != "ON":
            if len(name.parts) > 1 and "" not in name.parts:
                return t.DroppedIndex(name.name, t.Name(name.parts[:-1], line=line), line=line)
            self.fail()
        if len(name.parts) > 1:
            self.fail(self.prev)
        self.expect("ON")
        table = self.name(3)
        if self.at("WITH", "("):
            self.refuse("DROP INDEX ... WITH")
        return t.DroppedIndex(name.name, table, line=line)

    # --- statistics

    def create_statistics(self) -> t.CreateStatistics:
        """After CREATE."""
        self.expect("STATISTICS")
        name = self.identifier()
        self.expect("ON")
        table = self.name(3)
        columns = self.parenthesized(self.identifier)
        where = self._filter(name)
        return t.CreateStatistics(name, table, columns, where, self._statistics_options())

    def update_statistics(self) -> t.UpdateStatistics:
        """After UPDATE."""
        self.expect("STATISTICS")
        table = self.name(3)
        names: tuple[str, ...] = ()
        if self.tok.word == "(":
            names = self.parenthesized(self.identifier)
        elif self.at_identifier() and self.prev.line == self.tok.line and not self.at_label():
            names = (self.identifier(),)
        return t.UpdateStatistics(table, names, self._statistics_options())

    def _statistics_options(self) -> tuple[t.Option, ...]:
        if self.tok.word != "WITH":
            return ()
        self.advance()
        return self.comma_list(self._statistics_option)

    def _statistics_option(self) -> t.Option:
        tok = self.tok
        word = self.expect_any(*_STATISTICS_OPTIONS)
        value: str | None = None
        if word == "SAMPLE":
            value = f"{self.integer()} {self.expect_any('PERCENT', 'ROWS')}"
        elif word == "INCREMENTAL":
            self.expect("=")
            value = "ON" if self.on_off() else "OFF"
        elif word == "MAXDOP":
            self.expect("=")
            value = str(self.integer())
        return t.Option(word, value, line=tok.line)

    # --- types, sequences, synonyms

    def create_type(self) -> t.CreateType:
        """After CREATE."""
        self.expect("TYPE")
        name = self.name(2)
        if self.accept("FROM"):
            base = self.type_name()
            nullable: bool | None = None
            if self.accept("NULL"):
                nullable = True
            elif self.accept("NOT"):
                self.expect("NULL")
                nullable = False
            return t.CreateType(name, base, nullable)
        if self.tok.word == "EXTERNAL":
            self.refuse("CREATE TYPE ... EXTERNAL NAME")
        self.expect("AS", "TABLE")
        definition = self.table_definition(named=False)
        if self.at("WITH", "("):
            self.refuse("CREATE TYPE ... WITH")
        return t.CreateType(name, None, None, definition)

    def sequence(self, *, alter: bool) -> t.CreateSequence:
        """After CREATE or ALTER."""
        self.expect("SEQUENCE")
        node = t.CreateSequence(self.name(3 if alter else 2), alter=alter)
        seen: set[str] = set()
        while self.tok.kind is Kind.WORD:
            word = self.tok.word
            option = self.peek().word if word == "NO" else word
            if option not in ("AS", "START", "INCREMENT", "MINVALUE", "MAXVALUE", "CYCLE", "CACHE", "RESTART"):
                break
            if option in seen:
                self.fail()
            seen.add(option)
            node = self._sequence_option(node)
        return node

    def _sequence_option(self, node: t.CreateSequence) -> t.CreateSequence:
        word = self.advance().word
        if word == "NO":
            what = self.expect_any("MINVALUE", "MAXVALUE", "CYCLE", "CACHE")
            if what == "CYCLE":
                return replace(node, cycle=False)
            return replace(node, no_cache=True) if what == "CACHE" else node
        if word == "AS" and not node.alter:
            return replace(node, type=self.type_name())
        if word == "START" and not node.alter:
            self.expect("WITH")
            return replace(node, start=self.integer())
        if word == "INCREMENT":
            self.expect("BY")
            return replace(node, increment=self.integer())
        if word == "MINVALUE":
            return replace(node, minimum=self.integer())
        if word == "MAXVALUE":
            return replace(node, maximum=self.integer())
        if word == "CYCLE":
            return replace(node, cycle=True)
        if word == "CACHE":
            number = self.tok.kind is Kind.INT or self.tok.word in ("-", "+")
            return replace(node, cache=self.integer() if number else None)
        if word == "RESTART" and node.alter:
            value = self.integer() if self.accept("WITH") else None
            return replace(node, restart=True, restart_value=value)
        raise SqlError(102, f"Incorrect syntax near '{word}'.", 15, 1, self.prev.line)

    def create_synonym(self) -> t.CreateSynonym:
        """After CREATE."""
        self.expect("SYNONYM")
        name = self.name(2)
        self.expect("FOR")
        return t.CreateSynonym(name, self.name())


def _is_filter(condition: t.Predicate) -> bool:
    """Whether an index may have this filter."""
    if isinstance(condition, t.And):
        return _is_filter(condition.left) and _is_filter(condition.right)
    if isinstance(condition, t.Comparison):
        return isinstance(condition.left, t.ColumnRef) and _is_constant(condition.right)
    if isinstance(condition, t.InList):
        constants = all(_is_constant(item) for item in condition.items)
        return isinstance(condition.operand, t.ColumnRef) and not condition.negated and constants
    return isinstance(condition, t.IsNull) and isinstance(condition.operand, t.ColumnRef)


def _is_constant(expr: t.Expr) -> bool:
    if isinstance(expr, t.Cast | t.Convert):
        return _is_constant(expr.operand)
    if isinstance(expr, t.Unary):
        return _is_constant(expr.operand)
    return isinstance(expr, _LITERALS)
