"""The class of a scope: for whom or where, coarsely, by the words of the quote and by who restricts."""

import re

from extractors.gazetteer import tag
from extractors.healing import heal
from pipeline.types import ActorKind, ScopeClass

_PUBLIC = frozenset(
    (
        ActorKind.GOVERNMENT,
        ActorKind.MINISTRY,
        ActorKind.REGULATOR,
        ActorKind.DATA_PROTECTION,
        ActorKind.COURT,
        ActorKind.LEGISLATURE,
        ActorKind.SUBNATIONAL,
        ActorKind.POLICE,
        ActorKind.INTERNATIONAL,
    )
)
_STAFF = (
    r"employees?|staff|workers?|workplaces?|personnel|at work|office|tellers?|bankers?|engineers?|contractors?|"
    r"company (?:devices?|computers?|phones?|networks?|laptops?)|internal|"
    r"work (?:devices?|computers?|phones?|use)|"
    r"colleagues|journalists|newsroom|reporters|drivers|doctors|nurses|traders|premises"
)
_DEVICES = (
    r"computers?|devices?|phones?|laptops?|networks?|systems?|pcs?|tablets?|terminals?|servers?|equipment|machines"
)
# The first class whose words the quote holds. Narrow ones come first: "soldiers under 18" are military.
_RULES: tuple[tuple[ScopeClass, str], ...] = (
    (
        ScopeClass.APP_STORES,
        r"app stores?|play store|google play|apple store|stores?|new downloads?|downloads?|app galleries|in-app",
    ),
    (
        ScopeClass.MINORS,
        r"minors?|child(?:ren)?(?:'s)?|kids?|teens?|teenagers?|under[- ]?(?:age|\d+)s?|younger than|youths?|"
        r"adolescents?|"
        r"(?:below|under) (?:the age of )?(?:\d+|thirteen|sixteen|eighteen|fourteen|fifteen)|minimum age|young people|"
        r"\d+[- ]year[- ]olds|age of \d+",
    ),
    (
        ScopeClass.SCHOOLS,
        r"schools?|classrooms?|pupils?|students?|universit(?:y|ies)|campus(?:es)?|lessons?|colleges?|exams?|teachers?|"
        r"kindergartens?|school day|faculty",
    ),
    (
        ScopeClass.MILITARY,
        r"military|soldiers?|troops|army|navy|sailors?|armed forces|barracks|"
        r"defen[cs]e (?:ministry|forces|staff|personnel)|"
        r"bases|servicemen|service members|air force|marines|military-designated",
    ),
    (
        ScopeClass.CRITICAL_INFRASTRUCTURE,
        r"critical|infrastructure|power (?:grid|plants?)|5g (?:core|networks?)|core (?:networks?|parts?)|"
        r"networks? core|"
        r"ports?|nuclear|telecom(?:s|munications)? networks?|mobile networks?|public networks?|railways?|airports?|"
        r"water (?:plants?|utilities)|energy sector|national networks?",
    ),
    (
        ScopeClass.EXPORTS,
        r"exports?|export(?:ed|ing)|shipments?|overseas sales|sales? to (?:china|russia|huawei)|foreign customers|"
        r"to chinese (?:customers|companies|firms)|re-exports?",
    ),
    (
        ScopeClass.GOVERNMENT_DEVICES,
        rf"(?:government|federal|state|official|public[- ]sector|parliamentary?|ministry|ministerial|municipal|city|"
        rf"council|agency|public|civil service|government-issued|government-owned|state-owned|congressional|house)"
        rf"[\w' -]{{0,40}}"
        rf"(?:{_DEVICES}|workers|employees|agencies|bodies|offices?|staff|institutions|departments)|civil servants?|"
        r"public servants?|public officials?|officials?|government (?:use|agencies|departments|bodies)|ministries|"
        r"public (?:bodies|sector|agencies|institutions|administration)|federal agencies|state agencies|lawmakers|"
        r"government|agencies|departments|local governments?|mps|senators|deputies",
    ),
)
_PATTERNS = tuple((scope, re.compile(rf"(?<![\w])(?:{pattern})(?![\w])", re.IGNORECASE)) for scope, pattern in _RULES)
_STAFF_PATTERN = re.compile(rf"(?<![\w])(?:{_STAFF})(?![\w])", re.IGNORECASE)
_DEVICES_PATTERN = re.compile(rf"(?<![\w])(?:{_DEVICES})(?![\w])", re.IGNORECASE)
_NATIONWIDE = re.compile(
    r"(?<!\w)(?:nation-?wide|countrywide|country-wide|country|nation|entire population|"
    r"throughout the country|all (?:citizens|users)|nationals|everyone|the public|general public|domestic(?:ally)?|"
    r"all (?:of )?(?:the )?(?:territory|provinces|regions))(?!\w)",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    r"(?<!\w)(?:districts?|provinces?|cit(?:y|ies)|towns?|villages?|regions?|valley|count(?:y|ies)|states?|areas?|"
    r"neighbou?rhoods?|municipalit(?:y|ies)|zones?|islands?|parts of|division|local\w*|governorates?|camps?|regional|"
    r"(?:union )?territor(?:y|ies))(?!\w)",
    re.IGNORECASE,
)


def scope_class(scope: str | None, actor: ActorKind | None) -> ScopeClass | None:
    """Return the class of the words of a scope, or None where no scope is stated."""
    if scope is None:
        return None
    words = heal(scope)
    for found, pattern in _PATTERNS:
        if pattern.search(words):
            return _by_actor(found, actor)
    staff = _STAFF_PATTERN.search(words) is not None
    if staff or (_DEVICES_PATTERN.search(words) and actor in (_PUBLIC | {ActorKind.COMPANY, ActorKind.MILITARY})):
        return _workplace_of(actor)
    if _NATIONWIDE.search(words):
        return ScopeClass.NATIONWIDE
    hits = tag(words)
    if any(hit.kind == "subdivision" for hit in hits) or _LOCAL.search(words):
        return ScopeClass.SUBNATIONAL
    if any(hit.kind in ("country", "demonym") for hit in hits):
        return ScopeClass.NATIONWIDE
    return ScopeClass.OTHER


def _by_actor(found: ScopeClass, actor: ActorKind | None) -> ScopeClass:
    """A company's "officials" are its own people, not the government's."""
    if found is ScopeClass.GOVERNMENT_DEVICES and actor is ActorKind.MILITARY:
        return ScopeClass.MILITARY
    return found


def _workplace_of(actor: ActorKind | None) -> ScopeClass:
    """Return whose staff or devices are meant: those of the one who restricts."""
    if actor is ActorKind.MILITARY:
        return ScopeClass.MILITARY
    if actor is ActorKind.SCHOOL:
        return ScopeClass.SCHOOLS
    return ScopeClass.GOVERNMENT_DEVICES if actor in _PUBLIC else ScopeClass.WORKPLACE
