"""Words and windows lose nothing, whatever the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.features import WIDTH, word_features
from extractors.words import HEADLINE_WORDS, LONG, sections, split, windows

TEXTS = st.text(max_size=300)
UNSEEN = "\u00ad\u200b\u200d\u2060\ufeff"
LENGTHS = st.lists(st.integers(1, 12), max_size=700)


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1), st.text(UNSEEN, min_size=1))
def test_what_is_not_seen_parts_no_word(text: str, unseen: str) -> None:
    plain = split(text)
    strewn = split("".join(c + unseen if c.isalnum() else c for c in text))
    assert [strewn[i] for i in range(len(strewn))] == [plain[i] for i in range(len(plain))]


def test_look_alikes_are_read_as_the_letters_they_imitate() -> None:
    words = split("Т\u0456kTok and Rοskοmnadzοr, not Роскомнадзор")
    assert [words[i] for i in range(len(words))] == ["TikTok", "and", "Roskomnadzor", ",", "not", "Роскомнадзор"]
    assert words.slice(0, 1) == "Т\u0456kTok"


@given(TEXTS)
def test_words_and_white_space_are_the_text(text: str) -> None:
    words = split(text)
    rebuilt, at = "", 0
    for start, end in zip(words.starts, words.ends, strict=True):
        assert start >= at
        assert not any(c.isalnum() or (c.isascii() and c.isprintable()) for c in text[at:start].replace(" ", ""))
        rebuilt += text[at:start] + text[start:end]
        at = end
    assert rebuilt + text[at:] == text


@given(TEXTS)
def test_a_slice_of_words_is_a_slice_of_the_text(text: str) -> None:
    words = split(text)
    for first in range(len(words)):
        last = min(first + 3, len(words))
        assert words.slice(first, last) == text[words.starts[first] : words.ends[last - 1]]


@given(TEXTS)
def test_every_word_has_one_shape(text: str) -> None:
    words = split(text)
    table = word_features(words)
    assert table.shape == (len(words), WIDTH)
    assert (table[:, :7].sum(1) == 1).all()


def test_the_first_line_is_the_headline_if_it_is_short() -> None:
    assert split("Italy blocks DeepSeek\nThe regulator acted.").headline == 3
    assert split("One line only, no body").headline == 0
    assert split("word " * (HEADLINE_WORDS + 1) + "\nBody").headline == 0
    assert split("\nBody").headline == 0


@given(LENGTHS, st.integers(0, HEADLINE_WORDS))
def test_windows_own_every_word_once_and_fit(lengths: list[int], headline: int) -> None:
    headline = min(headline, len(lengths))
    found = windows(lengths, headline, max_pieces=320)
    owned = [word for window in found for word in range(window.own_start, window.own_end)]
    assert owned == list(range(len(lengths)))
    for window in found:
        assert sum(lengths[word] for word in window.words) <= 318
        shown = set(window.words)
        assert all(word in shown for word in range(window.own_start, window.own_end))
        assert list(window.words) == sorted(shown)


def test_later_windows_show_the_headline_and_what_stands_around_their_own_words() -> None:
    found = windows([1] * 2000, 10)
    assert all(window.words[:10] == tuple(range(10)) for window in found)
    for window in found[1:]:
        assert window.own_start - window.words[10] >= 40


@given(
    st.lists(st.sampled_from(["word ", "A sentence. ", "line\n", "x" * 900, "\n\n", "é—“", " "]), max_size=40),
    st.integers(0, 400),
)
@settings(max_examples=60, deadline=None)
def test_the_sections_of_a_long_text_own_every_character_once(parts: list[str], repeat: int) -> None:
    text = "".join(parts) * repeat
    found = list(sections(text))
    if len(text) <= LONG:
        assert [(s.start, s.end) for s in found] == [(0, len(text))]
        return
    assert [s.own_start for s in found] == [0, *(s.own_end for s in found[:-1])]
    assert found[-1].own_end == len(text)
    assert all(s.start <= s.own_start < s.own_end <= s.end for s in found)
    assert all(s.end - s.start < 1400 for s in found)


def test_a_section_is_read_under_the_headline_with_its_own_offsets() -> None:
    text = "Headline of the minutes\n" + "Nothing was said of it. " * 4000
    later = list(sections(text))[7]
    words = split(text, later)
    assert [words[i] for i in range(words.headline)] == ["Headline", "of", "the", "minutes"]
    assert words.seam == words.headline == 4
    assert later.start <= words.starts[4] < words.ends[-1] <= later.end
    assert all(words[i] == text[words.starts[i] : words.ends[i]] for i in range(len(words)))
    assert word_features(words).shape == (len(words), WIDTH)
