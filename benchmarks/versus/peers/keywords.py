"""Rules of keywords without any registry: lists of words as one types them in from memory, and nothing but Python.

The names of forty services and sixty countries, forty verbs, a pattern for ministries, courts and agencies. Names are
taken as they are written, dates as ISO dates where the text gives all of one.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from benchmarks.versus.peers import cues
from benchmarks.versus.peers.cues import Span

_VERBS: Final = {
    "ban": r"bans?|banned|banning|prohibit(?:s|ed|ing)?|bar(?:s|red|ring)?|forb(?:id|ids|idden|ade)|"
    r"outlaw(?:s|ed|ing)?|off limits|told (?:staff|employees) not to use|must not use",
    "block": r"block(?:s|ed|ing)?|shut(?:s|ting)? (?:down|off)|shutdowns?|cut(?:s|ting)? off|blackouts?|"
    r"throttl(?:es|ed|ing)|filter(?:s|ed|ing)|snapped|inaccessible|unreachable|switched off|disconnect(?:s|ed)",
    "suspend": r"suspend(?:s|ed|ing)?|suspension|paus(?:es?|ed|ing)|halt(?:s|ed|ing)?|freez(?:es?|ing)|"
    r"frozen?",
    "limit": r"restrict(?:s|ed|ing|ions?)?|limit(?:s|ed|ing)|curb(?:s|ed|ing)?|crack(?:s|ed|ing)? down|"
    r"tighten(?:s|ed|ing)?",
    "remove": r"remov(?:es?|ed|ing)|delist(?:s|ed|ing)?|pull(?:s|ed|ing)|tak(?:es?|en|ing) down|uninstall(?:s|ed|ing)?",
    "warn": r"warn(?:s|ed|ing)? against|advis(?:es|ed|ing) against|cautioned|discouraged",
    "investigate": r"investigat(?:es?|ed|ing|ion)|prob(?:es?|ed|ing)|inquiry",
    "penalize": r"fin(?:es?|ed|ing)|su(?:es|ed|ing)|penali[sz](?:es?|ed|ing)|sanction(?:s|ed|ing)?|charg(?:es|ed)",
    "lift": r"lift(?:s|ed|ing)?|restor(?:es?|ed|ing)|unblock(?:s|ed|ing)?|overturn(?:s|ed|ing)?|reinstat(?:es?|ed|ing)",
}  # fmt: skip
SERVICES: Final = (
    "TikTok", "WeChat", "WhatsApp", "Telegram", "Signal", "Facebook", "Instagram", "Twitter", "YouTube", "Snapchat",
    "Reddit", "LinkedIn", "Discord", "Viber", "Skype", "Zoom", "Google", "Gmail", "ChatGPT", "DeepSeek", "Gemini",
    "Grok", "Copilot", "Claude", "Midjourney", "OpenAI", "Meta AI", "Huawei", "ZTE", "Hikvision", "Dahua", "DJI",
    "Kaspersky", "Uber", "Airbnb", "Netflix", "Spotify", "Wikipedia", "Tumblr", "Pinterest", "VKontakte", "Yandex",
    "Starlink", "Temu", "Roblox", "PUBG", "Fortnite", "Pokémon Go", "Binance", "Coinbase", "Bitcoin", "Clearview AI",
    "Pegasus",
)  # fmt: skip
TECHNOLOGY: Final = (
    "mobile internet", "internet services", "internet access", "internet", "mobile data", "social media", "broadband",
    "generative AI", "artificial intelligence", "facial recognition", "VPNs", "cryptocurrency", "cryptocurrencies",
    "drones", "smartphones", "mobile phones", "cell phones", "5G", "SMS", "online gambling", "online games",
    "spyware",
)  # fmt: skip
COUNTRIES: Final = {
    "US": "United States|U\\.S\\.|US|USA|American|Washington", "CN": "China|Chinese|Beijing",
    "IN": "India|Indian|New Delhi", "RU": "Russia|Russian|Moscow|Kremlin",
    "GB": "United Kingdom|UK|Britain|British|London", "IR": "Iran|Iranian|Tehran",
    "KR": "South Korea|South Korean|Seoul", "KP": "North Korea", "JP": "Japan|Japanese|Tokyo",
    "TW": "Taiwan|Taiwanese", "AU": "Australia|Australian|Canberra", "NZ": "New Zealand",
    "CA": "Canada|Canadian|Ottawa", "DE": "Germany|German|Berlin", "FR": "France|French|Paris",
    "IT": "Italy|Italian|Rome", "ES": "Spain|Spanish", "NL": "Netherlands|Dutch", "IE": "Ireland|Irish",
    "BE": "Belgium|Belgian", "DK": "Denmark|Danish", "SE": "Sweden|Swedish", "NO": "Norway|Norwegian",
    "PL": "Poland|Polish", "CZ": "Czech Republic|Czech", "UA": "Ukraine|Ukrainian|Kyiv", "BY": "Belarus|Belarusian",
    "TR": "Turkey|Turkish|Ankara", "PK": "Pakistan|Pakistani|Islamabad", "BD": "Bangladesh|Bangladeshi",
    "LK": "Sri Lanka", "NP": "Nepal|Nepali", "MM": "Myanmar|Burma", "TH": "Thailand|Thai", "VN": "Vietnam|Vietnamese",
    "ID": "Indonesia|Indonesian", "MY": "Malaysia|Malaysian", "PH": "Philippines|Philippine", "SG": "Singapore",
    "KZ": "Kazakhstan|Kazakh", "UZ": "Uzbekistan", "TJ": "Tajikistan", "KG": "Kyrgyzstan",
    "AF": "Afghanistan|Taliban", "IQ": "Iraq|Iraqi", "SY": "Syria|Syrian", "SA": "Saudi Arabia|Saudi",
    "AE": "United Arab Emirates|UAE", "EG": "Egypt|Egyptian", "ET": "Ethiopia|Ethiopian", "SD": "Sudan|Sudanese",
    "UG": "Uganda|Ugandan", "KE": "Kenya|Kenyan", "NG": "Nigeria|Nigerian", "SN": "Senegal|Senegalese",
    "CM": "Cameroon", "ZW": "Zimbabwe", "TZ": "Tanzania|Tanzanian", "BR": "Brazil|Brazilian",
    "VE": "Venezuela|Venezuelan", "CU": "Cuba|Cuban", "MX": "Mexico|Mexican",
    "EU": "European Union|EU|European Commission|Brussels",
}  # fmt: skip
_BODY: Final = re.compile(
    r"(?:[A-Z][\w’'.]*\s+(?:of\s+|for\s+|and\s+|the\s+)*){0,5}(?:Ministry|Department|Commission|Authority|Agency|Court|"
    r"Parliament|Senate|Congress|Council|Commissioner|Administration|Office|Bureau|Police|Army|University|Bank)"
    r"(?:\s+(?:of|for)\s+(?:the\s+)?[A-Z]\w+(?:\s+(?:and\s+)?[A-Z]\w+)*)?"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DATE: Final = re.compile(rf"\b(?:(\d{{1,2}}) )?({'|'.join(_MONTHS)})(?: (\d{{1,2}}),?)? (\d{{4}})\b")
_SENTENCE: Final = re.compile(r"[.!?][\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9])|\n+")
_LIST: Final = re.compile(r",? (?:and|or|&) |, ")
_AGENT: Final = re.compile(r"\bby (?:the )?$")
_WHERE: Final = re.compile(r"\b(?:in|across|from|of|to|for|near|within) (?:the )?$")


def _any_of(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_TRIGGER: Final = re.compile("|".join(rf"(?P<{name}>\b(?:{words})\b)" for name, words in _VERBS.items()), re.IGNORECASE)
_NAMED: Final = re.compile(rf"\b(?:{_any_of(SERVICES)})\b|(?i:\b(?:{_any_of(TECHNOLOGY)})\b)")
_COUNTRY: Final = re.compile("|".join(rf"(?P<{code}>\b(?:{names})\b)" for code, names in COUNTRIES.items()))


def read(passages: list[tuple[str, str, str | None]]) -> list[dict[str, Any]]:
    """Return what `clampdown eval` scores of passages given as (id, text, day of publication)."""
    return [{"id": name, "events": _events(text)} for name, text, _ in passages]


def _events(text: str) -> list[dict[str, Any]]:
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    sentences = list(zip([0, *ends], [*ends, len(text)], strict=True))
    found = []
    for sentence in sentences:
        services = [match.span() for match in _NAMED.finditer(text, *sentence)]
        for match in _TRIGGER.finditer(text, *sentence):
            if cues.denied(text, match.start(), sentence):
                continue
            for service in _listed(match.span(), services, text):
                action = cues.measure(str(match.lastgroup), text[slice(*service)])
                one = cues.event(action, match.span(), service, text, sentence)
                found.append({**one, "place": sentence})
    kept = cues.distinct(found, lambda at: next(one for one in sentences if one[0] <= at < one[1]))
    return list({_same(one): one for one in (_public(text, one) for one in kept)}.values())


def _listed(trigger: Span, services: list[Span], text: str) -> list[Span]:
    """The service nearest to the trigger with those that stand in a list with it."""
    if not services:
        return []
    at = min(range(len(services)), key=lambda n: max(services[n][0] - trigger[1], 1.5 * (trigger[0] - services[n][1])))
    first = last = at
    while first > 0 and _LIST.fullmatch(text[services[first - 1][1] : services[first][0]]):
        first -= 1
    while last + 1 < len(services) and _LIST.fullmatch(text[services[last][1] : services[last + 1][0]]):
        last += 1
    return services[first : last + 1]


def _public(text: str, one: dict[str, Any]) -> dict[str, Any]:
    actor, country = _actor(text, one["trigger"], one["place"])
    dated = _DATE.search(text, *one["place"])
    return {
        "action": one["action"],
        "status": one["status"],
        "trigger": text[slice(*one["trigger"])],
        "actor_canonical": actor,
        "country": country,
        "service_canonical": text[slice(*one["service"])],
        "scope": None if one["scope"] is None else text[slice(*one["scope"])],
        "date_value": None if dated is None else _iso(dated),
        "reason_classes": one["reason_classes"],
    }


def _actor(text: str, trigger: Span, sentence: Span) -> tuple[str | None, str]:
    """Who stands behind “by”, else nearest before the trigger, else nobody; its country is the nearest one named."""
    countries = [(match.span(), str(match.lastgroup)) for match in _COUNTRY.finditer(text, *sentence)]
    bodies = [(match.span(), "") for match in _BODY.finditer(text, *sentence)]
    acting = [
        one
        for one in sorted(bodies + countries)
        if one[0][0] not in range(*trigger) and (not one[1] or not _WHERE.search(text[: one[0][0]][-12:]))
    ]
    near = min(countries, key=lambda one: abs(one[0][0] - trigger[0]), default=(None, "XX"))[1]
    agents = [one for one in acting if one[0][0] >= trigger[1] and _AGENT.search(text[trigger[1] : one[0][0]])]
    before = [one for one in acting if one[0][1] <= trigger[0]]
    chosen = agents[0] if agents else before[-1] if before else None
    if chosen is None:
        return None, near
    span, code = chosen
    return (COUNTRIES[code].split("|")[0], code) if code else (text[slice(*span)], near)


def _iso(match: re.Match[str]) -> str:
    before, month, after, year = match.groups()
    number, day = 1 + _MONTHS.index(month), before or after
    return f"{year}-{number:02}" if day is None else f"{year}-{number:02}-{int(day):02}"


def _same(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["action"], one["actor_canonical"], one["service_canonical"].lower(), one["country"]
