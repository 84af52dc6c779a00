"""How two readings of one article differ: mentions that are new, gone, or say something else. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.claims import Claim, succession
from pipeline.types import Mention

Placed = tuple[Mention, int]
"""A mention, and the number of the version whose text it quotes."""


@dataclass(frozen=True, slots=True)
class MentionDifference:
    """A mention that is new (`before` is None), gone (`after` is None) or other than it was, in `fields`."""

    before: Mention | None
    after: Mention | None
    fields: tuple[str, ...] = ()

    @property
    def mention(self) -> Mention:
        """The mention as it is, or was."""
        one = self.after or self.before
        assert one is not None, "a difference has two sides or one"
        return one


def mention_differences(
    before: Sequence[Placed], after: Sequence[Placed], texts: Mapping[int, str]
) -> list[MentionDifference]:
    """Pair the mentions of two readings of the same texts; return those pairs that differ, and those left alone.

    Equal places are one mention, and so are claims that `pipeline.claims.succession` holds to be one. A difference in
    scores alone is none.
    """
    found: list[MentionDifference] = []
    for version in sorted({number for _, number in (*before, *after)}):
        old = {_key(mention): mention for mention, number in before if number == version}
        new = {_key(mention): mention for mention, number in after if number == version}
        pairs = [(old[key], new[key]) for key in old.keys() & new.keys()]
        rest_old = [old[key] for key in sorted(old.keys() - new.keys())]
        rest_new = [new[key] for key in sorted(new.keys() - old.keys())]
        text = texts[version]
        became = succession(
            [Claim.read(text, one) for one in rest_old], [Claim.read(text, one) for one in rest_new], text
        )
        taken: set[str] = set()
        for was, heir in (*became.restated, *became.changed):
            # Of several that one reading holds for one, the first is that one.
            if heir.id in taken:
                found.append(MentionDifference(was, None))
            else:
                taken.add(heir.id)
                pairs.append((was, heir))
        found += [MentionDifference(was, None) for was in (*became.standing, *became.gone)]
        found += [MentionDifference(None, added) for added in became.added]
        differing = ((was, now, differing_fields(was, now)) for was, now in pairs)
        found += [MentionDifference(was, now, fields) for was, now, fields in differing if fields]
    return sorted(found, key=lambda one: (one.mention.document_id, one.mention.trigger.start, one.mention.id))


def differing_fields(old: Mention, new: Mention) -> tuple[str, ...]:
    """The fields in which two mentions differ; `words` where only the quoted words do."""
    values = {
        "action": (old.action, new.action),
        "status": (old.status, new.status),
        "service": (old.service_canonical, new.service_canonical),
        "country": (old.country, new.country),
        "actor": (old.actor_canonical, new.actor_canonical),
        "scope": (_scope(old), _scope(new)),
        "date": (old.date_value, new.date_value),
        "reasons": (frozenset(old.reason_classes), frozenset(new.reason_classes)),
    }
    fields = tuple(name for name, (one, other) in values.items() if one != other)
    return fields or (("words",) if dict(old.quotes) != dict(new.quotes) else ())


def _scope(mention: Mention) -> object:
    return None if mention.scope is None else mention.scope.text, mention.scope_class


def _key(mention: Mention) -> str:
    return replace(mention, edition=0).id
