"""The review page: questions beside their evidence, answers kept at once and carried out behind, and taken back."""

import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import duckdb
import lxml.html
import pytest
from browser import axe
from starlette.testclient import TestClient
from test_dashboard_payloads import PAYLOADS, hostile, live
from test_review import filled, tell

from clampdown.commands.review_shown import question_lines
from flows import review_desk
from flows.review_desk import Desk, open_desk
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import anchors_of
from pipeline.lease import lease
from pipeline.settings import Settings, load
from reports.dashboard.app import Setting, make_app
from reports.dashboard.review_page import KINDS
from reports.dashboard.review_seam import Answer
from reports.dashboard.serving import served
from reports.dashboard.snapshots import Snapshots
from reports.inert import line
from warehouse import drafting, review
from warehouse.query import connect_snapshot, event
from warehouse.review_queue import queue

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["filled", "hostile", "tell"]
ADDRESS = "http://localhost"


class Carrier(review_desk.Carrier):
    """Carries nothing out: what is decided stays in the archive."""

    is_busy = False
    problem = "a run is at work"

    def __init__(self) -> None:
        self.woken: set[str] = set()

    def wake(self, decision_ids: Collection[str]) -> None:
        self.woken |= set(decision_ids)


class Form:
    """A visitor with the page's form: what is in it is sent with each answer, as a browser does."""

    def __init__(self, data: Path) -> None:
        self.carrier = Carrier()
        self._snapshots = Snapshots(data / "published")
        desk = Desk(settings_of(data), self.carrier)
        self.client = TestClient(make_app(self._snapshots, Setting(ZoneInfo("UTC")), desk=desk), base_url=ADDRESS)
        self.page = ""
        self.get("/review")

    def get(self, address: str) -> str:
        self.page = self.client.get(address).text
        return self.page

    def say(self, answer: str, answered_with: int = 200, **changed: str) -> str:
        fields = {name: value for name, value in self.fields().items() if name != "new"}
        answered = self.client.post("/review", data={**fields, "answer": answer, **changed})
        assert answered.status_code == answered_with, answered.text
        self.page = answered.text
        return self.page

    def fields(self) -> dict[str, str]:
        form = self.page[self.page.index('id="answers"') : self.page.index('aria-labelledby="log-heading"')]
        inputs = re.findall(r'<input[^>]* name="([\w-]+)" value="([^"]*)"', form)
        chosen = re.findall(r'<select[^>]* name="([\w-]+)">.*?<option value="([^"]*)" selected', form, re.DOTALL)
        return dict(inputs) | dict(chosen)

    def heading(self) -> str:
        found = re.search(r'id="question-heading">([^<]*)', self.page)
        return found[1] if found else ""

    def close(self) -> None:
        self._snapshots.close()


def settings_of(data: Path) -> Settings:
    return load(None, {"data_dir": data, "review.author": "Ada"}).settings


def kept(data: Path) -> list[tuple[str, str, str]]:
    """Kind, field or reason, author of all decisions in the archive."""
    found, faults = DecisionArchive(data / "archive").unread()
    assert not faults
    return [(one.kind.value, f"{one.field}={one.value}" if one.field else one.reason, one.author) for one in found]


