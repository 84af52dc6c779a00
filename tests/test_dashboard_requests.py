"""Requests to the dashboard: what pages are asked for, how they answer, and who may ask."""

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from digest_material import publish, told
from starlette.testclient import TestClient

from pipeline.errors import InputError
from reports.dashboard.app import TOKEN_HEADER, Setting, make_app
from reports.dashboard.guard import Guard
from reports.dashboard.paging import pager, with_query
from reports.dashboard.routes import Route
from reports.dashboard.snapshots import Snapshots
from reports.dashboard.visit import Answer, Data, Download, NotFound, Page, Redirect, Rendered, Visit

UTC = ZoneInfo("UTC")


def _open_files() -> list[Path]:
    return [one.readlink() for one in Path("/proc/self/fd").iterdir() if one.exists()]


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
