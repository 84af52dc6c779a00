"""Rules of keywords over our registries: the gate's trigger words, the nearest services, the nearest body or country.

What one writes in an afternoon who has the registries: it takes the model's place and nothing else, since names,
countries and dates are normalised, repeats merged and answers scored by the same code. `triggers.txt` holds those words
of `vocabulary.toml` that were right in one case of four or more where these rules met them in the train passages.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.versus.peers import cues
from benchmarks.versus.peers.cues import Span
from extractors.gazetteer import Hit
from extractors.reading import Reading, read
from extractors.registries import services
from pipeline.types import Document, Quote

TRIGGERS: Final = frozenset((Path(__file__).parent / "triggers.txt").read_text("utf-8").splitlines())
_BEFORE: Final = re.compile(r"\bby (?:the |a |an )?$", re.IGNORECASE)
_WHERE: Final = re.compile(
    r"\b(?:in|across|throughout|near|at|from|around|within|of|to|for) (?:the |all of |parts of )?$", re.IGNORECASE
)
_JOIN: Final = re.compile(r"(?:[’']s?)? (?:the )?|[ -]|, the | of (?:the )?")
_LIST: Final = re.compile(r",? (?:and|or|&) (?:the )?|, (?:the )?|/| \(| and its ")
_REACH: Final = 160
"""Characters between a trigger and a service that can belong to it."""
_PLACES: Final = ("country", "subdivision")
_ACTORS: Final = ("country", "demonym", "subdivision", "body", "body_noun")


def find(document: Document) -> list[dict[str, Any]]:
    """Return the events that the rules see, as plain values (see `peers.cues.event`)."""
    reading = read(document)
    known = {service.name for service in services()}
    things = [hit for hit in reading.of("service", "technology") if hit.canonical in known]
    found = []
    for hit in reading.of("restriction"):
        if hit.canonical == "other" or " ".join(reading.words(hit).lower().split()) not in TRIGGERS:
            continue
        sentence = reading.sentence(hit.start)
        if cues.denied(reading.text, hit.start, sentence):
            continue
        near = _services(hit, [one for one in things if sentence[0] <= one.start < sentence[1]], reading.text)
        for service in near:
            action = cues.measure(hit.canonical, service.canonical)
            one = cues.event(action, (hit.start, hit.end), (service.start, service.end), reading.text, sentence)
            one["actor"] = _actor(reading, hit, sentence, near)
            one["date"] = _nearest(hit, [(d.start, d.end) for d in reading.of("date")], sentence)
            found.append(one)
    return cues.distinct(found, reading.sentence)


def _services(trigger: Hit, things: Sequence[Hit], text: str) -> list[Hit]:
    """The service nearest to the trigger, what follows counting as nearer, with those that it is listed with."""
    far = [(_distance(trigger, one), one) for one in things]
    far = [pair for pair in far if pair[0] <= _REACH and not _overlap(trigger, pair[1])]
    if not far:
        return []
    place = things.index(min(far, key=lambda pair: pair[0])[1])
    first = last = place
    while first > 0 and _LIST.fullmatch(text[things[first - 1].end : things[first].start]):
        first -= 1
    while last + 1 < len(things) and _LIST.fullmatch(text[things[last].end : things[last + 1].start]):
        last += 1
    return list(things[first : last + 1])


def _distance(trigger: Hit, one: Hit) -> float:
    return one.start - trigger.end if one.start >= trigger.end else 1.5 * (trigger.start - one.end) + 10


def _overlap(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end


def _actor(reading: Reading, trigger: Hit, sentence: Span, taken: Iterable[Hit]) -> Span | None:
    """Who stands behind “by”, else nearest before the trigger in its sentence, else nobody."""
    blocked = [(hit.start, hit.end) for hit in taken]
    spans = [
        span
        for span in _parties(reading)
        if not any(start < span[1] and span[0] < end for start, end in blocked) and not _is_where(reading, span)
    ]
    here = [span for span in spans if sentence[0] <= span[0] < sentence[1]]
    agents = [span for span in here if span[0] > trigger.end and _BEFORE.search(reading.text[trigger.end : span[0]])]
    if agents:
        return agents[0]
    before = [span for span in here if span[1] <= trigger.start]
    return before[-1] if before else None


def _is_where(reading: Reading, span: Span) -> bool:
    """Whether a place stands where something happens, and not for who does it: “in Istanbul”, “across Assam”."""
    placed = _WHERE.search(reading.text[max(0, span[0] - 20) : span[0]]) is not None
    return placed and all(hit.kind in _PLACES for hit in reading.within(Quote("", *span), *_ACTORS))


def _parties(reading: Reading) -> list[Span]:
    """Bodies, countries and nouns for bodies, joined where they follow each other: “South Korea’s privacy watchdog”."""
    joined: list[list[int]] = []
    for hit in reading.of(*_ACTORS):
        if joined and hit.start < joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], hit.end)
        elif joined and _JOIN.fullmatch(reading.text[joined[-1][1] : hit.start]):
            joined[-1][1] = hit.end
        else:
            joined.append([hit.start, hit.end])
    return [(start, end) for start, end in joined]


def _nearest(trigger: Hit, spans: Iterable[Span], sentence: Span) -> Span | None:
    here = [span for span in spans if sentence[0] <= span[0] < sentence[1]]
    return min(here, key=lambda span: abs(span[0] - trigger.start), default=None)
