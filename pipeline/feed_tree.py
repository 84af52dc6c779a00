"""Feed text to element tree: strictly where it is XML, else by a reader of our own that takes what is there.

Both ways cost time in proportion to the text, whatever it holds: nothing is tried twice at one place, nothing nests
deeper than DEPTH, no entity grows, and nothing outside the text is ever read.
"""

import html
import re
import sys
from collections import Counter
from dataclasses import dataclass
from html.entities import html5
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

Element = etree._Element

MAX_MARKS: Final = 1_500_000
"""Occurrences of "<" in a feed's text: ten thousand items with all their fields have a third of that."""
MAX_ELEMENTS: Final = 250_000
"""Elements of broken XML, which is read ten times as slowly."""
DEPTH: Final = 200
"""Elements open at once in broken XML; what nests deeper is laid side by side."""
MAX_ATTRIBUTES: Final = 10_000
"""Characters of attributes read in one tag of broken XML."""
MAX_ENTITY: Final = 100
"""Characters that an entity of the feed's own may stand for."""
MAX_EXPANSION: Final = 1_000_000
"""Characters that all entities of the feed's own may bring."""

ILLEGAL_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
BEFORE_MARKUP = re.compile(r"[^<]{1,2000}(?=<\?xml|<rss\b|<feed\b|<rdf:RDF\b)", re.IGNORECASE)
XML_DECLARATION = re.compile(r"<\?xml\b[^<>]*>")
DOCTYPE = re.compile(
    r"""<!DOCTYPE(?:[^"'\[<>]++|"[^"]*+"|'[^']*+')*+"""
    r"""(?:\[(?:[^\]"'<]++|<!--.*?-->|<|"[^"]*+"|'[^']*+')*+\]\s*+)?+>""",
    re.IGNORECASE | re.DOTALL,
)
ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z_][\w.-]*)\s+(?:"([^"]*)"|'([^']*)')\s*>""")
# A feed's own entity may stand for plain text or for one character, never for other entities.
PLAIN_VALUE = re.compile(r"[^&%<]*|&#\w{1,8};")
AMPERSAND = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos);)(?:(#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,40});)?"
)
# Images written into the page: megabytes of letters that say nothing.
DATA_URI = re.compile(
    r"data:[\w.+/-]{0,80}(?:;[\w.+=-]{1,80})*;base64,(?:[A-Za-z0-9+/=%_-]{60,}+(?:\s|&#1[03];|&#x[aAdD];){0,4}+)++",
    re.IGNORECASE,
)
MARKUP = re.compile(
    r"<(?:(?P<skip>!--|!\[CDATA\[|[!?])|(?P<end>/?)(?P<name>[A-Za-z_][A-Za-z0-9_.-]*+(?::[A-Za-z_][A-Za-z0-9_.-]*+)?+)"
    r"(?P<rest>(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+'|[\"'])*+)>)"
)
UNFINISHED = re.compile(r"<[/!?A-Za-z][^<>]*\Z")
ATTRIBUTE = re.compile(
    r"""(?<![\w.:-])([A-Za-z_][\w.:-]*+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""", re.ASCII
)

PLAIN_URI = re.compile(r"(?:https?|tag|urn|uri)[:/][\w./#:-]{0,200}", re.ASCII | re.IGNORECASE)

PREFIX: Final = "prefix:"
"""Stands before a prefix that nothing declares, where the namespace of an element would be."""
XML: Final = "http://www.w3.org/XML/1998/namespace"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
USUAL_PREFIXES: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/DTDs/PodCast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": RDF,
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "meta", "param", "track", "wbr"})
ITEMS: Final = frozenset({"item", "entry"})
# A field that holds plain text ends where the next field starts, and an item where the next item does.
PLAIN_FIELDS: Final = frozenset({"title", "link", "guid", "id", "pubdate", "published", "updated", "dc:date"})
FIELDS: Final = PLAIN_FIELDS | {"author", "category", "content", "content:encoded", "description", "summary"}


@dataclass(frozen=True, slots=True)
class Tree:
    """A feed as elements. `root` is the document's root, or a wrapper around the roots of broken XML.

    `namespaces` are the URIs declared anywhere, in lower case; `doctype` is the text of the document type; `cut_off` is
    the item in which the text ends, if it does.
    """

    root: Element
    namespaces: frozenset[str]
    doctype: str = ""
    issues: tuple[str, ...] = ()
    cut_off: Element | None = None


