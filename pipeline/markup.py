"""HTML as its readers see it: parsing, hidden parts, plain text."""

import html
import re
import unicodedata
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement, HTMLParser

# Elements whose content no reader sees as text, whatever the style.
UNSEEN = frozenset({"script", "style", "template", "noscript", "head", "iframe", "object", "svg", "math", "textarea"})
BLOCK_TAGS = """
    address article aside blockquote br caption center dd details dialog div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul
"""
BLOCKS = frozenset(BLOCK_TAGS.split())

# Atomic and possessive: a run of comments must not be matched in more than one way.
HTML_PAGE = re.compile(
    r"(?>\s*(?:<!--.*?-->|<\?xml[^>]*>))*+\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
LOOKS_LIKE_MARKUP = re.compile(
    r"</[a-zA-Z][^<>]*>|<(?:a|b|blockquote|br|div|em|figure|font|h[1-6]|hr|i|img|li|ol|p|span|strong|table|u|ul)\b[^<>]*>|"
    r"<!--|&#?\w+;"
)
STRAY_LESS_THAN = re.compile(r"<(?![a-zA-Z/!?])")
CDATA_MARKS = re.compile(r"<!\[CDATA\[|\]\]>")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
# Characters that show nothing (Default_Ignorable_Code_Point) and those that only turn the direction of writing.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Joiners and variation selectors shape emoji and some scripts; between Latin letters they only split words unseen.
SHAPERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]+")
JOINERS = re.compile("[\u200c\u200d]+")
LATIN = re.compile("[0-9A-Za-z\u00c0-\u024f\u0300-\u036f]")
LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
SPACES = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
EDGE_SPACES = re.compile(" ?\n ?")
MANY_BREAKS = re.compile("\n{3,}")
BREAKS = re.compile("\n+")
FOLDING = re.compile("[ \t\r\n\f]+")

HIDING = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\s*(?:!\s*important\s*)?(?:;|$)",
    re.IGNORECASE,
)
# On a leaf only: as a parent's style it closes the gaps between columns, and the children set their own size.
SHRINKING = re.compile(r"(?:^|;)\s*font-size\s*:\s*0(?:px|em|rem|%)?\s*(?:!\s*important\s*)?(?:;|$)", re.IGNORECASE)
CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
CSS_DELIMITER = re.compile(r"[{};]")
SIMPLE_SELECTOR = re.compile(r"[a-z0-9]*([.#])([A-Za-z_-][\w-]*)")
MAX_CSS = 500_000
"""Characters of style sheets read; longer ones are left alone, since a page must not buy time with its styles."""
NEVER_HIDDEN = frozenset({"html", "body", "main", "article"})
"""Scripts unveil these, or the page shows nothing at all."""


def is_html_page(text: str) -> bool:
    """Return whether `text` begins as an HTML or XHTML page does."""
    return HTML_PAGE.match(text) is not None


def tidy(text: str) -> str:
    """Return `text` with nothing unseen in it: what a reader of the rendered text would copy.

    Invisible, bidirectional and control characters go; every sort of space becomes a space and every sort of line end a
    newline; runs of spaces become one, three or more newlines two; characters are composed (NFC). Visible characters,
    look-alikes among them, stay as they are. Idempotent.
    """
    text = INVISIBLE.sub("", CONTROLS.sub("", LINE_BREAKS.sub("\n", text)))
    text = SPACES.sub(" ", SHAPERS.sub(_shaping, text))
    text = MANY_BREAKS.sub("\n\n", EDGE_SPACES.sub("\n", text))
    return unicodedata.normalize("NFC", text).strip()


def _shaping(match: re.Match[str]) -> str:
    """Keep joiners and variation selectors where they shape something: not beside Latin letters."""
    text, start, end = match.string, match.start(), match.end()
    if start > 0 and LATIN.match(text, start - 1):
        return ""
    return JOINERS.sub("", match[0]) if LATIN.match(text, end) else match[0]


