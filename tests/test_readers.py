"""What readers reach over HTTP: one click ends a subscription, a look does not; digests and feeds, and nothing else."""

import http.client
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.serving.readers import Readers
from pipeline import suppressed
from pipeline.settings import MailSettings, Settings
from pipeline.suppressed import Reason
from pipeline.unsubscribe import read, read_view, secret_of, token, view_token

READER = "jo+news@example.org"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def site(data: Path) -> Iterator["Site"]:
    subscriptions = data.parent / "subscriptions.toml"
    subscriptions.write_text('[[subscription]]\nid = "desk"\ntitle = "Policy <desk>"\n')
    mail = MailSettings(unsubscribe_to="lists@example.org")
    settings = Settings(data_dir=data, subscriptions=subscriptions, mail=mail)
    with Readers(("127.0.0.1", 0), settings) as readers:
        yield Site(readers.port)


class Site:
    """Requests to the endpoint."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def post(self, path: str, **form: str) -> tuple[int, str, http.client.HTTPMessage]:
        return self.ask("POST", path, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def test_a_look_changes_nothing_and_one_click_ends_it(site: Site, data: Path) -> None:
    path = f"/unsubscribe/{token(secret_of(data), 'desk', READER)}"
    for method in ("GET", "HEAD"):
        status, page, headers = site.ask(method, path)
        assert status == 200
    assert suppressed.load(data).all() == []
    _, page, headers = site.ask("GET", path)
    assert "Unsubscribe from “Policy &lt;desk&gt;”?" in page
    assert READER in page
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    # What mail programs post (RFC 8058), to the very address of the header.
    status, page, _ = site.post(path, **{"List-Unsubscribe": "One-Click"})
    assert (status, "You are unsubscribed" in page) == (200, True)
    (one,) = suppressed.load(data).all()
    assert (one.subscription, one.address, one.reason) == ("desk", READER, Reason.UNSUBSCRIBED)
    assert suppressed.load(data).why("other", READER) is None
    assert "You are unsubscribed" in site.ask("GET", path)[1]
    site.post(path, **{"List-Unsubscribe": "One-Click"})
    assert len(suppressed.load(data).all()) == 1


def test_a_form_of_parts_is_one_click_too(site: Site, data: Path) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    path = f"/unsubscribe/{token(secret_of(data), 'desk', READER)}"
    assert site.ask("POST", path, body, {"Content-Type": "multipart/form-data; boundary=x"})[0] == 200
    assert suppressed.load(data).why("desk", READER) is not None


def test_who_changes_their_mind_is_back_but_nobody_undoes_a_bounce(site: Site, data: Path) -> None:
    path = f"/unsubscribe/{token(secret_of(data), 'desk', READER)}"
    site.post(path, **{"List-Unsubscribe": "One-Click"})
    assert "subscribed again" in site.post(path, again="1")[1]
    assert suppressed.load(data).why("desk", READER) is None
    suppressed.suppress(data, "", READER, Reason.BOUNCED, suppressed.datetime.now(suppressed.UTC))
    site.post(path, again="1")
    assert suppressed.load(data).why("desk", READER) is not None


def test_a_link_that_is_not_ours_is_not_there(site: Site, data: Path) -> None:
    good = token(secret_of(data), "desk", READER)
    for path in (
        "/", "/unsubscribe", "/unsubscribe/", f"/unsubscribe/{good[:-1]}", f"/unsubscribe/x{good}",
        f"/view/{good}", f"/unsubscribe/{view_token(secret_of(data), 'desk', READER)}", "/feeds/", "/metrics",
        "/feeds/..%2Fstate%2Fsecret", "/feeds/../state/secret", "/view/../../state/secret", "/feeds/.made.json",
    ):  # fmt: skip
        for method in ("GET", "POST"):
            status, page, _ = site.ask(method, path, b"List-Unsubscribe=One-Click" if method == "POST" else None)
            assert status == 404, path
            assert "lists@example.org" in page
    assert suppressed.load(data).all() == []


def test_a_digest_is_seen_by_whoever_has_its_link(site: Site, data: Path) -> None:
    for folder, name in (("desk", "2026-11-22T101500Z"), (".", "2026-11-22")):
        (data / "digests" / folder).mkdir(parents=True, exist_ok=True)
        (data / "digests" / folder / f"{name}.html").write_text(f"<p>{folder} {name}")
    for subscription, name, words in (
        ("desk", "2026-11-22T101500Z", "<p>desk 2026-11-22T101500Z"),
        ("daily", "2026-11-22", "<p>. 2026-11-22"),
    ):
        status, page, headers = site.ask("GET", f"/view/{view_token(secret_of(data), subscription, name)}")
        assert (status, page) == (200, words)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "form-action 'none'" in headers["Content-Security-Policy"]
    for subscription, name in (("desk", "2026-11-23"), ("..", "2026-11-22"), ("desk", "../../state/secret")):
        assert site.ask("GET", f"/view/{view_token(secret_of(data), subscription, name)}")[0] == 404


def test_feeds_are_served_once_to_those_who_have_them(site: Site, data: Path) -> None:
    (data / "feeds").mkdir(parents=True)
    (data / "feeds" / "desk.atom").write_text("<feed/>")
    status, body, headers = site.ask("GET", "/feeds/desk.atom")
    assert (status, body) == (200, "<feed/>")
    assert headers["Content-Type"].startswith("application/atom+xml")
    assert site.ask("GET", "/feeds/desk.atom", headers={"If-None-Match": headers["ETag"]})[:2] == (304, "")
    (data / "feeds" / "desk.atom").write_text("<feed>more</feed>")
    assert site.ask("GET", "/feeds/desk.atom", headers={"If-None-Match": headers["ETag"]})[0] == 200
    assert site.ask("GET", "/feeds/desk.json")[0] == 404
    assert site.ask("GET", "/robots.txt")[0] == 200


def test_a_form_too_long_and_a_method_too_many_are_refused(site: Site, data: Path) -> None:
    path = f"/unsubscribe/{token(secret_of(data), 'desk', READER)}"
    assert site.ask("POST", path, b"x" * 5000)[0] == 413
    assert site.ask("DELETE", path)[0] == 501
    assert suppressed.load(data).all() == []


def test_a_secret_is_made_once_and_for_its_owner_alone(data: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(secret_of(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    assert (data / "state" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (data / "state").iterdir()] == ["secret"]


@given(st.text(max_size=40).filter(lambda one: "\0" not in one), st.text(max_size=60), st.text(max_size=80))
def test_no_token_but_our_own_is_read(subscription: str, address: str, other: str) -> None:
    secret = b"s" * 32
    try:
        mine = token(secret, subscription, address)
    except UnicodeEncodeError:
        # Half characters are in no id and in no address.
        return
    assert re.fullmatch(r"[A-Za-z0-9_-]+", mine)
    assert read(secret, mine) == (subscription, address)
    assert read(b"t" * 32, mine) is None
    assert read_view(secret, mine) is None
    assert read(secret, other) is None
    assert read(secret, mine + "A") is None
    assert read(secret, mine[:-2]) is None
