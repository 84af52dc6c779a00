"""What in a page, a mail or a feed is more than text: looked for in the parsed result, never in the source.

Our dashboard may hold what `wrong_in_page` lists and nothing else. Mails, reports and feeds, whose templates have much
of their own, are held against what the same template makes of harmless words (`shape`).
"""

import email
import json
import re
from collections.abc import Iterator
from email import policy
from email.header import decode_header, make_header
from urllib.parse import urlsplit

import lxml.html
from lxml import etree
from lxml.html import HtmlElement

TAGS = frozenset(
    re.findall(
        r"\S+",
        "html head meta title link script body a header nav ul ol li p main h1 h2 h3 h4 h5 section article "
        "aside footer div span details summary time table caption thead tbody tfoot tr th td colgroup col "
        "figure figcaption blockquote q cite mark code pre button form input label select option optgroup "
        "fieldset legend output textarea datalist dl dt dd strong em small abbr b i s br hr wbr noscript "
        "template search progress meter svg g path rect circle line text tspan desc defs use polyline polygon "
        "clippath pattern chart-box world-map address kbd sup sub menu dialog bdi data ins del",
    )
)
"""Elements that our dashboard is made of."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_STYLE = re.compile(r"(?:[\w-]+:\s*[\w .,%()#-]+;?\s*)*")
_OWN = re.compile(r"(?:/(?!/)|#|\?|data:,$)")
_ACTING = ("srcdoc", "formaction", "xlink:href", "ping", "background")
_NEAR = 4
"""Elements around a link in which its host may be shown."""


def parsed(page: str) -> HtmlElement:
    """The page as a tree; NUL, which lxml ends at, as browsers show it."""
    return lxml.html.document_fromstring(page.replace("\0", "\ufffd"))


def wrong_in_page(page: str) -> list[str]:
    """What in a page of the dashboard is more than it should be."""
    return [wrong for element in parsed(page).iter() for wrong in _wrong(element)]


def _wrong(element: HtmlElement) -> Iterator[str]:
    if not isinstance(element.tag, str):
        yield f"a comment or instruction: {element}"
        return
    if element.tag not in TAGS:
        yield f"<{element.tag}>"
    if element.tag == "script" and element.get("src") is None:
        if element.get("type") != "application/json":
            yield "a script in the page"
        else:
            json.loads(element.text or "")
    if element.tag == "meta" and element.get("http-equiv"):
        yield "a meta element that acts"
    for name, value in element.attrib.items():
        if name.startswith("on") or name in _ACTING:
            yield f"{name} on <{element.tag}>"
        if name in ("src", "action") and not value.startswith(("/static/", "/")):
            yield f"{name}={value}"
        if name == "href" and not _OWN.match(value) and not _is_outside(element, value):
            yield f"href={value}"
        if name == "style" and not _STYLE.fullmatch(value):
            yield f"style={value}"
    for text in (element.text, element.tail):
        parent = element if text is element.text else element.getparent()
        if text and parent is not None and parent.tag not in ("code", "script", "textarea") and _UNSEEN.search(text):
            yield f"what is not seen in <{parent.tag}>: {text!r}"


def _is_outside(element: HtmlElement, address: str) -> bool:
    rel = set((element.get("rel") or "").split())
    return urlsplit(address).scheme in ("http", "https") and {"noopener", "noreferrer", "nofollow"} <= rel


def links(page: str) -> list[tuple[str, bool]]:
    """The addresses outside of us to which a page links, and whether their host stands beside the link, in ASCII."""
    found = []
    for element in parsed(page).iter("a"):
        address = element.get("href") or ""
        if not _OWN.match(address):
            found.append((address, _shows(element, urlsplit(address).hostname or "")))
    return found


def _shows(element: HtmlElement, host: str) -> bool:
    host = host.removeprefix("www.")
    around: HtmlElement | None = element
    for _ in range(_NEAR):
        if around is not None and host and host in str(around.text_content()):
            return True
        around = None if around is None else around.getparent()
    return False


def is_web(address: str) -> bool:
    """Whether an address is one of the web, in ASCII."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and address.isascii()


def shape(page: str) -> set[str]:
    """Elements with the names of their attributes, what comments, styles and scripts hold, and attributes that act."""
    found = set()
    for element in parsed(page).iter():
        if not isinstance(element.tag, str):
            found.add(f"comment: {element.text}")
            continue
        found.add(f"<{element.tag} {' '.join(sorted(element.attrib))}>")
        if element.tag == "style" or (element.tag == "script" and element.get("type") != "application/json"):
            found.add(f"{element.tag}: {element.text}")
        found |= {f"{name}={value}" for name, value in element.attrib.items() if name in ("src", "action", "style")}
    return found


def atom_shape(feed: bytes) -> set[str]:
    """Elements of an Atom feed with the names of their attributes, and the shape of what readers take for HTML."""
    tree = etree.fromstring(feed, etree.XMLParser(resolve_entities=False, no_network=True))
    found = set()
    for element in tree.iter():
        if not isinstance(element.tag, str):
            found.add(f"comment: {element.text}")
            continue
        name = etree.QName(element).localname
        found.add(f"<{name} {' '.join(sorted(map(str, element.attrib)))}>")
        if name in ("title", "subtitle", "summary", "content", "name") and element.text:
            found |= {f"{name}: {one}" for one in shape(f"<div>{element.text}</div>")}
    return found


def atom_links(feed: bytes) -> list[str]:
    """The addresses in an Atom feed, those in its HTML too."""
    found = []
    for element in etree.fromstring(feed).iter("{*}link", "{*}content"):
        if element.get("href"):
            found.append(str(element.get("href")))
        elif element.text:
            found += [address for address, _ in links(f"<div>{element.text}</div>")]
    return found


def json_shape(value: object, at: str = "") -> set[str]:
    """Keys of a JSON document, and the shape of what readers take for HTML."""
    if isinstance(value, dict):
        return {one for key, inner in value.items() for one in json_shape(inner, f"{at}.{key}")} | {
            f"{at}.{key}" for key in value
        }
    if isinstance(value, list):
        return {one for inner in value for one in json_shape(inner, f"{at}[]")}
    if at.endswith(".content_html"):
        return {f"{at}: {one}" for one in shape(f"<div>{value}</div>")}
    return set()


def mail_shape(content: bytes) -> set[str]:
    """Names of a mail's headers, also after their encoded words are read by either of Python's parsers; its parts."""
    modern = email.message_from_bytes(content, policy=policy.default)
    old = email.message_from_bytes(content)
    found = {f"header {name}" for name in (*modern.keys(), *old.keys())}
    for name, value in old.items():
        read = str(make_header(decode_header(str(value).replace("\r\n ", " ").replace("\n ", " "))))
        if re.search("[\r\n\x0b\x0c\x85\u2028\u2029]", read):
            found.add(f"a line break in {name}")
    if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        found.add("a line that ends otherwise than by CR LF")
    for part in modern.walk():
        found.add(f"part {part.get_content_type()}")
        found |= {f"of a part, header {name}" for name in part.keys() if part is not modern}  # noqa: SIM118 - no dict
        if part.get_content_type() == "text/html":
            found |= shape(str(part.get_content()))
    return found


def steering(text: str) -> list[str]:
    """Characters of a text that steer a terminal, or turn or hide what stands beside them."""
    return [
        f"{one!r} in it" for one in _UNSEEN.findall(text.replace("\r\n", "\n").replace("\n", " ").replace("\t", " "))
    ]
