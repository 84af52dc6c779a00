"""The dashboard below its pages: questions with their values, versions that come and go, who may ask what."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import duckdb
import pytest
from digest_material import publish, told
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from pipeline.errors import InputError, WarehouseError
from reports.dashboard import links
from reports.dashboard.app import TOKEN_HEADER, Setting, make_app
from reports.dashboard.events import country_names, event_lines, event_rows, told_of, when
from reports.dashboard.guard import Guard
from reports.dashboard.memory import Memory
from reports.dashboard.paging import pager, with_query
from reports.dashboard.routes import Route
from reports.dashboard.sentences import AROUND, Place, sentence
from reports.dashboard.snapshots import Held, Snapshots
from reports.dashboard.visit import Answer, Data, Download, NotFound, Page, Redirect, Rendered, Visit
from reports.inert import visible
from warehouse.dashboard.asking import Sql, filled, literal
from warehouse.event_list import EVENT_COLUMNS

UTC = ZoneInfo("UTC")


# Values in SQL


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        yield connection


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\\0;-$%\n"))


@given(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates()
    | _TEXTS
    | st.lists(_TEXTS)
)
def test_a_value_comes_back_from_the_engine_as_it_was(engine: duckdb.DuckDBPyConnection, value: Any) -> None:
    found = engine.execute(f"SELECT {literal(value)}").fetchall()
    assert found == [(value,)]


@given(_TEXTS, _TEXTS)
def test_names_in_a_value_are_no_names_of_the_question(engine: duckdb.DuckDBPyConnection, one: str, other: str) -> None:
    sql = filled("SELECT $one, $other", one=f"{one}$other", other=f"$one{other}")
    assert engine.execute(sql).fetchall() == [(f"{one}$other", f"$one{other}")]


def test_a_question_needs_all_its_values_and_no_others() -> None:
    assert filled("  SELECT $a\n  FROM $b", a="x", b=Sql("events")) == "SELECT 'x'\nFROM events"
    with pytest.raises(KeyError, match="b"):
        filled("SELECT $a, $b", a=1)
    with pytest.raises(KeyError, match="b"):
        filled("SELECT $a", a=1, b=2)
    with pytest.raises(TypeError):
        literal(object())  # type: ignore[arg-type]  # what a caller did not think of


# What is remembered


def test_a_value_is_made_once_however_many_want_it() -> None:
    memory, made, begun = Memory(10), [], threading.Event()

    def make() -> int:
        begun.wait(60)
        made.append(1)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(memory.get("a", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.set()
    for thread in threads:
        thread.join()
    assert found == [7] * 8
    assert len(made) == 1


def test_the_least_lately_used_goes_and_errors_are_forgotten() -> None:
    memory = Memory(8)
    for name in "abcd":
        memory.get(name, lambda name=name: name, lambda _: 2)  # type: ignore[misc]  # a name bound in a loop
    memory.get("a", lambda: pytest.fail("it was there"), lambda _: 2)
    memory.get("e", lambda: "e", lambda _: 2)
    assert memory.get("b", lambda: "made anew", lambda _: 1) == "made anew"
    assert memory.get("a", lambda: pytest.fail("it was there")) == "a"
    memory.get("too much", lambda: "x" * 9, len)
    assert memory.get("too much", lambda: "again", len) == "again"

    def fails() -> str:
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        memory.get("f", fails)
    assert memory.get("f", lambda: "well") == "well"


# Versions


def test_readers_move_to_each_new_version_and_none_fails(tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    snapshots, published = Snapshots(tmp_path / "published"), threading.Event()
    wrong: list[BaseException] = []
    seen: list[list[int]] = [[] for _ in range(3)]

    def read(counts: list[int]) -> None:
        try:
            while not published.is_set() or not counts or counts[-1] < 5:
                with snapshots.held() as data:
                    first = data.ask("SELECT count(*) FROM articles").rows
                    with data.reader() as reader:
                        assert reader.rows("SELECT count(*) FROM articles") == [*first]
                    counts.append(first[0][0])
                published.wait(0.01)
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [threading.Thread(target=read, args=(counts,)) for counts in seen]
    for thread in threads:
        thread.start()
    for number in range(1, 5):
        publish(tmp_path, 24 * number, told(number))
    published.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    for counts in seen:
        assert counts == sorted(counts)
        assert counts[-1] == 5
    # What nobody reads any more is closed, and its file let go.
    snapshots.close()
    assert [one for one in _open_files() if one.is_relative_to(tmp_path)] == []


def _open_files() -> list[Path]:
    return [one.readlink() for one in Path("/proc/self/fd").iterdir() if one.exists()]


def test_who_holds_a_version_reads_it_to_the_end(tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    snapshots = Snapshots(tmp_path / "published")
    with snapshots.held() as older:
        for number in range(1, 4):  # so many that the version itself is removed
            publish(tmp_path, 24 * number, told(number))
        with snapshots.held() as newer:
            assert older.version != newer.version
            assert older.published_at < newer.published_at
            assert newer.ask("SELECT count(*) FROM articles").rows == ((4,),)
            assert older.ask("SELECT count(*) FROM articles").rows == ((1,),)
    snapshots.close()


def test_what_is_no_snapshot_is_said(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "published")
    with pytest.raises(InputError, match="no snapshot"), snapshots.held():
        pass
    publish(tmp_path, 0, told(0))
    with snapshots.held() as data:
        with pytest.raises(WarehouseError):
            data.ask("SELECT nothing FROM nowhere")
        assert data.remember("a", lambda: 1) == data.remember("a", lambda: 2) == 1
    snapshots.close()


# Lists of events


@pytest.fixture(scope="module")
def data(sample_snapshot: Path) -> Iterator[Held]:
    snapshots = Snapshots(sample_snapshot.parent)
    with snapshots.held() as held:
        yield held
    snapshots.close()


def test_a_line_of_each_event(data: Held) -> None:
    rows = event_rows(data, f"SELECT {EVENT_COLUMNS} FROM events ORDER BY event_id")
    quotes = told_of(data, [row.id for row in rows])
    lines = event_lines(rows, country_names(data), quotes)
    assert len(lines) == len(rows) > 100
    for row, one in zip(rows, lines, strict=True):
        assert one.address == f"/event/{row.id}"
        assert row.service in one.sentence
        assert one.state in {"", "in force", "announced", "proposed", "rejected", "ended", "retracted", "dismissed"}
        assert (one.when.machine is None) == (row.date_value is None or "/" in row.date_value)
        assert one.told is not None or row.retracted
    assert sum(one.told is not None for one in lines) > 100


def test_words_that_state_an_event_are_quoted_in_their_sentence(data: Held) -> None:
    ids = [event_id for (event_id,) in data.ask("SELECT event_id FROM events").rows]
    told = list(told_of(data, ids).values())
    stored = "\n".join(" ".join(text.split()) for (text,) in data.ask("SELECT text FROM articles").rows)
    assert sum(not one.is_alone for one in told) > 0.9 * len(told) > 90
    for one in told:
        shown = f"{one.before.removeprefix('… ')}{one.quote}{one.after.removesuffix(' …')}"
        assert " ".join(shown.split()) in stored


@given(
    st.text(" .aé\n\u202eК", max_size=900), st.text("ab ", min_size=1, max_size=30), st.text(" .b\n政", max_size=900)
)
def test_a_sentence_is_cut_between_words(before: str, quote: str, after: str) -> None:
    text = before + quote + after
    place = Place("a", 1, len(before), len(before) + len(quote))
    one = sentence(quote, place, {("a", 1): text})
    assert one.quote == quote
    assert len(one.before) + len(one.after) <= AROUND + len("…  …")
    assert visible(before).endswith(one.before.removeprefix("… "))
    assert visible(after).startswith(one.after.removesuffix(" …"))
    assert sentence(quote, place, {("a", 2): text}).is_alone


def test_a_long_sentence_keeps_what_is_next_to_the_words() -> None:
    text = f"{'Ministers met again. ' * 20}The {'very ' * 60}old board banned it {'as it had said ' * 20}."
    at = text.index("banned")
    one = sentence("banned", Place("a", 1, at, at + 6), {("a", 1): text})
    assert one.before.startswith("… very very")
    assert one.before.endswith("very old board ")
    assert one.after.startswith(" it as it had said")
    assert one.after.split()[-2] in ("as", "it", "had", "said")
    assert one.after.endswith(" …")
    # What there is no need of before the words, there is room for after them.
    short = sentence("banned", Place("a", 1, 5, 11), {("a", 1): f"Rome banned it {'as it had said ' * 20}."})
    assert not short.before.startswith("…")
    assert len(short.after) > len(one.after) * 3 // 2


@pytest.mark.parametrize(
    ("value", "reported", "words", "machine", "note"),
    [
        ("2025-02-04", None, "4 February 2025", "2025-02-04", ""),
        ("2025-02", date(2025, 2, 9), "February 2025", "2025-02", ""),
        ("2025", None, "2025", "2025", ""),
        ("2025-01-01/2025-02-03", None, "between 1 January and 3 February 2025", None, ""),
        (None, date(2025, 2, 9), "date not stated", None, "reported 9 February 2025"),
        (None, None, "date not stated", None, ""),
    ],
)
def test_dates_are_as_exact_as_they_are_stated(
    value: str | None, reported: date | None, words: str, machine: str | None, note: str
) -> None:
    told_when = when(value, reported)
    assert (told_when.words, told_when.machine, told_when.note) == (words, machine, note)


# Addresses


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_names_in_addresses_come_back(name: str) -> None:
    address = links.service(name)
    assert address.isascii()
    assert not set(address) & set("\"'<> ?#")
    assert unquote(address.removeprefix("/service/")) == name
    assert parse_qs(urlsplit(links.actor(name, "IT")).query, keep_blank_values=True) == {
        "name": [name],
        "country": ["IT"],
    }
    assert parse_qs(urlsplit(links.explore(service=[name, "b"], actor=None)).query)["service"] == [name, "b"]


def test_a_link_to_the_outside_says_where_it_leads() -> None:
    assert links.outside("https://www.Alpha.example/a?b=1") == ("alpha.example", "https://www.alpha.example/a?b=1")
    for wrong in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "", None):
        assert links.outside(wrong) is None


# Requests


class _Desk:
    """Only that there is one counts here."""


Asked = Callable[..., TestClient]


@pytest.fixture
def asked(sample_snapshot: Path) -> Iterator[Asked]:
    """Makes a client of an application with the given pages at `/a/{name:path}`."""
    snapshots = Snapshots(sample_snapshot.parent)

    def client(page: Page, *, desk: Any = None, is_review: bool = False, **setting: Any) -> TestClient:
        methods = ("GET", "POST") if is_review else ("GET",)
        routes = [Route("/a/{name:path}", page, methods, is_review=is_review)]
        app = make_app(snapshots, Setting(UTC, **setting), desk=desk, routes=routes)
        return TestClient(app, base_url="http://localhost", follow_redirects=False)

    yield client
    snapshots.close()


def test_a_visit_says_what_was_asked(asked: Asked) -> None:
    visits: list[Visit] = []

    def page(visit: Visit) -> Answer:
        visits.append(visit)
        return Data({"day": visit.today})

    client = asked(page)
    answer = client.get("/a/x%2Fy%20%C3%A9?b=1&b=2&c=&d=%ff")
    assert answer.json() == {"day": datetime.now(UTC).date().isoformat()}
    assert answer.headers["cache-control"] == "no-store"
    (visit,) = visits
    assert visit.path == {"name": "x/y é"}
    assert visit.query == {"b": ("1", "2"), "c": ("",), "d": ("\ufffd",)}
    assert visit.one("b") == "2"
    assert visit.one("c", "else") == visit.one("z", "else") == "else"
    assert visit.address == "/a/x%2Fy%20%C3%A9?b=1&b=2&c=&d=%ff"
    assert visit.desk is None
    assert with_query(visit, b="3", d=None, page="1") == "/a/x%2Fy%20%C3%A9?b=3&c="
    assert client.get("/a/x?" + "&".join(f"a{n}=1" for n in range(2000))).status_code == 400


def test_a_page_is_sent_whole_once_and_then_only_confirmed(asked: Asked) -> None:
    client = asked(lambda visit: Rendered("notice.html.j2", _notice("x" * 5000), "A page"))
    first = client.get("/a/")
    assert first.status_code == 200
    assert first.headers["content-encoding"] == "gzip"
    assert "<title>A page – Clampdown</title>" in first.text
    again = client.get("/a/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    script = client.get("/static/page.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert client.get("/static/page.js", headers={"If-None-Match": script.headers["etag"]}).status_code == 304
    assert client.get("/static/..%2Fapp.py").status_code == 404


def _notice(message: str) -> dict[str, str]:
    return {"heading": "A page", "message": message, "hint": "", "reference": ""}


def test_a_page_is_made_once_for_a_version_unless_it_is_of_the_moment(tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    snapshots, made = Snapshots(tmp_path / "published"), []

    def page(visit: Visit) -> Answer:
        made.append(visit.address)
        return Rendered("notice.html.j2", _notice("x"), "A page", momentary=visit.path["name"] == "now")

    app = make_app(snapshots, Setting(UTC), routes=[Route("/a/{name:path}", page)])
    client = TestClient(app, base_url="http://localhost")
    first, second = client.get("/a/x?b=1"), client.get("/a/x?b=1")
    assert first.text == second.text
    client.get("/a/x?b=2")
    assert made == ["/a/x?b=1", "/a/x?b=2"]
    assert client.get("/a/now").headers["cache-control"] == "no-store"
    client.get("/a/now")
    assert made[2:] == ["/a/now", "/a/now"]
    publish(tmp_path, 24, told(1))
    assert client.get("/a/x?b=1").text != first.text
    assert made[4:] == ["/a/x?b=1"]
    snapshots.close()


def test_every_answer_is_fenced_in(asked: Asked) -> None:
    client = asked(lambda visit: Rendered("notice.html.j2", _notice("x"), "A page"))
    for path in ("/a/", "/nowhere", "/version", "/static/page.js", "/static/nothing.js"):
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        assert "set-cookie" not in headers


def test_what_goes_wrong_is_a_page_that_gives_nothing_away(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    def page(visit: Visit) -> Answer:
        match visit.path["name"]:
            case "lost":
                raise NotFound("no event <b>17</b>", "Look elsewhere.")
            case "wrong":
                raise InputError("there is no action 'x'", hint="Choose one of ban.")
            case "sql":
                visit.data.ask("SELECT secret_column FROM events")
            case "template":
                return Rendered("notice.html.j2", {}, "Lacks its values")
        raise RuntimeError("secret")

    client = asked(page)
    lost = client.get("/a/lost")
    assert (lost.status_code, lost.headers["cache-control"]) == (404, "no-store")
    assert "No event &lt;b&gt;17&lt;/b&gt;." in lost.text
    assert "Look elsewhere." in lost.text
    wrong = client.get("/a/wrong")
    assert wrong.status_code == 400
    assert "Choose one of ban." in wrong.text
    assert client.get("/nowhere").status_code == 404
    assert client.post("/a/x").status_code == 405
    for name in ("sql", "template", "else"):
        caplog.clear()
        failed = client.get(f"/a/{name}")
        assert failed.status_code == 500
        assert "secret" not in failed.text
        assert "Traceback" not in failed.text
        (record,) = caplog.records
        reference = record.getMessage().rpartition("(")[2].rstrip(")")
        assert reference in failed.text


def test_without_data_pages_say_what_to_do(tmp_path: Path) -> None:
    client = TestClient(make_app(Snapshots(tmp_path), Setting(UTC)), base_url="http://localhost")
    answer = client.get("/services")
    assert answer.status_code == 503
    assert "clampdown run" in answer.text
    assert client.get("/version").json()["version"] is None
    assert client.get("/nowhere").status_code == 404


def test_a_download_holds_its_version_to_the_last_piece(tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    snapshots = Snapshots(tmp_path / "published")

    def page(visit: Visit) -> Answer:
        def pieces() -> Iterator[bytes]:
            for number in range(3):
                yield f"{visit.data.ask(f'SELECT {number} + count(*) FROM articles').rows[0][0]}\n".encode()

        def fails() -> Iterator[bytes]:
            raise InputError("there is too much of it")
            yield b""

        if visit.path["name"] == "fails":
            return Download("a.csv", "text/csv", fails())
        if visit.path["name"] == "empty":
            return Download("nothing.csv", "text/csv", iter(()))
        return Download('a "b"\r\né.csv', "text/csv", pieces())

    app = make_app(snapshots, Setting(UTC), routes=[Route("/a/{name:path}", page)])
    client = TestClient(app, base_url="http://localhost")
    answer = client.get("/a/x", headers={"Accept-Encoding": "identity"})
    assert answer.text == "1\n2\n3\n"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"a__b____.csv\"; filename*=UTF-8''a%20%22b%22%0D%0A%C3%A9.csv"
    )
    assert client.get("/a/empty").content == b""
    assert "There is too much of it." in client.get("/a/fails").text
    snapshots.close()
    assert [one for one in _open_files() if one.is_relative_to(tmp_path)] == []


def test_redirects_stay_here(asked: Asked) -> None:
    client = asked(lambda visit: Redirect("/event/1", permanent=visit.path["name"] == "p"))
    assert (client.get("/a/p").status_code, client.get("/a/p").headers["location"]) == (308, "/event/1")
    assert client.get("/a/x").status_code == 307


# Who may ask


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost:8787", True),
        ("LOCALHOST", True),
        ("127.0.0.1:8787", True),
        ("[::1]:8787", True),
        ("192.168.3.4", True),
        ("desk.example:80", True),
        ("desk.example.", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("desk.example.evil", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_only_names_of_ours_are_answered(asked: Asked, host: str, is_ours: bool) -> None:
    assert Guard(lambda *_: None, ["Desk.example"]).is_ours(host) is is_ours  # type: ignore[arg-type, return-value]  # never called
    client = asked(lambda visit: Data(1), hosts=frozenset({"desk.example"}))
    answer = client.get("/a/", headers={"Host": host})
    assert answer.status_code == (200 if is_ours else 421)
    assert "content-security-policy" in answer.headers


def test_only_our_own_forms_are_taken(asked: Asked) -> None:
    posted: list[Visit] = []

    def page(visit: Visit) -> Answer:
        if visit.method == "POST":
            posted.append(visit)
            return Redirect("/a/done")
        return Data(visit.token)

    client = asked(page, desk=_Desk(), is_review=True)
    token = client.get("/a/").json()
    form = {"token": token, "answer": "same é"}
    assert client.post("/a/", data=form).status_code == 303
    assert posted[0].form == form
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/a/", data={"answer": "x"}, headers=own | {TOKEN_HEADER: token}).status_code == 303
    refused = [
        ({"answer": "x"}, {}),
        ({"token": "x" + token}, {}),
        (form, {"Origin": "https://evil.example"}),
        (form, {"Origin": "null"}),
        (form, {"Sec-Fetch-Site": "cross-site"}),
        (form, {"Sec-Fetch-Site": "same-site"}),
        (form, {"Origin": "http://localhost:1"}),
    ]
    for fields, headers in refused:
        assert client.post("/a/", data=fields, headers=headers).status_code == 403
    assert client.post("/a/", json=form).status_code == 415
    assert client.post("/a/", data={"token": token, "a": "x" * 70_000}).status_code == 413
    assert len(posted) == 2
    # Pages of a desk are of the moment, and nobody keeps them.
    assert client.get("/a/").headers["cache-control"] == "no-store"


def test_without_a_desk_there_is_no_review(asked: Asked) -> None:
    assert asked(lambda visit: Data(1), is_review=True).get("/a/").status_code == 404


def test_parts_of_a_list(asked: Asked) -> None:
    def page(visit: Visit) -> Answer:
        one = pager(visit, 1234, 100)
        return Data([one.says, one.number, one.offset, one.previous, one.next, one.steps])

    client = asked(page)
    assert client.get("/a/?q=x").json() == [
        "1–100 of 1,234", 1, 0, None, "/a/?q=x&page=2",
        [["1", None], ["2", "/a/?q=x&page=2"], ["3", "/a/?q=x&page=3"], ["…", None], ["13", "/a/?q=x&page=13"]],
    ]  # fmt: skip
    assert client.get("/a/?page=13").json()[:5] == ["1,201–1,234 of 1,234", 13, 1200, "/a/?page=12", None]
    for odd in ("0", "-1", "x", "", "²", "9" * 40):
        assert client.get(f"/a/?page={odd}").json()[1] == 1
    assert client.get("/a/?page=99999").json()[1] == 13


def test_compressed_answers_are_what_they_were(asked: Asked) -> None:
    client = asked(lambda visit: Rendered("notice.html.j2", _notice("y" * 3000), "A page"))
    plain = client.get("/a/", headers={"Accept-Encoding": "identity"}).content
    with client.stream("GET", "/a/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())) == plain
