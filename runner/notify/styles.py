"""CSS in e-mail: clients that drop <style> need every rule in the elements themselves.

`Sheet` does it once, in the template's source, for what can be decided there: rules with a plain selector (``td``,
``.price``, ``td.price``, ``#logo``) and elements whose class is written out. A rule that needs more (``.card td``, or a
class that a record decides) makes the sheet not static, and then `inline` does it for each mail with css-inline. Media
queries and ``:hover`` stay in <style>, for dark mode and phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

__all__ = ["Sheet", "inline"]

STYLE: Final = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.I | re.S)
# A layout may leave a place in its <style> for what its children add.
CHILD_STYLES: Final = re.compile(r"""<%def\s+name=["']styles\(\)["']\s*>(.*?)</%def>""", re.S)
COMMENT: Final = re.compile(r"/\*.*?\*/", re.S)
SELECTOR: Final = re.compile(r"^([a-z][a-z0-9]*)?((?:\.[\w-]+)*)(#[\w-]+)?$", re.I)
DYNAMIC: Final = re.compile(r"\$\{|<%|^\s*%", re.M)
# A start tag; ${...} may stand in its attributes and hold a ">" of its own.
TAG: Final = re.compile(
    r"<([a-z][a-z0-9]*)((?:\$\{[^}]*\}|\"(?:\$\{[^}]*\}|[^\"])*\"|'(?:\$\{[^}]*\}|[^'])*'|[^<>\"'])*)>", re.I
)
ATTRIBUTE: Final = re.compile(r"""\s(class|id|style)\s*=\s*("(?:\$\{[^}]*\}|[^"])*"|'(?:\$\{[^}]*\}|[^'])*')""", re.I)
# What is no markup of the mail: Mako's comments and code, style and script elements, HTML comments.
OPAQUE: Final = re.compile(
    r"<style\b.*?</style\s*>|<script\b.*?</script\s*>|<!--.*?-->|<%doc>.*?</%doc>|<%!?\s.*?%>|<%[a-z:]+\b[^>]*>|</%[^>]*>"
    r"|^[ \t]*(?:##|%(?!>))[^\n]*$",
    re.I | re.S | re.M,
)


class _Rule(NamedTuple):
    specificity: tuple[int, int, int]
    order: int
    tag: str
    classes: frozenset[str]
    identity: str
    declarations: str


@lru_cache(maxsize=1)
def _inliner() -> Any:
    import css_inline

    # Style elements stay for media queries; a stylesheet on the network is never fetched.
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def inline(html: str) -> str:
    """One mail with its CSS in the elements."""
    result: str = _inliner().inline(html)
    return result


class Sheet:
    """The style rules of one template with its layouts and partials, applied to their sources."""

    def __init__(self) -> None:
        self.is_static = False
        self._rules: list[_Rule] = []

    def read(self, texts: Iterable[str]) -> None:
        """Reads the rules of a template and of everything it names, and decides whether their source can be inlined.

        Args:
            texts: the sources, the template's own first.
        """
        self.is_static = self._read(list(texts))

    def inline_source(self, text: str) -> str:
        """Mako's preprocessor: start tags outside of code get the style of the rules that match them."""
        if not self.is_static or not self._rules:
            return text
        pieces: list[str] = []
        end = 0
        for match in OPAQUE.finditer(text):
            pieces.append(TAG.sub(self._styled, text[end : match.start()]))
            pieces.append(match.group())
            end = match.end()
        pieces.append(TAG.sub(self._styled, text[end:]))
        return "".join(pieces)

    def _read(self, texts: list[str]) -> bool:
        for text in texts:
            for block in (*STYLE.findall(text), *CHILD_STYLES.findall(text)):
                css = COMMENT.sub("", block.replace("${self.styles()}", ""))
                if DYNAMIC.search(css):
                    return False
                for order, (selectors, declarations) in enumerate(_top_level_rules(css), len(self._rules)):
                    if "!important" in declarations:
                        return False
                    for selector in selectors.split(","):
                        if ":" in selector:
                            # A state (a:hover) is never an element's own style.
                            continue
                        rule = _rule(selector.strip(), declarations, order)
                        if rule is None:
                            return False
                        self._rules.append(rule)
            for match in TAG.finditer(OPAQUE.sub(" ", text)):
                for _name, value in ATTRIBUTE.findall(match.group(2)):
                    if _name.lower() != "style" and DYNAMIC.search(value):
                        return False
        self._rules.sort(key=lambda rule: (rule.specificity, rule.order))
        return True

    def _styled(self, match: re.Match[str]) -> str:
        tag, attributes = match.group(1).lower(), match.group(2)
        found = {name.lower(): value[1:-1] for name, value in ATTRIBUTE.findall(attributes)}
        classes, identity = set(found.get("class", "").split()), found.get("id", "")
        declarations = [
            rule.declarations
            for rule in self._rules
            if rule.tag in ("", tag) and rule.classes <= classes and rule.identity in ("", identity)
        ]
        if not declarations:
            return match.group()
        if found.get("style"):
            declarations.append(found["style"].strip().rstrip(";"))
        merged = _merged(declarations)
        rest = re.sub(
            r"""\sstyle\s*=\s*("(?:\$\{[^}]*\}|[^"])*"|'(?:\$\{[^}]*\}|[^'])*')""", "", attributes, flags=re.I
        )
        closing = ""
        if rest.rstrip().endswith("/"):
            rest, closing = rest.rstrip()[:-1].rstrip(), " /"
        return f'<{match.group(1)}{rest.rstrip()} style="{merged}"{closing}>'


def _top_level_rules(css: str) -> list[tuple[str, str]]:
    """(selectors, declarations) outside of at-rules."""
    rules: list[tuple[str, str]] = []
    position = 0
    while (brace := css.find("{", position)) >= 0:
        head = css[position:brace].strip()
        if head.startswith("@"):
            statement, _, after = head.partition(";")
            if after.strip():
                # @import or @charset, which end with a semicolon, before this rule
                head = after.strip()
            if head.startswith("@"):
                position = _block_end(css, brace)
                continue
            del statement
        end = css.find("}", brace)
        rules.append((head, " ".join(css[brace + 1 : end].split()).rstrip(";")))
        position = end + 1
    return rules


def _block_end(css: str, brace: int) -> int:
    depth = 0
    for index in range(brace, len(css)):
        depth += {"{": 1, "}": -1}.get(css[index], 0)
        if depth == 0:
            return index + 1
    return len(css)


def _rule(selector: str, declarations: str, order: int) -> _Rule | None:
    """A rule with a plain selector; None for any other."""
    match = SELECTOR.match(selector)
    if match is None or not selector:
        return None
    tag, classes, identity = (match.group(1) or "").lower(), (match.group(2) or "").split(".")[1:], match.group(3) or ""
    specificity = (1 if identity else 0, len(classes), 1 if tag else 0)
    return _Rule(specificity, order, tag, frozenset(classes), identity[1:], declarations.replace('"', "'"))


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
