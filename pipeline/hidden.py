"""Parts of a page that its own markup and styles hide from readers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from pipeline import selectors, styles
from pipeline.selectors import Selector
from pipeline.styles import Declarations

CSS_DELIMITER = re.compile(r"[{};]")
# An at-rule with blocks in its block, as nearly all are; deeper ones are left to `_end_of_at_rule`.
AT_RULE = re.compile(r"@[^{};@]*+(?:;|\{[^{}]*+(?>\{[^{}]*+(?>\{[^{}]*+\}[^{}]*+)*+\}[^{}]*+)*+\})")
# At-rules whose rules hold wherever a page is read.
EVERYWHERE = re.compile(r"@(?:media\s+(?:only\s+)?(?:all|screen)|layer\b[^{};]*)\s*\{", re.IGNORECASE)
NESTED = 3
MARKS_OF_COMMENTS = re.compile("<!--|-->")
ON_SCREENS = re.compile(r"\s*(?:(?:only\s+)?(?:all|screen))?\s*", re.IGNORECASE)
MAX_CSS = 500_000
"""Characters of style sheets read; longer ones are left alone, since a page must not buy time with its styles."""
MAX_TESTS = 20_000
"""Elements that are held against selectors, likewise."""
MAX_NAMES = 300
"""Tags, classes and ids that a rule is searched for; of more, each rule has one anyway."""
NEVER_HIDDEN = frozenset({"html", "body", "main", "article"})
"""Scripts unveil these, or the page shows nothing at all."""
PLAIN_INLINE = frozenset({"abbr", "b", "cite", "em", "font", "i", "mark", "q", "s", "small", "span", "strong", "u"})
"""Elements that take over the size of the text around them, where they have no style, class or id."""

FLOOD = 100
DOOMED = "doomed"
"""The name that elements get on their way out."""

# libxml2 walks along the attribute axis ten times as fast as it judges predicates. Back from there goes Python: its
# `parent::*` and its `|` compare each element with each.
HIDDEN = etree.XPath("descendant::*/@hidden")
POPOVER = etree.XPath("descendant::*/@popover")
STYLED = etree.XPath("descendant::*/@style")
CLASSED = etree.XPath("descendant::*/@class")
CALLED = etree.XPath("descendant::*/@id")


def remove_hidden(root: HtmlElement) -> int:
    """Take out of `root` what its own markup and styles hide from readers; return how many elements that were.

    Known signs: the `hidden` attribute, closed dialogs, popovers, templates, and what the styles of the page declare,
    inline or in a style element (`pipeline.styles`): not displayed, without size, clipped to nothing, off the page, or
    in the colour of its ground. External style sheets and scripts aren't run.
    """
    marked = (*_bearers(HIDDEN, root), *_bearers(POPOVER, root), *root.iter("template", "dialog"))
    doomed = [one for one in marked if one.tag != "dialog" or one.get("hidden") is not None or one.get("open") is None]
    sheet = _sheet(root)
    for element, style in _styled(root, sheet):
        if element.tag in NEVER_HIDDEN or element is root:
            continue
        if styles.hides(style) or (len(element) == 0 and styles.shrinks(style)):
            doomed.append(element)
        elif styles.shrinks(style):
            _remove_sizeless(element)
    doomed = list({element: None for element in doomed if element.tag not in NEVER_HIDDEN and element is not root})
    remove(root, doomed)
    return len(doomed)


def remove(root: HtmlElement, doomed: Sequence[HtmlElement]) -> None:
    """Take these elements and what they hold out of `root`; the text that follows them stays.

    In one go: to take out one by one copies the text between them each time.
    """
    parents = {parent for element in doomed if (parent := element.getparent()) is not None}
    for element in doomed:
        element.tag = DOOMED
    etree.strip_elements(root, DOOMED, with_tail=False)
    if len(doomed) > FLOOD:
        # The text that followed them lies side by side in pieces, each of which lxml reads anew for each other.
        for parent in parents:
            parent.text = parent.text
            for child in parent:
                child.tail = child.tail


def _bearers(attribute: etree.XPath, root: HtmlElement) -> list[HtmlElement]:
    """The elements under `root` that have an attribute."""
    values = cast("list[etree._ElementUnicodeResult]", attribute(root))
    return [cast("HtmlElement", value.getparent()) for value in values]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of a style sheet for one selector, in its place among all."""

    selector: Selector
    style: Declarations
    order: int


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The rules of the page's own style sheets as they stand there: selectors and declarations, not read yet."""

    rules: tuple[tuple[str, str], ...]

    def hiding(self) -> Iterator[_Rule]:
        """The rules that hide something by themselves."""
        for order, (listed, declarations) in enumerate(self.rules):
            if styles.may_hide(declarations):
                style = styles.declared(declarations)
                if styles.hides(style) or styles.shrinks(style):
                    yield from _read(listed, style, order)

    def touching(self, elements: Iterable[HtmlElement], properties: Iterable[str]) -> "_Rules":
        """The rules that may say something of these properties of some of these elements."""
        found, names = _Rules(list), {name for element in elements for name in _names(element)}
        listed_names = "|".join(re.escape(name) for name in names if name) if len(names) <= MAX_NAMES else ""
        named = re.compile(rf"(?:{listed_names}|\*)(?![\w-])" if listed_names else "", re.IGNORECASE)
        said = re.compile(rf"(?:^|[;\s])(?:{'|'.join(map(re.escape, properties))})\s*:", re.IGNORECASE)
        for order, (listed, declarations) in enumerate(self.rules):
            if said.search(declarations) and named.search(listed):
                for rule in _read(listed, styles.declared(declarations), order):
                    found[rule.selector.key].append(rule)
        return found


