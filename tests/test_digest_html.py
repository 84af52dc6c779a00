"""Digests in HTML: nothing in them is alive that others wrote, they hold in mail programs, and read in grey."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import lxml.html
import pytest
from digest_material import EVENT, telling
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import HtmlElement
from test_digest import NOW, PAYLOADS, UNSURE, busy, listed, made, partial

from clampdown.proofs.payloads import ADDRESSES, BREAKOUTS
from pipeline.errors import InputError
from pipeline.site_state import Trouble
from pipeline.subscriptions import Cadence, Subscription
from pipeline.types import SIDE, Action, ReasonClass, ScopeClass, Side, Status, Transition, TransitionKind
from reports.digest import Age, Coverage, Digest, Findings, Item, News, Told, Week, ranked, to_list
from reports.digest_html import MOST_BYTES, as_html, page_html
from reports.digest_pages import as_markdown, as_text, has_spread
from reports.digest_words import spread, subject
from reports.event_words import facts
from reports.locales import day, full_day, moment
from reports.palette import INKS, PALETTE, contrast, luminance

HERE = "https://readers.example"
MORE_PAYLOADS = [*PAYLOADS, *BREAKOUTS]
URLS = list(ADDRESSES)
WEEK = Week(
    (date(2026, 11, 16), date(2026, 11, 22)),
    {"IT": 3, "KR": 1, "XX": 2},
    {"KR": 1},
    ((date(2026, 9, 6), 4), (date(2026, 11, 22), 6)),
    ("KR",),
    {"IT": "Italy", "KR": "South Korea"},
)


def mail(digest: Digest, picture: str | None = "week@x") -> str:
    return as_html(digest, picture_cid=picture, unsubscribe=f"{HERE}/unsubscribe/t", browser=f"{HERE}/view/d")


def hostile(words: str, url: str = "https://alpha.example/news") -> Digest:
    """A digest with `words` in every field that others write, and in those that an operator does."""
    event = replace(EVENT, actor=words, service=words, scope=words, date_value="2026-11-20")
    step = Transition(Status.IN_FORCE, Action.LIFT, None, None, "m", TransitionKind.EASED, None, words)
    told = Told(3, date(2026, 11, 1), "2026-11-01", f"{HERE}/view/3")
    said = telling(words, words, url, source=words)
    items = [
        Item(News.EASED, event, replace(event, action=Action.BAN), words, step=step, tellings=(said, said), listed=True,
             told=told),
        Item(News.NEW, replace(event, id="1" * 20), None, words, age=Age.LATE, tellings=(said,), listed=True),
        Item(News.NEW, replace(event, id="2" * 20, voices=1, score=0.2), None, words, listed=True),
        Item(News.GONE, replace(event, id="3" * 20), None, words, tellings=(said,), listed=True),
        Item(News.NEW, replace(event, id="4" * 20), None, words),
    ]  # fmt: skip
    coverage = Coverage({"ok": 1, "failing": 1}, (Trouble("a", words, "failing", None, words),))
    subscription = Subscription("desk", words, recipients=("a@reader.example",))
    return made(items, coverage, subscription=subscription, week=WEEK, previous=told)


def skeleton(html: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Elements with their attributes, but for the words in those that hold words."""
    tree = lxml.html.document_fromstring(html)
    return [
        (one.tag, tuple((name, "" if name == "alt" else value) for name, value in sorted(one.attrib.items())))
        if isinstance(one.tag, str)
        else ("comment", (("", str(one.text)),))
        for one in tree.iter()
    ]


def shown(html: str) -> str:
    """The words of a page, in one line."""
    tree = lxml.html.document_fromstring(html)
    for one in tree.xpath("//style | //comment() | //title"):
        one.drop_tree()
    return " ".join(tree.text_content().split())


def elements(html: str, name: str) -> list[HtmlElement]:
    return [one for one in lxml.html.document_fromstring(html).iter() if one.tag == name]


@pytest.mark.parametrize("payload", MORE_PAYLOADS)
def test_what_others_wrote_adds_no_node_and_no_attribute(payload: str) -> None:
    harmless = hostile("word")
    for make in (mail, lambda digest: page_html(digest, pictures={"light": b"png"}, unsubscribe=f"{HERE}/u")):
        html = make(hostile(payload))
        assert skeleton(html) == skeleton(make(harmless))
        assert all(one.isprintable() or one in "\n\xa0\u2002" for one in html), "nothing that steers is left"
        assert "49 " not in shown(html), "no template is run twice"
    text = as_text(hostile(payload), unsubscribe=f"{HERE}/u", browser=f"{HERE}/b")
    assert all(one.isprintable() for one in text.replace("\n", ""))
    assert len(subject(hostile(payload)).splitlines()) == 1


