"""CSS in e-mail: clients that drop <style> need every rule in the elements themselves.

`Sheet` does it once, in the template's source, for what can be decided there: rules for tags, classes and ids (``td``,
``.price``, ``td.price``, ``.lines td``) and elements whose class is written out. What cannot (a class that a record
decides, ``td:first-child``, an ancestor in another file) makes the sheet not static, and then `inline` does it for each
mail with css-inline. Media queries and states like ``:hover`` stay in <style>, for dark mode and phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

__all__ = ["Sheet", "hidden_classes", "inline"]

STYLE: Final = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.I | re.S)
# A layout may leave a place in its <style> for what its children add.
CHILD_STYLES: Final = re.compile(r"""<%def\s+name=["']styles\(\)["']\s*>(.*?)</%def>""", re.S)
COMMENT: Final = re.compile(r"/\*.*?\*/", re.S)
SELECTOR: Final = re.compile(r"^([a-z][a-z0-9]*)?((?:\.[\w-]+)*)(#[\w-]+)?$", re.I)
DYNAMIC: Final = re.compile(r"\$\{|<%|^\s*%", re.M)
UNESCAPED: Final = re.compile(r"\|\s*(?:\w+\s*,\s*)*n\s*[,}]|<%text\b|context\.write")
"""Expressions that print markup of their own."""
STATE: Final = re.compile(r"::|:(?:hover|active|focus|visited|link|target|focus-within|focus-visible)\b", re.I)
"""Never an element's own style."""
# Every alternative begins with another character, so that no text can be read in two ways (and no search backtracks).
EXPRESSION: Final = r"\$\{[^}]*\}|\$(?!\{)"
QUOTED: Final = rf"""\"(?:{EXPRESSION}|[^\"$])*\"|'(?:{EXPRESSION}|[^'$])*'"""
ATTRIBUTE: Final = re.compile(rf"\s(class|id|style)\s*=\s*({QUOTED})", re.I)
STYLE_ATTRIBUTE: Final = re.compile(rf"\sstyle\s*=\s*({QUOTED})", re.I)
# In this order: what is no markup of the mail, Mako's own, expressions, tags (attributes may hold ${...} and ">").
TOKEN: Final = re.compile(
    r"(?P<opaque><style\b.*?</style\s*>|<script\b.*?</script\s*>|<!--.*?-->|<%doc>.*?</%doc>|<%!?\s.*?%>"
    r"|^[ \t]*##[^\n]*$)"
    r"|(?P<mako></?%[a-z:]+\b[^>]*>|^[ \t]*%(?!%)[^\n]*$)"
    r"|(?P<expression>\$\{(?:[^{}]|\{[^{}]*\})*\})"
    rf"|(?P<tag><(?P<slash>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?:{EXPRESSION}|{QUOTED}|[^<>\"'$])*)>)",
    re.I | re.S | re.M,
)
VOID: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
DEFINED: Final = re.compile(r"""<%(?:def|block)\s+name\s*=\s*["'](\w+)|<%namespace\b[^>]*\bname\s*=\s*["'](\w+)""")
SPACES: Final = ("self", "next", "parent", "local", "caller", "capture")
"""Names through which one template prints another's markup."""


class _Simple(NamedTuple):
    tag: str
    classes: frozenset[str]
    identity: str

    def matches(self, element: _Simple) -> bool:
        return (
            self.tag in ("", element.tag)
            and self.classes <= element.classes
            and self.identity in ("", element.identity)
        )


class _Rule(NamedTuple):
    specificity: tuple[int, int, int]
    order: int
    ancestors: tuple[_Simple, ...]
    subject: _Simple
    declarations: str

    def matches(self, element: _Simple, inside: list[_Simple]) -> bool:
        if not self.subject.matches(element):
            return False
        wanted = list(self.ancestors)
        for outer in reversed(inside):
            if wanted and wanted[-1].matches(outer):
                wanted.pop()
        return not wanted


class _Undecided(Exception):
    """The source alone cannot say which rules an element matches."""


@lru_cache(maxsize=1)
def _inliner() -> Any:
    import css_inline

    # Style elements stay for media queries; a stylesheet on the network is never fetched.
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def inline(html: str) -> str:
    """One mail with its CSS in the elements."""
    result: str = _inliner().inline(html)
    return result


def hidden_classes(sources: Iterable[str]) -> frozenset[str]:
    """Classes of elements that are not shown: a rule of their own says display: none."""
    found: set[str] = set()
    for source in sources:
        for block in STYLE.findall(source):
            for selectors, declarations in _top_level_rules(COMMENT.sub("", block)):
                if re.search(r"display\s*:\s*none", declarations):
                    found.update(item.strip()[1:] for item in selectors.split(",") if item.strip().startswith("."))
    return frozenset(found)


class Sheet:
    """The style rules of one template with its layouts and partials, applied to their sources."""

    def __init__(self) -> None:
        self.is_static = False
        self._rules: list[_Rule] = []

    def read(self, texts: Iterable[str]) -> None:
        """Reads the rules of a template and of everything it names, and decides whether their source can be inlined.

        Args:
            texts: the sources, the template's own first, then those of its layouts.
        """
        sources = list(texts)
        try:
            # A layout's rules come before what its children add to them.
            for text in reversed(sources):
                self._read_rules(text)
            self._rules.sort(key=lambda rule: (rule.specificity, rule.order))
            self._check(sources)
        except _Undecided:
            self.is_static = False
        else:
            self.is_static = True

    def inline_source(self, text: str) -> str:
        """Mako's preprocessor: start tags outside of code get the style of the rules that match them."""
        if not self.is_static or not self._rules:
            return text
        pieces: list[str] = []
        end = 0
        for match, inside in _walk(text):
            if match.lastgroup == "tag" and not match["slash"]:
                replacement = self._styled(match, inside)
            elif match.lastgroup == "opaque" and match.group()[:6].lower() == "<style":
                replacement = STYLE.sub(_without_inlined, match.group())
            else:
                continue
            pieces.append(text[end : match.start()])
            pieces.append(replacement)
            end = match.end()
        pieces.append(text[end:])
        return "".join(pieces)

    def _read_rules(self, text: str) -> None:
        for block in (*STYLE.findall(text), *CHILD_STYLES.findall(text)):
            css = COMMENT.sub("", block.replace("${self.styles()}", ""))
            if DYNAMIC.search(css):
                raise _Undecided
            for selectors, declarations in _top_level_rules(css):
                if "!important" in declarations:
                    raise _Undecided
                for selector in selectors.split(","):
                    if not STATE.search(selector):
                        self._rules.append(_rule(selector, declarations, len(self._rules)))

    def _check(self, sources: list[str]) -> None:
        """Markup and classes are written out; and where an ancestor matters, it stands in the same file."""
        if any(UNESCAPED.search(text) for text in sources):
            raise _Undecided
        nested = [rule for rule in self._rules if rule.ancestors]
        names = {name for text in sources for pair in DEFINED.findall(text) for name in pair if name}
        inserted = re.compile(rf"\b(?:{'|'.join([*SPACES, *sorted(names)])})\s*[.(]")
        reached = outside = False
        for text in sources:
            for match, inside in _walk(text, strict=bool(nested)):
                kind = match.lastgroup
                if kind == "tag" and not match["slash"]:
                    for name, value in ATTRIBUTE.findall(match["attributes"]):
                        if name.lower() != "style" and DYNAMIC.search(value):
                            raise _Undecided
                    element = _element(match)
                    outside |= any(
                        rule.subject.matches(element) and not rule.matches(element, inside) for rule in nested
                    )
                elif (kind == "expression" and inserted.search(match.group())) or (
                    kind == "mako" and match.group().startswith("<%") and ":" in match.group()
                ):
                    reached |= any(
                        outer.matches(item) for rule in nested for outer in rule.ancestors for item in inside
                    )
        if reached and outside:
            raise _Undecided

    def _styled(self, match: re.Match[str], inside: list[_Simple]) -> str:
        element = _element(match)
        declarations = [rule.declarations for rule in self._rules if rule.matches(element, inside)]
        if not declarations:
            return match.group()
        attributes: str = match["attributes"]
        own = STYLE_ATTRIBUTE.search(attributes)
        if own is not None:
            declarations.append(own[1][1:-1].strip().rstrip(";"))
            attributes = STYLE_ATTRIBUTE.sub("", attributes)
        attributes, closing = attributes.rstrip(), ""
        if attributes.endswith("/"):
            attributes, closing = attributes[:-1].rstrip(), " /"
        return f'<{match["name"]}{attributes} style="{_merged(declarations)}"{closing}>'


def _element(match: re.Match[str]) -> _Simple:
    found = {name.lower(): value[1:-1] for name, value in ATTRIBUTE.findall(match["attributes"])}
    return _Simple(match["name"].lower(), frozenset(found.get("class", "").split()), found.get("id", ""))


def _walk(text: str, *, strict: bool = False) -> Iterator[tuple[re.Match[str], list[_Simple]]]:
    """The tokens of a source, each with the elements that are open there, outermost first.

    Raises:
        _Undecided: if `strict`, where a branch of control flow leaves elements open.
    """
    inside: list[_Simple] = []
    depths: list[int] = []
    for match in TOKEN.finditer(text):
        yield match, inside
        if match.lastgroup == "tag":
            name = match["name"].lower()
            if match["slash"]:
                for index in range(len(inside) - 1, -1, -1):
                    if inside[index].tag == name:
                        del inside[index:]
                        break
            elif name not in VOID and not match["attributes"].rstrip().endswith("/"):
                inside.append(_element(match))
        elif strict and match.lastgroup == "mako":
            word = re.match(r"\s*%\s*(\w+)", match.group())
            if word is None:
                continue
            if word[1] in ("if", "for", "while", "try", "with"):
                depths.append(len(inside))
            elif not depths or len(inside) != depths[-1]:
                raise _Undecided
            elif word[1].startswith("end"):
                depths.pop()


def _blocks(css: str) -> Iterator[tuple[str, str, str]]:
    """(head, body, whole text) of each rule and each at-rule with a block."""
    position = 0
    while (brace := css.find("{", position)) >= 0:
        head = css[position:brace]
        if head.lstrip().startswith("@") and ";" in head:
            # @import or @charset before this rule.
            position += head.rindex(";") + 1
            head = css[position:brace]
        end = _block_end(css, brace)
        yield head.strip(), css[brace + 1 : end - 1], css[position:end].strip()
        position = end


def _top_level_rules(css: str) -> list[tuple[str, str]]:
    """(selectors, declarations) outside of at-rules."""
    return [(head, " ".join(body.split()).rstrip(";")) for head, body, _ in _blocks(css) if not head.startswith("@")]


def _without_inlined(match: re.Match[str]) -> str:
    """A <style> element with what cannot be in the elements: media queries, states. The rest would be there twice."""
    content = match[1]
    place = "${self.styles()}" in content
    css = COMMENT.sub("", content.replace("${self.styles()}", ""))
    kept = [whole for head, _, whole in _blocks(css) if head.startswith("@") or STATE.search(head)]
    if place:
        kept.append("${self.styles()}")
    return match.group().replace(content, "\n" + "\n".join(kept) + "\n") if kept else ""


def _block_end(css: str, brace: int) -> int:
    depth = 0
    for index in range(brace, len(css)):
        depth += {"{": 1, "}": -1}.get(css[index], 0)
        if depth == 0:
            return index + 1
    return len(css)


def _rule(selector: str, declarations: str, order: int) -> _Rule:
    """A rule for one selector: simple ones, each the ancestor of the next."""
    parts: list[_Simple] = []
    for part in selector.split():
        match = SELECTOR.match(part)
        if match is None:
            raise _Undecided
        classes = frozenset((match.group(2) or "").split(".")[1:])
        parts.append(_Simple((match.group(1) or "").lower(), classes, (match.group(3) or "")[1:]))
    if not parts:
        raise _Undecided
    specificity = (
        sum(1 for part in parts if part.identity),
        sum(len(part.classes) for part in parts),
        sum(1 for part in parts if part.tag),
    )
    return _Rule(specificity, order, tuple(parts[:-1]), parts[-1], declarations.replace('"', "'"))


def _merged(declarations: list[str]) -> str:
    """Declarations in order; of one property the last wins, and stands where it was set last."""
    properties: dict[str, str] = {}
    for block in declarations:
        for item in _split_declarations(block):
            name, colon, value = item.partition(":")
            if colon and name.strip():
                key = name.strip().lower()
                properties.pop(key, None)
                properties[key] = value.strip()
    return "; ".join(f"{name}: {value}" for name, value in properties.items())


def _split_declarations(block: str) -> list[str]:
    """At semicolons outside of parentheses and quotes (url(data:...;base64,...))."""
    parts: list[str] = []
    depth, quote, start = 0, "", 0
    for index, character in enumerate(block):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "({":
            depth += 1
        elif character in ")}":
            depth -= 1
        elif character == ";" and depth == 0:
            parts.append(block[start:index])
            start = index + 1
    parts.append(block[start:])
    return parts
