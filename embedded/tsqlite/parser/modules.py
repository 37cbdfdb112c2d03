"""Procedures, functions, views, triggers, schemas, principals, permissions."""

from __future__ import annotations

from typing import Final

from .. import tree as t
from ..errors import SqlError, sql_error
from ..lexer import Kind
from .tables import Tables

_MODULE_OPTIONS: Final = ("RECOMPILE", "ENCRYPTION", "SCHEMABINDING", "VIEW_METADATA")
_SECURABLES: Final = frozenset(
    "OBJECT SCHEMA TYPE ROLE USER DATABASE CERTIFICATE LOGIN SERVER ASSEMBLY ENDPOINT CONTRACT SERVICE".split()
)
_PERMISSIONS: Final = frozenset(
    name.strip()
    for name in """
    ALL, ALTER, ALTER ANY CONNECTION, ALTER ANY ROLE, ALTER ANY SCHEMA, ALTER ANY USER, ALTER TRACE, AUTHENTICATE,
    AUTHENTICATE SERVER, CONNECT, CONNECT SQL, CONTROL, CREATE FUNCTION, CREATE PROCEDURE, CREATE ROLE, CREATE SCHEMA,
    CREATE SEQUENCE, CREATE TABLE, CREATE TYPE, CREATE VIEW, DELETE, EXECUTE, IMPERSONATE, INSERT, REFERENCES, SELECT,
    SHOWPLAN, TAKE OWNERSHIP, UNMASK, UPDATE, VIEW ANY DATABASE, VIEW ANY DEFINITION, VIEW CHANGE TRACKING,
    VIEW DATABASE STATE, VIEW DEFINITION, VIEW SERVER STATE
    """.split(",")
)


