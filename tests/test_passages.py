"""What is kept of the words around a mention."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.passages import MOST_NAMES, MOST_WORDS, read_passage
from pipeline.types import Passage

TEXT = (
    "Garante halts chatbot\n\nROME, Jan. 30 - It was cold. The Garante said on Thursday that Ms. Ilaria Fontès of"
    " OpenAI had answered nothing. The authority blocked ChatGPT over the birth dates of 1,204 pupils, Stanzione said."
    " In Milan, Assolombarda protested. Nothing of this was known in France."
)


def around(text: str, words: str) -> Passage:
    start = text.index(words)
    return read_passage(text, start, start + len(words))


def test_the_sentence_of_the_trigger_and_its_neighbours_are_read() -> None:
    passage = around(TEXT, "blocked")

    assert {
        "authority",
        "blocked",
        "chatgpt",
        "birth",
        "dates",
        "pupils",
        "1,204",
        "milan",
        "answered",
    } <= passage.words
    assert not passage.words & {"cold", "france", "chatbot", "the", "said", "thursday"}


def test_names_are_what_has_a_capital_of_its_own() -> None:
    assert around(TEXT, "blocked").names == {
        "chatgpt", "stanzione", "milan", "assolombarda", "garante", "ilaria", "fontes", "openai",
    }  # fmt: skip
    assert around("Amit Shah ordered it. Officials agreed.", "ordered").names == {"amit", "shah"}


@pytest.mark.parametrize(
    "text", ["Italy Blocks DeepSeek After Privacy Complaint", "ITALY BLOCKS DEEPSEEK AFTER A COMPLAINT"]
)
def test_a_headline_in_capitals_has_no_names(text: str) -> None:
    passage = read_passage(text, 6, 12)
    assert passage.names == frozenset()
    assert {"italy", "blocks", "deepseek"} <= passage.words


@given(st.text(max_size=900), st.data())
def test_any_text_is_read_and_what_is_kept_is_bounded(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    passage = read_passage(text, start, end)
    assert len(passage.words) <= MOST_WORDS
    assert len(passage.names) <= MOST_NAMES
    assert passage == read_passage(text, start, end)


@given(st.text(max_size=200))
def test_what_stands_far_away_says_nothing(far: str) -> None:
    assert around(f"{TEXT}\n{'Filler. ' * 60}\n{far}", "blocked") == around(TEXT, "blocked")


def test_reading_takes_microseconds() -> None:
    text = TEXT * 40
    at = text.index("blocked", len(text) // 2)
    best = min(timeit.repeat(lambda: read_passage(text, at, at + 7), number=200, repeat=5)) / 200
    assert best < 0.0005, "ten times what it takes, so that a busy machine passes"
