"""Names are found whole, exactly where they stand, and ambiguous ones only where they are meant."""

import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.folding import fold, key
from extractors.gazetteer import KINDS, Hit, tag


def found(text: str, *kinds: str) -> list[tuple[str, str]]:
    return [(text[hit.start : hit.end], hit.canonical) for hit in tag(text) if not kinds or hit.kind in kinds]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Italy blocks DeepSeek", [("DeepSeek", "DeepSeek")]),
        ("italy blocks DEEPSEEK", [("DEEPSEEK", "DeepSeek")]),
        ("TikTok’s owner", [("TikTok", "TikTok")]),
        ("“TikTok”, it said", [("TikTok", "TikTok")]),
        ("WeChat/TikTok", [("WeChat", "WeChat"), ("TikTok", "TikTok")]),
        ("TikTokers and megatiktok", []),
        ("Huawei 5G equipment", [("Huawei 5G equipment", "Huawei 5G equipment")]),
        ("Huawei 5G masts", [("Huawei 5G", "Huawei 5G equipment")]),
        ("deep seek chatbot", [("deep seek", "DeepSeek")]),
        ("Pokemon Go and Pokémon Go", [("Pokemon Go", "Pokémon Go"), ("Pokémon Go", "Pokémon Go")]),
        ("Booking.com", [("Booking.com", "Booking.com")]),
        ("booking com without its dot", [("booking com", "Booking.com")]),
    ],
)
def test_services(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text, "service") == expected


@pytest.mark.parametrize(
    ("written", "service"),
    [
        ("Tik\u200bTok", "TikTok"),
        ("Tik\u00adTok", "TikTok"),
        ("\u202eTikTok\u202c", "TikTok"),
        ("ＴｉｋＴｏｋ", "TikTok"),
        ("ТikТоk", "TikTok"),  # Cyrillic Т and о
        ("Pokémon Go", "Pokémon Go"),  # decomposed é
        ("WhatsApp", "WhatsApp"),
    ],
)
def test_disguised_names_are_found_where_they_stand(written: str, service: str) -> None:
    text = f"Norway bans {written} today"
    hit = next(hit for hit in tag(text) if hit.kind == "service")
    assert hit.canonical == service
    assert text[hit.start : hit.end].strip("\u202e\u202c") == written.strip("\u202e\u202c")


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("Brazil blocked X, formerly known as Twitter", "X"),
        ("Elon Musk's X went dark in Brazil", "X"),
        ("the messaging app Signal is blocked in Russia", "Signal"),
        ("the Line app was banned in Thailand", "Line"),
        ("Apple pulled WhatsApp from its store", "Apple"),
        ("Meta paused its AI assistant in Europe", "Meta"),
        ("META FINED BY IRISH REGULATOR", "Meta"),
        ("staff may not use Zoom", "Zoom"),
        ("Anthropic's Claude chatbot is off limits", "Claude"),
        ("Meta launched Threads in Europe", "Threads"),
    ],
)
def test_ambiguous_names_count_where_they_are_meant(text: str, service: str) -> None:
    assert service in [name for _, name in found(text, "service")]


@pytest.mark.parametrize(
    "text",
    [
        "the x axis of the chart",
        "Mr X was seen leaving",
        "a signal was sent to the market",
        "Signal failure delays trains",
        "the line was long",
        "an apple a day",
        "meta analysis of diets",
        "zoom in on the map",
        "threads of wool",
        "Jean Claude sang",
        "grab a coffee and ring the bell",
        "they discord over steam engines",
    ],
)
def test_ambiguous_names_do_not_count_as_words(text: str) -> None:
    assert found(text, "service") == []