class TooMuchMarkup(ValueError):
    """The text has more tags than any feed."""


def read_tree(text: str) -> Tree:
    """Read `text`, the decoded body of a feed, as XML; raises TooMuchMarkup, and nothing for broken XML."""
    if (marks := text.count("<")) > MAX_MARKS:
        raise TooMuchMarkup(f"{marks} marks of tags are more than any feed has")
    text, doctype, issues = _healed(text)
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True, remove_comments=True, remove_pis=True,
        encoding="utf-8",
    )  # fmt: skip
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        issues.append(f"not well-formed: {_one_line(error.msg or '')}")
        root, namespaces, cut_off = _Builder().read(text)
        return Tree(root, namespaces, doctype, tuple(issues), cut_off)
    namespaces = frozenset(uri.lower() for uri in root.nsmap.values())
    return Tree(root, namespaces, doctype, tuple(issues))


def split_tag(tag: str) -> tuple[str, str]:
    """Return namespace and local name of an element's or attribute's name, both as written."""
    uri, _, local = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    return uri, local


def markup_in(element: Element) -> str:
    """Return what `element` holds as HTML: text, and elements by their local names with their plain attributes."""
    if not len(element):
        return element.text or ""
    pieces = ["<div>"]
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if node is element:
            pieces.append(escape(node.text or "") if event == "start" else "")
            continue
        name = split_tag(node.tag)[1]
        if event == "start":
            plain = [(key, value) for key, value in node.items() if not key.startswith("{")]
            attributes = "".join(f' {key}="{escape(value, {chr(34): "&quot;"})}"' for key, value in plain)
            pieces.append(f"<{name}{attributes}>{escape(node.text or '')}")
        else:
            pieces.append(escape(node.tail or "") if name in VOID else f"</{name}>{escape(node.tail or '')}")
    return "".join([*pieces, "</div>"])


def _healed(text: str) -> tuple[str, str, list[str]]:
    """Make XML of what is almost XML. Returns it without its document type, the latter, and what was odd."""
    issues = []
    whole = ILLEGAL_IN_XML.sub("", text)
    if len(whole) != len(text):
        issues.append("control characters, which XML forbids")
    whole = whole.lstrip()
    if before := BEFORE_MARKUP.match(whole):
        issues.append("text before the XML declaration")
        whole = whole[before.end() :]
    if declaration := XML_DECLARATION.match(whole):
        whole = whole[declaration.end() :]
    whole, doctype, entities = _without_doctype(whole)
    cut = DATA_URI.sub("", whole)
    whole, odd = _with_known_entities(cut, entities)
    return whole, doctype, issues + odd


def _without_doctype(text: str) -> tuple[str, str, dict[str, str]]:
    """Cut the document type out of `text`; what it declares is never read by an XML parser. Its plain entities are."""
    start = text[:20_000].upper().find("<!DOCTYPE")
    if start < 0 or re.search(r"<[A-Za-z]", text[:start]):
        return text, "", {}
    match = DOCTYPE.match(text, start)
    root = re.search(r"<[A-Za-z]", text[start:])
    end = match.end() if match else start + root.start() if root else len(text)
    doctype = text[start:end]
    entities = {}
    for declared in ENTITY.finditer(doctype):
        value = declared[2] if declared[2] is not None else declared[3]
        if len(value) <= MAX_ENTITY and PLAIN_VALUE.fullmatch(value):
            entities[declared[1]] = html.unescape(value)
    return text[:start] + text[end:], doctype, entities


def _with_known_entities(xml: str, entities: dict[str, str]) -> tuple[str, list[str]]:
    """Escape bare ampersands, write out HTML's and the feed's own entities. CDATA stays as it is."""
    budget = MAX_EXPANSION
    odd = {}

    def known(match: re.Match[str]) -> str:
        nonlocal budget
        name = match[1]
        if name is None:
            odd["bare ampersands or entities of HTML"] = True
            return "&amp;"
        if name.startswith("#"):
            number = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
            character = chr(number) if number <= sys.maxunicode else "\0"
            return "" if ILLEGAL_IN_XML.match(character) else escape(character)
        if name in entities and budget > 0:
            budget -= len(entities[name])
            return escape(entities[name], {'"': "&quot;"})
        value = html5.get(f"{name};")
        if value is None:
            odd["entities that are not expanded"] = True
            return f"&amp;{name};"
        odd["bare ampersands or entities of HTML"] = True
        return escape(value, {'"': "&quot;"})

    pieces = []
    position = 0
    while (start := xml.find("<![CDATA[", position)) >= 0 and (end := xml.find("]]>", start)) >= 0:
        pieces += [AMPERSAND.sub(known, xml[position:start]), xml[start : end + 3]]
        position = end + 3
    pieces.append(AMPERSAND.sub(known, xml[position:]))
    return "".join(pieces), list(odd)


