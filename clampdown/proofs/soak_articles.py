"""What the outlets of the soak write: made-up reports of restrictions and of nothing, from a seed. Nothing of it is so.

A report is a pure function of its number: whoever asks for it gets the same words, in whatever process.
"""

import random
from dataclasses import dataclass
from typing import Final

SERVICES: Final = (
    "DeepSeek",
    "TikTok",
    "Telegram",
    "WhatsApp",
    "Signal",
    "Temu",
    "CapCut",
    "Grok",
    "Discord",
    "Snapchat",
)
ORDERS: Final = (
    ("Italy", "Italian", "Rome", "The Garante"),
    ("South Korea", "South Korean", "Seoul", "South Korea's Ministry of National Defense"),
    ("Australia", "Australian", "Canberra", "Australia's Department of Home Affairs"),
    ("Brazil", "Brazilian", "Brasilia", "Brazil's Supreme Court"),
    ("India", "Indian", "New Delhi", "India's Ministry of Finance"),
    ("Taiwan", "Taiwanese", "Taipei", "Taiwan's Ministry of Digital Affairs"),
    ("Canada", "Canadian", "Ottawa", "Canada's Treasury Board"),
    ("Albania", "Albanian", "Tirana", "The government of Albania"),
    ("Turkey", "Turkish", "Ankara", "Turkey's Information and Communication Technologies Authority"),
    ("Kenya", "Kenyan", "Nairobi", "The Communications Authority of Kenya"),
)
"""Country, adjective, capital, and who orders."""

_DEEDS: Final = (
    ("blocked", "across the country"),
    ("banned", "from all government devices"),
    ("suspended", "until further notice"),
    ("restricted", "in schools"),
)
_REASONS: Final = ("privacy concerns", "national security", "the protection of minors", "the spread of disinformation")
_PEOPLE: Final = (
    "a spokeswoman",
    "the deputy minister",
    "a lawyer for the users",
    "the head of the inquiry",
    "an engineer",
)
_THINGS: Final = (
    "harbour", "library", "orchard", "railway bridge", "school kitchen", "bakery", "observatory", "ferry", "museum",
    "market hall", "reservoir", "theatre", "vineyard", "fire station", "swimming pool", "greenhouse", "tram line",
)  # fmt: skip
_DOINGS: Final = (
    "was repaired after the storms of last winter", "opens an hour earlier", "drew more visitors than ever",
    "will be paid for by a lottery", "closes for the season", "was sold to a family from the coast",
    "is to be painted by the pupils of the town", "needs a new roof before the autumn", "won a prize for its garden",
)  # fmt: skip
_SAID: Final = (
    "said that nobody had been asked beforehand", "called it long overdue", "spoke of a mistake that would be costly",
    "counted {count} letters in favour of it", "expects the first results in {count} weeks", "had warned of it twice",
    "put the cost at {count},000 a year", "would not say who had proposed it", "answered {count} questions and left",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What one article says: its headline, the sentence that a feed shows, its paragraphs."""

    title: str
    summary: str
    paragraphs: tuple[str, ...]


def restriction(number: int) -> Report:
    """A report of a restriction; which one follows from the number, so that some are told again by later ones."""
    dice = random.Random(number)
    happening = random.Random(number // 3)
    country, adjective, capital, body = happening.choice(ORDERS)
    service = happening.choice(SERVICES)
    deed, scope = happening.choice(_DEEDS)
    reason = happening.choice(_REASONS)
    first = f"{body} has {deed} {service} {scope}, citing {reason}."
    paragraphs = (
        f"{first} The order was published in {capital} and takes effect at once.",
        f"{dice.choice(_PEOPLE).capitalize()} {_said(dice)}, and {dice.choice(_PEOPLE)} {_said(dice)}. "
        f"{adjective} users of {service} had {dice.randrange(2, 60)} hours to save what they keep there.",
        *_asides(dice, 2),
        f"The company behind {service} said that it would talk to the {adjective} authorities on the dispute over "
        f"{reason}, which has gone on for {dice.randrange(3, 40)} weeks.",
    )
    return Report(f"{country}: {service} {deed} {scope}", first, paragraphs)


def lifting(number: int) -> Report:
    """A report that the restriction of which `restriction(number)` tells is over."""
    dice = random.Random(-number - 1)
    happening = random.Random(number // 3)
    country, adjective, capital, body = happening.choice(ORDERS)
    service = happening.choice(SERVICES)
    first = f"{body} has lifted the ban on {service}, and the service can be reached again by everyone in {country}."
    paragraphs = (
        f"{first} The decision was announced in {capital} on the {dice.randrange(2, 29)}th day of the dispute.",
        f"{dice.choice(_PEOPLE).capitalize()} {_said(dice)}. Many {adjective} users had found other ways meanwhile.",
        *_asides(dice, 2),
    )
    return Report(f"{country} lifts ban on {service}", first, paragraphs)


def plain(number: int) -> Report:
    """A report in which nothing is restricted."""
    dice = random.Random(number * 7 + 3)
    thing, doing = dice.choice(_THINGS), dice.choice(_DOINGS)
    first = f"The {thing} of the town {doing}, the council decided by {dice.randrange(5, 30)} votes."
    return Report(f"The {thing} {doing}", first, (first, *_asides(dice, 4)))


def edited(report: Report, edition: int) -> Report:
    """The same after an edit: a word more in the feed, a paragraph more on the page."""
    dice = random.Random(f"{report.title}{edition}")
    more = f"Update {edition}: {dice.choice(_PEOPLE)} {_said(dice)}, and {dice.choice(_PEOPLE)} {_said(dice)}."
    return Report(report.title, f"{report.summary} (Update {edition})", (*report.paragraphs, more))


def withdrawn(report: Report) -> Report:
    """What stands in its place after the outlet took it back."""
    said = "This article has been withdrawn because it did not meet our standards and contained errors of fact."
    return Report(f"Withdrawn: {report.title}", said, (said,))


def _asides(dice: random.Random, count: int) -> tuple[str, ...]:
    return tuple(
        f"Meanwhile, {dice.choice(_PEOPLE)} {_said(dice)}. The {dice.choice(_THINGS)} {dice.choice(_DOINGS)}, while "
        f"the {dice.choice(_THINGS)} {dice.choice(_DOINGS)}; item {dice.randrange(10_000)} of the list was "
        f"put off by {dice.randrange(2, 50)} days."
        for _ in range(count)
    )


def _said(dice: random.Random) -> str:
    return dice.choice(_SAID).format(count=dice.randrange(2, 900))
