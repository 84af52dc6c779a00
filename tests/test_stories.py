"""Copies of one text are told from texts that merely look alike."""

import gzip
import html
import json
import random
import re
import struct
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ids import content_id
from pipeline.stories import (
    MIN_EXACT_WORDS,
    MIN_NEAR_WORDS,
    MIN_SIMILARITY,
    Body,
    Parent,
    bands,
    contradictions,
    digest,
    is_likely,
    overlap,
    proves,
    sign,
    similarity,
)

NOTICE = (
    "Sign up for our newsletter and get the stories that matter every morning. Already a subscriber? Log in. "
    "We use cookies and similar technologies to give you the best experience on our site, and with your consent our "
    "partners do so too. Read our privacy policy. Copyright, all rights reserved."
)
PATTERN = (
    "The district administration of {0} has suspended mobile internet services for 24 hours from {1} on {2} after "
    "clashes in {3}, an official order said. Voice calls and broadband lines remain available, it added. Police "
    "asked residents of {0} not to spread rumours and to stay at home as far as they can until further notice."
)


def text(seed: int, words: int = 300) -> str:
    rng = random.Random(seed)
    sentences = []
    while words > 0:
        n = min(words, rng.randrange(8, 22))
        sentences.append(" ".join(f"w{chr(97 + n % 26)}{letters(rng)}" for _ in range(n)).capitalize() + ".")
        words -= n
    return "\n".join(sentences)


def letters(rng: random.Random) -> str:
    return "".join(rng.choice("aeioukst") for _ in range(4))


