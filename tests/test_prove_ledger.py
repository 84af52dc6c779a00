"""The proofs of accounting, reruns and citations in their short forms, and that they notice what they are there for."""

import pytest
from cost import cost
from lxml import html

from clampdown.proofs import accounting, citations, citations_pages, citations_words, reruns
from clampdown.proofs.accounting_web import Plan, Web, numbers_in
from clampdown.proofs.citations import Cited
from clampdown.proofs.claims import Proof
from pipeline import selectors, styles
from pipeline.hidden import remove_hidden
from pipeline.types import Outcome


def failed(proof: Proof) -> list[str]:
    """What did not hold, in words."""
    return [f"{claim.text}: {claim.measured}, not {claim.promised}" for claim in proof.claims if not claim.holds]


def test_nothing_vanishes() -> None:
    proof = accounting.prove(lambda _: None, short=True)
    assert failed(proof) == []
    assert set(proof.figures["outcomes"]) == set(Outcome) - {Outcome.PENDING}


def test_reruns_change_nothing() -> None:
    proof = reruns.prove(lambda _: None, short=True)
    assert failed(proof) == []
    assert len(proof.claims) >= 5


def test_every_event_cites_what_readers_see() -> None:
    assert failed(citations.prove(lambda _: None, short=True)) == []


def test_the_proof_of_citations_fails_where_hidden_parts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.text.remove_hidden", lambda root: 0)
    pages = list(citations_pages.pages(1))
    hidden, seen, _ = citations._texts(pages, list(citations_words.pages(1)), lambda _: None)
    assert not hidden.holds
    assert seen.holds


@pytest.mark.parametrize(
    ("quote", "start", "end", "stands"),
    [("é b", 2, 5, True), ("é b", 1, 4, False), ("é b", 2, 4, False), ("", 2, 2, False), ("d", -1, 7, False)],
)
def test_the_proof_of_citations_counts_characters(quote: str, start: int, end: int, stands: bool) -> None:
    assert Cited("service", quote, start, end, "\U0001f6a8 é b d", "", "").stands is stands


def test_what_the_web_hands_out_is_known_by_its_numbers() -> None:
    with Web(Plan(rounds=2, each=1, faults=(), troubles=())) as web:
        titles = [item.title for item in web.items.values()]
        assert sorted(numbers_in(titles)) == sorted(web.items)
        assert web.handed == set(), "nobody has asked yet"
        assert {item.appears for item in web.items.values()} == {0, 1}


@pytest.mark.parametrize(
    ("style", "hides"),
    [
        ("display:none", True),
        ("display:none;display:block", False),
        ("display:none!important;display:block", True),
        ("display:n\\6f ne", True),
        ("display:/**/none", True),
        ("visibility:hidden", True),
        ("left:-9999px", False),
        ("position:absolute;left:-9999px", True),
        ("position:relative;left:-9px", False),
        ("clip:rect(0,0,0,0);position:absolute", True),
        ("clip-path:inset(10%)", False),
        ("color:#fff;background:white", True),
        ("color:#fff;background:#000", False),
        ("color:transparent;-webkit-background-clip:text", False),
        ("opacity:0", False),
        ("width:1px;height:1px;overflow:hidden;position:absolute", True),
        ("overflow:hidden;position:absolute", False),
    ],
)
def test_a_style_hides_or_does_not(style: str, hides: bool) -> None:
    assert styles.hides(styles.declared(style)) is hides


@pytest.mark.parametrize(
    ("style", "shrinks"),
    [("font-size:0", True), ("font-size:0.0px", True), ("font:0/0 a", True), ("font:bold 0px a", True),
     ("font-size:10px", False), ("font:10px/1 a", False), ("font-size:.5em", False), ("font-size:0.05em", False)],
)  # fmt: skip
def test_a_style_takes_the_size_or_does_not(style: str, shrinks: bool) -> None:
    assert styles.shrinks(styles.declared(style)) is shrinks


PAGE = "<html class=js><body><div id=i class='a b'><ul><li><p class=c data-x=1>x</p></li></ul></div></body></html>"


@pytest.mark.parametrize(
    ("selector", "selects"),
    [(".c", True), ("p.c", True), ("div.c", False), (".a .c", True), (".a.b p", True), (".a > .c", False),
     ("li>p", True), ("#i ul li>.c", True), ("[data-x]", True), ("p[data-x='1']", True), ("[data-x=2]", False),
     ("* .c", True), (".z .c", False)],
)  # fmt: skip
def test_a_selector_selects_or_does_not(selector: str, selects: bool) -> None:
    (found,) = html.fromstring(PAGE).iter("p")
    read = selectors.read(selector)
    assert read is not None
    assert read.matches(found) is selects


@pytest.mark.parametrize("selector", ["", "p:hover", "a ~ b", ".no-js .c", "p::before", ".md\\:x", "a,b"])
def test_other_selectors_are_left_alone(selector: str) -> None:
    assert selectors.read(selector) is None


@pytest.mark.parametrize(
    ("markup", "left"),
    [
        ("<style>.q{display:none}.q.r{display:block}</style><p class='q r'>a</p><p class=q>b</p>", "a"),
        ("<style>.q{display:none !important}</style><p class=q style='display:block'>a</p>b", "b"),
        ("<style media=print>.q{display:none}</style><p class=q>a</p>", "a"),
        ("<style>@media (max-width:9px){.q{display:none}}</style><p class=q>a</p>", "a"),
        ("<style>@media screen{.q{display:none}}</style><p class=q>a</p>b", "b"),
        ("<div style='font-size:0'>a<p style='font-size:9px'>b</p><span>c</span></div>", "b"),
        ("<div popover>a</div><dialog open>b</dialog><dialog>c</dialog>", "b"),
    ],
)
def test_hidden_parts_go_and_others_stay(markup: str, left: str) -> None:
    root = html.document_fromstring(f"<html><body>{markup}</body></html>")
    remove_hidden(root)
    for style in root.findall(".//style"):
        style.text = None
    assert "".join(map(str, root.itertext())) == left


@pytest.mark.parametrize("way", ["many rules", "many names", "many attributes"])
def test_styles_buy_no_time(way: str) -> None:
    def page(size: int) -> str:
        rules, parts = {
            "many rules": (".a .b{display:none}" * size, "<p class=b>x</p>" * size),
            "many names": (".b{display:none}" + ".z{display:block}" * size,
                           "".join(f"<p class='b c{n}'>x</p>" for n in range(size))),
            "many attributes": ("".join(f"[x{n}]{{display:none}}" for n in range(size)), "<p x>x</p>" * size),
        }[way]  # fmt: skip
        return f"<html><head><style>{rules}</style></head><body>{parts}</body></html>"

    spent = []
    for size in (1_000, 8_000):
        root = html.document_fromstring(page(size))
        with cost() as one:
            remove_hidden(root)
        spent.append(one.seconds)
    assert spent[1] < 30 * (spent[0] + 0.05)


def test_the_pages_of_the_proof_follow_from_their_seed() -> None:
    one, other = (list(citations_pages.pages(2)) for _ in range(2))
    assert one == other
    assert len({page.html for page in one}) == len(one)
