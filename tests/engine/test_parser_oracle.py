"""Microsoft's parser as the judge of ours: what ours accepts it accepts; what ours prints it reads as the same tree."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import scriptdom

from tsqlite import parser, printer
from tsqlite.errors import SqlError, Unsupported
from tsqlite.lexer import tokenize

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("sql", "migrations", "examples", "tests")
FILES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.sql"))]

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.skipif(scriptdom.available() is not None, reason=scriptdom.available() or ""),
]


def batches(path: Path) -> list[parser.ScriptBatch]:
    return parser.split_batches(path.read_text(encoding="utf-8-sig"))


def judge(text: str) -> str | None:
    """What is wrong with how ours reads `text`, which it accepts; None when nothing is."""
    errors, tree = scriptdom.parse(text)
    if errors:
        return f"ours accepts what ScriptDom refuses: {errors[0]}"
    ours = parser.parse(text)
    printed = printer.print_batch(ours)
    if parser.parse(printed) != ours:
        return f"printed, it reads differently: {printed}"
    errors, printed_tree = scriptdom.parse(printed)
    if errors:
        return f"ScriptDom refuses what was printed: {errors[0]}: {printed}"
    if printed_tree != tree:
        return f"ScriptDom reads what was printed differently: {printed}"
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_both_parsers_read_the_same_tree(path: Path) -> None:
    wrong = [f"line {batch.first_line}: {found}" for batch in batches(path) if (found := judge(batch.text)) is not None]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_statements_are_not_accepted_by_ours_alone(seed: int) -> None:
    """Samples with a token left out, doubled, exchanged or replaced: mostly wrong, and sometimes something else."""
    chance = random.Random(seed)
    corpus = [
        [batch.text[token.start : token.end] for token in tokenize(batch.text)[:-1]]
        for path in FILES
        if path.parent.name == "samples"
        for batch in batches(path)
    ]
    words = [word for batch in corpus for word in batch]
    accepted = 0
    for _ in range(150):
        damaged = list(chance.choice(corpus))
        at, other = chance.randrange(len(damaged)), chance.randrange(len(damaged))
        match chance.choice(("drop", "double", "exchange", "replace", "insert")):
            case "drop":
                del damaged[at]
            case "double":
                damaged.insert(at, damaged[at])
            case "exchange":
                damaged[at], damaged[other] = damaged[other], damaged[at]
            case "replace":
                damaged[at] = chance.choice(words)
            case _:
                damaged.insert(at, chance.choice(words))
        text = " ".join(damaged)
        try:
            parser.parse(text)
        except (SqlError, Unsupported):
            continue
        accepted += 1
        found = judge(text)
        assert found is None, f"{found}\n{text}"
    assert accepted, "the damage leaves nothing that parses"
