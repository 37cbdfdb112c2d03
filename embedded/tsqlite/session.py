"""One connection to a database file: settings, transactions and locks, temporary objects, the statement hook.

Transactions of T-SQL and of SQLite are not the same thing. BEGIN TRANSACTION only counts; SQLite's write lock is taken
by the first write or locking read, and until then every statement reads the latest committed state.
"""

from __future__ import annotations

import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from . import clock, collation, convert, trace
from .catalog import Catalog, Column, Identity, Table, create_database, quote
from .errors import Cancelled, SqlError, Unsupported, sql_error
from .functions import SessionProtocol
from .presence import Presence
from .session_functions import SessionFunctions
from .session_state import Image, Savepoint
from .session_state import Scope as Scope
from .session_state import Settings as Settings
from .session_state import Transaction as Transaction
from .values import Storage

if TYPE_CHECKING:
    from .databases import Databases
    from .interpreter import Interpreter

TICKS_TO_1900: Final = 693_595 * 864_000_000_000
PROGRESS: Final = 20_000
"""Steps of SQLite's machine between two looks at whether the work is still wanted: well below a millisecond."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A statement boundary: `phase` is 'before', 'after' (also when the statement failed), or 'commit' (before SQLite's
    own).
    """

    phase: str
    session: Session
    database: str
    procedure: str | None
    line: int
    kind: str
    in_transaction: bool


Hook = Callable[[Boundary], None]
hooks: list[Hook] = []
living: weakref.WeakSet[Session] = weakref.WeakSet()
"""The open sessions of this process."""
openers: list[Callable[[Session], None]] = []
"""Called with each session that opens."""


def on_statement(callback: Hook) -> Callable[[], None]:
    """Call `callback` at every statement boundary of every session of this process; gives a function that ends it.

    The callback may run other sessions, raise (an exception that is no SqlError ends the batch with everything undone),
    or kill the process.
    """
    hooks.append(callback)
    return lambda: hooks.remove(callback)


