"""The text alternative of an HTML mail, made once: the template without its markup, rendered like any template.

A mail's text then costs a second, smaller rendering instead of a parse of its HTML (1 to 2 ms). What the source alone
cannot tell, markup that comes out of an expression, makes a template not derivable: then each mail is converted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from notify import styles

__all__ = ["from_html", "is_derivable", "strip_markup", "tidy"]

# Markers that survive the collapsing of white space: a line's end, a paragraph's end, a cell's end, and a line's end
# within a cell that stands beside others: there it would tear the row apart.
LINE, PARAGRAPH, CELL, COMMA = "\x01", "\x02", "\x03", "\x04"

ENDS: Final = {
    **dict.fromkeys(("br", "/div", "/tr", "/li", "/dd", "/dt", "/caption"), LINE),
    **dict.fromkeys(("/p", "/table", "/ul", "/ol", "/dl", "/blockquote", "hr", "/pre"), PARAGRAPH),
    **dict.fromkeys((f"{slash}h{level}" for level in range(1, 7) for slash in ("", "/")), PARAGRAPH),
    **dict.fromkeys(("/td", "/th"), CELL),
    "li": "- ",
}
"""Tag → what it becomes; any other tag becomes nothing."""

VOID: Final = frozenset({"area", "br", "col", "hr", "img", "input", "source", "wbr"})

# In this order: what is dropped whole, what is Mako's own and stays, expressions, markup.
TOKEN: Final = re.compile(
    r"(?P<dropped><!--.*?-->|<!DOCTYPE[^>]*>|<head\b.*?</head\s*>|<style\b.*?</style\s*>|<script\b.*?</script\s*>)"
    r"|(?P<mako><%doc>.*?</%doc>|<%!?\s.*?%>|<%[a-z:]+\b[^>]*>|</%[^>]*>|^[ \t]*(?:##|%(?!%))[^\n]*$|\\\n)"
    r"|(?P<expression>\$\{(?:[^{}]|\{[^{}]*\})*\})"
    rf"|(?P<tag></?[a-z][a-z0-9]*(?:{styles.EXPRESSION}|{styles.QUOTED}|[^<>\"'$])*>)",
    re.I | re.S | re.M,
)
HREF: Final = re.compile(rf"\shref\s*=\s*({styles.QUOTED})", re.I)
CLASS: Final = re.compile(r"""\sclass\s*=\s*["']([^"']*)["']""", re.I)
ARIA_HIDDEN: Final = re.compile(r"""\saria-hidden\s*=\s*["']true["']""", re.I)
QUERY: Final = re.compile(r"\?(?![^{]*\})")
"""Where an address' query begins: not inside of an expression."""
SILENT_LINKS: Final = ("tel:", "sms:", "#")


class Row(NamedTuple):
    """An open table row: the visible cells so far, and where among the pieces its cells' line breaks are."""

    cells: list[str]
    breaks: list[int]


def is_derivable(sources: Iterable[str]) -> bool:
    """Whether the sources' markup is all in the sources."""
    return not any(styles.UNESCAPED.search(source) for source in sources)


def strip_markup(source: str, hidden: frozenset[str] = frozenset()) -> str:
    """A template's source without its markup; Mako's preprocessor for text alternatives.

    Args:
        hidden: classes whose elements are not shown (display: none). Ornament, aria-hidden="true", is left out too.
    """
    pieces: list[str] = []
    links: list[tuple[str, int]] = []
    rows: list[Row] = []
    skipping = ""
    depth = end = 0
    for match in TOKEN.finditer(source):
        literal = source[end : match.start()]
        if not skipping:
            pieces.append(html.unescape(literal) if "&" in literal else literal)
        end = match.end()
        kind, text = match.lastgroup, match.group()
        if kind == "mako":
            # Control flow stays even where what it controls is not shown.
            pieces.append(text)
        elif kind == "tag":
            name = re.match(r"</?([a-z][a-z0-9]*)", text, re.I)
            assert name is not None
            tag = ("/" if text[1] == "/" else "") + name[1].lower()
            if skipping:
                depth += {skipping: 1, "/" + skipping: -1}.get(tag, 0)
                skipping = skipping if depth else ""
                continue
            classes = CLASS.search(text)
            is_hidden = classes is not None and not hidden.isdisjoint(classes[1].split())
            if (is_hidden or ARIA_HIDDEN.search(text)) and tag not in VOID and not text.endswith("/>"):
                skipping, depth = tag, 1
                continue
            _row(tag, rows, pieces)
            pieces.append(_tag(tag, text, links, pieces))
        elif kind == "expression" and not skipping:
            pieces.append(text)
    literal = source[end:]
    pieces.append(html.unescape(literal) if "&" in literal else literal)
    return "".join(pieces)


def _row(tag: str, rows: list[Row], pieces: list[str]) -> None:
    """Keeps account of table rows; when one of several cells ends, the line breaks in its cells become commas."""
    if tag == "tr":
        rows.append(Row([], []))
    elif not rows:
        return
    elif tag in ("td", "th"):
        rows[-1].cells.append(tag)
    elif tag == "br":
        rows[-1].breaks.append(len(pieces))
    elif tag == "/tr":
        row = rows.pop()
        if len(row.cells) > 1:
            for index in row.breaks:
                pieces[index] = COMMA


def _tag(tag: str, text: str, links: list[tuple[str, int]], pieces: list[str]) -> str:
    """What a tag becomes; a link's address follows its words, unless they are the address."""
    if tag == "a":
        found = HREF.search(text)
        links.append((html.unescape(found[1][1:-1]) if found is not None else "", len(pieces)))
        return ""
    if tag == "/a" and links:
        link, start = links.pop()
        if link.startswith("mailto:"):
            link = QUERY.split(link.removeprefix("mailto:"), maxsplit=1)[0]
        words = "".join(pieces[start:]).strip()
        return f" ({link})" if link and link != words and not link.startswith(SILENT_LINKS) else ""
    return ENDS.get(tag, "")


SPACE: Final = re.compile(r"[ \t\r\n\f\v]+")
ENDS_OF_LINES: Final = re.compile(r"[ \x03\x04]*([\x01\x02])[ \x01-\x04]*")
CELLS: Final = re.compile(r"[ \x04]*\x03+[ \x04]*")
COMMAS: Final = re.compile(r"([,;:.!?]?) ?\x04[ \x04]*")


def tidy(text: str) -> str:
    """What a stripped template printed, as lines: white space collapsed as HTML does it, at most one empty line."""

    def ended(match: re.Match[str]) -> str:
        return "\n\n" if PARAGRAPH in match.group() else "\n"

    text = CELLS.sub("\x03", SPACE.sub(" ", text))
    text = ENDS_OF_LINES.sub(ended, text).strip(" \n" + CELL + COMMA)
    return COMMAS.sub(lambda match: (match[1] or ",") + " ", text).replace(CELL, "  ").strip()


def from_html(document: str) -> str:
    """A text alternative from one mail's HTML."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig

    text = get_text(document, ParserConfig(display_links=True))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()
