"""The names of public bodies as English words: what sort of body a noun means, and how a full name is made of parts."""

import re

from extractors.folding import key
from extractors.healing import heal
from pipeline.types import ActorKind

_NOUN_KINDS: tuple[tuple[str, ActorKind], ...] = (
    (
        r"data protection|data authority|privacy|personal (?:data|information)|information commissioner",
        ActorKind.DATA_PROTECTION,
    ),
    (r"app store|play store", ActorKind.APP_STORE),
    (r"courts?|judges?|judgeship|tribunal|magistrates?|justice", ActorKind.COURT),
    (
        r"parliament\w*|congress\w*|senat\w+|lawmakers?|legislat\w+|assembly|duma|house of|lower house|upper house|"
        r"mps?|deputies|deputy|representatives|politicians?|part(?:y|ies)|opposition|rep\.|sens?\.",
        ActorKind.LEGISLATURE,
    ),
    (
        r"army|navy|air force|military|armed forces|troops|coast guard|marines|defen[cs]e forces?|general staff|"
        r"border guards?|guard corps|security forces",
        ActorKind.MILITARY,
    ),
    (
        r"police|security services?|prosecutors?(?:'s)?|intelligence|inspector general|gendarmerie|public security",
        ActorKind.POLICE,
    ),
    (
        r"ministr(?:y|ies)|ministers?|departments?|secretar(?:y|ies)|treasury|secretariat|home office|foreign office",
        ActorKind.MINISTRY,
    ),
    (
        r"regulators?|watchdogs?|commission(?:er|ers|s)?|authority|agency|agencies|bureau|ombudsman|central bank|"
        r"bank of|inspectorate|office (?:for|of)|superintendenc[ye]|directorate|ftc|sec",
        ActorKind.REGULATOR,
    ),
    (
        r"universit\w+|schools?|college|academy|campus|lyc[ée]e|faculty|headteacher|gymnasium|skole|kindergarten",
        ActorKind.SCHOOL,
    ),
    (
        r"governors?|mayors?|city|cities|county|counties|state government|municipalit\w+|council|provinc\w+|states?|"
        r"district|attorneys?[- ]general|cantons?|regions?|borough|town|divisional",
        ActorKind.SUBNATIONAL,
    ),
    (
        r"governments?|authorities|administration|president|prime minister|cabinet|regime|junta|officials|kremlin",
        ActorKind.GOVERNMENT,
    ),
    (r"european union|united nations|nato|alliance|world bank|bloc", ActorKind.INTERNATIONAL),
    (
        r"compan(?:y|ies)|firms?|banks?|corp\w*|inc|ltd|group|employers?|operators?|isps?|providers?|carriers?|airlines?|"
        r"stores?|retailers?|publishers?|broadcasters?|news|media|telecom\w*|mobile|insurer|hospitals?|electronics|"
        r"motors?|energy|power|railways?|airport|exchange|studios?|games?|newspapers?|outlets?|sites?|platforms?|"
        r"websites?|start-?ups?|clinic|holdings?|technologies|networks?|labs?|gmbh|plc|llc|co|oyj",
        ActorKind.COMPANY,
    ),
)
_NOUNS = tuple((re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])"), kind) for pattern, kind in _NOUN_KINDS)
_TITLES = (
    r"[Pp]resident|[Mm]inister|[Pp]remier|[Gg]overnor|[Gg]ov\.?|[Mm]ayor|[Ss]ecretary|[Cc]ommissioner|[Cc]hancellor|"
    r"[Gg]eneral|[Jj]udge|[Jj]ustice|[Ss]enator|[Cc]hair|[Cc]hairman|[Cc]hief|[Kk]ing|[Ll]eader|[Pp]rosecutor|"
    r"[Cc]ongressman"
)
_APPOSITION = re.compile(r",\s+(?:[A-Z][\w'’.-]+\s*){1,4}$")
_TITLED_PERSON = re.compile(rf"\b(?P<title>{_TITLES})\s+(?P<person>(?:[A-Z][\w'’.-]*\s*){{1,4}})$")
_PERSON_TAIL = re.compile(r"\s+(?:[A-Z][\w'’-]+\s+){1,3}[A-Z][\w'’-]+$")
_MINISTRY_OF = re.compile(
    r"\b(?P<head>ministry|ministries|minister|department|secretary|secretariat)\s+(?P<of>of|for)\s+(?:the\s+)?"
    r"(?P<topic>[^;()]+?)(?=$|;|\(|'s\b|\s+(?:spokes|official|has))",
    re.IGNORECASE,
)
_X_MINISTRY = re.compile(
    r"^(?P<topic>[^,;()]+?)\s+(?P<head>ministry|ministers?|secretary|department)\b(?:\s|,|$|')", re.IGNORECASE
)
_NO_TOPIC = frozenset(
    (
        *("prime", "the", "deputy", "chief", "press", "general", "fire", "police", "cabinet", "special", "principal"),
        *("additional", "joint", "under", "permanent", "acting", "vice"),
    )
)
_OFFICE = (
    r"[Rr]ep(?:resentative)?s?\b\.?|[Ss]en(?:ator)?s?\b\.?|MPs?|MEPs?|[Cc]ongress(?:man|woman)|[Ll]awmaker|[Ll]egislator|"
    r"[Aa]ssembly(?:man|woman|member)"
)
_PARTY = r"(?:Democrat(?:ic)?|Republican|Labour|Conservative|Tory|Liberal|Green|National|Independent)"
_MEMBER = re.compile(
    rf"^(?:(?:US|U\.S\.|UK)\s+)?(?:(?P<party>{_PARTY})\s+)?(?:{_OFFICE})\s+"
    r"(?P<person>[A-Z][\w'’.-]*(?:\s+(?:(?:de|la|van|von|der|bin|al|dela|del)\s+)*[A-Z][\w'’.-]*){1,3})(?:\s*\([^)]*\))?$"
)
_TOPICS = {
    "foreign": "Foreign Affairs",
    "home": "Home Affairs",
    "interior": "the Interior",
    "it": "Information Technology",
    "ict": "ICT",
    "telecom": "Telecommunications",
    "telecoms": "Telecommunications",
    "tech": "Technology",
    "digital": "Digital Affairs",
}
_SMALL = frozenset(("of", "and", "for", "the", "in", "on", "to", "de", "la", "du", "des", "&"))


