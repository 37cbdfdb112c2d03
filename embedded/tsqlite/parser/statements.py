"""Batches and statements: control of flow, variables, SET, transactions, cursors, the dispatch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .. import tree as t
from ..errors import sql_error
from ..lexer import RESERVED, Kind
from .core import ASSIGNMENT_OPS
from .modules import Modules

_ON_OFF: Final = frozenset(
    """
    NOCOUNT XACT_ABORT ANSI_NULLS QUOTED_IDENTIFIER ANSI_PADDING ANSI_WARNINGS ANSI_NULL_DFLT_ON
    ANSI_NULL_DFLT_OFF ANSI_DEFAULTS ARITHABORT ARITHIGNORE CONCAT_NULL_YIELDS_NULL CURSOR_CLOSE_ON_COMMIT
    FMTONLY FORCEPLAN IMPLICIT_TRANSACTIONS NOEXEC NUMERIC_ROUNDABORT PARSEONLY REMOTE_PROC_TRANSACTIONS
    SHOWPLAN_ALL SHOWPLAN_TEXT SHOWPLAN_XML NO_BROWSETABLE
    """.split()
)
MOST_ARGUMENTS: Final = 20
"""Of RAISERROR after its state."""
_WITH_VALUE: Final = frozenset(
    """
    LOCK_TIMEOUT DEADLOCK_PRIORITY DATEFORMAT DATEFIRST LANGUAGE ROWCOUNT TEXTSIZE CONTEXT_INFO
    QUERY_GOVERNOR_COST_LIMIT
    """.split()
)
_WORD_VALUES: Final = {
    "DEADLOCK_PRIORITY": ("LOW", "NORMAL", "HIGH"),
    "DATEFORMAT": ("MDY", "DMY", "YMD", "YDM", "MYD", "DYM"),
}
_RESERVED_VALUES: Final = ("NULL", "CASE", "COALESCE", "NULLIF", "CONVERT", "TRY_CONVERT", "CURRENT_TIMESTAMP")
_STATISTICS: Final = ("IO", "TIME", "PROFILE", "XML")
_CURSOR_OPTIONS: Final = frozenset(
    """
    LOCAL GLOBAL FORWARD_ONLY SCROLL STATIC KEYSET DYNAMIC FAST_FORWARD READ_ONLY SCROLL_LOCKS OPTIMISTIC TYPE_WARNING
    """.split()
)
_REFUSED: Final = frozenset(
    """
    MERGE BACKUP RESTORE BULK KILL CHECKPOINT SHUTDOWN RECONFIGURE READTEXT WRITETEXT UPDATETEXT SETUSER LINENO
    """.split()
)
_SWITCHES: Final = """
    READ_COMMITTED_SNAPSHOT ALLOW_SNAPSHOT_ISOLATION AUTO_CLOSE AUTO_SHRINK AUTO_CREATE_STATISTICS ANSI_WARNINGS
    AUTO_UPDATE_STATISTICS AUTO_UPDATE_STATISTICS_ASYNC ANSI_NULL_DEFAULT ANSI_NULLS ANSI_PADDING ARITHABORT DB_CHAINING
    CONCAT_NULL_YIELDS_NULL NUMERIC_ROUNDABORT QUOTED_IDENTIFIER RECURSIVE_TRIGGERS CURSOR_CLOSE_ON_COMMIT TRUSTWORTHY
    """.split()
_STANDALONE: Final = ("READ_ONLY", "READ_WRITE", "SINGLE_USER", "MULTI_USER", "RESTRICTED_USER", "ONLINE", "OFFLINE")
# what an option of a database may be; () stands alone, "=" takes a number
_DATABASE_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_SWITCHES, ("ON", "OFF")),
    **dict.fromkeys(
        ("READ_ONLY", "READ_WRITE", "SINGLE_USER", "MULTI_USER", "RESTRICTED_USER", "ONLINE", "OFFLINE"), ()
    ),
    "RECOVERY": ("FULL", "SIMPLE", "BULK_LOGGED"),
    "PAGE_VERIFY": ("CHECKSUM", "TORN_PAGE_DETECTION", "NONE"),
    "PARAMETERIZATION": ("SIMPLE", "FORCED"),
    "CURSOR_DEFAULT": ("LOCAL", "GLOBAL"),
    "COMPATIBILITY_LEVEL": ("=",),
}
_DBCC_OPTIONS: Final = frozenset(
    """
    NO_INFOMSGS TABLERESULTS ALL_ERRORMSGS PHYSICAL_ONLY STAT_HEADER DENSITY_VECTOR HISTOGRAM TABLOCK ESTIMATEONLY
    COUNT_ROWS
    """.split()
)
_VERBS: Final = frozenset({"ENABLE", "DISABLE", "SEND", "RECEIVE", "MOVE", "GET"})
_DBCC: Final = frozenset(
    """
    CHECKIDENT CHECKDB CHECKTABLE CHECKCONSTRAINTS DROPCLEANBUFFERS FREEPROCCACHE FREESYSTEMCACHE INPUTBUFFER OPENTRAN
    SHOW_STATISTICS SQLPERF TRACEON TRACEOFF TRACESTATUS UPDATEUSAGE USEROPTIONS
    """.split()
)
_MODULES: Final = ("PROCEDURE", "PROC", "FUNCTION", "VIEW", "TRIGGER")
# unreserved words that begin a statement only together with the word behind them
_PAIRS: Final = {
    ("ENABLE", "TRIGGER"): "ENABLE TRIGGER",
    ("DISABLE", "TRIGGER"): "DISABLE TRIGGER",
    ("SEND", "ON"): "SEND",
    ("RECEIVE", "TOP"): "RECEIVE",
    ("MOVE", "CONVERSATION"): "MOVE CONVERSATION",
    ("GET", "CONVERSATION"): "GET CONVERSATION",
}


class Statements(Modules):
    """The whole grammar: see `parse`."""

    def __init__(self, text: str, *, quoted_identifiers: bool = True) -> None:
        super().__init__(text, quoted_identifiers=quoted_identifiers)
        self._first = False
        self._first_here = False
        self._methods: dict[str, Callable[[], t.Statement]] = {
            "SELECT": self._select,
            "(": self._select,
            "WITH": self._with,
            "INSERT": self.insert,
            "UPDATE": self.update,
            "DELETE": self.delete,
            "TRUNCATE": self.truncate,
            "EXEC": self.execute,
            "EXECUTE": self.execute,
            "DECLARE": self._declare,
            "SET": self._set,
            "IF": self._if,
            "WHILE": self._while,
            "BREAK": lambda: self._word(t.Break()),
            "CONTINUE": lambda: self._word(t.Continue()),
            "BEGIN": self._begin,
            "THROW": self._throw,
            "RAISERROR": self._raiserror,
            "PRINT": self._print,
            "RETURN": self._return,
            "GOTO": self._goto,
            "WAITFOR": self._waitfor,
            "USE": self._use,
            "COMMIT": self._commit,
            "ROLLBACK": self._rollback,
            "SAVE": self._save,
            "OPEN": lambda: t.OpenCursor(self._cursor_after()),
            "FETCH": self._fetch,
            "CLOSE": self._close,
            "DEALLOCATE": lambda: t.DeallocateCursor(self._cursor_after()),
            "CREATE": self._create,
            "ALTER": self._alter,
            "DROP": self._drop,
            "GRANT": self.permission,
            "REVOKE": self.permission,
            "DENY": self.permission,
            "REVERT": self._revert,
            "DBCC": self._dbcc,
            "ADD": self._add_signature,
        }

    # --- batches and lists

    def batch(self) -> t.Batch:
        """Everything up to the end."""
        self._first = True
        statements = self.statements_until_end()
        return t.Batch(statements, self.text, line=1)

    def statements_until_end(self) -> tuple[t.Statement, ...]:
        statements: list[t.Statement] = []
        while True:
            while self.accept(";"):
                pass
            if self.tok.kind is Kind.END:
                return tuple(statements)
            statements.append(self._next_statement(bool(statements)))

    def _statements_until(self, end: str) -> tuple[t.Statement, ...]:
        """At least one statement, up to the word `end`, which is left."""
        statements: list[t.Statement] = []
        while True:
            while self.accept(";"):
                pass
            if self.tok.word == end:
                if not statements:
                    self.fail()
                return tuple(statements)
            statements.append(self._next_statement(bool(statements)))

    def _next_statement(self, has_predecessor: bool) -> t.Statement:
        # WITH and THROW are words that could go on with the statement before them
        if has_predecessor and self.prev.word != ";":
            if self.tok.word == "WITH":
                raise self.with_error(self.tok)
            if self.tok.word == "THROW":
                self.fail()
        return self.statement()

    def statement(self) -> t.Statement:
        """One statement, without its semicolon; sets its line and span."""
        start = self.tok
        first = self._first_here = self._first
        self._first = False
        node = self._dispatch(first)
        object.__setattr__(node, "line", start.line)
        object.__setattr__(node, "span", (start.start, self.prev.end))
        return node

    def _dispatch(self, first: bool) -> t.Statement:
        tok = self.tok
        method = self._methods.get(tok.word)
        if method is not None:
            return method()
        if tok.word in _REFUSED:
            self.refuse(tok.word)
        if self.at_identifier():
            if self.at_label():
                self.advance()
                self.advance()
                return t.Label(tok.value)
            construct = _PAIRS.get((tok.word, self.peek().word))
            if construct is not None:
                self.refuse(construct)
            if tok.word in _VERBS:
                self.refuse(tok.word)
            if first:
                return self.implicit_execute()
        raise self.syntax_error()

    def _word(self, node: t.Statement) -> t.Statement:
        self.advance()
        return node

    def at_statement_word(self) -> bool:
        return self.at_label() or (self.tok.word, self.peek().word) in _PAIRS

    # --- queries

    def _select(self) -> t.Statement:
        if self.tok.word == "(" and not self.at_query():
            self.fail()
        return self.select_statement(into=True)

    def _with(self) -> t.Statement:
        ctes = self.ctes()
        word = self.tok.word
        if word == "INSERT":
            return self.insert(ctes)
        if word == "UPDATE":
            return self.update(ctes)
        if word == "DELETE":
            return self.delete(ctes)
        if word == "MERGE":
            self.refuse("MERGE")
        return self.select_statement(ctes, into=True)

    # --- control of flow

    def _if(self) -> t.Statement:
        self.expect("IF")
        condition = self.condition()
        then = self._nested()
        otherwise: t.Statement | None = None
        # a semicolon may stand before ELSE
        start = self.pos
        while self.accept(";"):
            pass
        if self.accept("ELSE"):
            otherwise = self._nested()
        else:
            self.back_to(start)
        return t.If(condition, then, otherwise)

    def _nested(self) -> t.Statement:
        """The statement governed by IF, ELSE or WHILE."""
        if self.tok.kind is Kind.END:
            self.fail()
        return self.statement()

    def _while(self) -> t.Statement:
        self.expect("WHILE")
        return t.While(self.condition(), self._nested())

    def _begin(self) -> t.Statement:
        self.expect("BEGIN")
        word = self.tok.word
        if word in ("TRAN", "TRANSACTION"):
            self.advance()
            return self._begin_transaction()
        if word == "TRY":
            return self._try()
        if word == "DISTRIBUTED":
            self.refuse("BEGIN DISTRIBUTED TRANSACTION")
        if word in ("DIALOG", "CONVERSATION") or (word == "ATOMIC" and self.peek().word == "WITH"):
            self.refuse(f"BEGIN {word}")
        statements = self._statements_until("END")
        self.expect("END")
        return t.Block(statements)

    def block_statements(self) -> tuple[t.Statement, ...]:
        self.expect("BEGIN")
        statements = self._statements_until("END")
        self.expect("END")
        return statements

    def _try(self) -> t.Statement:
        self.expect("TRY")
        body = self._statements_until("END")
        self.expect("END", "TRY")
        self.expect("BEGIN", "CATCH")
        handler = () if self.tok.word == "END" else self._statements_until("END")
        self.expect("END", "CATCH")
        return t.TryCatch(body, handler)

    def _throw(self) -> t.Statement:
        self.expect("THROW")
        if self.tok.kind not in (Kind.INT, Kind.VARIABLE):
            return t.Throw()
        number = self._constant_or_variable(Kind.INT)
        self.expect(",")
        message = self._constant_or_variable(Kind.STRING, Kind.NSTRING)
        self.expect(",")
        return t.Throw(number, message, self._constant_or_variable(Kind.INT))

    def _constant_or_variable(self, *kinds: Kind) -> t.Expr:
        """A variable or a literal of these kinds, by default a whole number (it may be negative) or a string."""
        tok = self.tok
        if kinds and tok.kind is not Kind.VARIABLE and tok.kind not in kinds:
            self.fail()
        if tok.kind is Kind.VARIABLE:
            self.advance()
            return t.Variable(tok.value, line=tok.line)
        if tok.word == "-":
            self.advance()
            if self.tok.kind is not Kind.INT:
                self.fail()
            number = self.literal()
            assert number is not None
            return t.Unary("-", number, line=tok.line)
        if tok.kind is Kind.INT or tok.kind in (Kind.STRING, Kind.NSTRING):
            literal = self.literal()
            assert literal is not None
            return literal
        raise self.syntax_error()

    def _raiserror(self) -> t.Statement:
        self.expect("RAISERROR")
        if self.tok.word != "(":
            self.refuse("RAISERROR without parentheses")
        self.expect("(")
        message = self._constant_or_variable()
        self.expect(",")
        severity = self._raiserror_number()
        self.expect(",")
        state = self._raiserror_number()
        args: tuple[t.Expr, ...] = ()
        if self.accept(","):
            args = self.comma_list(self._raiserror_argument)
        if len(args) > MOST_ARGUMENTS:
            raise sql_error(2747, MOST_ARGUMENTS, line=self.prev.line)
        self.expect(")")
        options: tuple[str, ...] = ()
        if self.tok.word == "WITH" and self.peek().word in ("NOWAIT", "LOG", "SETERROR"):
            self.advance()
            options = self.comma_list(lambda: self.expect_any("NOWAIT", "LOG", "SETERROR"))
        return t.Raiserror(message, severity, state, args, options)

    def _raiserror_number(self) -> t.Expr:
        if self.tok.word == "-":
            return self._constant_or_variable()
        return self._constant_or_variable(Kind.INT)

    def _raiserror_argument(self) -> t.Expr:
        if self.tok.kind is Kind.VARIABLE or self.tok.word == "-":
            return self._constant_or_variable()
        literal = self.literal()
        if literal is None:
            self.fail()
        return literal

    def _print(self) -> t.Statement:
        self.expect("PRINT")
        value = self.value()
        self.without_subquery(value)
        return t.Print(value)

    def _return(self) -> t.Statement:
        self.expect("RETURN")
        return t.Return(self.value() if self._at_value() else None)

    def _at_value(self) -> bool:
        """Whether an expression starts here, and not the next statement."""
        tok = self.tok
        if tok.kind is Kind.WORD:
            if tok.word in RESERVED:
                return tok.word in _RESERVED_VALUES or (tok.word in ("LEFT", "RIGHT") and self.peek().word == "(")
            return not self.at_statement_word()
        if tok.kind is Kind.OP:
            return tok.word in ("(", "-", "+", "~")
        return tok.kind is not Kind.END

    def _goto(self) -> t.Statement:
        self.expect("GOTO")
        return t.Goto(self.identifier())

    def _waitfor(self) -> t.Statement:
        self.expect("WAITFOR")
        if self.tok.word == "(":
            self.refuse("WAITFOR (statement)")
        kind = self.expect_any("DELAY", "TIME")
        return t.WaitFor(kind, self._constant_or_variable(Kind.STRING, Kind.NSTRING))

    def _use(self) -> t.Statement:
        self.expect("USE")
        return t.Use(self.identifier())

    # --- transactions

    def _transaction_name(self) -> str | None:
        if self.tok.kind is Kind.VARIABLE or (self.at_identifier() and not self.at_label()):
            return self.advance().value
        return None

    def _begin_transaction(self) -> t.Statement:
        name = self._transaction_name()
        mark: str | None = None
        if name is not None and self.at("WITH", "MARK"):
            self.expect("WITH", "MARK")
            mark = self.string() if self.tok.kind in (Kind.STRING, Kind.NSTRING) else ""
        return t.BeginTransaction(name, mark)

    def _end_transaction(self) -> str | None:
        name: str | None = None
        if self.tok.word in ("TRAN", "TRANSACTION"):
            self.advance()
            name = self._transaction_name()
        elif self.tok.word == "WORK":
            self.advance()
        if self.at("WITH", "("):
            self.refuse("COMMIT ... WITH")
        return name

    def _commit(self) -> t.Statement:
        self.expect("COMMIT")
        return t.Commit(self._end_transaction())

    def _rollback(self) -> t.Statement:
        self.expect("ROLLBACK")
        return t.Rollback(self._end_transaction())

    def _save(self) -> t.Statement:
        self.expect("SAVE")
        self.expect_any("TRAN", "TRANSACTION")
        name = self._transaction_name()
        if name is None:
            self.fail()
        return t.SaveTransaction(name)

    # --- variables

    def _declare(self) -> t.Statement:
        self.expect("DECLARE")
        if self.at_identifier():
            return self._declare_cursor()
        if self.tok.kind is Kind.VARIABLE:
            as_ = self.peek().word == "AS"
            if self.peek(2 if as_ else 1).word == "TABLE":
                name = self.variable()
                self.accept("AS")
                self.expect("TABLE")
                return t.DeclareTable(name, self.table_definition(named=False))
        return t.Declare(self.comma_list(self._declaration))

    def _declaration(self) -> t.VariableDeclaration:
        line = self.tok.line
        name = self.variable()
        self.accept("AS")
        type_ = self.type_name()
        return t.VariableDeclaration(name, type_, self.value() if self.accept("=") else None, line=line)

    def _declare_cursor(self) -> t.Statement:
        name = self.identifier()
        before: list[str] = []
        while self.tok.word in ("INSENSITIVE", "SCROLL"):
            before.append(self.advance().word)
        self.expect("CURSOR")
        options, query, for_update = self._cursor_definition()
        return t.DeclareCursor(name, (*before, *options), query, for_update)

    def _cursor_definition(self) -> tuple[tuple[str, ...], t.SelectStatement, tuple[str, ...] | None]:
        options: list[str] = []
        while self.tok.word in _CURSOR_OPTIONS:
            options.append(self.advance().word)
        self.expect("FOR")
        query = self.select_statement()
        for_update: tuple[str, ...] | None = None
        if self.accept("FOR"):
            if self.accept("READ"):
                self.expect("ONLY")
                options.append("READ_ONLY")
            else:
                self.expect("UPDATE")
                for_update = self.comma_list(self.identifier) if self.accept("OF") else ()
        return tuple(options), query, for_update

    def _set(self) -> t.Statement:
        self.expect("SET")
        tok = self.tok
        word = tok.word
        if tok.kind is Kind.VARIABLE:
            return self._set_variable()
        if word == "TRANSACTION":
            return self._set_isolation()
        if word == "IDENTITY_INSERT":
            self.advance()
            name = self.name(3)
            return t.SetIdentityInsert(name, self.on_off())
        if word == "STATISTICS":
            self.advance()
            kinds = self.comma_list(lambda: self.expect_any(*_STATISTICS))
            return t.SetOption(tuple(f"STATISTICS {kind}" for kind in kinds), self.on_off())
        if word in _WITH_VALUE:
            return self._set_value()
        if word in _ON_OFF:
            options = self.comma_list(lambda: self.expect_any(*_ON_OFF))
            return t.SetOption(options, self.on_off())
        if word in ("OFFSETS", "ERRLVL", "FIPS_FLAGGER"):
            self.refuse(f"SET {word}")
        if self.at_identifier():
            # SQL Server's own words for an option that it does not know
            self.fail(self.peek() if self.peek().kind is Kind.WORD and self.peek().word not in RESERVED else tok)
        raise self.syntax_error()

    def _set_variable(self) -> t.Statement:
        variable = self.variable()
        if self.tok.word == ".":
            self.refuse("a mutator method in SET")
        if self.tok.word not in ASSIGNMENT_OPS:
            self.fail()
        op = self.advance().word
        if op == "=" and self.tok.word == "CURSOR":
            self.advance()
            options, query, for_update = self._cursor_definition()
            return t.DeclareCursor(variable, options, query, for_update)
        return t.SetVariable(variable, op, self.value())

    def _set_isolation(self) -> t.Statement:
        self.expect("TRANSACTION", "ISOLATION", "LEVEL")
        word = self.expect_any("READ", "REPEATABLE", "SERIALIZABLE", "SNAPSHOT")
        if word == "READ":
            word = f"READ {self.expect_any('UNCOMMITTED', 'COMMITTED')}"
        elif word == "REPEATABLE":
            self.expect("READ")
            word = "REPEATABLE READ"
        return t.SetIsolation(word)

    def _set_value(self) -> t.Statement:
        option = self.advance().word
        tok = self.tok
        if tok.kind is Kind.VARIABLE and option != "QUERY_GOVERNOR_COST_LIMIT":
            return t.SetValue(option, self._constant_or_variable())
        words = _WORD_VALUES.get(option)
        if words is not None and tok.word in words:
            self.advance()
            return t.SetValue(option, t.Bareword(tok.value, line=tok.line))
        if option == "LANGUAGE" and (self.at_identifier() or tok.kind in (Kind.STRING, Kind.NSTRING)):
            if self.at_identifier():
                return t.SetValue(option, t.Bareword(self.advance().value, line=tok.line))
            return t.SetValue(option, self._constant_or_variable())
        if option == "CONTEXT_INFO":
            if tok.kind is not Kind.BINARY:
                self.fail()
            return t.SetValue(option, self.value())
        if option in ("DATEFORMAT", "LANGUAGE"):
            self.fail()
        if tok.kind is not Kind.INT and (tok.word != "-" or option in ("ROWCOUNT", "DATEFIRST")):
            self.fail()
        return t.SetValue(option, self._constant_or_variable())

    # --- cursors

    def _cursor_after(self) -> str:
        """The cursor named behind the verb."""
        self.advance()
        return self._cursor()

    def _cursor(self) -> str:
        if self.tok.kind is Kind.VARIABLE:
            return self.variable()
        if self.tok.word == "GLOBAL" and (self.peek().kind in (Kind.WORD, Kind.QUOTED)):
            self.refuse("GLOBAL in the use of a cursor")
        return self.identifier()

    def _close(self) -> t.Statement:
        if self.peek().word in ("MASTER", "SYMMETRIC", "ALL") and self.peek(2).word in ("KEY", "SYMMETRIC"):
            self.refuse("CLOSE KEY")
        return t.CloseCursor(self._cursor_after())

    def _fetch(self) -> t.Statement:
        self.expect("FETCH")
        direction = "NEXT"
        offset: t.Expr | None = None
        if self.tok.word in ("NEXT", "PRIOR", "FIRST", "LAST") and self.peek().word == "FROM":
            direction = self.advance().word
            self.expect("FROM")
        elif self.tok.word in ("ABSOLUTE", "RELATIVE"):
            direction = self.advance().word
            offset = self._constant_or_variable()
            self.expect("FROM")
        else:
            self.accept("FROM")
        cursor = self._cursor()
        into = self.comma_list(self.variable) if self.accept("INTO") else ()
        return t.FetchCursor(cursor, direction, offset, into)

    # --- DDL

    def _create(self) -> t.Statement:
        start = self.pos
        self.expect("CREATE")
        word = self.tok.word
        if self.at("OR", "ALTER"):
            self.expect("OR", "ALTER")
            if self.tok.word not in _MODULES:
                self.fail()
            return self.module("CREATE OR ALTER", first=self._first_here)
        if word in _MODULES:
            return self.module("CREATE", first=self._first_here)
        if word in ("UNIQUE", "CLUSTERED", "NONCLUSTERED", "INDEX", "COLUMNSTORE"):
            return self.create_index()
        if word == "SCHEMA":
            return self.create_schema(first=self._first_here)
        method: dict[str, Callable[[], t.Statement]] = {
            "TABLE": self.create_table,
            "TYPE": self.create_type,
            "STATISTICS": self.create_statistics,
            "SEQUENCE": lambda: self.sequence(alter=False),
            "SYNONYM": self.create_synonym,
            "ROLE": self.create_role,
            "USER": self.create_user,
        }
        if word in method:
            return method[word]()
        if word == "CERTIFICATE":
            return self.create_certificate(start)
        if self.tok.kind is not Kind.WORD:
            self.fail()
        raise self.refusal(f"CREATE {word}")

    def _alter(self) -> t.Statement:
        start = self.pos
        self.expect("ALTER")
        word = self.tok.word
        if word in _MODULES:
            return self.module("ALTER", first=self._first_here)
        if word == "DATABASE" and self.peek().word not in ("SCOPED", "AUDIT", "ENCRYPTION"):
            return self._alter_database()
        method: dict[str, Callable[[], t.Statement]] = {
            "TABLE": self.alter_table,
            "INDEX": self.alter_index,
            "SEQUENCE": lambda: self.sequence(alter=True),
            "ROLE": self.alter_role,
        }
        if word in method:
            return method[word]()
        if word == "CERTIFICATE":
            return self.alter_certificate(start)
        if word == "AUTHORIZATION":
            return self.alter_authorization(start)
        if self.tok.kind is not Kind.WORD:
            self.fail()
        raise self.refusal(f"ALTER {word}")

    def _drop(self) -> t.Statement:
        start = self.pos
        self.expect("DROP")
        if self.tok.word in ("SIGNATURE", "COUNTER"):
            return self.signature("DROP", start)
        return self.drop()

    def _add_signature(self) -> t.Statement:
        start = self.pos
        self.expect("ADD")
        if self.tok.word not in ("SIGNATURE", "COUNTER"):
            self.fail()
        return self.signature("ADD", start)

    def _alter_database(self) -> t.Statement:
        self.expect("DATABASE")
        database = None if self.accept("CURRENT") else self.identifier()
        if self.tok.word != "SET":
            self.refuse(f"ALTER DATABASE ... {self.tok.word}")
        self.expect("SET")
        options = self.comma_list(self._database_option)
        termination: str | None = None
        if self.accept("WITH"):
            start = self.tok
            if not self.accept("NO_WAIT"):
                self.expect("ROLLBACK")
                if self.accept("AFTER"):
                    self.integer()
                    self.accept("SECONDS")
                else:
                    self.expect("IMMEDIATE")
            termination = self.source(start).upper()
        return t.AlterDatabaseSet(database, options, termination)

    def _database_option(self) -> t.Option:
        tok = self.tok
        if tok.kind is not Kind.WORD:
            self.fail()
        values = _DATABASE_OPTIONS.get(tok.word)
        if values is None:
            self.refuse(f"ALTER DATABASE ... SET {tok.word}")
        self.advance()
        if values == ():
            return t.Option(tok.word, line=tok.line)
        if values == ("=",):
            self.expect("=")
            if self.tok.kind is not Kind.INT:
                self.fail()
            return t.Option(f"{tok.word} =", self.advance().value, line=tok.line)
        return t.Option(tok.word, self.expect_any(*values), line=tok.line)

    def _revert(self) -> t.Statement:
        self.expect("REVERT")
        if self.at("WITH", "COOKIE"):
            self.refuse("REVERT WITH COOKIE")
        return t.Revert()

    def _dbcc(self) -> t.Statement:
        self.expect("DBCC")
        if self.tok.kind is not Kind.WORD:
            self.fail()
        if self.tok.word not in _DBCC:
            self.refuse(f"DBCC {self.tok.word}")
        command = self.advance().word
        args: tuple[t.Expr, ...] = ()
        if self.accept("("):
            if self.tok.word != ")":
                args = self.comma_list(self.exec_value)
            self.expect(")")
        options: list[str] = []
        if self.accept("WITH"):
            while True:
                if self.tok.word not in _DBCC_OPTIONS:
                    self.fail()
                options.append(self.advance().word)
                if not self.accept(","):
                    break
        return t.Dbcc(command, args, tuple(options))
