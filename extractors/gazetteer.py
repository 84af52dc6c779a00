"""The gazetteer: every name and word of the registries in a text, by one pass of an Aho-Corasick automaton.

Hits are whole words (offsets count code points of the text as it stands), found through `extractors.folding`, so case,
accents, invisible characters and look-alike letters don't hide a name. Aliases that are also everyday words count only
with their capitals, some only with a telling word nearby (see the head of `registries/services.csv`).

Within a family of kinds the longest of overlapping hits is kept (leftmost first); families may overlap: "Bank of
Russia" is a body and holds a country, "Apple" is a service and a body.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import ahocorasick_rs
import numpy as np
from numpy.typing import NDArray

from extractors import registries
from extractors.folding import Folded, fold
from extractors.inflection import inflections, plural
from extractors.registries import Alias

KINDS = (
    "service",
    "technology",
    "country",
    "demonym",
    "subdivision",
    "body",
    "body_noun",
    "restriction",
    "date",
)
CONTEXT = 200
"""Characters on either side of a name in which a context word counts."""

_FAMILY = {"service": 0, "technology": 0, "country": 1, "demonym": 1, "subdivision": 1, "body": 2, "body_noun": 2}
_FAMILY |= {"restriction": 3, "date": 4}

_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)"
)
_WEEKDAY = (
    r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues|tue|weds|wed|thurs|thur|thu|fri|sat|sun)"
)
_DAY = r"[0-3]?\d(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
# Runs on folded text, where every separator is one space or more.
_DATE = re.compile(
    rf"(?<![a-z0-9])(?:"
    rf"{_DAY} +(?:of +)?{_MONTH}(?: +{_YEAR})?"
    rf"|{_MONTH} +{_DAY}(?: +{_YEAR})?(?! *\d)"
    rf"|(?:early|mid|late|last|next|this|in|since|from|until|by) +(?:early +|mid +|late +)?{_MONTH}(?: +{_YEAR})?"
    rf"|{_MONTH} +{_YEAR}"
    rf"|{_YEAR} +[01]\d +[0-3]\d"
    rf"|(?:last +|next +|this +)?{_WEEKDAY}"
    rf"|{_YEAR}"
    rf")(?![a-z0-9])"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A name or word of the registries in a text.

    `canonical` is the usual English name of a service, technology, subdivision or body; the ISO code of a country or
    demonym; the actor kind of a body noun; the action (or "other") of a restriction; the folded words of a date.
    """

    start: int
    end: int
    kind: str
    canonical: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    kind: str
    canonical: str
    capitals: str
    """The alias as written where its capitals must be met, otherwise empty."""
    context: re.Pattern[str] | None


class Gazetteer:
    """The automaton over all registries. Building one takes some tens of milliseconds: use `gazetteer()`."""

    def __init__(self) -> None:
        patterns: dict[str, list[_Pattern]] = defaultdict(list)
        for kind, canonical, alias in _entries():
            folded = " ".join(fold(alias.text).text.split())
            if folded and alias.sought:
                capitals = alias.text if alias.cased else ""
                patterns[f" {folded} "].append(_Pattern(kind, canonical, capitals, _context(alias.context)))
        # A guarded alias that fits says more than a plain one of the same form, so it is tried first.
        self._patterns = tuple(
            tuple(sorted(entries, key=lambda entry: (entry.context is None, not entry.capitals)))
            for entries in patterns.values()
        )
        self._automaton = ahocorasick_rs.AhoCorasick(list(patterns))
        self._kinds = np.zeros((len(self._patterns), len(KINDS) + 1), np.float32)
        for number, entries in enumerate(self._patterns):
            for entry in entries:
                self._kinds[number, -1 if entry.context else KINDS.index(entry.kind)] = 1

    def mentioned(self, padded: str) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Return kinds, starts and ends of every name and word in a folded text that has a space at both ends.

        Cheap, hence rough: capitals are not asked for, longer names don't hide shorter ones, dates of digits are left
        out. `kinds` is (found, len(KINDS) + 1) of zeros and ones, the last column being names that count in some
        contexts only; offsets are those without the padding.
        """
        found = self._automaton.find_matches_as_indexes(padded, overlapping=True)
        numbers, starts, ends = np.array(found, np.int64).reshape(-1, 3).T
        return self._kinds[numbers], starts, ends - 2

    def tag(self, text: str) -> list[Hit]:
        """Return all hits in `text`, ordered by start, then end."""
        folded = fold(text)
        padded = f" {folded.text} "
        found: list[list[Hit]] = [[] for _ in range(1 + max(_FAMILY.values()))]
        for number, start, end in self._automaton.find_matches_as_indexes(padded, overlapping=True):
            # The padded text runs one ahead of the folded one, and the match holds a space at both ends.
            first, last = start, end - 2
            span = folded.span(first, last)
            seen: set[int] = set()
            for pattern in self._patterns[number]:
                family = _FAMILY[pattern.kind]
                if family not in seen and _fits(pattern, text, folded, (first, last)):
                    seen.add(family)
                    found[family].append(Hit(*span, pattern.kind, pattern.canonical))
        for match in _DATE.finditer(folded.text):
            words = " ".join(match.group().split())
            if _is_date(words, text[folded.span(*match.span())[0]]):
                found[_FAMILY["date"]].append(Hit(*folded.span(*match.span()), "date", words))
        hits = [hit for family in found for hit in _longest(family)]
        hits.sort(key=lambda hit: (hit.start, hit.end, hit.kind))
        return hits


@cache
def gazetteer() -> Gazetteer:
    """Return the process's gazetteer, built on first use."""
    return Gazetteer()


