"""Microsoft's ODBC driver for tests: found, named to unixODBC, or one line that says why not.

An installed msodbcsql18 comes first; else the driver that the wheel mssql-python-odbc carries, where it lies (it needs the
resources beside it). Its licence lets it be installed to develop and to test: nothing of it is copied or passed on.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

NAME: Final = "ODBC Driver 18 for SQL Server"
LIBRARY: Final = "libmsodbcsql-18*.so*"
NEEDED: Final = {
    "libodbc.so.2": "libodbc2",
    "libltdl.so.7": "libltdl7",
    "libkrb5.so.3": "libkrb5-3",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libssl.so.3": "libssl3",
}
"""What the driver loads, and Debian's packages that bring it."""


@cache
def reason() -> str | None:
    """Why Microsoft's driver cannot be used through pyodbc; None when it can. The first call makes it known to unixODBC."""
    if sys.platform == "win32":
        return _unusable()
    if sys.platform == "linux":
        missing = [package for library, package in NEEDED.items() if not _loads(library)]
        if missing:
            return f"apt-get install {' '.join(missing)}"
    library = _library()
    if library is None:
        return "Microsoft's ODBC driver is not installed (msodbcsql18, or pip install mssql-python)"
    folder = Path(tempfile.mkdtemp(prefix="odbc-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "odbcinst.ini").write_text(f"[{NAME}]\nDriver={library}\n", encoding="utf-8")
    # unixODBC reads this when the first connection is made, and so do processes that a test starts.
    os.environ["ODBCSYSINI"] = str(folder)
    return _unusable()


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _unusable() -> str | None:
    try:
        import pyodbc
    except ImportError as error:
        return f"pyodbc: {error}"
    return None if NAME in pyodbc.drivers() else f"pyodbc does not see {NAME}"


def _library() -> Path | None:
    found = [path.resolve() for path in _candidates()]
    return found[0] if found else None


def _candidates() -> Iterator[Path]:
    yield from sorted(Path("/opt/microsoft/msodbcsql18/lib64").glob(LIBRARY), reverse=True)
    yield from sorted(Path("/opt/homebrew/lib").glob("libmsodbcsql.18*.dylib"), reverse=True)
    wheel = importlib.util.find_spec("mssql_python_odbc")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        libraries = Path(folder, "libs", "linux")
        for family in _families():
            yield from sorted((libraries / family / platform.machine() / "lib").glob(LIBRARY), reverse=True)


def _families() -> tuple[str, ...]:
    """The wheel's folders of this Linux: the driver is built for each family."""
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        return ("debian_ubuntu",)
    names = f"{system.get('ID', '')} {system.get('ID_LIKE', '')}"
    known = {"debian": "debian_ubuntu", "ubuntu": "debian_ubuntu", "rhel": "rhel", "fedora": "rhel", "suse": "suse"}
    found = tuple(dict.fromkeys(folder for name, folder in known.items() if name in names))
    return (*found, "alpine") if "alpine" in names else found or ("debian_ubuntu",)
