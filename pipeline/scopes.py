"""Whether two scopes are for the same people, devices or places, as far as their words and classes tell."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from pipeline.names import countries_named
from pipeline.types import ScopeClass


class ScopeRelation(StrEnum):
    """How two scopes relate."""

    SAME = "the same scope"
    CLOSE = "much the same scope"
    OPEN = "a scope not stated on one side"
    ODD = "scopes that share no word"
    NOWHERE = "neither actor nor place on one side"
    DIFFERENT = "different scopes"


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope: its class, its telling words, and the countries among them. None of it, where none was stated."""

    kind: ScopeClass | None
    words: frozenset[str]
    countries: frozenset[str] = frozenset()


@lru_cache(maxsize=16_384)
def read_scope(text: str | None, kind: ScopeClass | None) -> Scope:
    """Reduce a scope's quote and class."""
    words = _telling_words(text or "")
    if kind is ScopeClass.SUBNATIONAL:
        # "Eight districts" names no place.
        words = frozenset(word for word in words if word not in _NUMBERS and not word.isdigit())
    return Scope(kind, words, countries_named(text or ""))


def compare_scopes(a: Scope, b: Scope) -> ScopeRelation:
    """Say how two scopes relate. A scope left out says nothing: reports shorten."""
    if _says_nothing(a) or _says_nothing(b):
        return ScopeRelation.OPEN
    if a.words and a.words == b.words:
        return ScopeRelation.SAME
    if a.countries and b.countries and not a.countries & b.countries:
        return ScopeRelation.DIFFERENT
    shared = len(a.words & b.words)
    close = shared > 0 and shared * 2 >= min(len(a.words), len(b.words))
    if a.kind is b.kind and a.kind not in (None, ScopeClass.OTHER, ScopeClass.SUBNATIONAL):
        return ScopeRelation.CLOSE
    if shared > 1 and shared * 3 >= min(len(a.words), len(b.words)) * 2:
        # Most of the words outweigh a class that was read off one of them.
        return ScopeRelation.CLOSE
    if a.kind is b.kind is ScopeClass.SUBNATIONAL:
        if not a.words or not b.words:
            return ScopeRelation.OPEN
        return ScopeRelation.CLOSE if close else ScopeRelation.DIFFERENT
    if a.kind in _LOOSE or b.kind in _LOOSE or frozenset((a.kind, b.kind)) in _KINDRED:
        return ScopeRelation.CLOSE if close else ScopeRelation.ODD
    return ScopeRelation.DIFFERENT


def _says_nothing(scope: Scope) -> bool:
    return not scope.words and scope.kind in _LOOSE


def stated_apart(some: Iterable[Scope], others: Iterable[Scope]) -> bool:
    """Whether two sides both state scopes, and no pair of them agrees."""
    relations = {compare_scopes(a, b) for a in some for b in others}
    return bool(relations & _APART) and not relations & _AGREE


@lru_cache(maxsize=16_384)
def _telling_words(text: str) -> frozenset[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    plain = plain.replace("per cent", "percent").replace("%", " percent")
    words = (word.removesuffix("s") if len(word) > 3 else word for word in re.findall(r"\w+", plain))
    return frozenset(word for word in words if word not in _SMALL)


_AGREE = {ScopeRelation.SAME, ScopeRelation.CLOSE}
_APART = {ScopeRelation.DIFFERENT, ScopeRelation.ODD}
_LOOSE = (None, ScopeClass.OTHER)
_KINDRED = {
    frozenset((ScopeClass.WORKPLACE, ScopeClass.GOVERNMENT_DEVICES)),
    frozenset((ScopeClass.WORKPLACE, ScopeClass.MILITARY)),
    frozenset((ScopeClass.GOVERNMENT_DEVICES, ScopeClass.MILITARY)),
    frozenset((ScopeClass.GOVERNMENT_DEVICES, ScopeClass.CRITICAL_INFRASTRUCTURE)),
    frozenset((ScopeClass.SCHOOLS, ScopeClass.MINORS)),
    frozenset((ScopeClass.NATIONWIDE, ScopeClass.APP_STORES)),
}
"""Classes between which the wording of one measure wavers: "employee access", "official devices"."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SMALL = _set(
    "the a an of for in on at to from by with and or all any its it their his her own some several many part area"
    " district city town region province state county zone division locality u s use access user only new"
    " most whole entire every each other across within country nation national nationwide"
)
"""Words that tell no scope from another, in the singular."""
_NUMBERS = _set("one two three four five six seven eight nine ten eleven twelve dozen dozens score")