class Session(SessionFunctions):
    """A connection.

    Args:
        path: the database's file, created when it is not there; ':memory:' for one that nobody else sees.
        readonly: refuse writes with error 3906, as a readable secondary does.
        timeout: seconds to wait for another writer when LOCK_TIMEOUT is -1; after them error 1205.
        synchronous: SQLite's: FULL (default), NORMAL, OFF.
        name: DB_NAME(); by default the file's name without its suffix.
        login, host, application: what SUSER_SNAME(), HOST_NAME() and APP_NAME() say.
        databases, id_: the server that the session belongs to, and @@SPID there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        readonly: bool = False,
        timeout: float = 30.0,
        synchronous: str = "FULL",
        name: str | None = None,
        login: str = "sa",
        host: str | None = None,
        application: str = "tsqlite",
        databases: Databases | None = None,
        id_: int | None = None,
    ) -> None:
        self.timeout, self.synchronous = timeout, synchronous
        self.login, self.host, self.application = login, host, application
        self.databases, self._id = databases, id_
        self.substitutes: Mapping[str, str] = {}
        """What USE opens, read-only, instead of the names in lower case: the replicas of a client that only reads."""
        self.wire: dict[str, Any] = {}
        self.closed = False
        self.cancelled = False
        self.interruptible = False
        self.running = False
        self._wake = threading.Event()
        self.settings = Settings()
        self.transaction: Transaction | None = None
        self.scopes: list[Scope] = [Scope(0)]
        self.row_count = 0
        self.error = 0
        self.last_identity: int | None = None
        self.caught: list[SqlError] = []
        self.status = 0  # @@FETCH_STATUS
        self.context: dict[str, tuple[str | None, bool]] = {}
        self.verbose_truncation = False
        self.try_depth = 0
        self.function_depth = 0
        self.insert_execute_depth = 0
        self._moment: int | None = None
        self.interpreter: Interpreter | None = None
        self._enter(path, name, readonly)
        self.home = (self.path, self.database, self.readonly)
        self.login_time = clock.now(self.path)
        living.add(self)
        for opener in openers:
            opener(self)

    def _enter(self, path: str | Path, name: str | None, readonly: bool) -> None:
        """Open a database; what belongs to the file alone begins anew."""
        self.path = str(path) if str(path) == ":memory:" else str(Path(path).resolve())
        self.db: Any = apsw.Connection(self.path, statementcachesize=1000)
        self.identity_insert: int | str | None = None
        self._statement_writing = False
        self._counters: dict[str, int] = {}
        self._drawn: dict[str, int] = {}
        self._first_rowversion: int | None = None
        self._changes: Any = None
        self._segments: list[tuple[str, Any]] = []
        self._pool: set[str] = set()
        self._freed: dict[str, str] = {}
        self._temp_identity: dict[str, int] = {}
        self._savepoints = 0
        self.prepared: dict[str, Any] = {}
        self.temp_writers: dict[str, Any] = {}
        self.system_views: dict[str, str] = {}
        self._registered = {}
        try:
            self._set_up(self.synchronous)
            self._open(name)
            properties = dict(self.db.execute("SELECT name, value FROM main._ts_database"))
        except BaseException:
            # what SQLite keeps of this session's functions would keep the file open for ever
            self.db.close()
            raise
        self.database = name or str(properties["name"])
        self.readonly = readonly or bool(properties["read_only"])
        self.presence = Presence.of(self.path)
        self.slot = self.presence.enter()
        self._catalog = Catalog(self.db, self._version())

    def _leave(self) -> None:
        self.presence.release_all((self.slot, "Session"))
        self.presence.release_all((self.slot, "Transaction"))
        self.presence.leave(self.slot)
        self.db.close()

    def use(self, name: str) -> None:
        """USE: another database of the same server. Error 911: it is not there.

        Refused where what is left behind would not be: in a transaction, with #temp tables or session locks.
        """
        substitute = self.substitutes.get(name.lower())
        if (substitute or name).lower() == self.database.lower():
            return
        if self.databases is None:
            raise Unsupported(f"USE {name} (a connection has one database)")
        found = self.databases.find(substitute or name)
        if found is None:
            raise sql_error(911, name)
        if self.transaction is not None:
            raise Unsupported(f"USE {name} in a transaction")
        if len(self.scopes) > 1:
            raise Unsupported(f"USE {name} in a dynamic text")
        if self.scopes[0].temps:
            raise Unsupported(f"USE {name} while a #temp table is open")
        if self.scopes[0].variables:
            raise Unsupported(f"USE {name} in a batch with table variables")
        if self.presence.holds((self.slot, "Session")):
            raise Unsupported(f"USE {name} while an application lock is held")
        self._move(found.path, found.name, found.read_only or substitute is not None)

    def _move(self, path: str, name: str, readonly: bool) -> None:
        self._leave()
        self._enter(path, name, readonly)

    def reset(self, *, keep_transaction: bool = False) -> None:
        """As a pooled connection is handed on (sp_reset_connection): settings, #temp tables, locks and context as after
        the login. The transaction is rolled back, unless it is kept.
        """
        if not keep_transaction:
            self.undo()
        while len(self.scopes) > 1:
            self.leave_scope()
        scope = self.scopes[0]
        for table in scope.temps.values():
            self.free_temp(table)
        self.scopes[0] = Scope(0)
        self.presence.release_all((self.slot, "Session"))
        self.settings = Settings()
        self.context = {}
        self.caught.clear()
        self.row_count = self.error = self.status = 0
        self.last_identity = self.identity_insert = None
        if self.transaction is None and (self.path, self.database, self.readonly) != self.home:
            self._move(*self.home)

    def _set_up(self, synchronous: str) -> None:
        db = self.db
        db.set_busy_timeout(0)
        db.set_progress_handler(lambda: self.cancelled and self.interruptible, PROGRESS)
        self.watcher = trace.Watcher(db)
        db.execute("PRAGMA temp_store = MEMORY")
        if synchronous.upper() not in ("OFF", "NORMAL", "FULL", "EXTRA"):
            raise ValueError(f"synchronous={synchronous}")
        self._patiently(lambda: db.execute("PRAGMA journal_mode = WAL").fetchall())
        db.execute(f"PRAGMA synchronous = {synchronous}")
        register(db, self)

    def _open(self, name: str | None) -> None:
        def there() -> bool:
            return bool(self.db.execute("SELECT 1 FROM main.sqlite_schema WHERE name = '_ts_counters'").fetchone())

        if self._patiently(there):
            return
        self._patiently(lambda: self.db.execute("BEGIN IMMEDIATE"))
        if not there():
            moment = (clock.now(self.path) - TICKS_TO_1900) * 3 // 100_000
            create_database(self.db, name or (Path(self.path).stem if self.path != ":memory:" else "memory"), moment)
        self.db.execute("COMMIT")

    def _patiently(self, action: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + max(self.timeout, 5.0)
        while True:
            try:
                return action()
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)

    def close(self) -> None:
        """Roll back what is open and leave."""
        if self.closed:
            return
        self.closed = True
        with suppress(apsw.Error):
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        self._leave()
        if self.databases is not None:
            self.databases.left(self)

    # -- cancellation

    def cancel(self) -> None:
        """End what runs, from any thread; what has not started yet will end at its first statement, until `resume`.

        The statement is undone and no CATCH sees it. The transaction stays open, or is rolled back under XACT_ABORT.
        """
        self.cancelled = True
        self._wake.set()

    def resume(self) -> None:
        """Take a cancellation back, between two runs."""
        self._wake.clear()
        self.cancelled = False

    def pause(self, seconds: float) -> None:
        """Wait, unless the session is cancelled."""
        if self._wake.wait(seconds):
            raise Cancelled(self.settings.xact_abort)

    # -- catalog

    def _version(self) -> int:
        return int(self.db.execute("SELECT value FROM main._ts_counters WHERE name = 'catalog'").get)

    @property
    def catalog(self) -> Catalog:
        """The catalog as of the last `refresh`."""
        return self._catalog

    def refresh(self) -> Catalog:
        """The catalog as it is now."""
        version = self._version()
        if version != self._catalog.version:
            self._catalog = Catalog(self.db, version)
        return self._catalog

    def changed(self) -> None:
        """The catalog has been changed by this session: give it a version that no other state of it ever had."""
        self.db.execute("UPDATE main._ts_counters SET value = ? WHERE name = 'catalog'", (secrets.randbits(62),))
        self.refresh()

    # -- clock

    def start_statement(self) -> None:
        """A new statement: its clock is read at the first use, which is after its locks are taken."""
        self._moment = None

    def utc_now(self) -> int:
        if self._moment is None:
            self._moment = clock.now(self.path)
        return self._moment

    # -- hook

    def boundary(self, phase: str, kind: str, line: int) -> None:
        """Tell the hooks."""
        module = self.scopes[-1].name
        event = Boundary(phase, self, self.path, module, line, kind, self.transaction is not None)
        for hook in list(hooks):
            hook(event)

    # -- T-SQL transactions

    def begin(self, name: str | None = None) -> None:
        """BEGIN TRANSACTION."""
        tx = self.transaction
        if tx is not None:
            tx.count += 1
            return
        begin = clock.now(self.path)
        self.transaction = Transaction(self.presence.begin(self.slot, begin, self.spid()), begin, name)

    def commit(self) -> None:
        """COMMIT. Errors 3902, 3916, 3930."""
        tx = self.transaction
        if tx is None:
            raise sql_error(3902)
        if tx.insert_execute and tx.count == 1:
            raise sql_error(3916, state=0)
        if tx.doomed:
            raise sql_error(3930)
        if tx.count > 1:
            tx.count -= 1
            return
        if tx.active:
            try:
                self._sqlite_commit()
            except BaseException:
                with suppress(apsw.Error):
                    self.db.execute("ROLLBACK")
                raise
        self._end_transaction()

    def _end_transaction(self) -> None:
        self.transaction = None
        self.presence.end(self.slot)
        self.presence.release_all((self.slot, "Transaction"))

    def rollback(self, name: str | None = None) -> None:
        """ROLLBACK of everything, or to a savepoint. Errors 3903, 3931, 6401, 3915."""
        tx = self.transaction
        if tx is None:
            raise sql_error(3903)
        if tx.insert_execute:
            raise sql_error(3915, state=0)
        if name is not None and name != tx.name:
            self._rollback_to(tx, name)
            return
        self.undo()

    def undo(self) -> None:
        """End the transaction, if there is one, with nothing done."""
        tx = self.transaction
        if tx is None:
            return
        if tx.active:
            kept = self._variable_contents()
            self._sqlite_rollback()
            self._restore_variables(kept)
        self._restore_images(tx, 0)
        self._end_transaction()

    def save(self, name: str) -> None:
        """SAVE TRANSACTION. Errors 628 without a transaction, 3930."""
        tx = self.transaction
        if tx is None:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.")
        if tx.doomed:
            raise sql_error(3930)
        point = Savepoint(name, None, 0)
        if tx.writing:
            self._open_savepoint(point, len(tx.levels))
        tx.levels.append(point)

    def _open_savepoint(self, point: Savepoint, depth: int) -> None:
        self._flush_changes()
        point.sqlite = f"_sp{depth}"
        point.segments = len(self._segments)
        self.db.execute(f"SAVEPOINT {point.sqlite}")

    def _rollback_to(self, tx: Transaction, name: str) -> None:
        for depth in range(len(tx.levels) - 1, 0, -1):
            if tx.levels[depth].name == name:  # in any collation
                break
        else:
            raise sql_error(6401, name)
        if tx.doomed:
            raise sql_error(3931)
        point = tx.levels[depth]
        if point.sqlite:
            kept = self._variable_contents()
            if self._changes is not None:
                self._changes = None
            self.db.execute(f"ROLLBACK TO {point.sqlite}")
            del self._segments[point.segments :]
            self._record_changes()
            self._forget_vanished()
            self._restore_variables(kept)
            self.refresh()
        self._restore_images(tx, depth)
        del tx.levels[depth + 1 :]
        point.images.clear()

    # -- SQLite's transactions

    def check_writable(self) -> None:
        """Errors 3906 on a read-only database, 3930 in a doomed transaction."""
        if self.readonly:
            raise sql_error(3906, self.database)
        if self.transaction is not None and self.transaction.doomed:
            raise sql_error(3930)

    def lock(self) -> bool:
        """Take the write lock for the open transaction, or for this statement alone. True: it was not held before.

        Errors: 1222 after LOCK_TIMEOUT, 1205 after the session's own time-out.
        """
        tx = self.transaction
        if tx is not None:
            if tx.writing:
                return False
            if tx.active:
                self._upgrade()
                return True
            self._begin_immediate()
            tx.active = tx.writing = True
            for depth, point in enumerate(tx.levels):
                if depth:
                    self._open_savepoint(point, depth)
            return True
        if self._statement_writing:
            return False
        self._begin_immediate()
        self._statement_writing = True
        return True

    def _upgrade(self) -> None:
        # A snapshot transaction that wants to write: SQLite lets it when nobody has written since.
        tx = self.transaction
        assert tx is not None
        try:
            self._wait(lambda: self.db.execute("UPDATE main._ts_counters SET value = value WHERE name = 'catalog'"))
        except apsw.BusyError as e:
            raise Unsupported("A write under SNAPSHOT after another transaction's commit", number=3960) from e
        tx.writing = True
        self._start_writing()

    def _begin_immediate(self) -> None:
        self._wait(lambda: self.db.execute("BEGIN IMMEDIATE"))
        self._start_writing()

    def _start_writing(self) -> None:
        self._counters.clear()
        self._drawn.clear()
        self._first_rowversion = None
        self._segments = []
        self.refresh()
        self._record_changes()

    def _wait(self, action: Callable[[], Any]) -> None:
        limit = self.settings.lock_timeout
        seconds = self.timeout if limit < 0 else limit / 1000
        deadline = time.monotonic() + seconds
        pause = 0.0005
        while True:
            try:
                action()
                return
            except apsw.BusyError as e:
                if getattr(e, "extendedresult", 0) == apsw.SQLITE_BUSY_SNAPSHOT:
                    raise
                if time.monotonic() >= deadline:
                    if limit >= 0:
                        raise sql_error(1222, state=51) from e
                    raise sql_error(1205, self.spid(), "lock", state=45) from e
                self.pause(pause)
                pause = min(pause * 2, 0.01)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A statement that writes to the database: all of it or nothing."""
        self.check_writable()
        tx = self.transaction
        self.lock()
        if tx is None:
            try:
                yield
                self._sqlite_commit()
            except BaseException:
                self._sqlite_rollback()
                raise
            finally:
                self._statement_writing = False
            return
        with self.savepoint():
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All of it or nothing, whether or not a transaction is open; takes no lock itself."""
        # Named by depth: a name of its own for each would be a text that SQLite has to prepare each time.
        name = f"_st{self._savepoints}"
        before = len(self._segments)
        self.db.execute(f"SAVEPOINT {name}")
        self._savepoints += 1
        try:
            yield
        except BaseException as e:
            # SQLite has rolled everything back by itself in a few cases (disk full, out of memory).
            if not isinstance(e, GeneratorExit) and self.db.in_transaction:
                self.db.execute(f"ROLLBACK TO {name}")
                self.db.execute(f"RELEASE {name}")
                if len(self._segments) > before:
                    self._changes = None
                    del self._segments[before:]
                    self._record_changes()
                self._forget_vanished()
                self.refresh()
            raise
        finally:
            self._savepoints -= 1
        self.db.execute(f"RELEASE {name}")

    def read(self, tables: Sequence[str], locking: bool) -> bool:
        """Before a SELECT. True: it took the write lock outside of a transaction, `read_done` gives it back."""
        tx = self.transaction
        if locking and not self.readonly and not (tx is not None and tx.doomed):
            if self.lock():
                return tx is None
            return False
        if tx is not None and not tx.active and tables and (self.readonly or self.settings.isolation == "SNAPSHOT"):
            self.db.execute("BEGIN")
            tx.active = True
        return False

    def read_done(self) -> None:
        """Give back the lock that a locking read outside of a transaction took."""
        self._statement_writing = False
        self._changes = None
        self.db.execute("COMMIT")

    def _sqlite_commit(self) -> None:
        tx = self.transaction
        if tx is None or tx.writing:
            self._flush_counters()
            self._write_log()
        if hooks:
            self.boundary("commit", "COMMIT", 0)
        self.db.execute("COMMIT")
        self._drawn.clear()

    def _sqlite_rollback(self) -> None:
        self._changes = None
        self._segments = []
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        self._forget_vanished()
        drawn, self._drawn = dict(self._drawn), {}
        if drawn and not self.readonly:
            # Identity values and rowversions are not given back.
            self._statement_writing = False
            with suppress(apsw.BusyError):
                self._patiently(lambda: self.db.execute("BEGIN IMMEDIATE"))
                self._store_counters(drawn)
                self.db.execute("COMMIT")
        self.refresh()

    # -- counters: identity, rowversion, sequences

    def counter(self, name: str) -> int | None:
        """A counter's value as this transaction sees it; None before its first use."""
        if name in self._counters:
            return self._counters[name]
        row = self.db.execute("SELECT value FROM main._ts_counters WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def set_counter(self, name: str, value: int) -> None:
        """Move a counter; the write lock is held. A rollback does not move it back."""
        self._counters[name] = self._drawn[name] = value

    def _flush_counters(self) -> None:
        if self._drawn:
            self._store_counters(self._drawn)

    def _store_counters(self, values: dict[str, int]) -> None:
        self.db.executemany("INSERT OR REPLACE INTO main._ts_counters VALUES (?, ?)", list(values.items()))

    def next_rowversion(self) -> bytes:
        """The next rowversion of the database; the write lock is held."""
        value = (self.counter("rowversion") or 0) + 1
        if self._first_rowversion is None:
            self._first_rowversion = value
        self.set_counter("rowversion", value)
        return value.to_bytes(8, "big")

    def next_identity(self, table: Table, column: Column) -> int:
        """The next identity value of a table; for a stored one the write lock is held. Error 8115 at the end of the
        type.
        """
        identity = column.identity
        assert isinstance(identity, Identity)
        last = self.identity_value(table)
        value = identity.seed if last is None else last + identity.increment
        self.set_identity(table, value)
        return value

    def identity_value(self, table: Table) -> int | None:
        """The last identity value given, None before the first."""
        if table.object_id:
            return self.counter(f"identity:{table.object_id}")
        return self._temp_identity.get(table.sqlite_name)

    def set_identity(self, table: Table, value: int | None) -> None:
        """Move the last identity value; None: as before the first row."""
        if table.object_id:
            name = f"identity:{table.object_id}"
            if value is None:
                self._counters.pop(name, None)
                self._drawn.pop(name, None)
                self.db.execute("DELETE FROM main._ts_counters WHERE name = ?", (name,))
            else:
                self.set_counter(name, value)
        elif value is None:
            self._temp_identity.pop(table.sqlite_name, None)
        else:
            self._temp_identity[table.sqlite_name] = value

    # -- the log of committed transactions

    def _record_changes(self) -> None:
        self._changes = None
        if self._catalog.logged:
            self._changes = apsw.Session(self.db, "main")
            self._changes.table_filter(lambda name: not name.startswith("_ts_log"))
            self._changes.attach()

    def _flush_changes(self) -> None:
        if self._changes is None:
            return
        self._flush_counters()
        data = self._changes.changeset()
        if data:
            self._segments.append(("changes", data))
        self._record_changes()

    def ddl(self, sql: str, bindings: Sequence[Storage] = ()) -> None:
        """Run SQLite's own DDL (or a copy that goes with it) on the database; the log gets its text instead of its
        rows.
        """
        if self._changes is None:
            self.db.execute(sql, tuple(bindings))
            return
        if bindings:
            raise ValueError("logged DDL has no parameters")
        data = self._changes.changeset()
        if data:
            self._segments.append(("changes", data))
        self._changes = None
        self.db.execute(sql)
        self._segments.append(("sql", sql))
        self._record_changes()

    def _write_log(self) -> None:
        if self._changes is None:
            return
        data = self._changes.changeset()
        self._changes = None
        segments = [*self._segments, *([("changes", data)] if data else [])]
        self._segments = []
        if segments:
            from .replica import append

            append(self.db, segments, clock.now(self.path))

    # -- temporary objects

    @property
    def scope(self) -> Scope:
        """The innermost level."""
        return self.scopes[-1]

    def temp_table(self, name: str) -> Table | None:
        """The #temp table of that name that this level sees."""
        key = name.lower()
        for scope in reversed(self.scopes):
            if key in scope.temps:
                return scope.temps[key]
        return None

    def temp_scope(self, name: str) -> Scope | None:
        """The level that a visible #temp table belongs to."""
        key = name.lower()
        return next((s for s in reversed(self.scopes) if key in s.temps), None)

    def make_temp(self, sqlite_name: str, statements: Sequence[str]) -> None:
        """Make sure that a temporary SQLite table is there and empty; `statements` create it and its indexes."""
        self._freed.pop(sqlite_name, None)
        if sqlite_name in self._pool:
            return
        for statement in statements:
            self.db.execute(statement)
        self._pool.add(sqlite_name)
        self.prepared[sqlite_name] = tuple(statements)

    def free_temp(self, table: Table) -> None:
        """The table is no longer needed: empty it, and keep it for the next one of its shape."""
        self._temp_identity.pop(table.sqlite_name, None)
        if table.sqlite_name in self._pool:
            self.db.execute(f"DELETE FROM {table.sql}")
            if self.db.in_transaction:
                self._freed[table.sqlite_name] = table.sql

    def enter_scope(self, scope: Scope) -> None:
        """A new level of execution."""
        self.scopes.append(scope)

    def leave_scope(self) -> None:
        """The innermost level ends: its temporary objects go."""
        scope = self.scopes.pop()
        if not self.closed:
            for table in (*scope.temps.values(), *scope.variables.values()):
                self.free_temp(table)

    def before_temp_change(self, scope: Scope, name: str, table: Table | None) -> None:
        """Keep a #temp table's contents for a rollback that SQLite cannot do, since it has no transaction yet."""
        tx = self.transaction
        if tx is None or tx.active:
            return
        key = f"{id(scope)}:{name.lower()}"
        images = tx.levels[-1].images
        if key not in images:
            images[key] = Image(scope, table, self._contents(table) if table else [])

    def _contents(self, table: Table) -> list[tuple[Storage, ...]]:
        names = ", ".join(["_rowid", *(quote(c.name) for c in table.columns)])
        found: list[tuple[Storage, ...]] = self.db.execute(f"SELECT {names} FROM {table.sql}").fetchall()
        return found

    def _fill(self, table: Table, rows: list[tuple[Storage, ...]]) -> None:
        self.make_temp(table.sqlite_name, self.prepared[table.sqlite_name])
        self.db.execute(f"DELETE FROM {table.sql}")
        names = ", ".join(["_rowid", *(quote(c.name) for c in table.columns)])
        marks = ", ".join("?" * (len(table.columns) + 1))
        if rows:
            self.db.executemany(f"INSERT INTO {table.sql} ({names}) VALUES ({marks})", rows)

    def _restore_images(self, tx: Transaction, depth: int) -> None:
        done: set[str] = set()
        for level in tx.levels[depth:]:
            for key, image in level.images.items():
                if key in done:
                    continue
                done.add(key)
                name = key.partition(":")[2]
                current = image.scope.temps.pop(name, None)
                if current is not None:
                    self.free_temp(current)
                if image.table is not None:
                    image.scope.temps[name] = image.table
                    self._fill(image.table, image.rows)

    def _variable_contents(self) -> list[tuple[Table, list[tuple[Storage, ...]]]]:
        return [(t, self._contents(t)) for s in self.scopes for t in s.variables.values()]

    def _restore_variables(self, kept: list[tuple[Table, list[tuple[Storage, ...]]]]) -> None:
        for table, rows in kept:
            self._fill(table, rows)

    def _forget_vanished(self) -> None:
        # A rollback takes back what was made in temp since SQLite's transaction began.
        if not self._pool and not self.system_views:
            return
        there = {name for (name,) in self.db.execute("SELECT name FROM temp.sqlite_schema")}
        for key, sql in self.system_views.items():
            if key not in there:
                self.db.execute(sql)
        # ... and gives back the rows of what was emptied for its next user.
        for name, sql in self._freed.items():
            if name in there:
                self.db.execute(f"DELETE FROM {sql}")
        self._freed.clear()
        gone = self._pool - there
        self._pool &= there
        for scope in self.scopes:
            for key in [k for k, t in scope.temps.items() if t.sqlite_name in gone]:
                del scope.temps[key]


def register(db: Any, session: SessionProtocol) -> None:
    """Give a SQLite connection the collations and functions that tables and statements use."""
    collation.register(db)
    convert.register(db, session)
    try:
        from .functions import runtime
    except ImportError:
        return
    runtime.register(db, session)