class _Builder:
    """Reads broken XML from left to right into a tree, as browsers read HTML: no end tag is needed, none is fatal."""

    def __init__(self) -> None:
        self.root = etree.Element("document")
        self.stack: list[tuple[str, Element]] = [("", self.root)]
        self.open: Counter[str] = Counter()
        self.last: Element | None = None
        self.text: list[str] = []
        self.prefixes = dict(USUAL_PREFIXES)
        self.namespaces: set[str] = set()
        self.elements = 0

    def read(self, text: str) -> tuple[Element, frozenset[str], Element | None]:
        position = 0
        last_comment_ends = text.rfind("-->")
        while match := MARKUP.search(text, position):
            self.text.append(html.unescape(text[position : match.start()]))
            position = match.end()
            skip = match["skip"]
            if skip is None:
                self._tag(match["name"], match["rest"], ends=bool(match["end"]))
            else:
                closing = {"!--": "-->", "![CDATA[": "]]>"}.get(skip, ">")
                never = skip == "!--" and last_comment_ends < position
                end = -1 if never else text.find(closing, position)
                if skip == "![CDATA[":
                    self.text.append(text[position : end if end >= 0 else len(text)])
                elif end < 0 and skip == "!--":
                    # Never closed: only the opening is a comment, as browsers have it for "<!-->".
                    end, closing = position, ""
                position = len(text) if end < 0 else end + len(closing)
        self.text.append(html.unescape(UNFINISHED.sub("", text[position:])))
        self._flush()
        cut_off = next((element for name, element in self.stack if name in ITEMS), None)
        return self.root, frozenset(self.namespaces), cut_off

    def _tag(self, written: str, rest: str, *, ends: bool) -> None:
        name = written.lower()
        if ends:
            if self.open[name]:
                self._close(name)
            return
        self._flush()
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise TooMuchMarkup(f"more than {MAX_ELEMENTS} elements in broken XML are more than any feed has")
        if name in ITEMS:
            for item in ITEMS:
                if self.open[item]:
                    self._close(item)
        elif name in FIELDS and self.stack[-1][0] in PLAIN_FIELDS:
            self._close(self.stack[-1][0])
        attributes = self._attributes(rest[:MAX_ATTRIBUTES]) if rest else {}
        prefix, _, local = name.rpartition(":")
        uri = "" if not prefix else self.prefixes.get(prefix, PREFIX + prefix)
        element = etree.SubElement(self.stack[-1][1], f"{{{uri}}}{local}" if uri else local, attributes)
        if rest.endswith("/") or name in VOID or len(self.stack) > DEPTH:
            self.last = element
        else:
            self.last = None
            self.stack.append((name, element))
            self.open[name] += 1

    def _attributes(self, rest: str) -> dict[str, str]:
        attributes = {}
        for name, *values in ATTRIBUTE.findall(rest):
            value = html.unescape("".join(values))
            prefix, _, local = name.rpartition(":")
            if prefix == "xmlns" or name == "xmlns":
                self.namespaces.add(value.lower())
                if prefix and PLAIN_URI.fullmatch(value):
                    self.prefixes[local.lower()] = value
            elif prefix in ("xml", "rdf"):
                attributes[f"{{{XML if prefix == 'xml' else RDF}}}{local.lower()}"] = value
            elif not prefix:
                attributes[name.lower()] = value
        return attributes

    def _close(self, name: str) -> None:
        self._flush()
        while self.stack[-1][0] != name:
            self.open[self.stack.pop()[0]] -= 1
        self.last = self.stack.pop()[1]
        self.open[name] -= 1

    def _flush(self) -> None:
        text = "".join(self.text)
        self.text.clear()
        if not text:
            return
        if self.last is None:
            parent = self.stack[-1][1]
            parent.text = (parent.text or "") + text
        else:
            self.last.tail = (self.last.tail or "") + text


def _one_line(message: str) -> str:
    return " ".join(message.split())[:120]
