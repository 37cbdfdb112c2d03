"""Templates to messages: Mako, strictly; CSS inlined; a text alternative; nothing a record holds can break out.

A template is named without its ending: ``price_reduced`` is

- ``price_reduced.html.mako`` for e-mail, which defines ``subject()``, and
- ``price_reduced.text.mako``, the text alternative, if it is there (else it is the HTML template without its markup),
- ``price_reduced.sms.mako`` for SMS.

Fields are the columns of the merge-field procedure's row. ``lines_json`` is ``lines`` in a template: lists and objects
with exact Decimals, whose members are attributes (``line.price``). NULL prints as nothing; a field that is not there is
an error.
Filters: those of `notify.filters` (``${price | money}``, also ``${money(price)}``).
"""

from __future__ import annotations

import difflib
import functools
import html as html_entities
import inspect
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from notify import filters, plaintext, styles
from notify.errors import RenderError
from notify.segments import Segments, count_segments

if TYPE_CHECKING:
    from mako.lookup import TemplateLookup
    from mako.template import Template

__all__ = ["BODY_LIMIT", "Record", "Rendered", "Renderer", "merge_fields", "parse_json"]

BODY_LIMIT: Final = 2 * 1024 * 1024
"""Bytes (UTF-8) of HTML and text together; mail servers take 10 MB and more, readers do not."""

REASON_LIMIT: Final = 400
"""Characters of a reason, as change.reason holds."""

SUBJECT_LIMIT: Final = 400

SUFFIXES: Final = {"email": ".html.mako", "sms": ".sms.mako", "push": ".push.mako"}
TEXT_SUFFIX: Final = ".text.mako"
NAMED_FILE: Final = re.compile(r"""<%(?:inherit|namespace|include)\b[^>]*?\bfile\s*=\s*["']([^"'$]+)["']""")


class Rendered(NamedTuple):
    """One message's content; what a channel has not is None."""

    subject: str | None
    html: str | None
    text: str | None
    segments: Segments | None = None


class Record(dict[str, Any]):
    """An object of a ``*_json`` column; its members are attributes."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no member {name!r}; there are: {', '.join(self) or 'none'}") from None


def parse_json(text: str) -> Any:
    """A ``*_json`` column's value: numbers with a point are Decimals, exact to the last digit."""
    import json

    return json.loads(text, parse_float=Decimal, object_hook=Record)


def merge_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A merge row as a template sees it.

    Raises:
        RenderError: a ``*_json`` column does not hold JSON.
    """
    fields = dict(row)
    for name, value in row.items():
        if name.endswith("_json"):
            try:
                parsed = [] if value is None else parse_json(value)
            except (ValueError, TypeError) as error:
                raise RenderError(f"column {name} does not hold JSON: {error}") from error
            fields[name] = fields[name.removesuffix("_json")] = parsed
    return fields


# --- what templates may call -----------------------------------------------------------------------------------------


def plain(value: Any) -> str:
    """A value as text: NULL is nothing; a list or a filter's name is a mistake of the template."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, list | dict):
        raise RenderError("a list or object is printed as a whole: loop over it, or name a member")
    if callable(value):
        raise RenderError(f"{getattr(value, '__name__', value)!r} is a filter, not a field of this record")
    if isinstance(value, bytes):
        return value.hex().upper()
    return str(value)


def escaped(value: Any) -> str:
    """`plain`, safe in HTML text and quoted attributes.

    It runs for every expression: no call more than it needs, and looking for a character is much cheaper than replacing
    what is not there.
    """
    text: str = value if type(value) is str else plain(value)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&#34;")
    if "'" in text:
        text = text.replace("'", "&#39;")
    return text


def _after_default(filter_: Callable[..., str]) -> Callable[..., str]:
    """A filter that takes what the default filter made of a NULL as NULL; Mako applies the default filter first."""

    @functools.wraps(filter_)
    def filtered(value: Any, *options: Any, **named: Any) -> str:
        return "" if value is None or value == "" else filter_(value, *options, **named)

    return filtered


HELPERS: Final[dict[str, Any]] = {name: _after_default(getattr(filters, name)) for name in filters.__all__}
"""In every template; a field of the same name wins, and then the filter is an error instead of a wrong text."""


# --- loading and rendering -------------------------------------------------------------------------------------------


