"""URLs: which one to fetch, and which name an article has whatever link led to it.

`absolute_url` makes a link fetchable and changes nothing that a server sees. `canonical_url` makes a key: two links to
one article should have the same, and it is not promised to be fetchable.
"""

import ipaddress
import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna
import tld
from lxml import etree
from lxml.html import HtmlElement, HTMLParser

MAX_LENGTH = 8_000
"""Characters; servers refuse longer URLs, and nothing good needs them."""
DEFAULT_PORTS = {"http": 80, "https": 443}
HOSTS = 4_096
"""Names of hosts remembered with what is known of them: a feed has thousands of links to one."""
KEYS = 1_024
"""URLs whose keys are remembered."""
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
PATH_SAFE = "!$&'()*+,;=:@/%"
QUERY_SAFE = PATH_SAFE + "?"

EDGES = "".join(map(chr, range(0x21)))
IGNORED = re.compile("[\x00-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

TWIN_LABEL = re.compile(r"(?:www\d{0,2}|m|mobile|amp)\.")
INNER_MOBILE = re.compile(r"^([a-z]{2,3})\.m\.")
AMP_CACHE_PATH = re.compile(r"^/(?:[acivr]/)?(s/)?([^/]+\.[^/]+)(/.*)?$")
AMP_VIEWER_PATH = re.compile(r"^/amp/(s/)?([^/]+\.[^/]+)(/.*)?$")
AMP_VIEWERS = re.compile(r"^(?:google\.[a-z]{2,3}(?:\.[a-z]{2})?|bing\.com)$")
AMP_END = re.compile(r"(?:/amp|\.amp)/?$|\.amp(?=\.html?$)|(?<=[^/])/amp(?=\.html?$)")
AMP_START = re.compile(r"^/amp(?=/[^/])")
REDIRECTORS = {
    ("google", "/url"): ("url", "q"),
    ("facebook", "/l.php"): ("u",),
}
INDEX_FILE = re.compile(r"/index\.(?:x?html?|shtml|php)$|/default\.aspx?$", re.IGNORECASE)
SESSION = re.compile(r";jsessionid=[^/]*", re.IGNORECASE)
SLASHES = re.compile(r"/{2,}")
EMBEDDED_URL = re.compile(r":/|^/+(?:https?|ftp)(?:/|%3A)", re.IGNORECASE)
BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class _Parts:
    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    fragment: str

    def join(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{host}{port}{self.path}{query}{fragment}"


@dataclass(frozen=True, slots=True)
class _Tracking:
    names: frozenset[str]
    prefixes: tuple[str, ...]
    guarded: frozenset[str]
    origins: frozenset[str]
    values: dict[str, frozenset[str]]
    hosts: dict[str, frozenset[str]]


def absolute_url(url: str, *, base: str | None = None) -> str | None:
    """Return `url`, resolved against `base`, as a well-formed http(s) URL without credentials, or None.

    None for other schemes (`javascript:`, `mailto:` …), for hosts that can't exist, and past MAX_LENGTH characters.
    """
    parts = _split(url, base)
    return None if parts is None else parts.join()


def canonical_url(url: str, *, base: str | None = None) -> str | None:
    """Return the key of the article that `url` (resolved against `base`) leads to, or None for no http(s) URL.

    The key is itself an http(s) URL, and its own key. It leaves out what never tells two articles apart: the scheme
    (written https unless a port is named), `www.` and the mobile and AMP twins of host and path, tracking parameters,
    fragments (save `#!…` and `#/…`), index files, a trailing slash, credentials, the letter case of the host, and
    other spellings of one character.
    """
    return _key(url, base)


def page_canonical(page: HtmlElement | str, url: str) -> str | None:
    """Return the canonical URL that the page at `url` gives itself, as a key, or None.

    Read from `<link rel="canonical">`, else `og:url`. Believed only where it stays on the same registrable domain and
    doesn't lead to the home page, which is what careless templates write everywhere.
    """
    root = _parse(page) if isinstance(page, str) else page
    own = canonical_url(url)
    if root is None or own is None:
        return None
    head = next(root.iter("head"), None)
    bases, links, metas = _own_links(root if head is None else head)
    if not links and head is not None:
        # Something that belongs in no head ends it for the parser, and the rest of it lies in the body.
        bases, links, metas = _own_links(root)
    base = (absolute_url(bases[0], base=url) if bases else None) or url
    for candidates in (links, metas):
        keys = {canonical_url(link, base=base) for link in candidates if link and link.strip()} - {None}
        # Two different ones contradict each other: search engines believe neither, and so do we.
        if len(keys) == 1 and (key := keys.pop()) is not None and _may_stand_for(key, own):
            return key
    return None


def site_of(url: str) -> str | None:
    """Return the registrable domain of an http(s) URL (`bbc.co.uk`), its host where there is none, or None."""
    parts = _split(url, None)
    return None if parts is None else _site(parts.host)


def _own_links(root: HtmlElement) -> tuple[list[str], list[str | None], list[str | None]]:
    """What lies under `root` of `<base>`, canonical links and `og:url`."""
    bases: list[str] = []
    links: list[str | None] = []
    metas: list[str | None] = []
    for element in root.iter("base", "link", "meta"):
        if element.tag == "link":
            if "canonical" in (element.get("rel") or "").lower().split():
                links.append(element.get("href"))
        elif element.tag == "meta":
            if (element.get("property") or element.get("name") or "").lower() == "og:url":
                metas.append(element.get("content"))
        elif href := element.get("href"):
            bases.append(href)
    return bases, links, metas


# Feed, fetch, reading and storing ask for the key of one URL in turn.
@lru_cache(KEYS)
def _key(url: str, base: str | None) -> str | None:
    key = _simplify(url, base)
    # Links lie in links (an AMP viewer's in a redirect's …). Each further round shortens the URL, so this ends.
    while key is not None and (simpler := _simplify(key, None)) != key:
        key = simpler
    return key


def _may_stand_for(key: str, own: str) -> bool:
    if site_of(key) != site_of(own):
        return False
    parts = urlsplit(key)
    return key == own or bool(parts.path.strip("/") or parts.query or parts.fragment)


@lru_cache(HOSTS)
def _site(host: str) -> str:
    known = tld.get_tld(host, fix_protocol=True, fail_silently=True, as_object=True)
    return known.fld if isinstance(known, tld.utils.Result) else host


@lru_cache(HOSTS)
def _is_domain(host: str) -> bool:
    known = tld.get_tld(host, fix_protocol=True, fail_silently=True, as_object=True)
    if isinstance(known, tld.utils.Result):
        return known.domain != known.tld
    return "." in host and not host.rpartition(".")[2].isdigit()


def _parse(page: str) -> HtmlElement | None:
    try:
        root = etree.fromstring(page.encode("utf-8", "replace"), HTMLParser(encoding="utf-8"))
    except etree.LxmlError:
        return None
    return root if isinstance(root, HtmlElement) else None


def _split(url: str, base: str | None) -> _Parts | None:
    """Take `url` apart as browsers do (WHATWG), into parts with nothing illegal left in them."""
    url = IGNORED.sub("", url.strip(EDGES))
    if not url or len(url) > MAX_LENGTH:
        return None
    head, mark, tail = url.partition("?")
    if not SCHEME.match(head) or head[:4].lower() == "http":
        url = head.replace("\\", "/") + mark + tail
    try:
        if base is not None:
            url = urljoin(base, url)
        elif url.startswith("//"):
            url = f"https:{url}"
        split = urlsplit(url)
        port = split.port
        hostname = split.hostname
    except ValueError:
        return None
    scheme = split.scheme.lower()
    if scheme not in DEFAULT_PORTS or not hostname or port == 0:
        return None
    host = _host(hostname)
    if host is None:
        return None
    parts = _Parts(
        scheme=scheme,
        host=host,
        port=None if port == DEFAULT_PORTS[scheme] else port,
        path=_encoded(split.path, PATH_SAFE) or "/",
        query=_encoded(split.query, QUERY_SAFE),
        fragment=_encoded(split.fragment, QUERY_SAFE + "#"),
    )
    return parts if len(parts.join()) <= MAX_LENGTH else None


@lru_cache(HOSTS)
def _host(hostname: str) -> str | None:
    if ":" in hostname:
        try:
            return str(ipaddress.IPv6Address(hostname.partition("%")[0]))
        except ValueError:
            return None
    hostname = unquote(hostname).rstrip(".")
    if not hostname.isascii():
        try:
            hostname = idna.encode(hostname, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    hostname = hostname.lower()
    return hostname if HOST.fullmatch(hostname) else None


def _encoded(part: str, safe: str) -> str:
    return quote(STRAY_PERCENT.sub("%25", part), safe=safe, errors="replace")


def _simplify(url: str, base: str | None) -> str | None:
    parts = _split(url, base)
    if parts is None:
        return None
    host = _without_twins(parts.host)
    if (inner := _wrapped(host, parts)) is not None:
        return inner
    key = replace(
        parts,
        scheme=parts.scheme if parts.port is not None else "https",
        host=host,
        path=_simple_path(parts.path),
        query=_simple_query(parts.query, host),
        fragment=parts.fragment if re.match(r"[!/]+[^!/]", parts.fragment) else "",
    ).join()
    return key if len(key) <= MAX_LENGTH else None


@lru_cache(HOSTS)
def _without_twins(host: str) -> str:
    while True:
        shorter = INNER_MOBILE.sub(r"\1.", host)
        if twin := TWIN_LABEL.match(shorter):
            shorter = shorter[twin.end() :]
        elif shorter.startswith("amp-") and shorter.count(".") > 1:
            shorter = shorter[4:]
        # "m.me" and "amp.dev" are names of their own: what is left must still be a domain that someone can own.
        if shorter == host or not _is_domain(shorter):
            return host
        host = shorter


def _wrapped(host: str, parts: _Parts) -> str | None:
    """The URL inside an AMP cache's, an AMP viewer's or a redirect's URL."""
    match = None
    if host.endswith("cdn.ampproject.org"):
        match = AMP_CACHE_PATH.match(parts.path)
    elif AMP_VIEWERS.match(host):
        match = AMP_VIEWER_PATH.match(parts.path)
    if match:
        scheme = "https" if match[1] else "http"
        query = f"?{parts.query}" if parts.query else ""
        return absolute_url(f"{scheme}://{match[2]}{match[3] or '/'}{query}")
    names = REDIRECTORS.get((_site(host).partition(".")[0], parts.path), ())
    for name in names:
        for pair in parts.query.split("&"):
            key, _, value = pair.partition("=")
            if key == name and (inner := absolute_url(unquote(value))):
                return inner
    return None


def _simple_path(path: str) -> str:
    path = SESSION.sub("", _without_dots(_plain_escapes(path)))
    if not EMBEDDED_URL.search(path):
        path = SLASHES.sub("/", path)
    while True:
        shorter = INDEX_FILE.sub("", AMP_START.sub("", AMP_END.sub("", path)))
        shorter = shorter.rstrip("/") or "/"
        if shorter == path:
            return path
        path = shorter


def _without_dots(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    joined = "/".join(kept)
    return joined if joined.startswith("/") else f"/{joined}"


def _plain_escapes(part: str) -> str:
    """Decode the escapes that are never needed, and write the others in capitals (RFC 3986, 6.2.2)."""

    def plain(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in UNRESERVED else match[0].upper()

    return ESCAPE.sub(plain, part)


def _simple_query(query: str, host: str) -> str:
    tracking = _tracking()
    labels = host.split(".")
    above = (".".join(labels[start:]) for start in range(len(labels) - 1))
    own = frozenset().union(*(tracking.hosts[domain] for domain in above if domain in tracking.hosts))
    # Links copied out of HTML source keep "&amp;": the name then starts with "amp;".
    pairs = [pair.removeprefix("amp;") for pair in _plain_escapes(query).split("&")]
    return "&".join(pair for pair in pairs if pair and not _is_tracking(pair, own, tracking))


def _is_tracking(pair: str, own: frozenset[str], tracking: _Tracking) -> bool:
    name, _, value = pair.partition("=")
    name = unquote(name).lower()
    if name in tracking.names or name in own or name.startswith(tracking.prefixes):
        return True
    value = unquote(value).strip().lower()
    if value in tracking.values.get(name, ()):
        return True
    return name in tracking.guarded and (
        re.split(r"[-_.:]", value, maxsplit=1)[0] in tracking.origins
        or value in tracking.origins
        or bool(BARE_HOST.fullmatch(value))
    )


@cache
def _tracking() -> _Tracking:
    rules = tomllib.loads(files("pipeline").joinpath("defaults/tracking.toml").read_text(encoding="utf-8"))
    return _Tracking(
        names=frozenset(rules["names"]),
        prefixes=tuple(rules["prefixes"]),
        guarded=frozenset(rules["guarded"]),
        origins=frozenset(rules["origins"]),
        values={name: frozenset(values) for name, values in rules["values"].items()},
        hosts={host: frozenset(names) for host, names in rules["hosts"].items()},
    )
