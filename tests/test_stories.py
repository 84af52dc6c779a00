"""Copies of one text become one story; texts that merely look alike do not."""

import gzip
import html
import json
import random
import re
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ids import content_id
from pipeline.stories import MIN_EXACT_WORDS, MIN_NEAR_WORDS, StoryIndex, StorySignature, sign

NOTICE = (
    "Sign up for our newsletter and get the stories that matter every morning. Already a subscriber? Log in. "
    "We use cookies and similar technologies to give you the best experience on our site, and with your consent our "
    "partners do so too. Read our privacy policy. Copyright, all rights reserved."
)


def text(seed: int, words: int = 300) -> str:
    rng = random.Random(seed)
    sentences = []
    while words > 0:
        n = min(words, rng.randrange(8, 22))
        sentences.append(" ".join(f"w{rng.randrange(4000)}" for _ in range(n)).capitalize() + ".")
        words -= n
    return "\n".join(sentences)


def rewritten(body: str, share: float, seed: int = 1) -> str:
    rng = random.Random(seed)
    return " ".join(f"new{rng.randrange(999)}" if rng.random() < share else word for word in body.split())


def copies(body: str) -> dict[str, str]:
    sentences = body.split("\n")
    return {
        "byline": "By A Reporter, LONDON, 5 February – " + body,
        "notices": f"{body}\n{NOTICE}",
        "cut to two thirds": "\n".join(sentences[: len(sentences) * 2 // 3]),
        "a paragraph less": "\n".join(sentences[:4] + sentences[7:]),
        "lightly rewritten": rewritten(body, 0.05),
        "cut, rewritten, with notices": rewritten("\n".join(sentences[: len(sentences) * 3 // 4]), 0.03) + NOTICE,
    }


@pytest.mark.parametrize("kind", copies(text(0)))
def test_near_copies_share_a_story_and_are_not_exact(kind: str) -> None:
    index = StoryIndex()
    first = index.place("a", *sign(text(1)))
    copy = index.place("b", *sign(copies(text(1))[kind]))
    assert first.story_id == content_id("story", "a") == copy.story_id
    assert (first.exact, first.similarity) == (False, 0.0)
    assert not copy.exact
    assert 0.4 <= copy.similarity <= 1


@pytest.mark.parametrize("words", [MIN_EXACT_WORDS + 5, MIN_NEAR_WORDS + 5, 400])
def test_case_punctuation_and_spacing_do_not_matter(words: int) -> None:
    index = StoryIndex()
    body = text(2, words)
    index.place("a", *sign(body))
    copy = index.place("b", *sign("  " + body.upper().replace(" ", "\u00a0 ").replace(".", " …")))
    assert copy.exact
    assert copy.similarity == 1.0
    assert copy.story_id == content_id("story", "a")


@pytest.mark.parametrize("words", [30, 60, 100, 300, 1000])
def test_strangers_stay_strangers_even_with_the_same_notices(words: int) -> None:
    index = StoryIndex()
    stories = {index.place(f"a{i}", *sign(f"{text(i, words)}\n{NOTICE}")).story_id for i in range(50)}
    assert len(stories) == 50


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
def test_stubs_of_different_articles_are_different_stories(stub: str) -> None:
    index = StoryIndex()
    places = [index.place(f"a{i}", *sign(stub)) for i in range(4)]
    assert len({place.story_id for place in places}) == 4
    assert not any(place.exact for place in places)


def test_a_short_body_is_a_copy_only_when_equal() -> None:
    index = StoryIndex()
    body = text(3, MIN_NEAR_WORDS - 20)
    index.place("a", *sign(body))
    assert index.place("b", *sign(body)).exact
    assert index.place("c", *sign(body + " More.")).story_id == content_id("story", "c")


def test_short_notices_to_one_pattern_are_different_stories() -> None:
    """Short notices to a pattern differ in a few words, and in all that counts."""
    pattern = (
        "The district administration of {0} has suspended mobile internet services for 24 hours from {1} on {2} after "
        "clashes in {3}, an official order said. Voice calls and broadband lines remain available, it added. Police "
        "asked residents of {0} not to spread rumours and to stay at home as far as they can until further notice."
    )
    places = [
        ("Ambala", "noon", "Monday", "Barara"),
        ("Sikar", "6 pm", "Friday", "Losal"),
        ("Karnal", "dusk", "Sunday", "Indri"),
    ]
    index = StoryIndex()
    stories = {index.place(name[0], *sign(pattern.format(*name))).story_id for name in places}
    assert len(stories) == 3


def test_an_article_placed_again_stays_where_it_is() -> None:
    index = StoryIndex()
    index.place("a", *sign(text(4)))
    second = index.place("b", *sign(copies(text(4))["byline"]))
    assert index.place("b", *sign(copies(text(4))["byline"])).story_id == second.story_id
    assert index.place("a", *sign(text(4))).story_id == content_id("story", "a")
    assert not index.place("a", *sign(text(4))).exact
    assert index.place("b", *sign(text(9))).story_id == second.story_id
    assert len(index) == 2


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([None, *copies(text(0))])), max_size=12), st.integers(0, 12)
)
def test_a_rebuilt_index_places_like_the_old_one(made: list[tuple[int, str | None]], cut: int) -> None:
    bodies = [text(seed) if kind is None else copies(text(seed))[kind] for seed, kind in made]
    whole = StoryIndex()
    places = [whole.place(f"a{i}", *sign(body)) for i, body in enumerate(bodies)]
    known = [StorySignature(f"a{i}", place.story_id, *sign(bodies[i])) for i, place in enumerate(places[:cut])]
    rebuilt = StoryIndex(known)
    assert [rebuilt.place(f"a{i}", *sign(body)) for i, body in enumerate(bodies) if i >= cut] == places[cut:]


def test_signing_is_the_same_everywhere() -> None:
    body_hash, signature = sign(text(5))
    assert sign(text(5)) == (body_hash, signature)
    assert body_hash == "0fe1edfa1f2ea7bc3545c59fc35f87e1521ed90c28c5132e6691f4db24f58b92"
    assert content_id(signature.hex()) == "28c0810bee84b4a724a8"


@pytest.mark.parametrize("signature", [b"", b"junk", b"CDs0" + bytes(40), sign(text(6))[1][:-3]])
def test_a_signature_of_another_version_compares_with_nothing_near(signature: bytes) -> None:
    body_hash, _ = sign(text(6))
    index = StoryIndex([StorySignature("a", "story-a", body_hash, signature)])
    assert index.place("b", *sign(copies(text(6))["byline"])).story_id == content_id("story", "b")


def test_ten_thousand_articles_take_seconds() -> None:
    bodies = [text(i, 250) for i in range(500)]
    rng = random.Random(0)
    index = StoryIndex()
    spent = 0.0
    for i in range(10_000):
        body = bodies[i] if i < 500 else " ".join(rng.sample(words := bodies[i % 500].split(), len(words)))
        begin = time.process_time()
        index.place(f"a{i}", *sign(body))
        spent += time.process_time() - begin
    assert spent < 5


def test_real_items_with_equal_texts_are_copies(shared: Path) -> None:
    """Recurring lead sentences and newsletter notices of real feeds never become a story, whatever their number."""
    index = StoryIndex()
    titles: dict[str, set[str]] = defaultdict(set)
    with gzip.open(shared / "corpus" / "news_items_2021_2022.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            body = html.unescape(re.sub(r"<[^>]+>", " ", item.get("description") or ""))
            if index.place(item["link"], *sign(body)).exact:
                titles[sign(body)[0]].add(item["title"])
    assert titles
    assert max(map(len, titles.values())) <= 3


def test_article_with_another_body_is_placed_as_a_rebuilt_index_would() -> None:
    bodies = {name: text(seed) for seed, name in enumerate("abc")}
    index = StoryIndex()
    for name in ("a", "b"):
        index.place(name, *sign(bodies[name]))
    copied = index.place("copy", *sign(bodies["a"]))
    assert copied.exact
    moved = index.place("a", *sign(bodies["c"]))
    assert (moved.story_id, moved.exact) == (content_id("story", "a"), False)
    # As they are stored: the article that changed went to the end.
    rebuilt = StoryIndex(
        StorySignature(name, story, *sign(body))
        for name, story, body in (
            ("b", content_id("story", "b"), bodies["b"]),
            ("copy", content_id("story", "a"), bodies["a"]),
            ("a", content_id("story", "a"), bodies["c"]),
        )
    )
    for name, body in (
        ("d", bodies["a"]),
        ("e", bodies["c"]),
        ("f", copies(bodies["c"])["lightly rewritten"]),
        ("b", bodies["c"]),
        ("g", bodies["b"]),
    ):
        assert index.place(name, *sign(body)) == rebuilt.place(name, *sign(body)), name
    assert len(index) == len(rebuilt)