class _Page:
    """A compiled template or def, with what Mako would find out again about it at every rendering.

    The same steps as Mako's own ``render_unicode``, which inspects the callable's signature each time: a quarter of
    what a short text costs.
    """

    def __init__(self, template: Template) -> None:
        from mako.runtime import Context, _render_context
        from mako.util import FastEncodingBuffer

        spec = inspect.getfullargspec(template.callable_)
        self._template = template
        self._takes_all = spec.varkw is not None
        self._names = tuple(name for name in (*spec.args, *spec.kwonlyargs) if name != "context")
        self._parts = Context, FastEncodingBuffer, _render_context

    def render(self, data: Mapping[str, Any]) -> str:
        """The text for these fields."""
        make_context, make_buffer, run = self._parts
        context = make_context(make_buffer(), **data)
        context._outputting_as_unicode = True
        context._set_with_template(self._template)
        named = data if self._takes_all else {name: data[name] for name in self._names if name in data}
        run(self._template, self._template.callable_, context, **named)
        text: str = context._pop_buffer().getvalue()
        # Its namespaces hold the context, and it holds them: parted, they go at once, not when garbage is collected.
        context._data.clear()
        context.namespaces.clear()
        return text


class _Loaded(NamedTuple):
    page: _Page
    subject: _Page | None
    text: _Page | None
    is_derived: bool
    is_inlined: bool
    files: dict[Path, int]