def tag(text: str) -> list[Hit]:
    """Return all hits in `text`, ordered by start, then end."""
    return gazetteer().tag(text)


def _entries() -> Iterator[tuple[str, str, Alias]]:
    for service in registries.named_services():
        kind = "technology" if service.record.category == "technology" else "service"
        counted = kind == "technology" or service.record.category in ("devices", "drones")
        for alias in service.aliases:
            yield kind, service.record.name, alias
            if counted and (more := plural(alias.text)) is not None:
                yield kind, service.record.name, replace(alias, text=more)
    for body in registries.named_bodies():
        yield from (("body", body.record.name, alias) for alias in body.aliases)
    for country in registries.named_countries():
        yield from (("country", country.record.code, alias) for alias in country.aliases)
    yield from (("country", code, alias) for code, alias in registries.capitals())
    yield from (("country", code, alias) for code, alias in registries.leaders())
    yield from (("demonym", code, alias) for code, alias in registries.demonyms())
    for place in registries.named_places():
        yield from (("subdivision", place.record.name, alias) for alias in place.aliases)
    for kind, lists in registries.vocabulary().items():
        for words in lists:
            for phrase in words.phrases:
                yield kind, phrase if kind in ("technology", "date") else words.label, Alias(phrase)
            for verb in words.verbs:
                yield from ((kind, words.label, Alias(form)) for form in inflections(verb))


def _context(words: Iterable[str]) -> re.Pattern[str] | None:
    folded = [" ".join(fold(word).text.split()) for word in words]
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(folded)})(?![a-z0-9])") if folded else None


def _fits(pattern: _Pattern, text: str, folded: Folded, span: tuple[int, int]) -> bool:
    start, end = span
    if pattern.capitals and not _capitals_met(pattern.capitals, text, folded.span(start, end)):
        return False
    if pattern.context is None:
        return True
    before, after = folded.text[max(0, start - CONTEXT) : start], folded.text[end : end + CONTEXT]
    return pattern.context.search(before) is not None or pattern.context.search(after) is not None


def _capitals_met(alias: str, text: str, span: tuple[int, int]) -> bool:
    """Whether each capital of `alias` is one in the text, letters and digits taken in order."""
    written = [c for c in text[slice(*span)] if c.isalnum()]
    wanted = [c for c in alias if c.isalnum()]
    if len(written) != len(wanted):
        return False
    return all(have.isupper() for have, want in zip(written, wanted, strict=True) if want.isupper())


def _longest(hits: list[Hit]) -> list[Hit]:
    """Keep the leftmost hits, and of those that start together the longest; none overlap."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _is_date(words: str, first: str) -> bool:
    """Whether a match of the pattern is a date: "may", "march", "sun" and the like count in company or as capitals."""
    if " " in words or words.isdigit():
        return True
    return len(words) > len("thurs") or first.isupper()
