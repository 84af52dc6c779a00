"""Raw mentions become mentions: names, countries and classes settled by the text, quotes left as they are."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decode import RawMention
from extractors.names import same_name
from extractors.normalize import normalize
from extractors.scope import scope_class
from pipeline.types import Action, ActorKind, Document, Mention, Quote, ReasonClass, ScopeClass, Status


def quote(text: str, words: str | None) -> Quote | None:
    if words is None:
        return None
    start = text.index(words)
    return Quote(words, start, start + len(words))


def mention(text: str, *, trigger: str, service: str, actor: str | None = None, **fields: Any) -> Mention:
    """Normalise an event whose quotes are the first occurrences of the words in `text`."""
    found = {name: quote(text, fields.get(name)) for name in ("scope", "date", "reason")}
    raw = RawMention(
        action=Action.BAN,
        status=fields.get("status", Status.IN_FORCE),
        trigger=quote(text, trigger) or Quote("", 0, 0),
        service=quote(text, service) or Quote("", 0, 0),
        actor=quote(text, actor),
        **found,
    )
    return normalize(Document("d", text, fields.get("published", date(2025, 2, 6))), raw)


@pytest.mark.parametrize(
    ("text", "service", "canonical"),
    [
        ("They banned the new iPhones.", "new iPhones", "iPhone"),
        ("They banned the popular video app TikTok.", "popular video app TikTok", "TikTok"),
        ("They banned TikTok's app.", "TikTok's app", "TikTok"),
        ("They banned X (formerly Twitter).", "X (formerly Twitter)", "X"),
        ("They banned tools like ChatGPT.", "tools like ChatGPT", "ChatGPT"),
        ("They banned Google's search engine.", "Google's search engine", "Google Search"),
        ("They banned Google’s AI models.", "Google’s AI models", "Google AI models"),
        ("They banned OpenAI's ChatGPT.", "OpenAI's ChatGPT", "ChatGPT"),
        ("They banned generative AI services.", "generative AI services", "generative AI"),
        ("They banned virtual private network (VPN) software.", "virtual private network (VPN) software", "VPN"),
        ("They cut mobile data services.", "mobile data services", "mobile internet"),
        ("They cut Internet services.", "Internet services", "internet"),
        ("An internet shutdown was imposed.", "shutdown", "internet"),
        ("They blocked 59 pirate websites.", "59 pirate websites", "pirate websites"),
        ("They banned iPhone 6 sales.", "iPhone 6", "iPhone 6"),
        ("They banned Tik\u200bTok.", "Tik\u200bTok", "TikTok"),
        ("They banned ＴｉｋＴｏｋ.", "ＴｉｋＴｏｋ", "TikTok"),
        ("They banned Quorzle.", "Quorzle", "Quorzle"),
        ("They banned the Quorzle app.", "the Quorzle app", "Quorzle"),
        ("They banned Telegramme.", "Telegramme", "Telegramme"),
        ("WeChat grew fast. They banned the app.", "app", "WeChat"),
        ("They banned the app. WeChat said it was sorry.", "app", "WeChat"),
        ("They banned the app.", "app", "app"),
        # Numbers of a collective name stay, "other" goes.
        ("They banned 41 other Chinese-made apps.", "41 other Chinese-made apps", "41 Chinese apps"),
        ("They banned six further Chinese apps.", "six further Chinese apps", "six Chinese apps"),
        ("They banned more than 300 quilting apps.", "more than 300 quilting apps", "300 quilting apps"),
        ("They blocked 12 websites (including blogs).", "12 websites (including blogs)", "websites"),
        ("They blocked 88 website/URL.", "88 website/URL", "websites"),
        # Common nouns are no proper names.
        ("Sleep tracking apps were banned.", "Sleep tracking apps", "sleep tracking apps"),
        ("Knitting apps were banned.", "Knitting apps", "knitting apps"),
        ("They banned Chinese apps.", "Chinese apps", "Chinese apps"),
        ("They banned Quorzle's app.", "Quorzle's app", "Quorzle app"),
        ("They banned multiple VPN servers.", "multiple VPN servers", "VPN"),
        ("They banned certain types of drones.", "certain types of drones", "drones"),
        # Lines of several kinds are the internet.
        ("They cut mobile and fibre internet.", "mobile and fibre internet", "internet"),
        ("They cut broadband and cellular services.", "broadband and cellular services", "internet"),
        ("They cut 2G/3G/4G data services.", "2G/3G/4G data services", "mobile internet"),
        ("They cut post-paid mobile Internet services.", "post-paid mobile Internet services", "mobile internet"),
        ("They cut mobile data on Zantel and Halotel.", "mobile data on Zantel and Halotel", "mobile internet"),
        ("They cut wireline broadband.", "wireline broadband", "broadband internet"),
        ("They cut wifi connections.", "wifi connections", "Wi-Fi"),
        ("They cut mobile and landline telephony.", "mobile and landline telephony", "mobile and landline telephony"),
        ("They cut Fiji's internet.", "Fiji's internet", "internet"),
        # Bare nouns for a line or for social media.
        ("WhatsApp failed as they cut the connection.", "connection", "internet"),
        ("Mobile internet went first. They cut the network.", "network", "mobile internet"),
        ("WhatsApp stays, but they cut data.", "data", "mobile internet"),
        ("Social media worry them. They blocked platforms.", "platforms", "social media"),
        ("They blocked platforms.", "platforms", "platforms"),
        # Addresses and owners.
        ("They blocked grindr.com.", "grindr.com", "Grindr"),
        ("They blocked docs.google.com.", "docs.google.com", "Google Docs"),
        ("They blocked quorzle.com.", "quorzle.com", "quorzle.com"),
        ("They blocked the website of Quorzle Monthly.", "website of Quorzle Monthly", "Quorzle Monthly website"),
        ("They banned Kaspersky antivirus.", "Kaspersky antivirus", "Kaspersky"),
        ("They banned messaging applications.", "messaging applications", "messaging apps"),
    ],
)
def test_services(text: str, service: str, canonical: str) -> None:
    trigger = next(word for word in ("banned", "blocked", "cut", "imposed") if word in text)
    assert mention(text, trigger=trigger, service=service).service_canonical == canonical


@pytest.mark.parametrize(
    ("text", "actor", "canonical", "kind", "country"),
    [
        ("Italy banned TikTok.", "Italy", "Italy", ActorKind.GOVERNMENT, "IT"),
        ("The Italian government banned TikTok.", "Italian government", "Italy", ActorKind.GOVERNMENT, "IT"),
        ("Seoul banned TikTok.", "Seoul", "South Korea", ActorKind.GOVERNMENT, "KR"),
        (
            "US President Donald Trump banned TikTok.",
            "US President Donald Trump",
            "United States",
            ActorKind.GOVERNMENT,
            "US",
        ),
        (
            "The Trump administration banned TikTok.",
            "Trump administration",
            "United States",
            ActorKind.GOVERNMENT,
            "US",
        ),
        ("The EU banned TikTok.", "EU", "European Union", ActorKind.INTERNATIONAL, "EU"),
        (
            "The European Commission banned TikTok.",
            "European Commission",
            "European Commission",
            ActorKind.INTERNATIONAL,
            "EU",
        ),
        (
            "Texas Governor Greg Abbott banned TikTok.",
            "Texas Governor Greg Abbott",
            "Texas",
            ActorKind.SUBNATIONAL,
            "US",
        ),
        (
            "California's attorney general banned TikTok.",
            "California's attorney general",
            "California Attorney General",
            ActorKind.SUBNATIONAL,
            "US",
        ),
        (
            "Italy's Garante banned DeepSeek.",
            "Italy's Garante",
            "Garante per la protezione dei dati personali",
            ActorKind.DATA_PROTECTION,
            "IT",
        ),
        (
            "In Italy the national data protection authority banned it: DeepSeek.",
            "national data protection authority",
            "Garante per la protezione dei dati personali",
            ActorKind.DATA_PROTECTION,
            "IT",
        ),
        (
            "Ireland's privacy watchdog banned TikTok.",
            "Ireland's privacy watchdog",
            "Ireland Data Protection Commission",
            ActorKind.DATA_PROTECTION,
            "IE",
        ),
        (
            "Greek education minister Nikos Pappas banned phones.",
            "Greek education minister Nikos Pappas",
            "Greece Ministry of Education",
            ActorKind.MINISTRY,
            "GR",
        ),
        (
            "Lithuania's defence ministry banned Xiaomi.",
            "Lithuania's defence ministry",
            "Lithuania Ministry of National Defence",
            ActorKind.MILITARY,
            "LT",
        ),
        (
            "In South Korea the Ministry of National Defense banned DeepSeek.",
            "Ministry of National Defense",
            "South Korea Ministry of National Defense",
            ActorKind.MILITARY,
            "KR",
        ),
        (
            "Nepal banned it. The Ministry of Health banned TikTok.",
            "Ministry of Health",
            "Nepal Ministry of Health",
            ActorKind.MINISTRY,
            "NP",
        ),
        (
            "FTC Chair Lina Khan banned TikTok.",
            "FTC Chair Lina Khan",
            "Federal Trade Commission",
            ActorKind.REGULATOR,
            "US",
        ),
        (
            "US Commerce Secretary, Wilbur Ross banned WeChat.",
            "US Commerce Secretary, Wilbur Ross",
            "United States Department of Commerce",
            ActorKind.MINISTRY,
            "US",
        ),
        ("Taiwanese FTC banned Huawei.", "Taiwanese FTC", "Taiwan Fair Trade Commission", ActorKind.REGULATOR, "TW"),
        (
            "The Navarria Media Board (NMB) met in Fiji. The NMB banned TikTok.",
            "NMB",
            "Navarria Media Board",
            ActorKind.COMPANY,
            "FJ",
        ),
        (
            "In Oman talks were held. The TRA banned Uber.",
            "TRA",
            "Oman Telecommunications Regulatory Authority",
            ActorKind.REGULATOR,
            "OM",
        ),
        (
            "In Bahrain talks were held. The TRA banned Uber.",
            "TRA",
            "Bahrain Telecommunications Regulatory Authority",
            ActorKind.REGULATOR,
            "BH",
        ),
        (
            "In Qatar the CRA banned TikTok.",
            "CRA",
            "Communications Regulatory Authority (Qatar)",
            ActorKind.REGULATOR,
            "QA",
        ),
        ("In Fiji the TRA banned TikTok.", "TRA", "TRA", ActorKind.OTHER, "FJ"),
        (
            "Pakistan's media regulator banned TikTok.",
            "Pakistan's media regulator",
            "Pakistan Electronic Media Regulatory Authority",
            ActorKind.REGULATOR,
            "PK",
        ),
        (
            "Pakistan's telecom regulator banned TikTok.",
            "Pakistan's telecom regulator",
            "Pakistan Telecommunication Authority",
            ActorKind.REGULATOR,
            "PK",
        ),
        (
            "Britain's competition watchdog banned TikTok.",
            "Britain's competition watchdog",
            "Competition and Markets Authority",
            ActorKind.REGULATOR,
            "GB",
        ),
        ("Kakao Corp banned DeepSeek.", "Kakao Corp", "Kakao", ActorKind.COMPANY, "KR"),
        ("Alphabet-owned Google banned Parler.", "Alphabet-owned Google", "Google", ActorKind.COMPANY, "US"),
        ("Peru woke up. Quorzle Bank banned ChatGPT.", "Quorzle Bank", "Quorzle Bank", ActorKind.COMPANY, "PE"),
        ("Quorzle Bank banned ChatGPT.", "Quorzle Bank", "Quorzle Bank", ActorKind.COMPANY, "XX"),
        ("In Kenya the government banned TikTok.", "government", "Kenya", ActorKind.GOVERNMENT, "KE"),
        ("The government banned TikTok.", "government", "government", ActorKind.GOVERNMENT, "XX"),
        ("Uber may stay in Britain, but London banned it: Uber.", "London", "London", ActorKind.SUBNATIONAL, "GB"),
        ("London banned Huawei.", "London", "United Kingdom", ActorKind.GOVERNMENT, "GB"),
        (
            "The Islamabad High Court banned TikTok.",
            "Islamabad High Court",
            "Islamabad High Court",
            ActorKind.COURT,
            "PK",
        ),
    ],
)
def test_actors(text: str, actor: str, canonical: str, kind: ActorKind, country: str) -> None:
    services = ("TikTok", "DeepSeek", "phones", "Xiaomi", "WeChat", "Huawei", "Parler", "ChatGPT", "Uber")
    service = next(name for name in services if name in text)
    found = mention(text, trigger="banned", service=service, actor=actor)
    assert (found.actor_canonical, found.actor_kind, found.country) == (canonical, kind, country)


@pytest.mark.parametrize(
    ("text", "actor", "canonical", "country"),
    [
        (
            "The Additional Secretary (Home) to the Government of Tripura banned TikTok.",
            "Additional Secretary (Home) to the Government of Tripura",
            "Tripura",
            "IN",
        ),
        (
            "The Joint Secretary to the Government of J&K banned TikTok.",
            "Joint Secretary to the Government of J&K",
            "Jammu and Kashmir",
            "IN",
        ),
        ("In Assam the Chief Secretary to the Govt banned TikTok.", "Chief Secretary to the Govt", "Assam", "IN"),
        (
            "US agencies met; FINRA was there. Regulators banned Robinhood.",
            "Regulators",
            "United States regulators",
            "US",
        ),
        ("The authorities in three districts of Assam banned TikTok.", "authorities", "Assam", "IN"),
        ("In Manipur the police banned TikTok.", "police", "Manipur Police", "IN"),
        ("In Assam, India, the government banned TikTok.", "government", "India", "IN"),
        ("The mood in Assam is tense. The government banned TikTok.", "government", "India", "IN"),
        ("In Texas the administration banned TikTok.", "administration", "United States", "US"),
        ("Voters in Arizona approve: Governor Jane Doe banned TikTok.", "Governor Jane Doe", "Arizona", "US"),
        ("It is quiet in Prague today. City Hall banned Uber.", "City Hall", "Prague", "CZ"),
        ("Sudan is tense. The military banned TikTok.", "military", "Sudan Military", "SD"),
        ("Chad's military junta banned TikTok.", "Chad's military junta", "Chad", "TD"),
        (
            "In the US, Democratic Rep. Alexandria Roe banned TikTok.",
            "Democratic Rep. Alexandria Roe",
            "Alexandria Roe",
            "US",
        ),
        ("In Britain, Labour MP Ann Roe-Smith banned TikTok.", "Labour MP Ann Roe-Smith", "Ann Roe-Smith", "GB"),
        ("Japan acts: the FSA banned Bybit.", "FSA", "Japan Financial Services Agency", "JP"),
        ("Togo acts: the FSA banned Bybit.", "FSA", "FSA", "TG"),
        (
            "Russia's acting digital minister banned Zoom.",
            "Russia's acting digital minister",
            "Russia Ministry of Digital Development",
            "RU",
        ),
        (
            "The US Justice Department sued. The Treasury banned TikTok.",
            "Treasury",
            "Treasury",
            "US",
        ),
    ],
)
def test_actors_by_office_and_place(text: str, actor: str, canonical: str, country: str) -> None:
    found = mention(text, trigger="banned", service=text.rstrip(".").split()[-1], actor=actor)
    assert found.country == country
    assert found.actor_canonical is not None
    assert same_name(found.actor_canonical, canonical, same_country=True), found.actor_canonical


def test_a_bare_noun_takes_the_full_name_from_elsewhere() -> None:
    text = "Roskomnadzor spoke on Monday in Moscow. Later the regulator banned Signal."
    found = mention(text, trigger="banned", service="Signal", actor="regulator")
    assert found.actor_canonical == "Roskomnadzor"
    assert found.country == "RU"


def test_half_a_name_means_the_whole_one() -> None:
    text = "The Uttarakhand High Court banned Free Fire in Uttar Pradesh."
    assert mention(text, trigger="banned", service="Fire", actor="Uttarakhand").service_canonical == "Free Fire"
    assert (
        mention(text, trigger="banned", service="Free", actor="High Court").actor_canonical == "Uttarakhand High Court"
    )
    assert mention(text, trigger="banned", service="Free", actor="Uttar Pradesh").actor_canonical == "Uttar Pradesh"


def test_no_actor_stays_no_actor_and_the_country_is_the_nearest() -> None:
    text = "In Brazil talks went on. WhatsApp was banned in Chad."
    found = mention(text, trigger="banned", service="WhatsApp")
    assert (found.actor, found.actor_canonical, found.actor_kind, found.country) == (None, None, None, "TD")


def test_where_the_service_comes_from_is_not_where_it_is_restricted() -> None:
    text = "Chinese startup DeepSeek was banned, officials in Norway said."
    assert mention(text, trigger="banned", service="DeepSeek").country == "NO"


def test_a_place_stands_for_its_country() -> None:
    assert mention("The internet was banned in Rajasthan.", trigger="banned", service="internet").country == "IN"


def test_no_country_is_xx() -> None:
    assert mention("TikTok was banned.", trigger="banned", service="TikTok").country == "XX"


def test_dates_are_read_against_publication() -> None:
    text = "Italy banned TikTok on Tuesday."
    parts = {"trigger": "banned", "service": "TikTok", "actor": "Italy", "date": "on Tuesday"}
    assert mention(text, **parts).date_value == "2025-02-04"
    assert mention(text, **parts, published=None).date_value is None
    assert mention(text, trigger="banned", service="TikTok").date_value is None


@pytest.mark.parametrize(
    ("words", "actor", "expected"),
    [
        ("all government devices", ActorKind.GOVERNMENT, ScopeClass.GOVERNMENT_DEVICES),
        ("federal employees' phones", ActorKind.GOVERNMENT, ScopeClass.GOVERNMENT_DEVICES),
        ("city council members' phones", ActorKind.SUBNATIONAL, ScopeClass.GOVERNMENT_DEVICES),
        ("parliament-issued tablets", ActorKind.LEGISLATURE, ScopeClass.GOVERNMENT_DEVICES),
        ("state-owned laptops", None, ScopeClass.GOVERNMENT_DEVICES),
        ("computers connected to external networks", ActorKind.MINISTRY, ScopeClass.GOVERNMENT_DEVICES),
        ("employee access", ActorKind.MINISTRY, ScopeClass.GOVERNMENT_DEVICES),
        ("employee access", ActorKind.COMPANY, ScopeClass.WORKPLACE),
        ("company laptops", ActorKind.COMPANY, ScopeClass.WORKPLACE),
        ("military-designated computers", ActorKind.MINISTRY, ScopeClass.MILITARY),
        ("soldiers", ActorKind.MILITARY, ScopeClass.MILITARY),
        ("classrooms", ActorKind.GOVERNMENT, ScopeClass.SCHOOLS),
        ("children under 16", ActorKind.GOVERNMENT, ScopeClass.MINORS),
        ("under-16s", ActorKind.GOVERNMENT, ScopeClass.MINORS),
        ("new downloads in South Korea", ActorKind.DATA_PROTECTION, ScopeClass.APP_STORES),
        ("5G core networks", ActorKind.GOVERNMENT, ScopeClass.CRITICAL_INFRASTRUCTURE),
        ("exports to China", ActorKind.MINISTRY, ScopeClass.EXPORTS),
        ("eight districts", ActorKind.SUBNATIONAL, ScopeClass.SUBNATIONAL),
        ("Rajasthan", ActorKind.SUBNATIONAL, ScopeClass.SUBNATIONAL),
        ("across the country", ActorKind.GOVERNMENT, ScopeClass.NATIONWIDE),
        ("South Korea", ActorKind.COMPANY, ScopeClass.NATIONWIDE),
        ("Russians", ActorKind.GOVERNMENT, ScopeClass.NATIONWIDE),
        ("photos and videos", ActorKind.GOVERNMENT, ScopeClass.OTHER),
        (None, ActorKind.GOVERNMENT, None),
    ],
)
def test_scope_classes(words: str | None, actor: ActorKind | None, expected: ScopeClass | None) -> None:
    assert scope_class(words, actor) is expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "words", ["app ", "ministry of ", "Governor Aa ", "Aa Bb. ", "on 5 May and ", "in the school "]
)
def test_endless_quotes_cost_little(words: str) -> None:
    text = f"In Italy {words * 3000}"
    part = Quote(text[9:], 9, len(text))
    raw = RawMention(Action.BAN, Status.IN_FORCE, part, part, part, part, part, part)
    assert normalize(Document("d", text, date(2025, 2, 6)), raw).service == part


WORDS = st.one_of(
    st.sampled_from(
        ["the", "ministry", "of", "defence", "government", "Italy's", "Texas", "Governor", "(FTC)", "court,"]
    ),
    st.sampled_from(
        ["judge", "on", "Monday", "TikTok", "X", "U.S.", "app’s", "5G", "Garante", "2025", "한국", "İ", "ﬁ"]
    ),
    st.sampled_from(["\u200b", "\ud800", "９", ".", ",", "'", "(", ")", "-", "&", "\n"]),
)
TEXTS = st.one_of(st.text(max_size=120), st.lists(WORDS, min_size=1, max_size=20).map(" ".join))


@st.composite
def raw_mentions(draw: st.DrawFn) -> tuple[Document, RawMention]:
    text = draw(TEXTS.filter(bool))

    def part() -> Quote:
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        return Quote(text[start:end], start, end)

    quotes = {name: part() if draw(st.booleans()) else None for name in ("actor", "scope", "date", "reason")}
    published = draw(st.one_of(st.none(), st.dates()))
    raw = RawMention(
        action=draw(st.sampled_from(Action)),
        status=draw(st.sampled_from(Status)),
        trigger=part(),
        service=part(),
        reason_classes=(ReasonClass.PRIVACY,) if quotes["reason"] else (),
        score=0.9,
        scores={"trigger": 0.9},
        **quotes,
    )
    return Document("d", text, published), raw


@given(raw_mentions())
@settings(max_examples=400, deadline=None)
def test_any_quotes_of_any_text_are_normalised_and_stay_as_they_are(case: tuple[Document, RawMention]) -> None:
    document, raw = case
    found = normalize(document, raw, "model")
    for name, part in found.quotes.items():
        assert part == getattr(raw, name)
        assert part.text == document.text[part.start : part.end]
    assert (found.actor is None) == (found.actor_canonical is None) == (found.actor_kind is None)
    assert (found.scope is None) == (found.scope_class is None)
    assert len(found.country) == 2
    assert (found.action, found.status, found.score, found.scores) == (raw.action, raw.status, raw.score, raw.scores)
    assert found.reason_classes == raw.reason_classes
    assert found.model == "model"
    assert normalize(document, raw, "model") == found
