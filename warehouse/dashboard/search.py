"""Words to look for in what publishers said: what is typed, as patterns that the engine and Python read alike.

A word finds all words that begin with it, whatever their case and accents; words in quotation marks find themselves,
one after the other. All of them have to stand in the quotes of one mention or in a title of its article.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final

from warehouse.dashboard.asking import Sql, filled

LONGEST: Final = 200
"""Characters of a search; what is longer is nothing that anybody types."""

MOST: Final = 8
"""Words and phrases of a search: each is looked for in all that was ever said."""

QUOTES: Final = ("trigger_quote", "service_quote", "actor_quote", "scope_quote", "date_quote", "reason_quote")

_PARTS: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_MARKS: Final = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")
_SIGNS: Final = {sign: f"[{signs}]" for signs in ("'’ʼ", "‐‑–-") for sign in signs}

_ALPHABETS: Final = "à-žά-ώа-џạ-ỹ"
"""Small letters of Latin, Greek and Cyrillic: here a letter stands for its accented ones, too."""

_LIKE: Final = {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "ħ": "h", "ŧ": "t"}
"""Letters with a stroke, which for Unicode is no accent."""

# Scripts that put no space between words: there a word may stand anywhere.
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Term:
    """A word to look for, or a phrase: then `is_exact`, and it ends where it ends."""

    words: str
    is_exact: bool = False

    @property
    def core(self) -> str:
        """The pattern of its letters, wherever they stand: found twice as fast."""
        return r"\s+".join("".join(map(_character, word)) for word in self.words.split())

    @property
    def pattern(self) -> str:
        """The pattern, between the ends of words. As all patterns here it is for text of any case."""
        return self._bounded(r"(?:^|[^\pL\pN])", r"(?:[^\pL\pN]|$)")

    @property
    def regex(self) -> re.Pattern[str]:
        """The same for Python, where a match is the words alone."""
        return re.compile(self._bounded(r"(?<![^\W_])", r"(?![^\W_])"), re.IGNORECASE)

    def _bounded(self, before: str, after: str) -> str:
        opened = before if _has_edge(self.words[0]) else ""
        return opened + self.core + (after if self.is_exact and _has_edge(self.words[-1]) else "")


def _has_edge(character: str) -> bool:
    return character.isalnum() and not _UNSPACED.match(character)


def _character(character: str) -> str:
    """A pattern for one character, with all that is written for it."""
    if sign := _SIGNS.get(character):
        return sign
    base = _base(character)
    if accented := _accented().get(base):
        return f"[{base}{accented}]"
    # Neither engine takes a letter, a digit or what is not ASCII for anything else.
    return base if base.isalnum() or not base.isascii() else f"\\{base}"


def _base(character: str) -> str:
    """A letter without accents, small; other characters as they are."""
    small = character.lower()
    if small.isascii() or not re.match(f"[{_ALPHABETS}]", small):
        return small if len(small) == 1 else character
    return _LIKE.get(small) or unicodedata.normalize("NFD", small)[0]


@cache
def _accented() -> dict[str, str]:
    """Letter → its accented forms, as ranges of a pattern."""
    found: dict[str, list[int]] = {}
    for first, last in zip(_ALPHABETS[::3], _ALPHABETS[2::3], strict=True):
        for point in range(ord(first), ord(last) + 1):
            if (base := _base(chr(point))) != chr(point).lower():
                found.setdefault(base, []).append(point)
    return {base: "".join(_ranges(points)) for base, points in found.items()}


def _ranges(points: Sequence[int]) -> Iterator[str]:
    for _, numbered in groupby(enumerate(points), lambda one: one[1] - one[0]):
        run = [chr(point) for _, point in numbered]
        yield run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}"


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed, as terms; `left_out` are the parts that nothing is looked for by."""

    terms: tuple[Term, ...] = ()
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse(typed: str) -> Search:
    """The terms of a search, each once. A word has two letters or more, unless it is in quotation marks."""
    terms: list[Term] = []
    left_out: list[str] = []
    for found in _PARTS.finditer(unicodedata.normalize("NFC", typed[:LONGEST]).translate(_MARKS)):
        phrase, word = found.groups()
        words = " ".join(_EDGES.sub("", phrase if word is None else word).lower().split())
        term = Term(words, is_exact=word is None)
        too_short = len(words) < 2 and word is not None and not _UNSPACED.match(words)
        if not words or too_short or len(terms) == MOST:
            left_out.append(found[0])
        elif term not in terms:
            terms.append(term)
    return Search(tuple(terms), tuple(left_out))


def hits(terms: Sequence[Term]) -> Sql:
    """Common table expressions, the last of which are the `hits`: mention_id of the mentions that have all terms."""
    titled = [
        filled(
            """
            titled_$number AS (
                SELECT article_id
                FROM (SELECT article_id, title FROM articles UNION ALL SELECT article_id, title FROM article_versions)
                WHERE $fits
            ),
            """,
            number=number,
            fits=_fits("title", term),
        )
        for number, term in enumerate(terms, 1)
    ]
    both = [
        f"({_fits('said', term)}\n        OR article_id IN (FROM titled_{number}))"
        for number, term in enumerate(terms, 1)
    ]
    return filled(
        """
        $titled
        quoted AS (
            SELECT mention_id, article_id, concat_ws(' | ', $quotes) AS said FROM mentions
        ),
        hits AS (
            SELECT mention_id FROM quoted
            WHERE $both
        )
        """,
        quotes=Sql(", ".join(QUOTES)),
        titled=Sql("\n".join(titled)),
        both=Sql("\n        AND ".join(both)),
    )


def _fits(column: str, term: Term) -> Sql:
    core, pattern = f"(?i){term.core}", f"(?i){term.pattern}"
    found = filled("regexp_matches($column, $core)", column=Sql(column), core=core)
    if core == pattern:
        return found
    return filled("$found AND regexp_matches($column, $pattern)", found=found, column=Sql(column), pattern=pattern)


def spans(text: str, terms: Sequence[Term]) -> tuple[tuple[int, int], ...]:
    """Where terms stand in `text`, in code points; those that touch or overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(one.span() for term in terms for one in term.regex.finditer(text)):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
