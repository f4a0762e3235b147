"""Every template is among the golden SQL: a new one without a golden file fails here."""

import re
from functools import cache

from tests.support.golden_project import COMPILED, GOLDEN

from steelyard.compile.templates import builtin_dir

FOLDERS = (COMPILED, *(GOLDEN / name for name in ("audit", "continued", "zoned")))
_COMMENT = re.compile(r"/\* (.+?) \*/")


def opening(text: str) -> str:
    """Return what a template's first comment says, up to where it depends on what is computed."""
    found = _COMMENT.search(text)
    return "" if found is None else found[1].split("{", 1)[0].strip()


@cache
def golden() -> frozenset[str]:
    """Return all comments of the golden SQL."""
    texts = (path.read_text(encoding="utf-8") for folder in FOLDERS for path in folder.rglob("*.sql"))
    return frozenset(comment for text in texts for comment in _COMMENT.findall(text))


def test_every_template_says_what_it_computes_in_words_of_its_own() -> None:
    openings = {path.name: opening(path.read_text(encoding="utf-8")) for path in builtin_dir().glob("*.sql")}
    assert len(openings) > 30
    assert not [name for name, words in openings.items() if not words]
    for name, words in openings.items():
        assert [other for other, more in openings.items() if more.startswith(words)] == [name]


def test_every_template_is_in_a_golden_file() -> None:
    paths = sorted(builtin_dir().glob("*.sql"))
    missing = [
        path.name
        for path in paths
        if not any(one.startswith(opening(path.read_text(encoding="utf-8"))) for one in golden())
    ]
    assert not missing, "a golden project has to render it: see tests/support/golden_running.py"