@pytest.mark.parametrize("url", URLS)
def test_links_lead_to_the_web_or_nowhere(url: str) -> None:
    digest = hostile("word", url)
    digest = replace(digest, previous=replace(digest.previous, url=url) if digest.previous else None)
    html = as_html(digest, picture_cid=None, unsubscribe=url, browser=url)
    links = [str(one.get("href")) for one in elements(html, "a")]
    assert links
    assert all(re.match(r"https?://(readers|alpha|evil)\.example/", one) for one in links)
    assert not any(name.startswith("on") for one in lxml.html.document_fromstring(html).iter() for name in one.attrib)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=30))
def test_no_words_and_no_address_break_out(words: str, path: str) -> None:
    digest = hostile(words, f"https://alpha.example/{path}")
    found = [one for one in skeleton(mail(digest)) if one[0] in ("script", "style", "iframe", "img", "comment", "svg")]
    expected = [one for one in skeleton(mail(hostile("word"))) if one[0] in ("style", "img", "comment")]
    assert found == expected


def test_words_are_shown_as_they_were_written() -> None:
    text = shown(mail(hostile("A <b> & “c” 'd' \"e\" &amp;")))
    assert "“A <b> & “c” 'd' \"e\" &amp;”" in text
    assert "Subscription <x>" in shown(mail(made([], subscription=Subscription("x", "Subscription <x>"))))


def test_a_mail_loads_nothing_and_its_picture_says_what_it_shows() -> None:
    html = mail(replace(busy(), week=WEEK))
    (picture,) = elements(html, "img")
    assert picture.get("src") == "cid:week@x"
    assert picture.get("alt") == (
        "Map of restrictions in force: Italy 3 and South Korea 1. New this week in South Korea. "
        "Curve by week: 4 on 6 September 2026 to 6 on 22 November 2026."
    )
    assert "url(" not in html
    assert "@import" not in html
    assert {one.tag for one in lxml.html.document_fromstring(html).iter() if isinstance(one.tag, str)}.isdisjoint(
        {"script", "link", "iframe", "object", "form", "base", "svg", "source"}
    )
    page = page_html(replace(busy(), week=WEEK), pictures={"light": b"light", "dark": b"dark"})
    assert re.findall(r'(?:src|srcset)="([^,"]*)', page) == ["data:image/png;base64"] * 2
    assert "default-src 'none'" in page
    assert {one.get("href") for one in elements(page, "a")} <= {
        "https://alpha.example/news/1",
        "https://beta.example/2",
    }


def test_styles_stand_on_the_elements_and_tables_are_for_layout_alone() -> None:
    html = mail(busy())
    for one in elements(html, "table"):
        assert one.get("role") == "presentation"
    for name in ("h1", "h2", "h3", "p", "a"):
        assert all(one.get("style") for one in elements(html, name)), name
    (style,) = elements(html, "style")
    assert "prefers-color-scheme: dark" in str(style.text)
    assert "max-width: 620px" in str(style.text)
    assert 'width="640"' in html, "Outlook knows no max-width"


def test_a_quiet_day_takes_two_lines() -> None:
    digest = made([], week=WEEK)
    html = mail(digest)
    assert not has_spread(digest)
    assert not elements(html, "img")
    body = shown(html).partition("No. 17 Nothing new ")[2].partition("No. 17, made")[0].strip()
    assert body == "Since Saturday 21 November, 07:00 (Europe/Rome). All 45 sources answered."
    assert as_text(digest).splitlines()[3:6] == [
        "Nothing new since Saturday 21 November, 07:00 (Europe/Rome).",
        "All 45 sources answered.",
        "",
    ]


def test_partial_coverage_is_said_first() -> None:
    for digest in (partial(), replace(busy(), coverage=partial().coverage)):
        text = shown(mail(digest))
        assert text.count("Coverage was partial") == 1 + digest.is_quiet, "a quiet day's is in lists of mails, too"
        assert "Beta *Times*. Nothing was read from Saturday 21 November, 22:00" in text
        assert text.index("Coverage was partial: 43 of 45") < text.index("No. 17, made")


def test_an_item_says_all_there_is_to_say() -> None:
    told = Told(12, date(2026, 11, 14), "2026-11-14", f"{HERE}/view/12")
    before = replace(EVENT, status=Status.ANNOUNCED, date_value="2026-11-10")
    item = listed(News.IN_FORCE, EVENT, "It is blocked now.", before=before, told=told)
    digest = made([item], previous=Told(16, date(2026, 11, 21), "2026-11-21"))
    text = shown(mail(digest))
    for words in (
        "Block In force · 2 independent sources",
        "Garante per la protezione dei dati personali (Italy) blocked DeepSeek.",
        "Since 20 November 2026 · for “all staff” (workplace) · stated reason: privacy",
        "“It is blocked now.”",
        "A title (Alpha Gazette, alpha.example, 20 November)",
        "Before: announced (10 November 2026), told in No. 12 of 14 November 2026",
        "The one before: No. 16 of 21 November 2026.",
        "Read this in a browser · Unsubscribe",
    ):
        assert words in text, words
    assert f"{HERE}/view/12" in [one.get("href") for one in elements(mail(digest), "a")]
    told_so = "Told before in No. 12 of 14 November 2026"
    assert f"  {told_so}\n  {HERE}/view/12\n" in as_text(digest)
    assert f"[{told_so}](<{HERE}/view/12>)" in as_markdown(digest)
    assert as_text(digest, unsubscribe="mailto:list@x.example").endswith("list:\nmailto:list@x.example\n")