def rewritten(body: str, share: float, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(f"new{letters(rng)}" if rng.random() < share else word for word in body.split())


def copies(body: str) -> dict[str, str]:
    sentences = body.split("\n")
    return {
        "byline": "By A Reporter, LONDON, 5 February – " + body,
        "notices": f"{body}\n{NOTICE}",
        "cut to two thirds": "\n".join(sentences[: len(sentences) * 2 // 3]),
        "a paragraph less": "\n".join(sentences[:4] + sentences[7:]),
        "lightly rewritten": rewritten(body, 0.05),
        "cut, rewritten, with notices": rewritten("\n".join(sentences[: len(sentences) * 3 // 4]), 0.03) + NOTICE,
        "a third of its own": body + "\n" + text(77, len(body.split()) // 2),
    }


def is_candidate(one: str, other: str) -> bool:
    (first, mine), (second, theirs) = sign(one), sign(other)
    shared = not set(bands(first, mine)).isdisjoint(bands(second, theirs))
    return shared and (first == second or is_likely(digest(mine), digest(theirs)))


@pytest.mark.parametrize("words", [120, 300, 1000])
@pytest.mark.parametrize("kind", copies(text(0)))
def test_near_copies_are_found_and_are_not_equal(kind: str, words: int) -> None:
    body = text(1, words)
    copy = copies(body)[kind]
    alike = similarity(Body(body), Body(copy))
    assert alike is not None
    assert MIN_SIMILARITY <= alike <= 1
    assert alike == similarity(Body(copy), Body(body))
    assert is_candidate(body, copy)
    assert sign(body)[0] != sign(copy)[0]


@pytest.mark.parametrize("words", [MIN_EXACT_WORDS + 5, MIN_NEAR_WORDS + 5, 400])
def test_case_punctuation_and_spacing_do_not_matter(words: int) -> None:
    body = text(2, words)
    copy = "  " + body.upper().replace(" ", "\u00a0 ").replace(".", " …")
    assert sign(copy)[0] == sign(body)[0]
    assert proves(sign(body)[1])
    assert is_candidate(body, copy)


@pytest.mark.parametrize("words", [30, 60, 100, 300, 1000])
def test_strangers_stay_strangers_even_with_the_same_notices(words: int) -> None:
    bodies = [f"{text(i, words)}\n{NOTICE}" for i in range(30)]
    for i, one in enumerate(bodies):
        for other in bodies[:i]:
            assert sign(one)[0] != sign(other)[0]
            assert similarity(Body(one), Body(other)) is None


@pytest.mark.parametrize(
    "stub",
    [
        "",
        "Subscribe to continue reading.",
        "This article is for subscribers only. Sign in or create an account to read on. " + NOTICE,
        "Five things you need to know about the pandemic this Sunday morning.",
        "Please enable JavaScript and cookies to continue. Verify you are human. " * 9,
        NOTICE,
    ],
)
def test_stubs_prove_nothing(stub: str) -> None:
    assert bands(*sign(stub)) == []
    assert not proves(sign(stub)[1])


def test_a_short_body_is_a_copy_only_when_equal() -> None:
    body = text(3, MIN_NEAR_WORDS - 2)
    assert similarity(Body(body), Body(body + " Indeed so.")) is None
    assert is_candidate(body, body.upper())
    assert not is_candidate(body, body + " Indeed so.")


def test_notices_to_one_pattern_are_different_stories() -> None:
    """They differ in a few words, and in all that counts."""
    places = [
        ("Ambala", "noon", "Monday", "Barara"),
        ("Sikar", "6 pm", "Friday", "Losal"),
        ("Karnal", "dusk", "Sunday", "Indri"),
    ]
    for i, one in enumerate(places):
        for other in places[:i]:
            first, second = Body(PATTERN.format(*one)), Body(PATTERN.format(*other))
            assert overlap(first, second)[0] > 0.4
            assert similarity(first, second) is None
    # The same notice of another day is another notice.
    monday, tuesday = (Body(PATTERN.format("Ambala", "noon", day, "Barara")) for day in ("Monday", "Tuesday"))
    assert contradictions(monday, tuesday) in ({("monday", "tuesday")}, {("tuesday", "monday")})
    assert similarity(monday, tuesday) is None


def test_what_a_reporter_adds_or_an_editor_turns_round_is_no_contradiction() -> None:
    body = PATTERN.format("Ambala", "noon", "Monday", "Barara")
    for copy in (
        "AMBALA, 3 February (Orrery) – " + body,
        body + " Reporting by Jo Doe in Delhi, editing by Max Roe.",
        body.replace(" on Monday", "").replace("an official order said", "an order seen by Orrery on Monday said"),
        body.replace("24 hours", "a day"),
    ):
        assert not contradictions(Body(body), Body(copy))
        assert similarity(Body(body), Body(copy)) is not None


def test_an_update_may_correct_a_figure() -> None:
    """Of a longer text: one in so many words."""
    more = " The order cites rumours that were shared on messaging services, and is the third of its kind this year."
    one = Body(PATTERN.format("Ambala", "noon", "Monday", "Barara") + more)
    other = Body(one.text.replace("24 hours", "36 hours"))
    assert contradictions(one, other)
    assert similarity(one, other) is not None


def test_a_paragraph_of_an_agency_does_not_make_an_article_a_copy() -> None:
    notice = text(5, 80)
    assert similarity(Body(notice), Body(f"{notice}\n{text(6, 60)}")) is not None
    own = Body(f"{text(6, 150)}\n{notice}\n{text(7, 100)}")
    assert overlap(own, Body(notice))[1] > 0.95
    assert similarity(own, Body(notice)) is None
    background = text(8, 60)
    assert similarity(Body(f"{text(9, 60)}\n{background}"), Body(f"{text(10, 60)}\n{background}")) is None


def test_the_best_parent_is_the_most_similar_and_among_equals_the_first() -> None:
    best = min(
        (
            Parent("d", None, 1.0),
            Parent("c", date(2025, 2, 2), 1.0),
            Parent("b", date(2025, 2, 2), 1.0),
            Parent("a", date(2025, 2, 1), 0.9),
        ),
        key=lambda parent: parent.rank,
    )
    assert best.article_id == "b"


def test_signing_is_the_same_everywhere() -> None:
    body_hash, signature = sign(text(5))
    assert sign(text(5)) == (body_hash, signature)
    assert body_hash == "310bc159e7d2fda75994955e4aa8a377f6f093735a1f98ed00ac247e1f23acba"
    assert content_id(signature.hex()) == "9103ed2d974199489c5c"
    assert content_id(*map(str, bands(body_hash, signature))) == "73260ea09bf34c0b81e5"
    assert len(bands(body_hash, signature)) == 43


@pytest.mark.parametrize("signature", [b"", b"junk", b"CDs1" + bytes(40), sign(text(6))[1][:-3]])
def test_a_signature_of_another_version_finds_nothing_near(signature: bytes) -> None:
    body_hash, _ = sign(text(6))
    assert len(bands(body_hash, signature)) <= 1


def test_bands_find_nineteen_of_twenty_at_the_least_similarity() -> None:
    """Texts of one length of which 0.62 of the shingles are the same have a similarity of 0.45."""
    rng = random.Random(1)
    found = 0
    for _ in range(300):
        words = [letters(rng) + letters(rng) for _ in range(300)]
        other = words[:188] + [letters(rng) + letters(rng) for _ in range(112)]
        one, copy = " ".join(words), " ".join(other)
        assert overlap(Body(one), Body(copy))[0] == pytest.approx(0.45, abs=0.01)
        found += is_candidate(one, copy)
    assert found >= 285


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_two_texts_can_be_compared(one: str, other: str) -> None:
    assert similarity(Body(one), Body(other)) == similarity(Body(other), Body(one))
    assert contradictions(Body(one), Body(one)) == set()
    assert contradictions(Body(one), Body(other)) == contradictions(Body(other), Body(one))
    for key in bands(*sign(one)):
        assert struct.pack("<I", key)


def test_real_items_with_equal_texts_are_copies(shared: Path) -> None:
    """Recurring lead sentences and newsletter notices of real feeds never become a story, whatever their number."""
    titles: dict[str, set[str]] = defaultdict(set)
    with gzip.open(shared / "corpus" / "news_items_2021_2022.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            body = html.unescape(re.sub(r"<[^>]+>", " ", item.get("description") or ""))
            if len(body.split()) >= MIN_EXACT_WORDS and proves((signed := sign(body))[1]):
                titles[signed[0]].add(item["title"])
    assert any(len(some) > 1 for some in titles.values())
    assert max(map(len, titles.values())) <= 3


def test_digests_tell_strangers_from_copies() -> None:
    bodies = [text(seed, 200) for seed in range(40)]
    digests = [digest(sign(body)[1]) for body in bodies]
    assert {len(one) for one in digests} == {32}
    assert sum(is_likely(one, other) for i, one in enumerate(digests) for other in digests[:i]) <= 8, "of 780 pairs"
    for body, its in zip(bodies, digests, strict=True):
        assert is_likely(its, its)
        assert is_likely(its, digest(sign(rewritten(body, 0.1))[1]))
    assert digest(sign("Too short.")[1]) == b""
    assert not is_likely(b"", b"")
