"""Whether two names mean the same body. Names are the canonical ones of mentions, not raw text.

A name is reduced to its country and its words: case, diacritics, punctuation, "the", legal suffixes, spelling variants
and the order of words say nothing, and a country inside a name ("South Korea Ministry of Trade", "Irish Data Protection
Commission", "Supreme Court of India") only says whose body it is. What is left decides, in this order:

* no name: UNKNOWN;
* two countries known and different: DIFFERENT;
* a country and one of its bodies: PART_OF;
* a name that says what sort of body acts but not which ("a court", "the ministry"): UNKNOWN, even beside its like;
* two bodies that the registry knows: what it says, one PART_OF the other or DIFFERENT, whatever their words;
* the same words, or an acronym and the words that it stands for: SAME;
* a name and that name with more words before or after it: PART_OF;
* a name that describes rather than names ("the privacy watchdog", "data protection authority"): UNKNOWN;
* anything else: DIFFERENT. Two bodies that share most words ("Federal Court", "Federal Court of Appeal") are never
  taken for one on that ground.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from pipeline.country_words import COUNTRY_OF, COUNTRY_WORDS, LONGEST_FORM

UNKNOWN_COUNTRY = "XX"


class Relation(StrEnum):
    """How two bodies relate."""

    SAME = "same"
    PART_OF = "part_of"
    UNKNOWN = "unknown"
    DIFFERENT = "different"


@dataclass(frozen=True)
class BodyName:
    """A name, reduced. `words` are in order, without the country; none are left where the country itself acts.

    `id` is that of the registered body whose name it is, and `wholes` are those of the bodies that this one is part of
    (`pipeline.lineage`).
    """

    country: str | None
    words: tuple[str, ...]
    acronyms: frozenset[str]
    initials: frozenset[str]
    id: str | None = None
    wholes: frozenset[str] = frozenset()

    @cached_property
    def key(self) -> str:
        """The words as a set, spelled out; none for a country. Equal keys are one body, unless the countries differ."""
        return "" if self.is_country else " ".join(sorted(set(self.words)))

    @cached_property
    def is_country(self) -> bool:
        """Whether it is a country that acts, by its name or as "the government"."""
        return self.country is not None and _STATE.issuperset(self.words)

    @cached_property
    def is_acronym(self) -> bool:
        """Whether the name is nothing but an acronym."""
        return len(self.words) == 1 and self.words[0] in self.acronyms

    @cached_property
    def is_vague(self) -> bool:
        """Whether the name fits many bodies of one country, so that even two equal names prove nothing."""
        named = {(self.country, self.key), (None, self.key)} & _PROPER
        return self.id is None and not self.is_country and not named and _VAGUE.issuperset(self.words)

    @cached_property
    def is_descriptive(self) -> bool:
        """Whether the name describes a body that has another, proper name as well."""
        words = set(self.words)
        sort = words & _ROLES or words >= {"data", "protection"}
        return self.id is None and bool(sort) and not self.is_vague and words <= _VAGUE | _FIELDS | {"national"}


def same_body(a: str | None, b: str | None, *, country_a: str | None = None, country_b: str | None = None) -> Relation:
    """Say how the bodies called `a` and `b` relate. Countries are ISO 3166-1 codes; None and `XX` mean unknown."""
    if a is None or b is None:
        return Relation.UNKNOWN
    return relate(reduce_name(a, country_a), reduce_name(b, country_b))


def relate(a: BodyName, b: BodyName) -> Relation:
    """Say how two reduced names relate; see the module for the order of the rules."""
    if not _may_share_country(a, b) or (a.is_vague and b.is_vague and a.key != b.key):
        return Relation.DIFFERENT
    if a.is_country and b.is_country:
        return Relation.SAME
    if a.is_country or b.is_country:
        # Without a country of its own, a body may belong to any.
        return Relation.PART_OF if a.country == b.country else Relation.DIFFERENT
    if a.is_vague or b.is_vague:
        return Relation.UNKNOWN
    if a.id is not None and b.id is not None and a.id != b.id:
        return Relation.PART_OF if a.id in b.wholes or b.id in a.wholes else Relation.DIFFERENT
    if a.key == b.key or a.acronyms & (b.acronyms | b.initials) or b.acronyms & a.initials:
        return Relation.SAME
    if _extends(a.words, b.words) or _extends(b.words, a.words):
        return Relation.PART_OF
    if a.is_descriptive or b.is_descriptive:
        return Relation.UNKNOWN
    return Relation.DIFFERENT


def group_names(names: Iterable[BodyName]) -> dict[BodyName, BodyName]:
    """Give each name the name that stands for its body, among `names`.

    Beyond equal keys, a name without a country joins the one country that has its like, and an acronym the one name
    that it stands for; where two would fit, it stays alone.
    """
    groups: dict[_Place, list[BodyName]] = {}
    for name in sorted(set(names), key=_sort_key):
        groups.setdefault((name.country, name.key), []).append(name)
    for place in [place for place in groups if place[0] is None]:
        _join(groups, place, [other for other in groups if other[0] is not None and other[1] == place[1]])
    for place in [place for place, members in groups.items() if any(name.is_acronym for name in members)]:
        acronyms = {acronym for name in groups[place] for acronym in name.acronyms}
        fits = [
            other
            for other, members in groups.items()
            if other != place
            and _may_share_country(groups[place][0], members[0])
            and any(acronyms & (name.acronyms | name.initials) for name in members)
        ]
        _join(groups, place, fits)
    return {name: max(members, key=_sort_key) for members in groups.values() for name in members}


_Place = tuple[str | None, str]


def _join(groups: dict[_Place, list[BodyName]], place: _Place, others: list[_Place]) -> None:
    if len(others) == 1:
        groups[others[0]].extend(groups.pop(place))


def _sort_key(name: BodyName) -> tuple[int, str, str, tuple[str, ...], list[str], list[str]]:
    return len(name.words), name.country or "", name.key, name.words, sorted(name.acronyms), sorted(name.initials)


@lru_cache(maxsize=16_384)
def reduce_name(name: str, country: str | None = None) -> BodyName:
    """Reduce a canonical name. `country` is that of the mention; where it is unknown, the name's own country counts."""
    known = None if country in (None, "", UNKNOWN_COUNTRY) else country
    acronyms = {inner.strip() for inner in _PARENTHESES.findall(name) if _ACRONYM.fullmatch(inner.strip())}
    plain = _PARENTHESES.sub(lambda match: " " if match[1].strip() in acronyms else f" {match[1]} ", name).strip()
    if _ACRONYM.fullmatch(plain) and plain.casefold() not in _FORMS_OF_ONE_WORD:
        acronyms.add(plain)
    raw = _split(plain)
    spans = _country_spans(raw)
    if known is None and len({code for _, _, code in spans}) == 1:
        known = spans[0][2]
    inside = {i for start, end, code in spans if code == known for i in range(start, end)}
    words = _content([word for i, word in enumerate(raw) if i not in inside])
    return BodyName(
        known, tuple(words), frozenset(one.casefold() for one in acronyms), _initials(raw) | _initials(words)
    )


