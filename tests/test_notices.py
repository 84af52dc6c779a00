"""Notices in an article's place: what takes it back, what corrects it, and what is news."""

import pytest

from pipeline.notices import is_notice, is_withdrawn

WITHDRAWN = (
    ("Italy blocks DeepSeek", "This article has been retracted."),
    ("Italy blocks DeepSeek", "Editor's note: This story, published on 3 March, has since been withdrawn."),
    ("Italy blocks DeepSeek", "We have retracted this article, as its main source could not be verified."),
    ("Italy blocks DeepSeek", "An earlier version of this report was withdrawn on Friday. We apologise."),
    ("Italy blocks DeepSeek", "This article was removed because it contained inaccurate claims about the regulator."),
    ("Italy blocks DeepSeek", "The story “Italy blocks DeepSeek” is withdrawn. There will be no substitute story."),
    ("RETRACTED: Italy blocks DeepSeek", "The regulator took no such decision, and we apologise to it."),
    ("Note", "Withdrawn: the regulator took no such decision."),
)
CORRECTED = (
    ("Italy blocks DeepSeek", "Correction: the regulator blocked the service on 30 January, not on 29 January."),
    ("Italy blocks DeepSeek", "An earlier version of this article gave a wrong date. The block began on 30 January."),
    ("Italy blocks DeepSeek", "This article has been corrected to say that the block was only proposed."),
)
NEITHER = (
    ("Page not found", "This article is no longer available."),
    ("Gone", "Sorry, this story has been removed or has moved to another address."),
    ("Italy blocks DeepSeek", "Subscribe to read this article. Already a subscriber? Sign in."),
    ("Journal retracts study of TikTok", "A journal has retracted a study of TikTok after an inquiry by its editors."),
    ("Minister withdraws bill", "The bill to ban TikTok was withdrawn by the minister on Friday, his office said."),
    (
        "App withdrawn from the store",
        "Apple said that the app was withdrawn from its store after a court's order.",
    ),
    ("Italy blocks DeepSeek", "The regulator said it had corrected the order, and withdrew an earlier version of it."),
)


@pytest.mark.parametrize(("title", "body"), WITHDRAWN)
def test_notice_takes_its_article_back(title: str, body: str) -> None:
    assert is_withdrawn(title, body)
    assert is_notice(title, body)
    assert not is_withdrawn(title.removeprefix("RETRACTED: "), f"{'The regulator has spoken of it. ' * 30}{body}")


@pytest.mark.parametrize(("title", "body"), CORRECTED)
def test_notice_corrects_its_article_and_does_not_take_it_back(title: str, body: str) -> None:
    assert is_notice(title, body)
    assert not is_withdrawn(title, body)


@pytest.mark.parametrize(("title", "body"), NEITHER)
def test_errors_walls_and_news_are_no_notices(title: str, body: str) -> None:
    assert not is_notice(title, body)