class Renderer:
    """Compiled templates of one process; threads share it.

    Args:
        directories: searched in order; the shipped layouts come last.
        max_sms_segments: a longer SMS is an error.
    """

    def __init__(self, directories: Sequence[Path], *, max_sms_segments: int = 10) -> None:
        self._directories = tuple(directories)
        self._max_sms_segments = max_sms_segments
        self._loaded: dict[tuple[str, str], _Loaded] = {}
        self._lock = threading.Lock()

    def render(self, channel: str, template: str, fields: Mapping[str, Any]) -> Rendered:
        """One message.

        Args:
            fields: as `merge_fields` returns them.

        Raises:
            RenderError: with file, line and what to do; short enough for a change's reason.
        """
        loaded = self._load(channel, template)
        context = {**HELPERS, **fields}
        try:
            if channel != "email":
                return self._short_message(loaded.page.render(context).strip(), template)
            html = loaded.page.render(context)
            subject = loaded.subject.render(context) if loaded.subject is not None else ""
            text = loaded.text.render(context) if loaded.text is not None else None
        except Exception as error:
            raise _told(error, template, fields) from error
        if not loaded.is_inlined:
            html = styles.inline(html)
        if text is None:
            text = plaintext.from_html(html)
        else:
            text = plaintext.tidy(text) if loaded.is_derived else text.strip()
        # Characters are at most four bytes: most mails need no closer look.
        size = len(html) + len(text)
        if size > BODY_LIMIT // 4 and (size := len(html.encode()) + len(text.encode())) > BODY_LIMIT:
            raise RenderError(f"template {template}: the body is {size / 1048576:.1f} MB; the limit is 2 MB")
        return Rendered(_one_line(subject, template), html.strip(), text)

    def refresh(self) -> None:
        """Forgets templates whose files changed. Called once a batch: looking at files costs more than rendering."""
        with self._lock:
            for key, loaded in list(self._loaded.items()):
                if any(_modified(file) != at for file, at in loaded.files.items()):
                    del self._loaded[key]

    def problem(self, channel: str, template: str) -> str | None:
        """Why a template cannot be used; None when it compiles."""
        try:
            self._load(channel, template)
        except RenderError as error:
            return str(error)
        return None

    def names(self, channel: str) -> list[str]:
        """The templates there are for a channel."""
        suffix = SUFFIXES[channel]
        found = {
            file.relative_to(directory).as_posix().removesuffix(suffix)
            for directory in self._directories
            for file in directory.rglob(f"*{suffix}")
        }
        return sorted(name for name in found if not name.startswith(("layouts/", "partials/")))

    def _short_message(self, text: str, template: str) -> Rendered:
        if not text:
            raise RenderError(f"template {template}: the message is empty")
        segments = count_segments(text)
        if segments.number > self._max_sms_segments:
            raise RenderError(
                f"template {template}: the message takes {segments.number} SMS segments ({segments.units} units, "
                f"{segments.encoding}); the limit is {self._max_sms_segments}"
            )
        return Rendered(None, None, text, segments)

    def _load(self, channel: str, name: str) -> _Loaded:
        loaded = self._loaded.get((channel, name))
        if loaded is None:
            with self._lock:
                loaded = self._loaded.get((channel, name))
                if loaded is None:
                    loaded = self._loaded[channel, name] = self._compile(channel, name)
        return loaded

    def _compile(self, channel: str, name: str) -> _Loaded:
        from mako import exceptions

        if channel not in SUFFIXES:
            raise RenderError(f"channel {channel!r} is not one of {', '.join(SUFFIXES)}")
        if ".." in name.split("/"):
            raise RenderError(f"template {name}: a name stays inside of its folder")
        base = name
        for suffix in (*SUFFIXES.values(), TEXT_SUFFIX):
            base = base.removesuffix(suffix)
        uri = "/" + base + SUFFIXES[channel]
        sheet = styles.Sheet() if channel == "email" else None
        lookup = self._lookup(sheet)
        try:
            chain = self._chain(uri)
            if sheet is not None:
                sheet.read(chain.values())
            template = lookup.get_template(uri)
            subject = text = None
            is_derived = False
            if channel == "email":
                if not template.has_def("subject"):
                    raise RenderError(f'template {name}: there is no <%def name="subject()">...</%def>')
                subject = _Page(template.get_def("subject"))
                text_uri = "/" + base + TEXT_SUFFIX
                plain_lookup = self._lookup(None)
                if plain_lookup.has_template(text_uri):
                    text = _Page(plain_lookup.get_template(text_uri))
                    chain.update(self._chain(text_uri))
                elif plaintext.is_derivable(chain.values()):
                    is_derived = True
                    strip = functools.partial(plaintext.strip_markup, hidden=styles.hidden_classes(chain.values()))
                    text = _Page(self._lookup(None, strip).get_template(uri))
        except exceptions.TemplateLookupException as error:
            near = difflib.get_close_matches(base, self.names(channel), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            folders = ", ".join(str(directory) for directory in self._directories)
            raise RenderError(f"template {name}: no file {uri[1:]} in {folders}{hint}") from error
        except (exceptions.CompileException, exceptions.SyntaxException) as error:
            raise RenderError(f"template {name}: {error}"[:REASON_LIMIT]) from error
        is_inlined = sheet is not None and sheet.is_static
        return _Loaded(
            _Page(template), subject, text, is_derived, is_inlined, {file: _modified(file) for file in chain}
        )

    def _lookup(self, sheet: styles.Sheet | None, preprocessor: Callable[[str], str] | None = None) -> TemplateLookup:
        from mako.lookup import TemplateLookup

        return TemplateLookup(
            directories=[str(directory) for directory in self._directories],
            input_encoding="utf-8",
            strict_undefined=True,
            filesystem_checks=False,
            default_filters=["notify_text" if sheet is None else "notify_html"],
            imports=["from notify.render import escaped as notify_html, plain as notify_text"],
            preprocessor=sheet.inline_source if sheet is not None else preprocessor,
        )

    def _chain(self, uri: str) -> dict[Path, str]:
        """The sources of a template and of all that it inherits, includes or imports, its own first."""
        found: dict[Path, str] = {}
        waiting, seen = [uri], {uri}
        while waiting:
            name = waiting.pop(0)
            for directory in self._directories:
                file = directory / name.lstrip("/")
                if file.is_file() and file.resolve().is_relative_to(directory.resolve()):
                    found[file] = file.read_text(encoding="utf-8")
                    for named in NAMED_FILE.findall(found[file]):
                        full = named if named.startswith("/") else f"{name.rpartition('/')[0]}/{named}"
                        if full not in seen:
                            seen.add(full)
                            waiting.append(full)
                    break
        return found


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


LINE_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _one_line(subject: str, template: str) -> str:
    """A header's value: line breaks and control characters become spaces, so that no record can add a header."""
    line = " ".join((html_entities.unescape(subject) if "&" in subject else subject).split())
    if not line.isprintable():
        line = LINE_BREAKS.sub(" ", line).strip()
    if not line:
        raise RenderError(f"template {template}: the subject is empty")
    return line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 1] + "…"


def _told(error: Exception, template: str, fields: Mapping[str, Any]) -> RenderError:
    """The error of a template's run as a reason: where it is, what is missing, what there is."""
    from mako.exceptions import RichTraceback

    where = template
    try:
        records = [record for record in RichTraceback(error=error, traceback=error.__traceback__).records if record[4]]
        if records:
            line = records[-1][5]
            where = Path(records[-1][4]).name + (f", line {line}" if line else "")
    except Exception:
        # The place is a courtesy; without it the reason still stands.
        where = template
    words = str(error) or type(error).__name__
    if isinstance(error, NameError):
        match = re.search(r"'(\w+)' is not defined", words)
        if match:
            near = difflib.get_close_matches(match.group(1), list(fields), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(fields))}"
            words = f"the merge-field procedure returns no column {match.group(1)}; {hint}"
    elif not isinstance(error, RenderError):
        words = f"{type(error).__name__}: {words}"
    text = f"template {where}: {words}"
    return RenderError(text if len(text) <= REASON_LIMIT else text[: REASON_LIMIT - 1] + "…")
