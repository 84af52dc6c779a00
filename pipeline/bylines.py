"""Who wrote an article: names in metadata and bylines, without the roles, agencies and dates that stand beside them."""

import re
from typing import Final

from pipeline import datelines
from pipeline.candidates import Candidates, names
from pipeline.markup import one_line
from pipeline.nearby import JOINT, Line

META_AUTHORS: Final = ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "byl",
                       "citation_author", "article.author", "og:article:author")  # fmt: skip
MAX_AUTHORS: Final = 10
MAX_NAME: Final = 60
MAX_BYLINE: Final = 160
FULL_NAME: Final = (2, 5)
"""Words of a person's full name, at least and at most."""

# In metadata only the English ones: "Di" and "Von" begin names as well.
MAKING = "written|reported|posted|words|story|text|analysis|opinion|review|commentary|report|published|updated"
ENGLISH_BY = rf"(?:(?:{MAKING})\s+)?by"
OTHER_BY = r"von|por|par|di|door|av|af|autor(?:in)?|author|oleh|текст|автор(?: текста)?|(?:publicado|escrito) por"
BY_WORDS = f"{ENGLISH_BY}|{OTHER_BY}"
BY = re.compile(rf"^[\s|/·•–—-]*(?:{BY_WORDS})\b\s*:?\s*", re.IGNORECASE)
PLAIN_BY = re.compile(rf"^[\s|/·•–—-]*(?:{ENGLISH_BY})\b\s*:?\s*", re.IGNORECASE)
BY_INSIDE = re.compile(r"(?:^|[\s|])(?:posted by|written by|publicado por|by)[\s:]+", re.IGNORECASE)
# What follows the names in a byline: a date, a handle, an address, a place, a word on its making.
REST = re.compile(
    r"\d|@|https?:|www\.|\s[|–—-]+\s|\s+(?:on|at|in|for|publi\w+|posted|updated|am|vor|le|el|em)\s|[(\[<•·…]",
    re.IGNORECASE,
)
SPLIT = re.compile(rf"\s*[,;/&{JOINT}]\s*|\s+(?:and|und|et|y|e|with|AND|And)\s+")
ROLE = re.compile(
    r"\b(?:writer|editors?|reporters?|correspondent|columnist|contributor|contributing|producer|staff|special to|"
    r"director|analyst|fellow|freelance|photographer|newsroom|guest|follow|share|view|more|archive|biography|news|media|"
    r"press|magazine|editorial|min read|read|comments?|subscribe|email|e-mail)\b|\.(?:com|org|net|co)\b",
    re.IGNORECASE,
)
DESK = re.compile(r"\b(?:staff|desk|bureau|team|reports?|newsroom|editors?|services?|press|agenc\w+|редакция)\b", re.I)
CREDENTIAL = re.compile(r"(?:[A-Z]{2,5}|[A-Z][a-z]?\.?[A-Z]\.?[a-z]?\.?|Ph\.?D\.?|M\.?D\.?|Jr\.?|Sr\.?|I{2,3})")
PARTICLES = frozenset(
    ("al", "bin", "ibn", "de", "del", "della", "der", "den", "des", "di", "da", "do", "dos", "du", "el", "la", "le",
     "van", "von", "zu", "ter", "ten", "y", "e", "af", "av")
)  # fmt: skip
NAME_WORD = re.compile(r"[^\W\d_][\w.'’-]*", re.UNICODE)
LINK = re.compile(r"https?:|www\.|@|\.com/", re.IGNORECASE)
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def find_authors(candidates: Candidates, after: list[Line], *, site: str | None) -> tuple[str, ...]:
    """Return the authors: those that the page's metadata name, corrected by the byline under the headline.

    The byline counts where the metadata name nobody, only the site itself, a login name or a desk, and where it names
    the metadata's authors and more. Agencies and desks count where no person is named.
    """
    stated = _stated(candidates, site)
    shown = _in_byline(after, site)
    if shown and (not stated or not any(map(_is_person, stated)) or _names_more(shown, stated)):
        stated = shown
    people = [name for name in stated if _is_person(name)]
    return tuple(dict.fromkeys(people or stated))[:MAX_AUTHORS]