@pytest.mark.parametrize(
    ("text", "kind", "canonical"),
    [
        ("in South Korea", "country", "KR"),
        ("the South Korean government", "demonym", "KR"),
        ("Seoul says", "country", "KR"),
        ("the U.S. said", "country", "US"),
        ("the US said", "country", "US"),
        ("Trump administration", "country", "US"),
        ("in Texas", "subdivision", "Texas"),
        ("in Rajasthan", "subdivision", "Rajasthan"),
        ("Kashmir valley", "subdivision", "Jammu and Kashmir"),
        ("the Garante said", "body", "Garante per la protezione dei dati personali"),
        ("Italy's data protection authority", "body", "Garante per la protezione dei dati personali"),
        (
            "South Korea’s Personal Information Protection Commission",
            "body",
            "Personal Information Protection Commission (South Korea)",
        ),
        ("the ministry said", "body_noun", "ministry"),
        ("a regional court", "body_noun", "court"),
        ("banned outright", "restriction", "ban"),
        ("is banning", "restriction", "ban"),
        ("was throttled", "restriction", "block"),
        ("generative AI services", "technology", "generative AI"),
        ("two drones", "technology", "drones"),
        ("earlier this month", "date", "earlier this month"),
        ("on 2 August 2022", "date", "2 august 2022"),
        ("on Dec. 11, 2022", "date", "dec 11 2022"),
        ("on Wednesday", "date", "wednesday"),
        ("in mid-October", "date", "in mid october"),
    ],
)
def test_other_kinds(text: str, kind: str, canonical: str) -> None:
    assert canonical in [hit.canonical for hit in tag(text) if hit.kind == kind]


@pytest.mark.parametrize("text", ["tell us why", "it may rain", "the march of progress", "turkey with rice"])
def test_small_words_are_no_countries_and_no_dates(text: str) -> None:
    assert found(text, "country", "date") == []


def test_georgia_is_a_state_among_states_and_a_country_elsewhere() -> None:
    assert ("Georgia", "Georgia (US state)") in found("Georgia and Florida, two U.S. states, sued", "subdivision")
    assert ("Georgia", "GE") in found("Tbilisi, the capital of Georgia", "country")


def test_families_overlap_but_hits_of_one_family_do_not() -> None:
    text = "the Bank of Russia banned Apple Pay"
    assert ("Bank of Russia", "Bank of Russia") in found(text, "body")
    assert ("Russia", "RU") in found(text, "country")
    assert found(text, "service") == [("Apple Pay", "Apple Pay")]


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_hits_lie_in_the_text_in_order(text: str) -> None:
    hits = tag(text)
    assert hits == sorted(hits, key=lambda hit: (hit.start, hit.end, hit.kind))
    for hit in hits:
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.kind in KINDS
        assert key(text[hit.start : hit.end])


INVISIBLE = st.sampled_from(["", "\u200b", "\u00ad", "\u2060", "\u200d"])


@given(st.text(max_size=60), st.text(max_size=60), INVISIBLE, st.sampled_from(["TikTok", "WhatsApp", "DeepSeek"]))
@settings(max_examples=200, deadline=None)
def test_a_name_is_found_exactly_in_any_surroundings(before: str, after: str, between: str, name: str) -> None:
    written = name[:3] + between + name[3:]
    text = f"{before}. {written}. {after}"
    start = len(before) + 2
    assert any(
        hit.start == start and hit.end == start + len(written) and hit.canonical == name for hit in tag(text)
    ) or any(hit.start <= start and start + len(written) <= hit.end for hit in tag(text))


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_folding_keeps_the_way_back(text: str) -> None:
    folded = fold(text)
    assert folded.text == folded.text.lower() or not folded.text.isascii()
    for place in range(len(folded.text)):
        start, end = folded.span(place, place + 1)
        assert 0 <= start < end <= len(text)
    assert key(key(text)) == key(text)


def test_tagging_is_fast() -> None:
    text = ("On Tuesday Italy's data protection authority ordered DeepSeek to stop processing personal data. " * 70)[
        :6000
    ]
    tag(text)
    times = []
    for _ in range(20):
        with cost() as spent:
            tag(text)
        times.append(spent.seconds)
    # About 1 ms on a quiet core; the bound leaves room for a busy one.
    assert min(times) < 0.01


def test_hits_are_plain_values() -> None:
    assert Hit(0, 6, "service", "TikTok") in tag("TikTok")
