"""What becomes of the claims of an article when it comes in a new version: restated, changed, dropped or added.

A claim is what a mention says: an action of one family by one actor on one service for one scope. The machine reads
every version afresh, and its reading of words that did not change may differ from the last time. That is no word of the
press: a claim whose sentences stand in the new version as they stood in the old one is neither changed nor withdrawn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.names import UNKNOWN_COUNTRY, Relation, same_body
from pipeline.scopes import Scope, ScopeRelation, compare_scopes, read_scope
from pipeline.statements import family_of, is_company, service_key
from pipeline.types import Mention

_END = re.compile(r"\n+|(?<=[.!?])['\"’”)]*\s+")
_ONE = (Relation.SAME, Relation.PART_OF, Relation.UNKNOWN)
_ONE_SCOPE = (ScopeRelation.SAME, ScopeRelation.CLOSE, ScopeRelation.OPEN)


@dataclass(frozen=True, slots=True)
class Claim:
    """A mention and the sentences in which its quotes stand, those of its headline left out.

    There are none where the trigger itself stands in the headline: headlines outlive what they announce.
    """

    mention: Mention
    sentences: tuple[str, ...]

    @classmethod
    def read(cls, text: str, mention: Mention) -> "Claim":
        """The claim of a mention in `text`: a title, a blank line, the body. Offsets count code points."""
        body = text.find("\n\n")
        if mention.trigger.start < body:
            return cls(mention, ())
        spans = {(quote.start, quote.end) for quote in mention.quotes.values() if quote.start > body}
        return cls(mention, tuple(dict.fromkeys(_sentence(text, start, end) for start, end in sorted(spans))))

    def stands_in(self, text: str) -> bool:
        """Whether all of its sentences stand in `text`, word for word."""
        return bool(self.sentences) and all(sentence in text for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Succession:
    """What became of each claim. Pairs are (old, new); an old claim is in one field, a new one may restate several.

    `restated`: the new version says the same. `changed`: it says something else in a field. `standing`: its words are
    still there, although the machine does not read it in them. `gone`: it is not told any more. `added`: new claims
    without any predecessor.
    """

    restated: tuple[tuple[Mention, Mention], ...] = ()
    changed: tuple[tuple[Mention, Mention], ...] = ()
    standing: tuple[Mention, ...] = ()
    gone: tuple[Mention, ...] = ()
    added: tuple[Mention, ...] = ()


def succession(old: Sequence[Claim], new: Sequence[Claim], new_text: str) -> Succession:
    """Say which of the `new` claims, read from `new_text`, restates or changes which of the `old` ones.

    The nearest likeness decides: equal claims are paired first, then those that the same words state, then those that
    differ in a field. An old claim that is left over is restated by a new one that says the same, where there is any.
    """
    likeness = sorted(
        (_unlikeness(one, other), i, k)
        for i, one in enumerate(old)
        for k, other in enumerate(new)
        if _same_matter(one.mention, other.mention)
    )
    heirs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, k in likeness:
        if i not in heirs and k not in taken:
            heirs[i] = k
            taken.add(k)
    restated: list[tuple[Mention, Mention]] = []
    changed: list[tuple[Mention, Mention]] = []
    standing: list[Mention] = []
    gone: list[Mention] = []
    for i, claim in enumerate(old):
        heir = heirs.get(i)
        if heir is None or not _says_the_same(claim, new[heir]):
            twin = next((k for _, at, k in likeness if at == i and _says_the_same(claim, new[k])), None)
            heir = heir if twin is None else twin
        if heir is None:
            (standing if claim.stands_in(new_text) else gone).append(claim.mention)
        else:
            pair = (claim.mention, new[heir].mention)
            (restated if _says_the_same(claim, new[heir]) else changed).append(pair)
    told = {other.id for _, other in (*restated, *changed)}
    added = [claim.mention for claim in new if claim.mention.id not in told]
    return Succession(tuple(restated), tuple(changed), tuple(standing), tuple(gone), tuple(added))


def differences(old: Mention, new: Mention) -> tuple[str, ...]:
    """The fields in which two mentions of one claim differ: action, status, scope, date, reason."""
    pairs = {
        "action": (old.action, new.action),
        "status": (old.status, new.status),
        "scope": (_scope_words(old), _scope_words(new)),
        "date": (old.date_value, new.date_value),
        "reason": (frozenset(old.reason_classes), frozenset(new.reason_classes)),
    }
    return tuple(field for field, (one, other) in pairs.items() if one != other)


def _says_the_same(old: Claim, new: Claim) -> bool:
    return not differences(old.mention, new.mention) or _same_words(old, new)


def _same_words(old: Claim, new: Claim) -> bool:
    """Whether the same sentences state both: what differs is the machine's reading of them."""
    return bool(old.sentences) and set(old.sentences) == set(new.sentences)


def _same_matter(old: Mention, new: Mention) -> bool:
    """Whether two mentions can be one claim: family of action, service and actor agree."""
    return (
        family_of(old.action) is family_of(new.action)
        and service_key(old.service_canonical) == service_key(new.service_canonical)
        and _same_actor(old, new)
    )


def _same_actor(old: Mention, new: Mention) -> bool:
    if old.actor_canonical is None or new.actor_canonical is None:
        return old.country == new.country or UNKNOWN_COUNTRY in (old.country, new.country)
    countries = (None, None) if is_company(old) and is_company(new) else (old.country, new.country)
    return same_body(old.actor_canonical, new.actor_canonical, country_a=countries[0], country_b=countries[1]) in _ONE


def _unlikeness(old: Claim, new: Claim) -> tuple[int, int, int, int]:
    """How unlike two claims of one matter are, most telling first; the distance of their places comes last."""
    one, other = old.mention, new.mention
    apart = abs(one.trigger.start - other.trigger.start)
    actor = 0 if one.actor_canonical == other.actor_canonical else 1
    if _says_the_same(old, new):
        return (0, actor, len(differences(one, other)), apart)
    scope = compare_scopes(_scope(one), _scope(other))
    return (1 if scope in _ONE_SCOPE else 2, actor, len(differences(one, other)), apart)


def _scope(mention: Mention) -> Scope:
    return read_scope(None if mention.scope is None else mention.scope.text, mention.scope_class)


def _scope_words(mention: Mention) -> object:
    scope = _scope(mention)
    return scope.words, scope.kind


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence or sentences of `text` that hold the span."""
    begin = max((match.end() for match in _END.finditer(text, 0, start)), default=0)
    after = _END.search(text, end)
    return text[begin : len(text) if after is None else after.start()].strip()