def _stated(candidates: Candidates, site: str | None) -> list[str]:
    publishers = {_key(name) for item in candidates.articles for name in names(item.get("publisher"))}
    own = publishers | ({_key(site)} if site else set())
    for item in (*candidates.articles, *candidates.pages):
        stated = (name for text in names(item.get("author")) for name in _split(text, site))
        if found := [name for name in stated if _key(name) not in own]:
            return found
    metas = candidates.metas
    for key in META_AUTHORS:
        found = [name for name in _split(metas.get(key, ""), site) if _key(name) not in own]
        if found:
            return found
    return []


def _in_byline(lines: list[Line], site: str | None) -> list[str]:
    """The names in the first line that says "by …" or is marked up as a byline."""
    for number, line in enumerate(lines):
        text = line.text.strip(" \n\t" + JOINT)
        if len(text) > MAX_BYLINE:
            continue
        said = BY.match(text)
        rest = text[said.end() :] if said else text
        if said and not rest.strip(JOINT + " :") and number + 1 < len(lines):
            rest = lines[number + 1].text
        elif not said:
            # "12 October 2018 | by Ann Lee": only beside a date, since captions and subtitles say "by" as well.
            inside = BY_INSIDE.search(text.replace(JOINT, " ")) if datelines.is_dateline(line) else None
            if inside is None and not line.author:
                continue
            rest = text if inside is None else text[inside.end() :]
        found = _split(rest.strip(JOINT + " "), site)
        people = [name for name in found if _is_person(name)]
        if people:
            return people
        if found and (line.author or said):
            return found[:1]
    return []


def _split(text: str, site: str | None) -> list[str]:
    """The names in a byline or a metadata value."""
    text = text[:MAX_BYLINE].strip(" \t\n|" + JOINT)
    while match := PLAIN_BY.match(text):
        text = text[match.end() :].strip(" " + JOINT)
    if LINK.match(text):
        return []
    dates = datelines.dates_in(text.replace(JOINT, " "), day_first=True)
    if dates:
        start, end, _ = dates[0]
        text = text[:start] if text[:start].strip(" |–—-" + JOINT) else text[end:]
    cut = REST.search(text)
    if cut is not None and cut.start() > 0:
        text = text[: cut.start()]
    found: list[str] = []
    for piece in SPLIT.split(text):
        name = one_line(PLAIN_BY.sub("", piece)).strip(" .,:;|–—-")
        if not _is_name(name) or (found and ROLE.search(name)) or (found and CREDENTIAL.fullmatch(name)):
            continue
        if found and site is not None and _key(site) in _key(name):
            continue
        found.append(name)
    return found


def _names_more(shown: list[str], stated: list[str]) -> bool:
    keys = {_key(name) for name in shown}
    return len(shown) > len(stated) and all(map(_is_person, shown)) and all(_key(name) in keys for name in stated)


def _is_name(text: str) -> bool:
    return 1 < len(text) < MAX_NAME and not LINK.search(text) and any(map(str.isalpha, text))


def _is_person(text: str) -> bool:
    """Whether `text` looks like a person's full name: a few capitalised words, none of them a role or a desk."""
    if ROLE.search(text) or DESK.search(text):
        return False
    if CJK.search(text):
        return len(text) <= 12
    words = NAME_WORD.findall(text)
    if not FULL_NAME[0] <= len(words) <= FULL_NAME[1]:
        return False
    return all(word[0].isupper() or word.lower() in PARTICLES for word in words)


def _key(text: str | None) -> str:
    return re.sub(r"[\W_]+", "", (text or "").casefold())
