"""Microsoft's own T-SQL parser (ScriptDom, SQL Server 2017's grammar) as the oracle of ours.

    available()       why it cannot be used here, or None
    parse(text)       -> (errors, tree): the errors as "line: message", the tree as nested tuples

Its parts come from the Python package index: pythonnet and a .NET runtime as packages, the library itself from inside
the mssql-cli wheel. What is not installed goes into a cache of the user's. Nothing of it is part of the project.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sqlserver-notify" / "scriptdom"
_RUNTIME_PACKAGES = {"pythonnet": "pythonnet==3.2.1", "dotnetcore2": "dotnetcore2==3.1.23"}
_LIBRARY = "Microsoft.SqlServer.TransactSql.ScriptDom"
_LIBRARY_PACKAGE = "mssql-cli==1.0.0"


def _pip(*args: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *args],
        check=True,
        timeout=300,
        capture_output=True,
        text=True,
    )


def _library() -> Path:
    """The path of ScriptDom's assembly, fetched when it is not there yet."""
    path = _CACHE / f"{_LIBRARY}.dll"
    if not path.exists():
        downloads = _CACHE / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        _pip("download", "--no-deps", "--only-binary", ":all:", "-d", str(downloads), _LIBRARY_PACKAGE)
        wheel = next(downloads.glob("mssql_cli-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            member = next(n for n in archive.namelist() if n.endswith(f"/{_LIBRARY}.dll"))
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(archive.read(member))
        unfinished.replace(path)  # several test workers may arrive here at once
        wheel.unlink(missing_ok=True)
    return path


def _packages() -> None:
    """Makes pythonnet and the runtime importable, with all that they need, from a folder named after their versions."""
    if all(importlib.util.find_spec(name) for name in (*_RUNTIME_PACKAGES, "clr_loader")):
        return
    site = _CACHE / "-".join(("site", *sorted(spec.replace("==", "-") for spec in _RUNTIME_PACKAGES.values())))
    if not site.exists():
        unfinished = Path(tempfile.mkdtemp(dir=_CACHE))
        _pip("install", "--target", str(unfinished), *_RUNTIME_PACKAGES.values())
        with suppress(OSError):  # another test worker was first
            unfinished.rename(site)
        shutil.rmtree(unfinished, ignore_errors=True)
    sys.path.append(str(site))
    importlib.invalidate_caches()


@cache
def _load() -> Any:
    """ScriptDom's namespace. Raises whatever went wrong."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    _packages()
    library = _library()
    if "clr" not in sys.modules:  # a test module may have imported this one under another name: one runtime a process
        # the parser needs no culture data, hence no ICU of the right version
        os.environ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"
        config = _CACHE / "runtimeconfig.json"
        config.write_text('{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}')
        runtime = importlib.import_module("dotnetcore2")
        clr_loader = importlib.import_module("clr_loader")
        pythonnet = importlib.import_module("pythonnet")
        root = Path(str(runtime.__file__)).parent / "bin"
        pythonnet.set_runtime(clr_loader.get_coreclr(runtime_config=str(config), dotnet_root=str(root)))
    clr = importlib.import_module("clr")
    clr.AddReference(str(library))
    return importlib.import_module(_LIBRARY)


@cache
def available() -> str | None:
    """None when the oracle works, else the reason why it does not."""
    try:
        _load()
    except subprocess.CalledProcessError as e:
        return f"ScriptDom: {(e.stderr or '').strip().splitlines()[-1:]}"
    except Exception as e:  # a missing runtime, library or network: the reason is what a skipped test shows
        return f"ScriptDom: {type(e).__name__}: {e}"
    return None


def errors(text: str) -> list[str]:
    """ScriptDom's errors for a script, as "line: message"."""
    reader = importlib.import_module("System.IO").StringReader(text)
    _, found = _load().TSql140Parser(True).Parse(reader, None)
    return [f"{e.Line}: {e.Message}" for e in found]


def parse(text: str, *, quoted_identifiers: bool = True) -> tuple[list[str], Any]:
    """ScriptDom's errors for a script, and its tree without positions, parentheses, differences of spelling.

    The tree is None where there are errors.
    """
    dom = _load()
    reader = importlib.import_module("System.IO").StringReader(text)
    fragment, errors = dom.TSql140Parser(quoted_identifiers).Parse(reader, None)
    messages = [f"{e.Line}: {e.Message}" for e in errors]
    return messages, None if messages else _dump(fragment)


# --- the tree

_IGNORED = frozenset(
    """
    StartOffset FragmentLength StartLine StartColumn FirstTokenIndex LastTokenIndex ScriptTokenStream QuoteType
    LiteralType AsDefined IsLargeObject InsertOption Count Capacity Item DataType
    """.split()
)
_TRANSPARENT = {
    "ParenthesisExpression": "Expression",
    "BooleanParenthesisExpression": "Expression",
    "QueryParenthesisExpression": "QueryExpression",
    "JoinParenthesisTableReference": "Join",
}
_SPELLINGS = {
    "NotEqualToExclamation": "NotEqualToBrackets",
    "NotLessThan": "GreaterThanOrEqualTo",
    "NotGreaterThan": "LessThanOrEqualTo",
    "Ascending": "NotSpecified",
}


@cache
def _fragment_class() -> Any:
    dom = _load()
    return importlib.import_module("clr").GetClrType(dom.TSqlFragment)


_properties: dict[str, list[tuple[str, Any]]] = {}


def _type_properties(type_: Any) -> list[tuple[str, Any]]:
    name = str(type_.FullName)
    found = _properties.get(name)
    if found is None:
        found = sorted((str(p.Name), p) for p in type_.GetProperties() if str(p.Name) not in _IGNORED)
        _properties[name] = found
    return found


def _dump(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    type_ = value.GetType()
    if type_.IsEnum:
        text = str(value.ToString())
        return _SPELLINGS.get(text, text)
    if not _fragment_class().IsAssignableFrom(type_):
        if hasattr(value, "Count"):
            return tuple(_dump(item) for item in value)
        return str(value.ToString())
    return _fragment(value, type_)


def _fragment(value: Any, type_: Any) -> Any:
    kind = str(type_.Name)
    inner = _TRANSPARENT.get(kind)
    if inner is not None and not getattr(value, "OrderByClause", None) and not getattr(value, "ForClause", None):
        return _collated(_dump(getattr(value, inner)), _dump(getattr(value, "Collation", None)))
    if kind == "Identifier":
        return str(value.Value)
    dumped = [(name, _dump(p.GetValue(value))) for name, p in _type_properties(type_)]
    fields = {name: v for name, v in dumped if v is not None and v != () and v is not False}
    return _normal(kind, fields)


def _normal(kind: str, fields: dict[str, Any]) -> Any:
    """Takes away what the same meaning may be spelled with."""
    if fields.get("UniqueRowFilter") == "All":
        fields["UniqueRowFilter"] = "NotSpecified"
    if kind == "ColumnDefinition" and "Constraints" in fields:
        fields["Constraints"] = tuple(sorted(fields["Constraints"], key=repr))
    elif kind == "BinaryLiteral":
        fields["Value"] = re.sub(r"\\\r?\n", "", fields["Value"]).lower()
    elif kind in ("MaxLiteral", "RealLiteral") or kind.endswith("DataTypeReference"):
        return kind, repr(sorted(fields.items(), key=lambda f: f[0])).lower()
    elif kind == "IntegerLiteral":
        fields["Value"] = str(int(fields["Value"]))
    elif kind == "Permission":
        fields["Identifiers"] = tuple({"exec": "execute"}.get(w.lower(), w.lower()) for w in fields["Identifiers"])
    elif kind == "IdentifierOrValueExpression":
        return fields["Value"]
    elif kind == "StringLiteral":
        fields["Value"] = re.sub(r"\\\r?\n", "", fields["Value"])
    elif kind == "CreateTriggerStatement" and fields.get("TriggerType") == "For":
        fields["TriggerType"] = "After"
    elif kind == "IdentityOptions" and not fields:
        one = ("IntegerLiteral", (("Value", "1"),))
        fields = {"IdentityIncrement": one, "IdentitySeed": one}
    elif kind in ("CreateSequenceStatement", "AlterSequenceStatement"):
        fields["SequenceOptions"] = tuple(sorted(fields.get("SequenceOptions", ()), key=repr))
    elif kind == "XmlForClauseOption" and "Value" in fields:
        fields["Value"] = dict(fields["Value"][1])["Value"]
    elif kind in ("XmlForClause", "JsonForClause"):
        fields["Options"] = tuple(sorted(fields["Options"], key=repr))
    elif kind == "BackwardsCompatibleDropIndexClause":
        names = dict(fields["Index"][1])
        table = tuple(name for name in names["Identifiers"] if name != names["ChildIdentifier"])
        fields = {"Index": names["ChildIdentifier"], "Object": table}
        return "DropIndexClause", tuple(sorted(fields.items()))
    elif kind == "DropIndexClause":
        fields["Object"] = dict(fields["Object"][1])["Identifiers"]
    elif kind == "AlterTableDropTableElementStatement":
        fields["AlterTableDropTableElements"] = tuple(_dropped(fields["AlterTableDropTableElements"]))
    elif kind == "FetchType" and fields.get("Orientation") == "Next":
        return None
    elif kind == "GroupByClause" and fields.get("GroupByOption", "None") != "None":
        option = fields.pop("GroupByOption")
        items = (("Arguments", fields["GroupingSpecifications"]),)
        fields["GroupingSpecifications"] = ((f"{option}GroupingSpecification", items),)
        fields["GroupByOption"] = "None"
    collation = fields.pop("Collation", None) if kind != "ColumnDefinition" else None
    return _collated((kind, tuple(sorted((k, v) for k, v in fields.items() if v is not None))), collation)


def _dropped(elements: Any) -> Iterator[Any]:
    """DROP COLUMN a, b drops two columns: a kind holds until the next is named, and is CONSTRAINT at first."""
    current = "Constraint"
    for kind, fields in elements:
        named = dict(fields)
        if named["TableElementType"] != "NotSpecified":
            current = named["TableElementType"]
        yield kind, tuple(sorted({**named, "TableElementType": current}.items()))


def _collated(node: Any, collation: Any) -> Any:
    """COLLATE is a property of many classes, parentheses among them."""
    return ("Collated", collation, node) if collation is not None else node