_Rules = defaultdict[str, list[_Rule]]
"""Rules by the key of their selectors."""


def _read(listed: str, style: Declarations, order: int) -> Iterator[_Rule]:
    for text in listed.split(","):
        if (selector := selectors.read(text)) is not None:
            yield _Rule(selector, style, order)


def _names(element: HtmlElement) -> Iterator[str]:
    """The keys of all selectors that may select an element."""
    yield from ("", str(element.tag))
    for name in (element.get("class") or "").split():
        yield f".{name}"
    if id_ := element.get("id"):
        yield f"#{id_}"


class _Named:
    """The elements of a page by class, and by id."""

    def __init__(self, root: HtmlElement) -> None:
        self._root = root
        self._classes: dict[str, list[HtmlElement]] = defaultdict(list)
        self._ids: dict[str, list[HtmlElement]] = defaultdict(list)
        for element in _bearers(CLASSED, root):
            for name in dict.fromkeys((element.get("class") or "").split()):
                self._classes[name].append(element)
        for element in _bearers(CALLED, root):
            self._ids[element.get("id") or ""].append(element)

    def selected(self, selector: Selector) -> Iterator[HtmlElement]:
        """The elements that a selector may select."""
        own = selector.compounds[-1]
        if not all(one.classes <= self._classes.keys() and one.ids <= self._ids.keys() for one in selector.compounds):
            # Most rules of a sheet are for other pages.
            return
        if own.ids:
            yield from self._ids.get(next(iter(own.ids)), ())
        elif own.classes:
            yield from min((self._classes.get(name, []) for name in own.classes), key=len)
        elif own.tag or own.attributes:
            yield from self._others.get(own.tag or f"[{own.attributes[0][0]}]", ())

    @cached_property
    def _others(self) -> dict[str, list[HtmlElement]]:
        """The elements by tag, and by attribute."""
        found: dict[str, list[HtmlElement]] = defaultdict(list)
        for element in self._root.iter():
            if isinstance(element.tag, str):
                for key in (element.tag, *(f"[{name}]" for name in element.attrib)):
                    found[key].append(element)
        return found


def _styled(root: HtmlElement, sheet: _Sheet) -> Iterator[tuple[HtmlElement, Declarations]]:
    """The elements that a style may hide, each with all that is declared for it."""
    found: dict[HtmlElement, list[_Rule]] = {
        element: [] for element in _bearers(STYLED, root) if styles.MAY_HIDE.search(element.get("style") or "")
    }
    tests, properties = MAX_TESTS, set[str]()
    hiding = list(sheet.hiding())
    named = _Named(root) if hiding else None
    for rule in hiding:
        for element in named.selected(rule.selector) if named is not None else ():
            tests -= 1
            if tests <= 0:
                break
            if rule.selector.matches(element):
                found.setdefault(element, []).append(rule)
                properties |= rule.style.keys()
    rules = sheet.touching(found, properties) if properties else _Rules(list)
    for element, certain in found.items():
        if tests > 0:
            likely = [rule for name in _names(element) for rule in rules.get(name, ())]
            tests -= len(likely)
            certain += (rule for rule in likely if rule.selector.matches(element))
        ranked = [((0, *rule.selector.specificity, rule.order), rule.style) for rule in certain]
        own = element.get("style")
        yield element, styles.cascade([*ranked, ((1,), styles.declared(own))] if own else ranked)


def _remove_sizeless(element: HtmlElement) -> None:
    """Take out the text that stands in an element without a font size, and in what takes over its size.

    Other elements in it may have a size from elsewhere: so columns are set without gaps.
    """
    waiting = [element]
    while waiting:
        one = waiting.pop()
        one.text = None
        for child in one:
            child.tail = None
            if child.tag in PLAIN_INLINE and not child.attrib:
                waiting.append(child)


def _sheet(root: HtmlElement) -> _Sheet:
    """The page's own style elements."""
    rules: list[tuple[str, str]] = []
    budget = MAX_CSS
    for style in root.iter("style"):
        css = style.text or ""
        budget -= len(css)
        if budget < 0:
            break
        if ON_SCREENS.fullmatch(style.get("media") or ""):
            rules += _plain_rules(css)
    return _Sheet(tuple(rules))


def _plain_rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield (selectors, declarations) of the rules that hold on every screen: none inside `@media (…)` and the like."""
    css = MARKS_OF_COMMENTS.sub("", styles.COMMENT.sub("", css))
    for _ in range(NESTED):
        css = AT_RULE.sub(_unwrapped, css)
    kept: list[str] = []
    position = 0
    while (at := css.find("@", position)) >= 0:
        kept.append(css[position:at])
        position = _end_of_at_rule(css, at)
    kept.append(css[position:])
    for rule in "".join(kept).split("}"):
        listed, brace, declarations = rule.rpartition("{")
        if brace:
            yield listed, declarations


def _unwrapped(match: re.Match[str]) -> str:
    """The rules of an at-rule that hold wherever a page is read."""
    if begins := EVERYWHERE.match(match[0]):
        return match[0][begins.end() : -1]
    return ""


def _end_of_at_rule(css: str, at: int) -> int:
    depth = 0
    for match in CSS_DELIMITER.finditer(css, at):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
        if depth <= 0:
            return match.end()
    return len(css)
