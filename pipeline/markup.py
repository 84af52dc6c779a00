"""HTML as its readers see it: parsing, hidden parts, plain text."""

import html
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HTMLParser, HtmlProcessingInstruction

from pipeline.hidden import remove_hidden

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
# Markup that needs no parser: tags that hide nothing, with plain attributes, and entities that are the same everywhere.
# It is most of what feeds hold, and is read in a third of the time.
SIMPLE_VOID = frozenset({"br", "hr", "img"})
CLOSED_BY_BLOCKS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})
SIMPLE_BLOCKS = "p|div|ul|ol|li|h[1-6]|blockquote|figure|figcaption"
ATTRIBUTES = r"""(?:\s++[a-z][\w:-]*+(?:\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`/]++))?+)*+\s*+"""
SIMPLE = re.compile(
    rf"(?:[^<&]++|&(?:amp|lt|gt|quot|nbsp|hellip|[mn]dash|[lr][sd]quo|#(?:39|0?38|160|82\d\d));|"
    rf"<(?:{SIMPLE_BLOCKS}|a|b|i|em|strong|u|small|sub|sup|span|cite|abbr|mark){ATTRIBUTES}>|"
    rf"</(?:{SIMPLE_BLOCKS}|a|b|i|em|strong|u|small|sub|sup|span|cite|abbr|mark)\s*+>|<(?:br|hr|img){ATTRIBUTES}/?+>)*+",
    re.IGNORECASE | re.ASCII,
)
SIMPLE_BREAK = re.compile(rf"</?(?:{SIMPLE_BLOCKS}|br|hr)(?:[\s/][^<>]*)?>", re.IGNORECASE)
ANY_TAG = re.compile("<[^<>]*>")
TAG_NAME = re.compile("<(/?)([a-z0-9]+)", re.IGNORECASE)
MAY_HIDE = re.compile("style|hidden|popover", re.IGNORECASE)
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
# Visible characters of Latin scripts and their punctuation, all composed, plain spaces and newlines.
PLAIN = re.compile("[\n -~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u2030-\u205e\u20ac\u2122]*+")
SPACES = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
MOST_MARKS = 30
"""Combining marks on one letter: the bound of Unicode's stream-safe text. Composing takes their number squared."""
HARMLESS = 2_000
"""Characters up to which a text of nothing but marks is composed in a millisecond or two."""
PILE = re.compile(rf"[^\w\s\x00-\x7f]{{{MOST_MARKS + 1},}}+")
EDGE_SPACES = re.compile(" ?\n ?")
MANY_BREAKS = re.compile("\n{3,}")
BREAKS = re.compile("\n+")
FOLDING = re.compile("[ \t\r\n\f]+")

CONTROL_BYTES = bytes([*range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F])
# U+FFFE, U+FFFF and control characters, as they are and escaped: libxml2 reads them, and lxml refuses to write them.
NO_CHARACTERS = b"\xef\xbf"
NO_CHARACTER = re.compile(rb"\xef\xbf[\xbe\xbf]")
ESCAPED_NO_CHARACTER = re.compile(
    rb"&#(?:0*(?:6553[45]|[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[fF]{3}[eEfF]|[0-8bBcCeEfF]|1[0-9a-fA-F]))(?:;|(?![0-9a-fA-F]))"
)
# libxml2 drops all that follows an end of the page that came too early, or an `<html/>`; browsers show it.
ENDS = re.compile(rb"</(?:html|body)>", re.IGNORECASE)
END_OF_PAGE = 200
"""Bytes at the end of a page within which its end is no matter."""
EMPTY_HTML = re.compile(rb"(<html\b[^<>]*?)/>", re.IGNORECASE)
START_OF_PAGE = 4_096
MAX_ATTRIBUTES = 2_000
LEAST_ELEMENTS = 5
"""`<html>`, `<body>` and three more: what is less, and nowhere says "html", is a text or JSON and no page."""

# lxml.html asks a Python function for the class of each element. One class for all is chosen in C, and a page is read
# in five sixths of the time.
ONE_CLASS = etree.ElementDefaultClassLookup(
    element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity
)


def is_html_page(text: str) -> bool:
    """Return whether `text` begins as an HTML or XHTML page does."""
    return HTML_PAGE.match(text) is not None


