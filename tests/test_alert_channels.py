"""Alerts on their way: real mail and webhooks over restarts, receivers that fail, and the command that tries them."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from alert_cases import LATE, MINUTE, START
from in_process import clampdown
from mail_server import MailServer, mail_server, odd_server

from flows.serving.alerting import Alerts, announce
from pipeline import alerts
from pipeline.alerts import (
    QUIET,
)
from pipeline.errors import ArchiveError, WebhookError
from pipeline.settings import Settings
from pipeline.settings_sections import AlertSettings, MailSettings, ServeSettings
from reports.webhook import post


@dataclass
class Hook:
    """What a webhook's receiver got, and what it answers."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Any] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"said\x1b[2J" if hook.status != 204 else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_port}/hooks/S3CRET?token=S3CRET"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receiver() as made:
        yield made


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, hook: Hook, post_office: MailServer) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        alerts=AlertSettings(to=("ops@example.org",), webhook=hook.url),
        mail=MailSettings(host="127.0.0.1", port=post_office.port, security="none", sender="clampdown@example.org"),
        serve=ServeSettings(timezone="Europe/Berlin"),
    )


def test_people_are_told_over_restarts(settings: Settings, hook: Hook, post_office: MailServer) -> None:
    now = START
    for problems in [[LATE]] * 12 + [[]] * 22:
        # A new process each minute.
        Alerts(settings).tell(problems, now)
        now += MINUTE
    begun, over = (one.message for one in post_office.mails)
    assert LATE.words in begun["Subject"]
    assert "over" in over["Subject"]
    assert over["In-Reply-To"] == over["References"] == begun["Message-ID"]
    assert [[one["key"] for one in got["new"]] for got in hook.got] == [[LATE.key], []]
    assert [[one["key"] for one in got["over"]] for got in hook.got] == [[], [LATE.key]]
    assert alerts.load(settings.data_dir).known == {}


def test_a_receiver_that_fails_is_asked_again_and_mail_goes_out_once(
    settings: Settings, hook: Hook, post_office: MailServer
) -> None:
    hook.status = 503
    watching = Alerts(settings)
    for minute in range(12):
        watching.tell([LATE], START + minute * MINUTE)
    assert len(post_office.mails) == 1
    failed = len(hook.got)
    assert failed == 3
    assert "it answered 503 said" in alerts.load(settings.data_dir).channels["webhook"].error
    hook.status = 204
    for minute in range(12, 30):
        watching.tell([LATE], START + minute * MINUTE)
    assert len(hook.got) == failed + 1
    # Who gets one twice can tell.
    assert len({got["id"] for got in hook.got}) == 1
    assert len(post_office.mails) == 1


def test_a_memory_that_cannot_be_written_tells_nobody_twice(settings: Settings, post_office: MailServer) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "state").write_text("a file where the folder belongs")
    watching = Alerts(settings)
    for minute in range(30):
        watching.tell([LATE], START + minute * MINUTE)
    assert len(post_office.mails) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "problems": [{}], "channels": {}}'])
def test_a_damaged_memory_is_begun_anew(settings: Settings, post_office: MailServer, text: str) -> None:
    path = settings.data_dir / alerts.MEMORY
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ArchiveError):
        alerts.load(settings.data_dir)
    watching = Alerts(settings)
    watching.tell([LATE], START)
    watching.tell([LATE], START + QUIET)
    assert len(post_office.mails) == 1
    assert set(alerts.load(settings.data_dir).known) == {LATE.key}


def test_without_channels_what_is_wrong_is_only_remembered(tmp_path: Path) -> None:
    watching = Alerts(Settings(data_dir=tmp_path))
    for minute in range(10):
        watching.tell([LATE], START + minute * MINUTE)
    assert set(alerts.load(tmp_path).known) == {LATE.key}


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    with receiver() as other:
        hook.status, hook.headers = 307, {"Location": other.url}
        with pytest.raises(WebhookError, match="it answered 307, a redirect to http://127") as caught:
            post(hook.url, {})
        assert other.got == []
    assert "S3CRET" not in str(caught.value)
    assert not caught.value.retryable


def test_an_answer_in_error_is_told_without_the_secret(hook: Hook) -> None:
    hook.status = 404
    with pytest.raises(WebhookError, match="it answered 404 said") as caught:
        post(hook.url, {})
    assert "S3CRET" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    with pytest.raises(WebhookError, match="nothing listens there") as caught:
        post("http://127.0.0.1:1/S3CRET", {})
    assert "S3CRET" not in str(caught.value)


def test_a_receiver_that_never_comes_to_an_end_is_cut_off() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n")
            while True:
                connection.sendall(b".")
                time.sleep(0.02)

    # The answer may or may not have begun by then.
    with odd_server(talk) as port, pytest.raises(WebhookError):
        post(f"http://127.0.0.1:{port}/", {}, in_all=0.5)


def test_a_webhook_goes_by_the_proxy_of_the_environment(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hook.url.partition("/hooks")[0])
    monkeypatch.delenv("no_proxy", raising=False)
    post("http://chat.example.org/hook", {"said": 1})
    assert hook.got == [{"said": 1}]


def test_the_command_tries_all_channels(
    settings: Settings, hook: Hook, post_office: MailServer, tmp_path: Path
) -> None:
    (tmp_path / "clampdown.toml").write_text(
        f'[alerts]\nto = ["ops@example.org"]\nwebhook = "{hook.url}"\n'
        f'[mail]\nhost = "127.0.0.1"\nport = {post_office.port}\nsecurity = "none"\nsender = "clampdown@example.org"\n'
    )
    done = clampdown("alerts", "test", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "taken over, for ops@example.org" in done.stdout
    assert "S3CRET" not in done.stdout
    assert "this is a test" in post_office.mails[0].message["Subject"]
    assert "this is a test" in hook.got[0]["text"]

    shown = clampdown("config", "--json", cwd=tmp_path).stdout
    assert hook.url.partition("/hooks")[0] in shown
    assert "S3CRET" not in shown

    hook.status = 500
    done = clampdown("alerts", "test", "--json", cwd=tmp_path)
    assert done.returncode == 6
    told = json.loads(done.stdout)
    assert told["mail"]["delivered"]
    assert "it answered 500" in told["webhook"]["error"]
    assert not (tmp_path / "clampdown-data" / alerts.MEMORY).exists()


def test_who_will_be_told_is_said_at_the_start(
    settings: Settings, caplog: pytest.LogCaptureFixture, post_office: MailServer
) -> None:
    with caplog.at_level("INFO", "flows.serving.alerting"):
        announce(settings)
        announce(Settings(data_dir=settings.data_dir))
        announce(settings.model_copy(update={"mail": MailSettings(host="127.0.0.1", sender="nobody")}))
    said = [record.getMessage() for record in caplog.records if record.name == "flows.serving.alerting"]
    assert said[0] == "alerts   by mail to ops@example.org"
    assert "S3CRET" not in "".join(said)
    assert "nobody is told of trouble" in said[2]
    assert "mail.sender is no mail address" in said[3]
    assert post_office.mails == []


def test_the_command_says_where_nobody_is_to_be_told(tmp_path: Path) -> None:
    done = clampdown("alerts", "test", cwd=tmp_path)
    assert done.returncode == 2
    assert "nobody is told" in done.stderr