@pytest.fixture
def data(tmp_path: Path, filled: Path) -> Path:
    shutil.copytree(filled, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


@pytest.fixture
def form(data: Path) -> Iterator[Form]:
    opened = Form(data)
    yield opened
    opened.close()


def test_a_question_stands_beside_the_words_that_answer_it(form: Form) -> None:
    page = form.get("/review?kind=pair")
    assert form.heading() == "One event or two?"
    assert "from 6.5 on two are one event" in page
    assert "<mark" in page
    assert re.findall(r'class="differs"><th scope="row">([\w ]+)<', page) == ["Does what ", "When "]
    assert re.findall(r'data-key="(\w)"', page) == ["s", "d"]
    page = form.get("/review?kind=disagreement")
    assert "5 February 2025" in page
    assert "6 February 2025" in page
    assert "1 story tells it" in page
    page = form.get("/review?kind=score")
    assert "0.40 of 1" in page
    assert "Question 1 of 1" in page


def test_an_answer_is_kept_at_once_and_not_asked_again(form: Form, data: Path) -> None:
    form.get("/review?kind=pair")
    page = form.say("same", reason="one decree")
    assert kept(data) == [("same", "one decree", "Ada")]
    assert len(form.carrier.woken) == 1
    assert "1 decision is kept and not carried out yet: a run is at work." in page
    assert "Kept: one event" in page
    assert "Nothing waits for a person here." in page
    form.get("/review?kind=score")
    form.say("reject", author="Bo", reason="a plan")
    assert kept(data)[-1] == ("reject", "a plan", "Bo")
    # Who decided last is put in for the next.
    form.get("/review?kind=disagreement")
    assert form.fields()["author"] == "Bo"
    form.say("keep")
    assert "Nothing waits for a person." in form.get("/review")
    # A decision is taken back, and asked about again; the same key takes back the one before.
    form.page = form.get("/review")
    newest = re.findall(r'value="(undo \w+)"', form.page)
    assert len(newest) == 3
    answered = form.client.post(
        "/review",
        data={"token": token(form.page), "answer": newest[0], "author": "Bo", "reason": "decided otherwise"},
    )
    form.page = answered.text
    assert form.heading() == "What is right?"
    assert kept(data)[-1][0] == "undo"
    assert len(re.findall(r'value="undo \w+"', form.page)) == 2


def token(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found[1]


def test_fields_are_set_from_the_form_or_with_a_button(form: Form, data: Path) -> None:
    form.get("/review?kind=disagreement")
    form.say("edit", status="announced", scope="schools: state schools", actor="Garante")
    assert [said for _, said, _ in kept(data)] == [
        "status=announced",
        "actor=data_protection: Garante per la protezione dei dati personali",
        "scope=schools: state schools",
    ]
    form.get("/review?kind=score")
    form.say("set date 2025-02")
    assert kept(data)[-1][:2] == ("edit", "date=2025-02")


def test_what_can_not_be_is_said_and_nothing_typed_is_lost(form: Form, data: Path) -> None:
    form.get("/review?kind=score")
    page = form.say("edit", 400, date="soon", reason="as the gazette has it")
    assert "is no date" in page
    assert form.fields()["reason"] == "as the gazette has it"
    assert "No field was changed" in form.say("edit", 400)
    assert "needs an author and a reason" in form.say("keep", 400, reason=" ")
    assert "There is no answer" in form.say("burn", 400)
    assert "can’t be said" in form.say("same", 400) or "can&#39;t be said" in form.page
    assert "no decision begins with" in form.say("undo abcdef", 400).replace("No", "no")
    assert "There is no event" in form.say("reject 123456", 400)
    assert not (data / "archive").exists()


def test_only_our_own_form_decides(form: Form, data: Path) -> None:
    fields = {**form.fields(), "answer": "keep"}
    assert form.client.post("/review", data={**fields, "token": "guessed"}).status_code == 403
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert form.client.post("/review", data=fields, headers=headers).status_code == 403
    assert not (data / "archive").exists()
    snapshots = Snapshots(data / "published")
    client = TestClient(make_app(snapshots, Setting(ZoneInfo("UTC"))), base_url=ADDRESS)
    assert client.get("/review").status_code == 404
    assert client.post("/review", data=fields).status_code in (403, 404)
    assert "/review" not in client.get("/health").text
    snapshots.close()


def test_whatever_is_decided_about_it_is_text(hostile: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(hostile, data / "published")
    with duckdb.connect(str(data / "published" / "clampdown.duckdb")) as connection:
        connection.execute("UPDATE events SET dismissed = true WHERE event_id = (SELECT max(event_id) FROM events)")
    form = Form(data)
    shown = {line(one) for one in PAYLOADS}
    everything = " ".join(PAYLOADS)
    asked_for = quote(everything[:6000], safe="")
    for kind, (heading, _) in KINDS.items():
        assert live(form.get(f"/review?kind={kind}&question={asked_for}&done={asked_for}")) == []
        assert form.heading() == heading
        assert holds(form.page, '//*[@class="side"]//h3', shown), kind
        assert kind in ("lost", "disagreement") or holds(form.page, '//*[@class="mention"]/h4', shown), kind
        assert (kind in ("pair", "lost")) != holds(form.page, '//*[@id="edit"]//input/@value', shown), kind
    signed = {f"{one}: {one}" for one in shown}
    for number in range(1, 5):
        assert live(form.get(f"/review?page={number}")) == []
        signed -= {one for one in signed if holds(form.page, '//*[@class="log"]//*[@class="support"]', [one])}
    assert signed == set()
    for kind, answer in (("pair", "same"), ("score", "keep"), ("disagreement", "edit")):
        form.get(f"/review?kind={kind}")
        form.say(
            answer, reason=everything, author=everything, service=everything, scope=f"schools: {everything}", new="yes"
        )
        assert live(form.page) == []
        assert holds(form.page, '//*[@class="log"]//li[@class="is-new"]', [line(everything)])
    assert [kind for kind, _, _ in kept(data)] == ["same", "restore", "edit", "edit"]
    form.close()


def holds(page: str, path: str, words: Iterable[str]) -> bool:
    """Whether some of these words are to be read in what the XPath finds."""
    found = lxml.html.document_fromstring(page).xpath(path)
    read = [line(one if isinstance(one, str) else one.text_content()) for one in found]
    return any(line(one) in said for one in words for said in read)


def test_an_answer_means_the_mentions_that_the_event_shows(data: Path) -> None:
    with connect_snapshot(data / "published") as reader:
        for one in queue(reader):
            for event_id in one.event_ids:
                assert drafting.rejected(reader, event_id[:8]).one == anchors_of(
                    found.mention for found in event(reader, event_id).mentions
                )
        # The page's queue is that of the command.
        assert [one.event_ids for one in queue(reader)] == [
            tuple(line.id for line in asked.events) for asked in review.waiting(reader)
        ]
        assert list(question_lines(review.waiting(reader), 20, 100))


def test_what_is_kept_while_a_run_is_at_work_is_carried_out_after_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_desk, "RETRY", 0.2)
    with open_desk(settings_of(data)) as desk, connect_snapshot(data / "published") as reader:
        known = review.decision_ids(reader)
        asked = {one.kind: one for one in queue(reader)}
        with lease(data, holder="ingest", lends=False):
            (made,) = desk.decide(reader, Answer("same", "Ada", "one decree", asked["pair"].event_ids))
            until(lambda: "ingest" in desk.carried(known).problem)
            assert [one.id for one in desk.carried(known).waiting] == [made.id]
            desk.decide(reader, Answer("reject", "Ada", "a plan", asked["score"].event_ids))
            before = (data / "published" / "current").readlink()
        until(lambda: (data / "published" / "current").readlink() != before)
        assert not desk.carried(decided(data)).waiting
    with connect_snapshot(data / "published") as reader:
        assert {one.kind: one.state for one in review.log(reader)} == {"same": "in_force", "reject": "in_force"}
        assert {one.kind for one in queue(reader)} == {"disagreement"}


def decided(data: Path) -> frozenset[str]:
    with connect_snapshot(data / "published") as reader:
        return review.decision_ids(reader)


def until(holds: Any) -> None:
    while not holds():
        time.sleep(0.1)


def test_without_a_warehouse_decisions_wait(data: Path) -> None:
    (data / "warehouse.duckdb").unlink()
    with open_desk(settings_of(data)) as desk, connect_snapshot(data / "published") as reader:
        (one, *_) = queue(reader)
        desk.decide(reader, Answer("keep", "Ada", "right", one.event_ids[:1]))
        until(lambda: desk.carried(frozenset()).problem)
        assert "no warehouse" in desk.carried(frozenset()).problem
    assert not (data / "warehouse.duckdb").exists()
    assert len(kept(data)) == 1


def test_questions_are_answered_with_keys_and_taken_back(page: "Page", data: Path) -> None:
    with open_desk(settings_of(data)) as desk:
        snapshots = Snapshots(data / "published")
        with served(make_app(snapshots, Setting(ZoneInfo("UTC")), desk=desk)) as site:
            page.goto(f"{site.rstrip('/')}/review?kind=pair")
            assert axe(page) == []
            page.keyboard.press("?")
            page.locator("#keys[open]").wait_for()
            # What is typed is no answer, and Enter in a field is none either.
            page.locator("#reason").fill("seen")
            page.keyboard.press("s")
            page.keyboard.press("Enter")
            page.keyboard.press("Escape")
            assert page.locator("#reason").input_value() == "seens"
            page.keyboard.press("s")
            page.get_by_text("Kept: one event").wait_for()
            page.goto(f"{site.rstrip('/')}/review?kind=disagreement")
            page.keyboard.press("e")
            page.locator("#edit[open] select:focus").wait_for()
            page.keyboard.press("Escape")
            page.keyboard.press("r")
            page.get_by_text("Kept: no restriction event").wait_for()
            page.wait_for_load_state()  # words are seen before the keys are listened to
            page.keyboard.press("u")
            page.locator(".kept", has_text="taken back").wait_for()
            # When they are carried out and published, the page says so by itself.
            page.locator("[data-carrying]").wait_for(state="detached")
            states = page.locator(".decisions .state").all_inner_texts()
            assert states == ["in force", "taken back", "in force"]
            assert axe(page) == []
            page.set_viewport_size({"width": 390, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        snapshots.close()
