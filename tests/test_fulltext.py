"""Whole articles in feeds: in doubt the page is fetched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fulltext import has_full_text, without_footer
from pipeline.types import Entry

SENTENCE = (
    "The regulator told the operators on Monday that the service is to be cut off in all the regions of the country."
)
PARAGRAPH = " ".join([SENTENCE] * 5)
WHOLE = "\n".join([PARAGRAPH] * 6)
FOOTER = "The post Regulator cuts off service appeared first on The Daily Example."


def entry(content: str, summary: str = "The regulator cuts off the service.") -> Entry:
    return Entry(
        "s", "1", "https://example.com/a", "https://example.com/a", "Regulator cuts off service", summary, content
    )


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        f"{WHOLE}\n{FOOTER}",
        f"{WHOLE} {FOOTER}",
        f"{WHOLE}\nThe article Regulator cuts off service was first published on Example.",
        f"{WHOLE}\nShare this:",
        f'{WHOLE}\n"We will go to court," a spokesman said, "and win."',
        f"{WHOLE}\nUnder the heading “What now?”\n{PARAGRAPH}",
    ],
)
def test_a_whole_article_is_recognised(content: str) -> None:
    assert has_full_text(entry(content), None)
    assert has_full_text(entry(content), True)
    assert not has_full_text(entry(content), False)


@pytest.mark.parametrize(
    "end",
    [
        "…",
        "...",
        " […]",
        " [...]",
        " [&hellip;]",
        "\nRead more",
        "\nRead more: https://example.com/a",
        "\nRead the full story at Example",
        "\nContinue reading...",
        "\nContinue reading “Regulator cuts off service”",
        "\nContinue reading Regulator cuts off service at The Daily Example.",
        " (more…)",
        " Click here to read the rest.",
        " Keep reading →",
        "\nView more »",
        " [+2310 chars]",
        f" […]\n{FOOTER}",
        f"\nRead more\n{FOOTER}",
    ],
)
@pytest.mark.parametrize("says", [None, True])
def test_what_is_cut_off_is_never_whole(end: str, says: bool | None) -> None:
    assert not has_full_text(entry(WHOLE + end), says)


@pytest.mark.parametrize(
    "content",
    [
        "",
        SENTENCE,
        PARAGRAPH,
        "\n".join([PARAGRAPH] * 3),
        WHOLE.replace("\n", " "),
        "\n".join(["App blocked in one more country"] * 120),
        WHOLE.rstrip("."),
        f"{WHOLE}\nThis article is for subscribers only.",
        f"{WHOLE}\nSubscribe to continue with this story.",
        f"{WHOLE}\nAlready a subscriber? Sign in.",
        f"{WHOLE}\nUnlock this article for one pound.",
    ],
)
def test_in_doubt_it_is_not_whole(content: str) -> None:
    assert not has_full_text(entry(content), None)


def test_a_content_hardly_longer_than_the_summary_is_a_teaser() -> None:
    assert not has_full_text(entry(WHOLE, summary=WHOLE[:-500]), None)


def test_the_operator_is_believed_about_short_items_too() -> None:
    assert has_full_text(entry(SENTENCE), True)
    assert not has_full_text(entry(""), True)


def test_footers_go_and_nothing_else() -> None:
    assert without_footer(f"{WHOLE}\n{FOOTER}\nShare this:\nTags: apps, bans") == WHOLE
    assert without_footer(WHOLE) == WHOLE
    about = f"{SENTENCE} The post of minister is vacant. {SENTENCE}"
    assert without_footer(about) == about
    assert without_footer(FOOTER) == FOOTER


@given(st.text(max_size=300))
def test_no_text_breaks_it_and_footers_end_texts(text: str) -> None:
    assert has_full_text(entry(text), None) is False
    assert text.startswith(without_footer(text))