def test_a_step_is_told_with_the_days_on_which_it_and_the_measure_began() -> None:
    step = Transition(Status.IN_FORCE, Action.LIFT, "2026-11-21", None, "m", TransitionKind.LIFTED, None, None)
    lifted = listed(
        News.LIFTED, replace(EVENT, lifted=True, scope="Italy", scope_class=ScopeClass.NATIONWIDE), "Words."
    )
    html = mail(made([replace(lifted, step=step)]))
    assert "On 21 November 2026 · had held since 20 November 2026 · nationwide ·" in shown(html)
    assert "had held" not in shown(mail(made([replace(lifted, step=replace(step, date_value="2026-11-20"))])))
    assert "Lifted Block · 2 independent" in shown(html)


def test_what_is_unsure_is_told_with_its_score() -> None:
    digest = made([listed(News.NEW, UNSURE, "It may be so.")])
    assert "New · one source · score 0.30" in shown(mail(digest))
    assert "1 measure unsure" in shown(mail(digest))


def test_the_spread_of_the_week_in_words() -> None:
    assert list(spread(WEEK)) == [
        "6 restrictions are in force in 2 countries, up from 4 on 6 September 2026.",
        "1 is new this week; South Korea has its first.",
    ]
    assert list(spread(replace(WEEK, by_country={}))) == ["No restriction is in force."]
    calm = replace(WEEK, new_by_country={}, joined=(), curve=((date(2026, 9, 6), 6),))
    assert list(spread(calm)) == ["6 restrictions are in force in 2 countries.", "None is new this week."]
    digest = replace(busy(), week=WEEK)
    for page in (as_text(digest), as_markdown(digest), shown(mail(digest))):
        assert "South Korea has its first." in " ".join(page.split())


def test_scopes_and_reasons_are_put_as_sentences_have_them() -> None:
    for scope, kind, reasons, expected in (
        ("nationwide", ScopeClass.NATIONWIDE, (), ["nationwide"]),
        ("Italy", ScopeClass.NATIONWIDE, (), ["nationwide"]),
        ("for all users", ScopeClass.NATIONWIDE, (ReasonClass.OTHER,), ["“for all users” (nationwide)"]),
        ("forces", None, (ReasonClass.LEGAL,), ["for “forces”", "stated reason: a breach of law"]),
        (None, ScopeClass.SCHOOLS, (), ["in schools"]),
        ("the lot", ScopeClass.OTHER, (ReasonClass.PRIVACY, ReasonClass.SAFETY), [
            "for “the lot”", "stated reasons: privacy and safety",
        ]),
    ):  # fmt: skip
        event = replace(EVENT, scope=scope, scope_class=kind, reason_classes=reasons)
        assert list(facts(Item(News.NEW, event, None, "Italy"))) == ["since 20 November 2026", *expected]


def test_dates_and_numbers_are_in_the_readers_language() -> None:
    at = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    assert [day("2026-11-22"), day("2026-11"), day("2026"), day("soon")] == [
        "22 November 2026", "November 2026", "2026", "soon",
    ]  # fmt: skip
    assert day("2026-11-22", "en-US") == "November 22, 2026"
    assert full_day(date(2026, 11, 22), "de") == "Sonntag, 22. November 2026"
    assert moment(at, "Europe/Rome") == "Saturday 21 November, 07:00"
    assert moment(at, "Asia/Tokyo", "fr") == "samedi 21 novembre 2026, 15:00"
    for language in ("ar", "he", "fa"):
        said = [full_day(at.date(), language), day("2026-11", language), moment(at, "Asia/Tokyo", language)]
        assert said == ["2026-11-21", "2026-11", "2026-11-21, 15:00"], "nothing changes places in an English sentence"
    with pytest.raises(InputError, match="the language 'tlh-x-none' is not known"):
        day("2026-11-22", "tlh-x-none")
    german = Subscription("desk", "Desk", language="de", cadence=Cadence.WEEKLY)
    digest = replace(busy(), subscription=german, findings=replace(busy().findings, known=12345))
    assert "Week to Sonntag, 22. November 2026 · Desk · No. 17" in shown(mail(digest))
    assert "12.345 events are known" in as_text(digest)
    long = replace(digest, subscription=replace(german, title="Desk " * 30))
    assert as_text(long).splitlines()[0].endswith("Desk…, Sonntag, 22. November 2026"), "the day is not cut off"
    assert subject(digest).startswith("Clampdown · Desk, week to 22. November: 1 new measure")


