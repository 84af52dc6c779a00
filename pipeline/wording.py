"""What the words of a trigger and a scope say beyond their classes, and how days and counts are put into words."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from pipeline.scopes import Scope, ScopeRelation, compare_scopes, read_scope
from pipeline.statements import Statement, is_recurring
from pipeline.types import ScopeClass, Status


class Move(StrEnum):
    """What a trigger says is done to a measure that stands."""

    PLAIN = "plain"
    EXTENDS = "extends"
    WIDENS = "widens"
    STANDS = "stands"
    EASES = "eases"
    STRIKES = "strikes"


_UNTIL = (
    r"(?:\d|until|till|the end|end|at least|early|mid|late|next|this|a (?:second|third|further|fourth|fifth)|another"
    r"|further|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
)
_MOVES = (
    (Move.WIDENS, re.compile(rf"\b(?:widen\w*|expand\w*|broaden\w*|exten(?:d|ds|ded|ding) to (?!{_UNTIL}\b))")),
    (
        Move.EXTENDS,
        re.compile(
            r"\b(?:exten(?:d|ds|ded|ding|sion)|prolong\w*|renew(?:s|ed|ing|al)?"
            r"|(?:ma(?:de|ke|kes|king)|becomes?|became|becoming) (?:\w+ ){0,4}permanent)\b"
        ),
    ),
    (
        Move.STRIKES,
        re.compile(
            r"\b(?:(?:struck|strik(?:e|es|ing)) down|overturn\w*|annul\w*|quash\w*|invalidat\w*|nullif\w*|void\w*"
            r"|set aside|unconstitutional)\b"
        ),
    ),
    (
        Move.EASES,
        re.compile(
            r"\b(?:partial\w*|partly|eas(?:e|es|ed|ing)|relax\w*|loosen\w*|gradual\w*|soften\w*|scal\w* back"
            r"|narrow\w*|exempt\w*|in part)\b"
        ),
    ),
    (
        Move.STANDS,
        re.compile(r"\b(?:remain\w*|still|continu\w*|stay(?:s|ed|ing)?|ke(?:ep|eps|pt)|upheld|maintain\w*)\b"),
    ),
)
_REFUSED = re.compile(
    r"\b(?:refus\w*|declin\w*|den(?:y|ies|ied)|fail\w*|not|never|without)\b.*\b(?:renew\w*|exten\w*|prolong\w*|expand\w*)"
)
"""Who refuses to renew a licence bans; nothing is prolonged by it."""
_PART_OF_IT = re.compile(r"\b(?:some|most|part|parts|partial\w*|several|certain|only|limited|2g|slow)\b", re.IGNORECASE)
_ALL_OF_IT = re.compile(r"\b(?:whole|entire\w*|all|every|full\w*|complete\w*|nationwide|across)\b", re.IGNORECASE)
_LIST = re.compile(r",|;|\band\b|&")


@lru_cache(maxsize=16_384)
def read_move(trigger: str) -> Move:
    """Return what the words of a trigger say is done to what stands; PLAIN where they say nothing of the kind."""
    folded = " ".join(trigger.casefold().split())
    if _REFUSED.search(folded):
        return Move.PLAIN
    return next((move for move, words in _MOVES if words.search(folded)), Move.PLAIN)


@dataclass(frozen=True, slots=True)
class Relief:
    """What of a lift tells how much it ends: its scope and the words of it, and whether it says that it only eases.

    `whole` says that the words or the place named are all of the country's, `local` that its scope is a place.
    """

    scope: Scope
    text: str
    eases: bool
    whole: bool
    local: bool


def read_relief(lift: Statement) -> Relief:
    """Read what a lift says of how much it ends."""
    mention = lift.context.mention
    text = "" if mention.scope is None else mention.scope.text
    scope = lift.scope
    part = _PART_OF_IT.search(text) is not None
    country = lift.country is not None and lift.country in scope.countries
    return Relief(
        scope,
        text,
        part or read_move(mention.trigger.text) is Move.EASES,
        country or scope.kind is ScopeClass.NATIONWIDE or _ALL_OF_IT.search(text) is not None,
        scope.kind is ScopeClass.SUBNATIONAL or is_recurring(mention.service_canonical),
    )


def is_partial(relief: Relief, standing: Collection[Scope], texts: Collection[str]) -> bool:
    """Whether a lift ends a part only of a restriction, whose scopes and their words are `standing` and `texts`.

    A scope is stated where it is narrower than everyone in the actor's territory. So a lift for some, of what stands
    for all, is partial, and so is the lift in one of several places that are listed.
    """
    scope = relief.scope
    if relief.eases:
        return True
    if relief.whole or not (scope.words or scope.kind):
        return False
    stated = [one for one in standing if one.words or one.kind not in (None, ScopeClass.NATIONWIDE)]
    if not stated:
        return (relief.local and bool(scope.words)) or scope.kind not in (None, ScopeClass.OTHER)
    relations = {compare_scopes(scope, one) for one in stated}
    if relations & {ScopeRelation.SAME, ScopeRelation.CLOSE}:
        return _is_one_of_several(scope, texts)
    # Of places, those that share no word are two.
    apart = {ScopeRelation.DIFFERENT, ScopeRelation.ODD} if relief.local else {ScopeRelation.DIFFERENT}
    return bool(relations & apart) and ScopeRelation.OPEN not in relations


def _is_one_of_several(scope: Scope, texts: Collection[str]) -> bool:
    """Whether every list among `texts` that names the scope's place names others as well."""
    named = [[_words_of(part) for part in _LIST.split(text)] for text in texts]
    lists = [[words for words in parts if words] for parts in named]
    touching = [parts for parts in lists if any(words & scope.words for words in parts)]
    return bool(touching) and all(any(not words & scope.words for words in parts) for parts in touching)


@lru_cache(maxsize=4096)
def _words_of(text: str) -> frozenset[str]:
    return read_scope(text, ScopeClass.SUBNATIONAL).words


def is_wider(scope: Scope, before: Collection[Scope]) -> bool:
    """Whether a scope takes in what none of the scopes stated before does."""
    if not (scope.words or scope.kind):
        return False
    stated = [one for one in before if one.words or one.kind]
    if not stated or scope in stated:
        return False
    if scope.kind is ScopeClass.NATIONWIDE:
        return all(one.kind not in (None, ScopeClass.NATIONWIDE, ScopeClass.OTHER) for one in stated)
    return all(compare_scopes(scope, one) is ScopeRelation.DIFFERENT for one in stated)


def date_words(value: str) -> str:
    """Return `2025-02-04` as "4 February 2025", `2025-02` as "February 2025"; anything else as it stands."""
    try:
        if len(value) == len("YYYY-MM"):
            return date.fromisoformat(f"{value}-01").strftime("%B %Y")
        day = date.fromisoformat(value)
    except ValueError:
        return value
    return f"{day.day} {day:%B %Y}"


def status_words(status: Status) -> str:
    """Return a status as one says it."""
    return status.value.replace("_", " ")


def count(number: int, one: str, many: str) -> str:
    """Return "1 story", "2 stories"."""
    return f"{number} {one if number == 1 else many}"


def spell(words: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
