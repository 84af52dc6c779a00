"""Which names the registry of bodies knows, for one body or for two, and which body is part of which.

The registry is given (`Lineage(bodies)`): this package reads none. A name that it does not know stays as it is, and the
rules of `pipeline.names` decide by its words.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipeline.names import BodyName, Relation, reduce_name, relate
from pipeline.types import ActorKind, Body

_FIRMS = (ActorKind.COMPANY, ActorKind.APP_STORE)
_NATIONAL = (ActorKind.COURT, ActorKind.POLICE, ActorKind.REGULATOR, ActorKind.LEGISLATURE)
_MANY_OF_A_KIND = frozenset(("district", "city", "state", "local", "municipal", "regional", "provincial", "appeals"))
_Key = tuple[str | None, str]


class Lineage:
    """The registered bodies by their reduced names, each with what it is part of."""

    def __init__(self, bodies: Iterable[Body] = ()) -> None:
        known = {body.id: body for body in bodies}
        proper, other = _Names(), _Names()
        acronyms: dict[str, set[str]] = defaultdict(set)
        own: dict[str, BodyName] = {}
        for body in known.values():
            country = None if body.kind in _FIRMS else body.country
            for number, text in enumerate((body.name, *body.aliases)):
                name = reduce_name(text, country)
                if not name.words or name.is_country or (name.is_vague and (number or not _is_one(body, name))):
                    continue
                (other if number else proper).add((name.country, name.key), body.id)
                acronyms[body.id] |= name.acronyms
                own.setdefault(body.id, name)
        self._ids = other.sure() | proper.sure()
        self._names = {
            key: replace(name, acronyms=frozenset(acronyms[key]), id=key, wholes=_wholes(key, known))
            for key, name in own.items()
        }

    def settle(self, name: BodyName) -> BodyName:
        """Return the registered name of the body that is called so, or the name itself where none or several are."""
        found = self._ids.get((name.country, name.key))
        return name if found is None else self._names[found]

    def relate(self, a: str, b: str, country_a: str | None = None, country_b: str | None = None) -> Relation:
        """Say how the bodies called `a` and `b` relate: by the registry where it knows both, else by their words.

        Countries are ISO 3166-1 codes; None and `XX` mean unknown.
        """
        return relate(self.settle(reduce_name(a, country_a)), self.settle(reduce_name(b, country_b)))


def _is_one(body: Body, name: BodyName) -> bool:
    """Whether a country has one body only of a name that is made of common words ("High Court of Kenya")."""
    return body.kind in _NATIONAL and len(name.words) > 1 and not _MANY_OF_A_KIND & set(name.words)


class _Names:
    """Reduced names and the bodies that are called so."""

    def __init__(self) -> None:
        self._found: dict[_Key, set[str]] = defaultdict(set)

    def add(self, key: _Key, body: str) -> None:
        self._found[key].add(body)

    def sure(self) -> dict[_Key, str]:
        """The names that mean one body only."""
        return {key: next(iter(some)) for key, some in self._found.items() if len(some) == 1}


def _wholes(start: str, known: Mapping[str, Body]) -> frozenset[str]:
    """Return the ids of the bodies that a body is part of, directly or through others."""
    found: set[str] = set()
    at = known[start].part_of
    while at is not None and at in known and at not in found and at != start:
        found.add(at)
        at = known[at].part_of
    return frozenset(found)