@pytest.mark.parametrize("news", list(News))
def test_every_item_has_its_mark(news: News) -> None:
    for action in Action:
        for state in Status:
            event = replace(EVENT, action=action, side=SIDE[action], status=state, retracted=news is News.RETRACTED)
            (mark,) = [
                one for one in elements(mail(made([listed(news, event, "Words.")])), "span") if "mark" in one.classes
            ]
            assert mark.text_content().strip()
            assert "background" in str(mark.get("style"))


def marks(theme: str) -> dict[str, tuple[str, str, str]]:
    """Background, ink and line of each mark of that theme, from the page's own style sheets."""
    (look, kept) = (str(one.text) for one in elements(page_html(made([])), "style"))
    css = look if theme == "light" else kept
    rule = r"\.([a-z]+) \{ background: (#\w+)(?: !important)?; color: (#\w+)(?: !important)?; border-color: (#\w+)"
    return {name: (paper, ink, line) for name, paper, ink, line in re.findall(rule, css) if name != "partial"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_read_in_colour_and_in_grey(theme: str) -> None:
    found = marks(theme)
    assert {one.value for one in Action} <= found.keys()
    inks = INKS["light" if theme == "light" else "dark"]
    for name, (paper, ink, line) in found.items():
        assert contrast(paper, ink) >= 4.5, name
        assert paper != inks.paper or contrast(line, inks.paper) >= 3, name
    # The sides differ in form: what presses is not filled, and what eases is lighter than what restricts, or darker.
    filled = {name for name, (paper, _, _) in found.items() if paper != inks.paper}
    assert filled == {one.value for one in Action if SIDE[one] is not Side.PRESSING}
    greys = sorted(luminance(PALETTE["light" if theme == "light" else "dark"][one]) for one in Action)
    assert all(other > one for one, other in pairwise(greys))


def thousand() -> Digest:
    """A thousand new events, each with four long sentences from four papers."""
    said = tuple(
        telling(
            "Long words. " * 40, "A title " * 30, f"https://paper{number}.example/{'x' * 200}", source="A paper " * 9
        )
        for number in range(4)
    )
    items = ranked(
        Item(
            News.GONE if number % 100 == 0 else News.NEW,
            replace(EVENT, id=f"{number:020x}", service=f"Service {number % 60}", voices=1 + number % 2,
                    score=0.3 if number % 3 else 0.9),
            None, "Italy", Age.LATE if number % 7 == 0 else None, tellings=said,
        )
        for number in range(1000)
    )  # fmt: skip
    chosen = to_list(items)
    told = tuple(replace(item, listed=item.event.id in chosen) for item in items)
    return made([], findings=Findings(told, known=5000), week=WEEK)


def test_a_thousand_new_events_make_a_mail_that_is_shown_whole() -> None:
    digest = thousand()
    html = mail(digest)
    assert len(html.encode()) <= MOST_BYTES
    listed_items = [item for item in digest.findings.items if item.listed]
    assert len(elements(html, "h3")) == 40, "so many as find room"
    assert shown(html).count("“Long words.") == 8, "the first ones with their quotes"
    assert "Taken back" in [one.text_content() for one in elements(html, "h2")], "what was wrong is told at any rate"
    assert "539 more: Service" in shown(html)
    assert len(elements(page_html(digest), "h3")) == len(listed_items)
    assert shown(page_html(digest)).count("“Long words.") == len(listed_items)


def test_each_part_has_its_heading() -> None:
    text = [one.text_content() for one in elements(mail(busy()), "h2")]
    assert text == ["TikTok", "DeepSeek", "Learned of late", "Less sure", "Taken back", "Also"]
    many = [
        listed(News.NEW, replace(EVENT, id=f"{number:020x}", service=f"S{number // 2}"), "Words.")
        for number in range(9)
    ]
    assert "S0 2 · S1 2 · S2 2 · S3 2 · S4" in shown(mail(made(many))).replace("\xa0", " ")
    assert "S0 2 ·" not in shown(mail(made(many[:6]))).replace("\xa0", " ")
    wide = [listed(News.NEW, replace(EVENT, id=f"{n:020x}", service=f"S{n}"), "Words.") for n in range(20)]
    assert "· S11 · 8 others" in shown(mail(made(wide))).replace("\xa0", " ")
    old = replace(made(many[:1]), made_at=NOW + timedelta(days=1))
    assert "made on Monday 23 November" in shown(mail(old))
