"""Selectors of style sheets, those that most pages hide with: tags, classes, ids, attributes, within or right within.

What else there is (states, positions, siblings) depends on what readers do, or is rare; such a selector is not read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml.html import HtmlElement

NAME: Final = r"-?[A-Za-z_][\w-]*"
COMPOUND = re.compile(
    rf"(?P<tag>[A-Za-z][\w-]*|\*)?(?P<rest>(?:[.#]{NAME}|\[\s*{NAME}(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[\w-]+))?\s*\])*)"
)
PART = re.compile(rf"([.#])({NAME})|\[\s*({NAME})(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([\w-]+)))?\s*\]")
SPACES = re.compile(r"\s*>\s*|\s+")
SCRIPTED: Final = frozenset({"js", "no-js", "nojs", "loading", "is-loading", "preload"})
"""Classes that scripts take away when the page is there: what is hidden with them is shown then."""
MOST_PARTS: Final = 8


@dataclass(frozen=True, slots=True)
class Compound:
    """What one element must have: its tag ("" for any), id, classes, and attributes with a value or any."""

    tag: str
    ids: frozenset[str]
    classes: frozenset[str]
    attributes: tuple[tuple[str, str | None], ...]
    is_child: bool = False
    """Whether it must stand right within the one before it."""

    def matches(self, element: HtmlElement) -> bool:
        """Whether an element has all of it."""
        return (
            (not self.tag or element.tag == self.tag)
            and (not self.ids or self.ids == {element.get("id")})
            and (not self.classes or self.classes <= set((element.get("class") or "").split()))
            and all(_has(element, *one) for one in self.attributes)
        )


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector: what an element must have, after what those around it must have, the outermost first."""

    compounds: tuple[Compound, ...]

    @property
    def specificity(self) -> tuple[int, int, int]:
        """How much it weighs against others."""
        ids = sum(len(one.ids) for one in self.compounds)
        classes = sum(len(one.classes) + len(one.attributes) for one in self.compounds)
        return ids, classes, sum(bool(one.tag) for one in self.compounds)

    @property
    def key(self) -> str:
        """What an element that it selects has, whatever else: "#id", ".class", "tag", or "" for anything."""
        own = self.compounds[-1]
        if own.ids:
            return f"#{min(own.ids)}"
        return f".{min(own.classes)}" if own.classes else own.tag

    def matches(self, element: HtmlElement) -> bool:
        """Whether it selects an element."""
        *outer, own = self.compounds
        return own.matches(element) and _within(element, own, outer)


def read(text: str) -> Selector | None:
    """Read one selector; None where it is of another kind, or speaks of what scripts take away."""
    compounds: list[Compound] = []
    for piece, is_child in _pieces(text.strip()):
        found = COMPOUND.fullmatch(piece)
        if found is None or not piece:
            return None
        compound = _compound(found, is_child=is_child)
        if not SCRIPTED.isdisjoint(compound.classes):
            return None
        compounds.append(compound)
    return Selector(tuple(compounds)) if 0 < len(compounds) <= MOST_PARTS else None


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    at, is_child = 0, False
    for space in SPACES.finditer(text):
        yield text[at : space.start()], is_child
        at, is_child = space.end(), ">" in space[0]
    yield text[at:], is_child


def _compound(found: re.Match[str], *, is_child: bool) -> Compound:
    ids, classes, attributes = set(), set(), []
    for kind, name, attribute, *values in PART.findall(found["rest"]):
        if kind == "#":
            ids.add(name)
        elif kind == ".":
            classes.add(name)
        else:
            attributes.append((attribute.lower(), next(filter(None, values), None)))
    tag = (found["tag"] or "").lower()
    return Compound("" if tag == "*" else tag, frozenset(ids), frozenset(classes), tuple(attributes), is_child)


def _has(element: HtmlElement, name: str, value: str | None) -> bool:
    has = element.get(name)
    return has is not None if value is None else has == value


def _within(element: HtmlElement, own: Compound, outer: list[Compound]) -> bool:
    """Whether those around have what they must. The nearest that has it is taken: a walk up, and no search."""
    around = element
    for wanted in reversed(outer):
        parent = around.getparent()
        while parent is not None and not own.is_child and not wanted.matches(parent):
            parent = parent.getparent()
        if parent is None or not wanted.matches(parent):
            return False
        around, own = parent, wanted
    return True
