"""The colours of all that Clampdown draws, for light and for dark paper. Kept apart: pages need them, and no charts.

Actions are told apart by hue (their side) and by lightness (their force): in grey no two are nearer than 4.8 steps of
CIE L*, to people with any of the three colour deficiencies none are nearer than 8 in CIE Lab (Machado, Oliveira and
Fernandes, 2009). All stand out from the paper by 3 : 1 or more, what is written by 4.5 : 1 (WCAG 2.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import chain
from typing import Final, Literal, TypeAlias, get_args

from pipeline.types import SIDE, Action, Side

Theme: TypeAlias = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = get_args(Theme)

PALETTE: Final[Mapping[Theme, Mapping[Action, str]]] = {
    "light": {
        Action.BAN: "#5e0a2a",
        Action.BLOCK: "#7a0021",
        Action.SUSPEND: "#910415",
        Action.LIMIT: "#8e3800",
        Action.REMOVE: "#904e28",
        Action.WARN: "#6887c5",
        Action.INVESTIGATE: "#8369cd",
        Action.PENALIZE: "#935697",
        Action.LIFT: "#03a5a9",
    },
    "dark": {
        Action.BAN: "#ba4768",
        Action.BLOCK: "#ba6366",
        Action.SUSPEND: "#d46a57",
        Action.LIMIT: "#ec733f",
        Action.REMOVE: "#da9368",
        Action.WARN: "#b5cefe",
        Action.INVESTIGATE: "#d1afff",
        Action.PENALIZE: "#da9eca",
        Action.LIFT: "#4bf1f0",
    },
}
"""Action → colour of a mark."""


@dataclass(frozen=True, slots=True)
class Inks:
    """All other colours: what is drawn on, written with, and counted by.

    `ink` is for words, `muted` for those beside them, `line` for axes and rules, `land` for countries without a count,
    `steps` for counts from few to many, `curve` for lines that grow, `doubt` for the span that dates leave open,
    `canvas` for what lies around the paper. A notice that something is amiss has a paper of its own, with words in
    `warn_ink` and `warn` at its edge.
    """

    paper: str
    ink: str
    muted: str
    line: str
    land: str
    steps: tuple[str, str, str, str]
    curve: str
    doubt: str
    canvas: str
    link: str
    warn_paper: str
    warn_ink: str
    warn: str


INKS: Final[Mapping[Theme, Inks]] = {
    "light": Inks(
        paper="#ffffff",
        ink="#1b1d21",
        muted="#5b616b",
        line="#d3d5d9",
        land="#e6e5e1",
        steps=("#f0c3a8", "#dc8c64", "#b54f36", "#6c1620"),
        curve="#9c2f25",
        doubt="#ecd5cc",
        canvas="#f1efea",
        link="#1d4e89",
        warn_paper="#fdf3e1",
        warn_ink="#4a3000",
        warn="#c77700",
    ),
    "dark": Inks(
        paper="#16181c",
        ink="#eceae6",
        muted="#a3a8b0",
        line="#3c4047",
        land="#2b2f35",
        steps=("#6b3a2e", "#a8573c", "#df8a60", "#ffcfa8"),
        curve="#f0936b",
        doubt="#4a332c",
        canvas="#0c0d10",
        link="#9cc3f0",
        warn_paper="#33270f",
        warn_ink="#f6dfb4",
        warn="#d99a2b",
    ),
}


FIELDS: Final[Mapping[Theme, Mapping[str, tuple[str, str]]]] = {
    "light": {
        "trigger": ("#f9ddd2", "#a83c26"),
        "actor": ("#d9e7f8", "#2a63a3"),
        "service": ("#e6def6", "#6d4cb3"),
        "scope": ("#d5eee2", "#1a6c4b"),
        "date": ("#f7eabc", "#7a5e00"),
        "reason": ("#e3e4e8", "#5b6270"),
    },
    "dark": {
        "trigger": ("#552a20", "#ee8a6c"),
        "actor": ("#1d3a5c", "#7fb2ea"),
        "service": ("#3d2f62", "#b89cf0"),
        "scope": ("#17493a", "#5fc79c"),
        "date": ("#54430e", "#dcb845"),
        "reason": ("#41454e", "#aeb4c0"),
    },
}
"""Field of a mention → paper and edge of its words in a text; the edge is also the ink of the field's name."""


def all_of(theme: Theme) -> tuple[str, ...]:
    """Every colour of a theme, in the same order for both."""
    values = (getattr(INKS[theme], one.name) for one in fields(Inks))
    inks = chain.from_iterable([value] if isinstance(value, str) else value for value in values)
    return (*PALETTE[theme].values(), *inks)


def dark_of() -> Mapping[str, str]:
    """Light colour → dark one. No light colour stands for two things: a drawing can be turned by its colours alone."""
    return dict(zip(all_of("light"), all_of("dark"), strict=True))


def mark_of(action: Action, theme: Theme) -> tuple[str, str, str]:
    """Colours of a mark with a word in it: paper, ink and edge. That of an action that only presses is open."""
    colour, inks = PALETTE[theme][action], INKS[theme]
    return (inks.paper, inks.ink, colour) if SIDE[action] is Side.PRESSING else (colour, ink_on(colour), colour)


def luminance(colour: str) -> float:
    """How bright a colour is, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    """How far two colours stand out from each other, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(colour: str) -> str:
    """White or black, whichever reads better on that colour."""
    return max("#ffffff", "#000000", key=lambda ink: contrast(ink, colour))
