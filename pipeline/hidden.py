"""Parts of a page that its own markup and styles hide from readers."""

import re
from collections.abc import Iterator, Sequence
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\s*(?:!\s*important\s*)?(?:;|$)",
    re.IGNORECASE,
)
# On a leaf only: as a parent's style it closes the gaps between columns, and the children set their own size.
SHRINKING = re.compile(r"(?:^|;)\s*font-size\s*:\s*0(?:px|em|rem|%)?\s*(?:!\s*important\s*)?(?:;|$)", re.IGNORECASE)
CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
CSS_DELIMITER = re.compile(r"[{};]")
# An at-rule with blocks in its block, as nearly all are; deeper ones are left to `_end_of_at_rule`.
AT_RULE = re.compile(r"@[^{};@]*+(?:;|\{[^{}]*+(?>\{[^{}]*+(?>\{[^{}]*+\}[^{}]*+)*+\}[^{}]*+)*+\})")
SIMPLE_SELECTOR = re.compile(r"[a-z0-9]*([.#])([A-Za-z_-][\w-]*)")
MAX_CSS = 500_000
"""Characters of style sheets read; longer ones are left alone, since a page must not buy time with its styles."""
NEVER_HIDDEN = frozenset({"html", "body", "main", "article"})
"""Scripts unveil these, or the page shows nothing at all."""

FLOOD = 100
DOOMED = "doomed"
"""The name that elements get on their way out."""

# libxml2 walks along the attribute axis ten times as fast as it judges predicates. Back from there goes Python: its
# `parent::*` and its `|` compare each element with each.
HIDDEN = etree.XPath("descendant::*/@hidden")
STYLED = etree.XPath("descendant::*/@style")
CLASSED = etree.XPath("descendant::*/@class")
CALLED = etree.XPath("descendant::*/@id")


def remove_hidden(root: HtmlElement) -> int:
    """Take out of `root` what its own markup and styles hide from readers; return how many elements that were.

    Known signs: the `hidden` attribute, inline styles (`display: none`, `visibility: hidden`, a font size of 0), closed
    dialogs, templates, and classes or ids that a style element of the page hides by a rule of a single selector.
    External style sheets and scripts aren't run.
    """
    suspects = (*_bearers(HIDDEN, root), *_bearers(STYLED, root), *root.iter("template", "dialog"))
    doomed = [element for element in suspects if _is_hidden(element)]
    classes, ids = _hidden_names(root)
    if classes:
        doomed += [e for e in _bearers(CLASSED, root) if not classes.isdisjoint((e.get("class") or "").split())]
    if ids:
        doomed += [element for element in _bearers(CALLED, root) if element.get("id") in ids]
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


def _is_hidden(element: HtmlElement) -> bool:
    if element.tag == "template" or element.get("hidden") is not None:
        return True
    if element.tag == "dialog" and element.get("open") is None:
        return True
    style = element.get("style") or ""
    return bool(HIDING.search(style) or (len(element) == 0 and SHRINKING.search(style)))


def _hidden_names(root: HtmlElement) -> tuple[set[str], set[str]]:
    """The classes and the ids that the page's own style elements hide."""
    hidden: dict[tuple[str, str], bool] = {}
    budget = MAX_CSS
    for style in root.iter("style"):
        css = style.text or ""
        budget -= len(css)
        if budget < 0:
            break
        for selectors, declarations in _plain_rules(css):
            lower = declarations.lower()
            if "display" not in lower and "visibility" not in lower:
                continue
            hides = bool(HIDING.search(lower))
            for selector in selectors.split(","):
                if simple := SIMPLE_SELECTOR.fullmatch(selector.strip()):
                    hidden[(simple[1], simple[2])] = hides
    classes = {name for (kind, name), hides in hidden.items() if hides and kind == "."}
    return classes, {name for (kind, name), hides in hidden.items() if hides and kind == "#"}


def _plain_rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield (selectors, declarations) of the rules that hold on every screen: none inside `@media` and the like."""
    css = AT_RULE.sub("", CSS_COMMENT.sub("", css))
    kept: list[str] = []
    position = 0
    while (at := css.find("@", position)) >= 0:
        kept.append(css[position:at])
        position = _end_of_at_rule(css, at)
    kept.append(css[position:])
    for rule in "".join(kept).split("}"):
        selectors, brace, declarations = rule.rpartition("{")
        if brace:
            yield selectors, declarations


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