class Modules(Tables):
    """What CREATE makes besides tables."""

    def module(self, action: str, *, first: bool) -> t.Statement:
        """CREATE | ALTER | CREATE OR ALTER of a procedure, function, view or trigger; the verb has been read.

        `first` says whether the statement is the first of its batch.
        """
        kind = self.tok.word
        if kind == "PROC":
            kind = "PROCEDURE"
        if not first:
            shown = f"CREATE/ALTER {kind}" if kind in ("PROCEDURE", "TRIGGER") else f"{action} {kind}"
            raise sql_error(111, shown, line=self.tok.line)
        self.advance()
        name = self.name(3)
        if len(name.parts) > 2:
            raise sql_error(166, f"CREATE/ALTER {kind}", line=name.line)
        if kind == "PROCEDURE":
            return self._procedure(action, name)
        if kind == "TRIGGER":
            return self._trigger(action, name)
        node = self._function(action, name) if kind == "FUNCTION" else self._view(action, name)
        self._expect_end()
        return node

    def _expect_end(self) -> None:
        """Nothing but semicolons may follow in the batch."""
        ahead = 0
        while self.peek(ahead).word == ";":
            ahead += 1
        if self.peek(ahead).kind is not Kind.END:
            self.fail(self.peek(ahead))

    def _module_options(self) -> tuple[t.Option, ...]:
        return self.comma_list(self._module_option) if self.accept("WITH") else ()

    def _module_option(self) -> t.Option:
        line = self.tok.line
        word = self.tok.word
        if word in ("EXEC", "EXECUTE"):
            self.advance()
            self.expect("AS")
            if self.tok.kind in (Kind.STRING, Kind.NSTRING):
                value = self._quoted_source()
            else:
                value = self.expect_any("CALLER", "OWNER", "SELF")
            return t.Option("EXECUTE AS", value, line=line)
        if word in ("RETURNS", "CALLED"):
            self.advance()
            if word == "CALLED":
                self.expect("ON")
            else:
                self.expect("NULL", "ON")
            self.expect("NULL", "INPUT")
            return t.Option("CALLED ON NULL INPUT" if word == "CALLED" else "RETURNS NULL ON NULL INPUT", line=line)
        if word in ("NATIVE_COMPILATION", "INLINE"):
            self.refuse(f"WITH {word}")
        return t.Option(self.expect_any(*_MODULE_OPTIONS), line=line)

    def _quoted_source(self) -> str:
        """The text of a string token, with its quotes."""
        start = self.tok
        self.string()
        return self.source(start)

    def _parameter(self) -> t.Parameter:
        line = self.tok.line
        name = self.variable()
        self.accept("AS")
        type_ = self.type_name()
        if self.tok.word == "VARYING":
            self.refuse("a CURSOR VARYING parameter")
        if self.tok.word in ("NULL", "NOT"):
            self.refuse("NULL or NOT NULL on a parameter")
        default = self.exec_value() if self.accept("=") else None
        output = readonly = False
        if self.tok.word in ("OUTPUT", "OUT"):
            self.advance()
            output = True
        elif self.accept("READONLY"):
            readonly = True
        return t.Parameter(name, type_, default, output, readonly, line=line)

    def _body_to_end(self) -> tuple[t.Statement, ...]:
        """The statements up to the end of the batch; a procedure may have none."""
        return self.statements_until_end()

    def statements_until_end(self) -> tuple[t.Statement, ...]:
        raise NotImplementedError

    def block_statements(self) -> tuple[t.Statement, ...]:
        """`BEGIN ... END` as a function's body."""
        raise NotImplementedError

    def _procedure(self, action: str, name: t.Name) -> t.CreateProcedure:
        if self.tok.word == ";" and self.peek().kind is Kind.INT:
            self.refuse("a procedure's number")
        parameters: tuple[t.Parameter, ...] = ()
        if self.tok.kind is Kind.VARIABLE:
            parameters = self.comma_list(self._parameter)
        elif self.tok.word == "(":
            parameters = self.parenthesized(self._parameter)
        options = self._module_options()
        if self.at("FOR", "REPLICATION"):
            self.refuse("FOR REPLICATION")
        self.expect("AS")
        if self.tok.word == "EXTERNAL":
            self.refuse("EXTERNAL NAME")
        return t.CreateProcedure(action, name, self.text, parameters, self._body_to_end(), options=options)

    def _function(self, action: str, name: t.Name) -> t.Statement:
        self.expect("(")
        parameters = () if self.tok.word == ")" else self.comma_list(self._parameter)
        self.expect(")")
        for parameter in parameters:
            if parameter.output:
                raise sql_error(181, line=parameter.line)
        self.expect("RETURNS")
        if self.tok.kind is Kind.VARIABLE:
            variable = self.variable()
            self.expect("TABLE")
            definition = self.table_definition(named=False)
            options = self._module_options()
            self.accept("AS")
            body = self.block_statements()
            return t.CreateTableFunction(
                action, name, self.text, parameters, variable, definition, body, options=options
            )
        if self.accept("TABLE"):
            options = self._module_options()
            self.accept("AS")
            self.expect("RETURN")
            return t.CreateInlineFunction(action, name, self.text, parameters, self._inline_query(), options=options)
        returns = self.type_name()
        options = self._module_options()
        self.accept("AS")
        if self.tok.word == "EXTERNAL":
            self.refuse("EXTERNAL NAME")
        body = self.block_statements()
        return t.CreateScalarFunction(action, name, self.text, parameters, returns, body, options=options)

    def _inline_query(self) -> t.SelectStatement:
        return self._module_query(self._inline_select())

    def _module_query(self, query: t.SelectStatement) -> t.SelectStatement:
        """The query of a view or an inline function: no order of its own, no hints."""
        self.check_subquery_order(query.query)
        if query.options:
            raise sql_error(156, "OPTION", line=query.options[0].line)
        return query

    def _inline_select(self) -> t.SelectStatement:
        if self.tok.word == "(" and (self.peek().word == "WITH" or self.at_query()):
            start = self.pos
            self.advance()
            try:
                query = self.select_statement()
                self.expect(")")
            except SqlError:
                if self.tokens[start + 1].word == "WITH":
                    raise
                self.back_to(start)
            else:
                if self.tok.word in ("", ";"):
                    return query
                self.back_to(start)
        return self.select_statement()

    def _view(self, action: str, name: t.Name) -> t.CreateView:
        columns = self.column_names()
        options = self._module_options()
        self.expect("AS")
        query = self._module_query(self.select_statement())
        check = self.accept("WITH", "CHECK", "OPTION")
        return t.CreateView(action, name, self.text, columns, query, check, options=options)

    def _trigger(self, action: str, name: t.Name) -> t.CreateTrigger:
        self.expect("ON")
        if self.tok.word in ("DATABASE", "ALL"):
            self.refuse("a DDL trigger")
        table = self.name(3)
        options = self._module_options()
        if self.accept("INSTEAD"):
            self.expect("OF")
            timing = "INSTEAD OF"
        else:
            self.expect_any("AFTER", "FOR")
            timing = "AFTER"
        events = self.comma_list(lambda: self.expect_any("INSERT", "UPDATE", "DELETE"))
        if len(set(events)) < len(events):
            self.fail(self.prev)
        if self.tok.word in ("NOT", "WITH"):
            self.refuse(f"a trigger's {self.tok.word}")
        self.expect("AS")
        body = self._body_to_end()
        if not body:
            self.fail()
        return t.CreateTrigger(action, name, self.text, table, timing, events, body, options=options)

    # --- schemas and principals

    def create_schema(self, *, first: bool) -> t.CreateSchema:
        """After CREATE."""
        line = self.expect("SCHEMA").line
        if not first:
            raise sql_error(111, "CREATE SCHEMA", line=line)
        if self.tok.word == "AUTHORIZATION":
            self.refuse("CREATE SCHEMA AUTHORIZATION without a name")
        name = self.identifier()
        owner = self.identifier() if self.accept("AUTHORIZATION") else None
        if self.tok.word in ("CREATE", "GRANT", "REVOKE", "DENY"):
            self.refuse("schema elements in CREATE SCHEMA")
        self._expect_end()
        return t.CreateSchema(name, owner)

    def create_role(self) -> t.CreateRole:
        """After CREATE."""
        self.expect("ROLE")
        name = self.identifier()
        return t.CreateRole(name, self.identifier() if self.accept("AUTHORIZATION") else None)

    def alter_role(self) -> t.AlterRole:
        """After ALTER."""
        self.expect("ROLE")
        role = self.identifier()
        if self.accept("WITH"):
            self.expect("NAME", "=")
            return t.AlterRole(role, "NAME", self.identifier())
        change = self.expect_any("ADD", "DROP")
        self.expect("MEMBER")
        return t.AlterRole(role, change, self.identifier())

    def create_user(self) -> t.CreateUser:
        """After CREATE."""
        self.expect("USER")
        name = self.identifier()
        source: str | None = None
        source_name: str | None = None
        if self.accept("WITHOUT"):
            self.expect("LOGIN")
            source = "WITHOUT LOGIN"
        elif self.tok.word in ("FOR", "FROM"):
            self.advance()
            source = self.expect_any("LOGIN", "CERTIFICATE", "ASYMMETRIC", "EXTERNAL")
            if source == "ASYMMETRIC":
                self.expect("KEY")
                source = "ASYMMETRIC KEY"
            if source == "EXTERNAL":
                self.expect("PROVIDER")
                source = "EXTERNAL PROVIDER"
            else:
                source_name = self.identifier()
        options: tuple[t.Option, ...] = ()
        if self.accept("WITH"):
            options = self.comma_list(self._user_option)
        return t.CreateUser(name, source, source_name, options)

    def _user_option(self) -> t.Option:
        tok = self.tok
        word = self.expect_any("DEFAULT_SCHEMA", "DEFAULT_LANGUAGE", "PASSWORD", "SID")
        self.expect("=")
        if word == "DEFAULT_SCHEMA":
            return t.Option(word, self.identifier(), line=tok.line)
        raise self.refusal(f"CREATE USER ... WITH {word}")

    # --- permissions

    def permission(self) -> t.ChangePermission:
        """GRANT, DENY, REVOKE."""
        action = self.advance().word
        grant_option = False
        if action == "REVOKE":
            grant_option = self.accept("GRANT", "OPTION", "FOR")
        permissions = self.comma_list(self._permission)
        securable_class: str | None = None
        securable: t.Name | None = None
        if self.accept("ON"):
            if self.tok.word in _SECURABLES and self.peek().word == "::":
                securable_class = self.advance().word
                self.advance()
            elif self.peek().word == "::" or (self.peek(2).word == "::"):
                self.refuse(f"a securable of class {self.tok.value.upper()}")
            securable = self.name()
            if self.tok.word == "(":
                self.refuse("columns behind the securable")
        self.expect_any("TO", "FROM") if action == "REVOKE" else self.expect("TO")
        principals = self.comma_list(self._principal)
        if action == "GRANT":
            grant_option = self.accept("WITH", "GRANT", "OPTION")
        cascade = action != "GRANT" and self.accept("CASCADE")
        grantor = self.identifier() if self.accept("AS") else None
        return t.ChangePermission(
            action, permissions, securable_class, securable, principals, grant_option, cascade, grantor
        )

    def _principal(self) -> str:
        if self.tok.word in ("PUBLIC", "NULL"):
            return self.advance().value
        return self.identifier()

    def _permission(self) -> t.GrantedPermission:
        start = self.tok
        words: list[str] = []
        while self.tok.kind is Kind.WORD and self.tok.word not in ("ON", "TO", "FROM"):
            words.append(self.advance().word)
        name = "EXECUTE" if words == ["EXEC"] else " ".join(words)
        if not words:
            self.fail()
        if name not in _PERMISSIONS:
            self.refuse(f"permission {name}", start.line)
        columns = self.column_names() if name in ("SELECT", "UPDATE", "REFERENCES") else ()
        return t.GrantedPermission(name, columns, line=start.line)

    # --- statements that are read but not taken apart

    def _opaque(self, kind: str, start: int) -> t.Opaque:
        return t.Opaque(kind, self.text[self.tokens[start].start : self.prev.end])

    def create_certificate(self, start: int) -> t.Opaque:
        """After CREATE, which is token `start`."""
        self.expect("CERTIFICATE")
        self.identifier()
        if self.accept("AUTHORIZATION"):
            self.identifier()
        if self.tok.word == "FROM":
            self.refuse("CREATE CERTIFICATE ... FROM")
        if self.accept("ENCRYPTION", "BY", "PASSWORD", "="):
            self.string()
        self.expect("WITH", "SUBJECT", "=")
        self.string()
        while self.accept(","):
            self.expect_any("START_DATE", "EXPIRY_DATE")
            self.expect("=")
            self.string()
        return self._opaque("CREATE CERTIFICATE", start)

    def alter_certificate(self, start: int) -> t.Opaque:
        """After ALTER."""
        self.expect("CERTIFICATE")
        self.identifier()
        if self.tok.word == "WITH":
            self.refuse("ALTER CERTIFICATE ... WITH")
        self.expect("REMOVE", "PRIVATE", "KEY")
        return self._opaque("ALTER CERTIFICATE", start)

    def signature(self, verb: str, start: int) -> t.Opaque:
        """After ADD or DROP."""
        if self.tok.word == "COUNTER":
            self.refuse("COUNTER SIGNATURE")
        self.expect("SIGNATURE")
        self.expect("TO" if verb == "ADD" else "FROM")
        if self.tok.word == "OBJECT" and self.peek().word == "::":
            self.expect("OBJECT", "::")
        self.name(3)
        self.expect("BY")
        self.comma_list(self._signer)
        return self._opaque(f"{verb} SIGNATURE", start)

    def _signer(self) -> None:
        self.expect("CERTIFICATE")
        self.identifier()
        if self.accept("WITH"):
            self.expect("PASSWORD", "=")
            self.string()

    def alter_authorization(self, start: int) -> t.Opaque:
        """After ALTER."""
        self.expect("AUTHORIZATION", "ON")
        if self.tok.word in _SECURABLES and self.peek().word == "::":
            self.advance()
            self.advance()
        self.name(3)
        self.expect("TO")
        if self.at("SCHEMA", "OWNER"):
            self.expect("SCHEMA", "OWNER")
        else:
            self.identifier()
        return self._opaque("ALTER AUTHORIZATION", start)
