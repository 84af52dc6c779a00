"""One actor that is to be resolved, and what its text says of it."""

import re
from dataclasses import dataclass, replace

from extractors.countries import country_of, nearest_country
from extractors.gazetteer import tag
from extractors.healing import heal
from extractors.reading import Reading
from extractors.services import by_name
from pipeline.types import Quote

# A word of a name is begun at its beginning alone: else a run of capitals without a space takes its length squared.
_OFFICE_HOLDER = (
    r"(?:(?:(?<![\w.’'-])[A-Z][\w.’'-]*|of)\s+){{0,3}}\b(?:[Gg]overnor|Gov\.|[Pp]resident|[Pp]rime [Mm]inister|"
    r"[Pp]remier|[Mm]inister|[Cc]hancellor|[Mm]ayor)\s+(?:[A-Z][\w.’'-]*\s+){{0,2}}{name}\b"
    r"|(?<![\w’'-])[A-Z][\w’'-]+\s+{name}\s+of\s+[A-Z]\w+(?:\s+[A-Z]\w+)?"
)


@dataclass(frozen=True, slots=True)
class ActorCase:
    """One actor to be resolved: its quote and healed words, the event's other quotes, and the service it is about."""

    reading: Reading
    actor: Quote
    words: str
    anchors: tuple[Quote, ...]
    provider: str | None
    local: bool

    @property
    def country(self) -> str | None:
        """The country nearest to the actor."""
        return nearest_country(self.reading, (self.actor,), self.anchors[1], self.provider, self.actor)

    @property
    def stated(self) -> str | None:
        """The country that the actor's own words name, the first of several."""
        hits = self.reading.within(self.actor, "country", "demonym", "subdivision")
        return country_of(hits[0]) if hits else None

    @property
    def countries(self) -> frozenset[str]:
        """Every country that the text names by itself or by its places and people."""
        hits = self.reading.of("country", "demonym", "subdivision")
        return frozenset(code for hit in hits if (code := country_of(hit)) is not None)

    @property
    def providers(self) -> frozenset[str]:
        """The countries of the providers of all services that the text names; not the one of nearly all services."""
        named = (by_name().get(hit.canonical) for hit in self.reading.of("service"))
        return frozenset(found.provider_country for found in named if found and found.provider_country) - {"US"}

    def of_the_person(self) -> "ActorCase | None":
        """The same where the text names the person of a bare surname with an office: "Texas Governor Greg Abbott"."""
        if not re.fullmatch(r"[A-Z][\w'’-]{2,}", self.words) or tag(self.words):
            return None
        person = re.search(_OFFICE_HOLDER.format(name=re.escape(self.words)), self.reading.text)
        if person is None:
            return None
        return replace(self, actor=Quote(person[0], person.start(), person.end()), words=heal(person[0]))