def _may_share_country(a: BodyName, b: BodyName) -> bool:
    return a.country is None or b.country is None or a.country == b.country


def _extends(longer: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    n = len(shorter)
    return 0 < n < len(longer) and (longer[:n] == shorter or longer[-n:] == shorter)


def _split(name: str) -> list[str]:
    """Cut a name into lower-case words without diacritics; "U.S." is one word, possessives lose their ending."""
    text = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
    text = _POSSESSIVE.sub("", _DOTTED.sub(lambda match: match.group().replace(".", ""), text))
    return [_SPELLING.get(word, word) for word in _WORD.findall(text.replace("&", " and "))]


def countries_named(text: str) -> frozenset[str]:
    """Return the codes of the countries that a text names."""
    return frozenset(code for _, _, code in _country_spans(_split(text)))


def _country_spans(words: list[str]) -> list[tuple[int, int, str]]:
    """Find the countries named among words: (start, end, code), the longest form at each place."""
    spans = []
    i = 0
    while i < len(words):
        for n in range(min(LONGEST_FORM, len(words) - i), 0, -1):
            code = COUNTRY_OF.get(tuple(words[i : i + n]))
            if code is not None:
                spans.append((i, i + n, code))
                i += n
                break
        else:
            i += 1
    return spans


def _content(words: list[str]) -> list[str]:
    words = [word for word in words if word not in _EMPTY]
    while len(words) > 1 and words[-1] in _LEGAL:
        words.pop()
    if "ministry" in words and len(words) > 2:
        words = [word for word in words if word not in ("federal", "union")]
    return words


def _initials(words: list[str] | tuple[str, ...]) -> frozenset[str]:
    """Spell the initials of a name, with and without its small words, where they make three letters or more."""
    variants = ("".join(w[0] for w in words), "".join(w[0] for w in words if w not in _EMPTY))
    return frozenset(one for one in variants if len(one) >= 3)


_PARENTHESES = re.compile(r"\(([^()]*)\)")
_ACRONYM = re.compile(r"[A-ZÀ-Þ][A-Za-zÀ-ÿ]?[A-ZÀ-Þ]{1,8}")
_POSSESSIVE = re.compile(r"['’`´]s\b|(?<=s)['’](?=\s|$)")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_WORD = re.compile(r"\w+")
_FORMS_OF_ONE_WORD = {form[0] for forms in COUNTRY_WORDS.values() for form in forms if len(form) == 1}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_EMPTY = _set("the of for and on in to a an de la le les l del di da das do dos du des der die und et y e d")
_LEGAL = _set(
    "inc incorporated ltd limited llc llp plc corp corporation co company gmbh ag kg sa spa srl bv nv oy oyj ab as asa"
    " aps pty pte pjsc ojsc jsc ooo oao kk sarl sas se"
)
_SPELLING = {
    "defence": "defense",
    "labour": "labor",
    "centre": "center",
    "programme": "program",
    "organisation": "organization",
    "communications": "communication",
    "telecommunications": "telecommunication",
    "telecoms": "telecommunication",
    "telecom": "telecommunication",
    "technologies": "technology",
    "dept": "department",
    "govt": "government",
    "minister": "ministry",
}
_STATE = _set("government authorities officials federal national central")
_VAGUE = _set(
    "administration administrative agencies agency allies appeals authorities authority banks body businesses carriers"
    " city commission companies council countries court courts criminal department district districts employers federal"
    " firms government governmental governments high institutions isps judge judges junior labor lawmakers local media"
    " members ministry municipal office offices officials operators organizations panel police prosecutor prosecutors"
    " providers public regional regulator regulators regulatory school schools senators several state states tribunal"
    " unit universities various watchdog watchdogs"
)
_PROPER = {(None, "council state"), (None, "department state"), ("EU", "council"), ("AU", "court federal")}
"""Country (None for any) and key of the few names that are made of vague words and yet name one body."""
_FIELDS = _set(
    "antitrust audiovisual broadcasting communication competition consumer cyber cybersecurity data digital financial"
    " internet market privacy protection security telecommunication"
)
_ROLES = _set("regulator regulators watchdog watchdogs")