_AMERICAN = re.compile(r"\b(?:Democrat|Republican|Rep\b|Representative|[Cc]ongress(?:man|woman))|\bU\.?S\b")


def kind_of(name: str) -> ActorKind:
    """Return what sort of body a name without an entry in the registry is, by its nouns; OTHER where none tells."""
    folded = " ".join(heal(name).casefold().split())
    return next((kind for pattern, kind in _NOUNS if pattern.search(folded)), ActorKind.OTHER)


def ministry(words: str, *, departments: bool = False) -> str | None:
    """Return "Ministry of Education" for "education minister Kyriakos Pierrakakis" and the like, or None.

    `departments`: whether the country's ministries are called departments.
    """
    match = _MINISTRY_OF.search(words)
    if match is not None:
        topic = _PERSON_TAIL.sub("", _APPOSITION.sub("", match["topic"].strip()))
        head = "Department" if departments or match["head"].lower() == "department" else "Ministry"
        return f"{head} {match['of'].lower()} {titled(topic)}"
    match = _X_MINISTRY.search(words)
    if match is None:
        return None
    topic = re.sub(
        r"^(?:(?:the|its|a|deputy|former|then|acting|vice|junior|interim|caretaker)\s+)+",
        "",
        match["topic"].strip(),
        flags=re.IGNORECASE,
    )
    if not topic or key(topic) in _NO_TOPIC or topic.startswith("("):
        return None
    if departments:
        return f"Department of {titled(topic)}"
    if match["head"].lower() == "department":
        return f"{titled(topic)} Department"
    return f"Ministry of {_TOPICS.get(topic.lower(), titled(topic))}"


def without_person(words: str) -> str:
    """Drop a person's name after a title: "Information Minister Jerry Silaa" → "Information Minister"."""
    words = _APPOSITION.sub("", words)
    match = _TITLED_PERSON.search(words)
    return words[: match.end("title")] if match is not None else words


def member(words: str) -> tuple[str, bool] | None:
    """Return the person of "Democratic Rep. Ann Example", and whether party or office is one of the United States."""
    match = _MEMBER.match(words)
    if match is None:
        return None
    return match["person"], _AMERICAN.search(words) is not None


def titled(words: str) -> str:
    """Return words as a name's: with capitals but for small words; what has capitals keeps them."""
    return " ".join(
        word if word[:1].isupper() or word.lower() in _SMALL else word[:1].upper() + word[1:] for word in words.split()
    )


def initials(name: str) -> str:
    """Return the capitals of a name's words: "Fair Trade Commission" → "FTC"."""
    return "".join(word[0] for word in name.replace("(", "").split() if word[:1].isupper())