def tidy(text: str) -> str:
    """Return `text` with nothing unseen in it: what a reader of the rendered text would copy.

    Invisible, bidirectional and control characters go; every sort of space becomes a space and every sort of line end a
    newline; runs of spaces become one, three or more newlines two; characters are composed (NFC). Visible characters,
    look-alikes among them, stay as they are, but for accents that pile up beyond MOST_MARKS. Idempotent.
    """
    if PLAIN.fullmatch(text):
        # Nearly all texts, in a fifth of the time: there is nothing to do but for spaces.
        if "  " in text:
            text = SPACES.sub(" ", text)
        if " \n" in text or "\n " in text:
            text = EDGE_SPACES.sub("\n", text)
        return (MANY_BREAKS.sub("\n\n", text) if "\n\n\n" in text else text).strip()
    text = INVISIBLE.sub("", CONTROLS.sub("", LINE_BREAKS.sub("\n", text)))
    text = SPACES.sub(" ", SHAPERS.sub(_shaping, text))
    text = MANY_BREAKS.sub("\n\n", EDGE_SPACES.sub("\n", text))
    if len(text) > HARMLESS:
        text = PILE.sub(_lowered, text)
    return unicodedata.normalize("NFC", text).strip()


def _lowered(match: re.Match[str]) -> str:
    kept = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


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
    if (simple := _simple_text(text)) is not None:
        return finish(simple)
    root = parse_fragment(text)
    if root is None:
        return ""
    remove_hidden(root)
    return finish(visible_text(root))


def _simple_text(text: str) -> str | None:
    """What `visible_text` gives for well-nested markup of simple tags, but for line breaks in a row; None for other."""
    if not SIMPLE.fullmatch(text) or MAY_HIDE.search(text) or not _well_nested(text):
        return None
    return html.unescape(ANY_TAG.sub("", SIMPLE_BREAK.sub("\n", FOLDING.sub(" ", text))))


def _well_nested(text: str) -> bool:
    """Whether a parser of HTML would close no element of `text` before its own end tag."""
    names: list[str] = []
    closed_by_blocks = 0
    for ends, name in TAG_NAME.findall(text.lower()):
        if name in SIMPLE_VOID:
            if name == "hr" and closed_by_blocks:
                return False
        elif ends:
            if not names or names.pop() != name:
                return False
            closed_by_blocks -= name in CLOSED_BY_BLOCKS
        else:
            if (name in BLOCKS and closed_by_blocks) or (name == "li" and names and names[-1] not in ("ul", "ol")):
                return False
            closed_by_blocks += name in CLOSED_BY_BLOCKS
            names.append(name)
    return True


def parse_page(text: str) -> HtmlElement | None:
    """Return the `<html>` element of a page without comments and processing instructions, or None for no HTML.

    Read with libxml2's tolerance, and some more: what follows an early `</html>` or `<html/>` stays.
    """
    source = text.encode("utf-8", "replace").translate(None, CONTROL_BYTES)
    if NO_CHARACTERS in source:
        source = NO_CHARACTER.sub(b"", source)
    source = ESCAPED_NO_CHARACTER.sub(b"", source)
    end = b"</HTML" if b"<HTML" in source[:START_OF_PAGE] else b"</html"
    if source.find(end, 0, -END_OF_PAGE) >= 0:
        source = ENDS.sub(b"", source)
    source = EMPTY_HTML.sub(rb"\1>", source[:START_OF_PAGE]) + source[START_OF_PAGE:]
    root = _parsed(_without_floods(source), _parser(huge=False))
    if root is None or (
        "html" not in text[:50].lower() and len(list(islice(root.iter(), LEAST_ELEMENTS))) < LEAST_ELEMENTS
    ):
        return None
    return root


def _without_floods(source: bytes) -> bytes:
    """Without the attributes of elements that have thousands: libxml2 compares each with each."""
    pieces = source.split(b"<")
    flooded = [
        number
        for number, piece in enumerate(pieces)
        if len(piece) > 2 * MAX_ATTRIBUTES and piece.partition(b">")[0].count(b"=") > MAX_ATTRIBUTES
    ]
    if not flooded:
        return source
    for number in flooded:
        tag, _, rest = pieces[number].partition(b">")
        pieces[number] = tag.split(maxsplit=1)[0] + b">" + rest
    return b"<".join(pieces)


def parse_fragment(text: str) -> HtmlElement | None:
    """Return `text` parsed as HTML with libxml2's tolerance, or None where nothing is left of it."""
    # libxml2 drops what follows a bare "<" as a broken tag; browsers show it.
    source = STRAY_LESS_THAN.sub("&lt;", CONTROLS.sub("", text))
    return _parsed(b"<div>" + source.encode("utf-8", "replace") + b"</div>", _parser(huge=True))


def _parsed(source: bytes, parser: HTMLParser) -> HtmlElement | None:
    try:
        root = etree.fromstring(source, parser)
    except etree.LxmlError:
        return None
    return root if isinstance(root, HtmlElement) else None


def _parser(*, huge: bool) -> HTMLParser:
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=huge, collect_ids=False)
    parser.set_element_class_lookup(ONE_CLASS)
    return parser


def visible_text(root: HtmlElement) -> str:
    """Return the text under `root`, each block on its own line, white space otherwise as HTML folds it."""
    return "".join(_pieces(root))


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
