"""Raw mentions become mentions: services, dates and classes settled by the text, quotes left as they are."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_mentions import mention

from extractors.decode import RawMention
from extractors.normalize import normalize
from extractors.scope import scope_class
from pipeline.types import Action, ActorKind, Document, Quote, ReasonClass, ScopeClass, Status


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
def test_any_quotes_of_any_text_are_normalised_and_stay_quotes(case: tuple[Document, RawMention]) -> None:
    document, raw = case
    found = normalize(document, raw, "model")
    for name, part in found.quotes.items():
        # An actor's words may be completed; all others stay as they are.
        assert name == "actor" or part == getattr(raw, name)
        assert part.text == document.text[part.start : part.end]
    assert (found.actor is None) == (found.actor_canonical is None) == (found.actor_kind is None)
    assert (found.scope is None) == (found.scope_class is None)
    assert len(found.country) == 2
    assert (found.action, found.status, found.score, found.scores) == (raw.action, raw.status, raw.score, raw.scores)
    assert found.reason_classes == raw.reason_classes
    assert found.model == "model"
    assert normalize(document, raw, "model") == found


def test_no_event_is_older_than_its_service() -> None:
    def dated(service: str) -> str | None:
        text = f"The bureau has barred {service} since 2013, it said."
        start = text.index(service)
        raw = RawMention(
            action=Action.BAN,
            status=Status.IN_FORCE,
            trigger=Quote("barred", 15, 21),
            service=Quote(service, start, start + len(service)),
            actor=None,
            scope=None,
            date=Quote("since 2013", text.index("since"), text.index("since") + 10),
            reason=None,
            reason_classes=(),
            score=0.9,
            scores={},
        )
        found = normalize(Document("d", text, date(2025, 2, 7)), raw)
        assert found.date is not None
        return found.date_value

    assert dated("Facebook") == "2013"
    assert dated("DeepSeek") is None
    assert dated("Quillpad") == "2013"
