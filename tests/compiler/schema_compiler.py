"""Microsoft's schema compiler (DacFx, SQL Server 2017) over one database's script: unresolved names, types, parameters.

    python schema_compiler.py SCRIPT        prints a finding a line; exit status 0 clean, 1 findings, 3 cannot run here

Parts come from the Python package index (a .NET runtime as a package; DacFx and ScriptDom from inside the mssql-cli wheel; the
OpenSSL 1.1 that this runtime wants, from inside another wheel) into a cache of the user's. Nothing of it is part of the project.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
import zipfile
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sqlserver-notify" / "dacfx"
CANNOT_RUN = 3
BROKEN = 4
LIBRARIES = (
    "Microsoft.SqlServer.TransactSql.ScriptDom",
    "Microsoft.Data.Tools.Utilities",
    "Microsoft.Data.Tools.Schema.Sql",
    "Microsoft.SqlServer.Types",
    "Microsoft.SqlServer.Dac",
    "Microsoft.SqlServer.Dac.Extensions",
)
OF_THE_SYSTEM = re.compile(r"reference to object \[(sys|INFORMATION_SCHEMA|msdb|master|tempdb)\]")
MODELLED = re.compile(r"Create(?!Database)|CreateOrAlter|AlterTableAddTableElement")


def pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True, timeout=600, capture_output=True, text=True)


def fetch() -> tuple[Path, Path]:
    """(folder of the assemblies, folder of OpenSSL 1.1), fetched once."""
    assemblies, openssl, done = CACHE / "assemblies", CACHE / "openssl", CACHE / "done"
    if not done.exists():
        downloads = CACHE / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        pip("install", "--target", str(CACHE / "site"), "pythonnet==3.2.1", "dotnetcore2==3.1.23")
        pip("download", "--no-deps", "-d", str(downloads), "mssql-cli==1.0.0")
        binary = ("--only-binary", ":all:", "--python-version", "3.10", "--platform", "manylinux2014_x86_64")
        pip("download", "--no-deps", *binary, "-d", str(downloads), "psycopg2-binary==2.9.6")
        extract(next(downloads.glob("mssql_cli-*.whl")), "mssqlcli/mssqltoolsservice/bin/", assemblies)
        extract(next(downloads.glob("psycopg2_binary-*.whl")), "psycopg2_binary.libs/", openssl)
        for library in ("ssl", "crypto"):
            link = openssl / f"lib{library}.so.1.1"
            if not link.exists():
                link.symlink_to(next(openssl.glob(f"lib{library}-*.so.1.1")).name)
        done.touch()
    return assemblies, openssl


def extract(wheel: Path, prefix: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            inner = name.removeprefix(prefix)
            if name.startswith(prefix) and inner and "/" not in inner:
                (folder / inner).write_bytes(archive.read(name))


def icu_version() -> str:
    """The system's ICU, which knows SQL Server's collations: '72.1'. The registry has none that this runtime can load."""
    for folder in (Path("/usr/lib"), Path("/usr/lib64"), Path("/lib")):
        for file in sorted(folder.glob("**/libicuuc.so.*.*")):
            return file.name.removeprefix("libicuuc.so.")
    raise OSError("no ICU on this machine (Debian: libicu72)")


def load(assemblies: Path) -> None:
    sys.path.append(str(CACHE / "site"))
    import clr_loader
    import dotnetcore2
    import pythonnet

    config = CACHE / "runtimeconfig.json"
    config.write_text('{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}')
    root = Path(str(dotnetcore2.__file__)).parent / "bin"
    pythonnet.set_runtime(clr_loader.get_coreclr(runtime_config=str(config), dotnet_root=str(root)))
    import clr

    for library in LIBRARIES:
        clr.AddReference(str(assemblies / f"{library}.dll"))


def compile_script(text: str) -> list[str]:
    """Findings as 'line: message'. Statements that a schema model cannot hold (INSERT, IF, GRANT ...) are parsed only."""
    from Microsoft.SqlServer.Dac.Model import SqlServerVersion, TSqlModel, TSqlModelOptions, TSqlObjectOptions
    from Microsoft.SqlServer.TransactSql import ScriptDom
    from System.IO import StringReader

    fragment, errors = ScriptDom.TSql140Parser(True).Parse(StringReader(text), None)
    findings = [f"{error.Line}: {error.Number}: {error.Message}" for error in errors]
    if findings:
        return findings
    model: Any = TSqlModel(SqlServerVersion.Sql140, TSqlModelOptions())
    for batch in fragment.Batches:
        for statement in batch.Statements:
            if not MODELLED.match(statement.GetType().Name):
                continue
            sql = text[statement.StartOffset : statement.StartOffset + statement.FragmentLength]
            sql = re.sub(r"(?is)^(\s*create\s+)or\s+alter\s+", r"\1", sql, count=1)  # the model knows CREATE only
            try:
                model.AddOrUpdateObjects(sql, f"{statement.StartLine}.{statement.StartOffset}", TSqlObjectOptions())
            except Exception as error:
                findings.append(f"{statement.StartLine}: {str(error).splitlines()[0]}")
    for message in model.Validate():
        if message.Number in (71501, 71502) and OF_THE_SYSTEM.search(message.Message):
            continue  # system objects are not in the model
        findings.append(f"{message.Number}: {message.Message}")
    return findings


def main(file: str) -> int:
    # the parser alone is content without cultures and says so to its whole process; the compiler needs collations
    os.environ.pop("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", None)
    try:
        icu = icu_version()
        assemblies, openssl = fetch()
        if str(openssl) not in os.environ.get("LD_LIBRARY_PATH", ""):
            path = f"{openssl}:{os.environ.get('LD_LIBRARY_PATH', '')}"
            environment = {**os.environ, "LD_LIBRARY_PATH": path, "CLR_ICU_VERSION_OVERRIDE": icu}
            # the parser, in the process that called, does without cultures; the compiler needs their collations
            environment.pop("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", None)
            os.execve(sys.executable, [sys.executable, __file__, file], environment)
        load(assemblies)
    except subprocess.CalledProcessError as error:
        print(f"its parts cannot be installed: {(error.stderr or str(error)).strip().splitlines()[-1]}")
        return CANNOT_RUN
    except Exception as error:
        print(f"it cannot be loaded: {type(error).__name__}: {error}")
        return CANNOT_RUN
    try:
        findings = compile_script(Path(file).read_text(encoding="utf-8"))
    except Exception:
        traceback.print_exc()
        return BROKEN
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