def one_line(text: str) -> str:
    """Return `text` tidied and on a single line."""
    return " ".join(tidy(text).split())


def _lines(text: str) -> str:
    return BREAKS.sub("\n", tidy(text))


def clean_html(text: str, *, paragraphs: bool = False) -> str:
    """Return the visible text of an HTML fragment, or of plain text; never raises.

    Entities are resolved; tags, scripts, styles and hidden elements go. With `paragraphs` each block has its own line;
    without, the result is one line.
    """
    finish = _lines if paragraphs else one_line
    text = CDATA_MARKS.sub("", text)
    if not LOOKS_LIKE_MARKUP.search(text):
        return finish(text)
    if "<" not in text:
        return finish(html.unescape(text))
    root = parse_fragment(text)
    if root is None:
        return ""
    remove_hidden(root)
    return finish(visible_text(root))


def parse_fragment(text: str) -> HtmlElement | None:
    """Return `text` parsed as HTML with libxml2's tolerance, or None where nothing is left of it."""
    # libxml2 drops what follows a bare "<" as a broken tag; browsers show it.
    source = STRAY_LESS_THAN.sub("&lt;", CONTROLS.sub("", text))
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(b"<div>" + source.encode("utf-8", "replace") + b"</div>", parser)
    except etree.LxmlError:
        return None
    return root if isinstance(root, HtmlElement) else None


def visible_text(root: HtmlElement) -> str:
    """Return the text under `root`, each block on its own line, white space otherwise as HTML folds it."""
    return "".join(_pieces(root))


def remove_hidden(root: HtmlElement) -> int:
    """Take out of `root` what its own markup and styles hide from readers; return how many elements that were.

    Known signs: the `hidden` attribute, inline styles (`display: none`, `visibility: hidden`, a font size of 0), closed
    dialogs, templates, and classes or ids that a style element of the page hides by a rule of a single selector.
    External style sheets and scripts aren't run.
    """
    classes, ids = _hidden_names(root)
    doomed = []
    for element in root.iter("*"):
        if element.tag in NEVER_HIDDEN or element is root:
            continue
        if (
            element.tag == "template"
            or element.get("hidden") is not None
            or (element.tag == "dialog" and element.get("open") is None)
            or ((style := element.get("style")) and _hides(style, element))
            or (classes and not classes.isdisjoint((element.get("class") or "").split()))
            or (ids and element.get("id") in ids)
        ):
            doomed.append(element)
    for element in doomed:
        if element.getparent() is not None:
            element.drop_tree()
    return len(doomed)


def _hides(style: str, element: HtmlElement) -> bool:
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
            hides = bool(HIDING.search(declarations))
            if not hides and "display" not in declarations and "visibility" not in declarations:
                continue
            for selector in selectors.split(","):
                if simple := SIMPLE_SELECTOR.fullmatch(selector.strip()):
                    hidden[(simple[1], simple[2])] = hides
    classes = {name for (kind, name), hides in hidden.items() if hides and kind == "."}
    return classes, {name for (kind, name), hides in hidden.items() if hides and kind == "#"}


def _plain_rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield (selectors, declarations) of the rules that hold on every screen: none inside `@media` and the like."""
    css = CSS_COMMENT.sub("", css)
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


def _pieces(root: HtmlElement) -> Iterator[str]:
    """Walk without recursion: pages nest as deep as they like."""
    skipped = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            if skipped is not None:
                continue
            if tag in UNSEEN:
                skipped = element
                continue
            if tag in BLOCKS:
                yield "\n"
            if element.text:
                yield _folded(element)
        else:
            if skipped is element:
                skipped = None
            elif skipped is not None:
                continue
            elif tag in BLOCKS and tag != "br":
                yield "\n"
            if element.tail and element is not root:
                yield FOLDING.sub(" ", element.tail)


def _folded(element: HtmlElement) -> str:
    text = element.text or ""
    return text if element.tag == "pre" else FOLDING.sub(" ", text)
