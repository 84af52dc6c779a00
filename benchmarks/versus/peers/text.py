"""Others that read article text from pages: each takes the page's bytes and address, and gives (text, title, date).

The date is an ISO day or None; None as a title means that the reader gives none. Nothing is fetched.
"""

from functools import cache
from typing import Any

Found = tuple[str, str | None, str | None]


def _trafilatura(page: bytes, **options: Any) -> Found:
    import trafilatura

    document = trafilatura.bare_extraction(page, include_comments=False, include_tables=True, **options)
    return (document.text or "", document.title, document.date) if document else ("", None, None)


def trafilatura_fast(page: bytes, url: str) -> Found:
    return _trafilatura(page, fast=True)


def trafilatura_precision(page: bytes, url: str) -> Found:
    return _trafilatura(page, favor_precision=True)


def trafilatura_default(page: bytes, url: str) -> Found:
    return _trafilatura(page)


def trafilatura_metadata(page: bytes, url: str) -> Found:
    return _trafilatura(page, favor_precision=True, url=url, with_metadata=True)


def newspaper4k(page: bytes, url: str) -> Found:
    import newspaper

    article = newspaper.Article(url, fetch_images=False, language="en")
    article.download(input_html=page)
    article.parse()
    return article.text or "", article.title, _day(article.publish_date)


def news_please(page: bytes, url: str) -> Found:
    from newsplease import NewsPlease

    article = NewsPlease.from_html(page, url=url, fetch_images=False)
    return article.maintext or "", article.title, _day(article.date_publish)


def readability_lxml(page: bytes, url: str) -> Found:
    from lxml import html
    from readability import Document

    document = Document(page, url=url)
    summary = html.fromstring(document.summary(html_partial=True))
    return " ".join(summary.itertext()), document.short_title(), None


def justext(page: bytes, url: str) -> Found:
    import justext as library

    paragraphs = library.justext(page, _stop_words())
    return "\n".join(one.text for one in paragraphs if not one.is_boilerplate), None, None


def goose3(page: bytes, url: str) -> Found:
    article = _goose().extract(raw_html=_decoded(page), url=None)
    return article.cleaned_text or "", article.title, _day(article.publish_date)


def resiliparse(page: bytes, url: str) -> Found:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse_from_bytes(page, detect_encoding(page))
    return extract_plain_text(tree, main_content=True, alt_texts=False), tree.title, None


def boilerpy3(page: bytes, url: str) -> Found:
    from boilerpy3.extractors import ArticleExtractor

    document = ArticleExtractor(raise_on_failure=False).get_doc(_decoded(page))
    return document.content, document.title, None


@cache
def _stop_words() -> Any:
    import justext as library

    return library.get_stoplist("English")


@cache
def _goose() -> Any:
    from goose3 import Goose

    return Goose({"enable_image_fetching": False})


def _decoded(page: bytes) -> str:
    from resiliparse.parse.encoding import detect_encoding

    return page.decode(detect_encoding(page) or "utf-8", "replace")


def _day(moment: Any) -> str | None:
    """The ISO day of a date, or of a text that a lenient parser reads as one."""
    from dateutil import parser

    if moment and isinstance(moment, str):
        try:
            moment = parser.parse(moment)
        except (ValueError, OverflowError):
            return None
    return str(moment)[:10] if moment else None
