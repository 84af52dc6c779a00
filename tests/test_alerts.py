"""Alerts: each trouble is told once to each channel, and once more when it is over, whatever fails in between."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from in_process import clampdown
from mail_server import MailServer, mail_server, odd_server

from flows.serving.alerting import Alerts, announce
from pipeline import alerts
from pipeline.alerts import (
    PATIENCE,
    QUIET,
    SETTLED,
    Alert,
    Known,
    Memory,
    delivered,
    due,
    observed,
    settled,
    undelivered,
)
from pipeline.errors import ArchiveError, WebhookError
from pipeline.problems import Problem, ProblemKind, Severity
from pipeline.settings import Settings
from pipeline.settings_sections import AlertSettings, MailSettings, ServeSettings
from reports.alert_text import Place, body, subject, webhook
from reports.webhook import post

START = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = Problem(ProblemKind.FLOW_LATE, START, "no ingest has finished for more than 60 min", "Start it.", "ingest")
AUDIT = Problem(ProblemKind.AUDIT_FAILED, START, "the audit found something wrong: quotes", "`clampdown audit`")
SILENT = Problem(
    ProblemKind.SOURCE_SILENT, START, "The Gazette has fallen silent", "Look.", "gazette", Severity.WARNING
)
FAILING = Problem(ProblemKind.SOURCE_FAILING, START, "The Herald has failed", None, "herald", Severity.WARNING)
HERE = Place("clampdown", "web1", "/srv/clampdown", ZoneInfo("Europe/Berlin"))
HOSTILE = 'x\r\nBcc: all@example.org\x1b[2J\u202e <script>alert(1)</script> @everyone <!channel> "\\'


@dataclass
class World:
    """Minutes that pass, with what is wrong in each, and channels that take messages or do not."""

    memory: Memory = field(default_factory=Memory)
    now: datetime = START
    told: dict[str, list[Alert]] = field(default_factory=lambda: {"mail": [], "webhook": []})
    down: set[str] = field(default_factory=set)

    def minute(self, *problems: Problem) -> None:
        self.memory = observed(self.memory, problems, self.now)
        for channel, told in self.told.items():
            alert = due(self.memory, channel, self.now)
            if alert is None:
                continue
            if channel in self.down:
                self.memory = undelivered(self.memory, channel, "it is down", self.now)
            else:
                told.append(alert)
                self.memory = delivered(self.memory, channel, alert, self.now)
        self.memory = settled(self.memory, self.told, self.now)
        self.now += MINUTE

    def minutes(self, number: int, *problems: Problem) -> None:
        for _ in range(number):
            self.minute(*problems)

    def said(self, channel: str = "mail") -> list[tuple[list[str], list[str]]]:
        """What a channel was told: keys of what began and of what was over, message by message."""
        return [
            ([one.problem.key for one in alert.begun], [one.problem.key for one in alert.over])
            for alert in self.told[channel]
        ]


def test_a_trouble_is_told_once_and_once_more_when_it_is_over() -> None:
    world = World()
    world.minutes(3 * 60, LATE)
    assert world.said() == [([LATE.key], [])]
    world.minutes(60)
    assert world.said() == world.said("webhook") == [([LATE.key], []), ([], [LATE.key])]
    assert world.told["mail"][1].answers == (world.told["mail"][0].id,)
    assert world.memory.known == {}


def test_what_a_restart_mends_is_told_to_nobody() -> None:
    world = World()
    world.minutes(int(PATIENCE / MINUTE), LATE)
    world.minutes(60)
    assert world.said() == []


def test_what_comes_and_goes_is_one_trouble() -> None:
    world = World()
    for _ in range(10):
        world.minutes(8, LATE)
        world.minutes(int(SETTLED / MINUTE) - 1)
    assert world.said() == [([LATE.key], [])]


def test_what_is_back_after_it_was_over_is_told_anew() -> None:
    world = World()
    for _ in range(2):
        world.minutes(20, LATE)
        world.minutes(20)
    assert world.said() == [([LATE.key], []), ([], [LATE.key])] * 2
    assert len({alert.id for alert in world.told["mail"]}) == 4


def test_all_that_begins_at_once_is_one_message_and_warnings_wait() -> None:
    world = World()
    world.minutes(60, SILENT, LATE, AUDIT)
    assert world.said() == [([AUDIT.key, LATE.key], []), ([SILENT.key], [])]


def test_a_warning_that_turns_into_an_error_waits_no_longer() -> None:
    failed = Problem(ProblemKind.FLOW_FAILED, START, "ingest failed", None, "ingest", Severity.WARNING)
    world = World()
    world.minutes(15, failed)
    assert world.said() == []
    world.minute(replace(failed, severity=Severity.ERROR))
    assert world.said() == [([failed.key], [])]


def test_messages_to_one_channel_are_ten_minutes_apart() -> None:
    full = replace(AUDIT, kind=ProblemKind.DISK_LOW)
    world = World()
    world.minutes(2, LATE)
    world.minutes(2, LATE, AUDIT)
    world.minutes(60, LATE, AUDIT, full)
    assert world.said() == [([LATE.key], []), ([AUDIT.key, full.key], [])]
    assert [one.problem.key for one in world.told["mail"][1].ongoing] == [LATE.key]


def test_a_server_that_is_down_overnight_is_no_trouble_yet() -> None:
    world = World()
    world.minutes(12 * 60, FAILING)
    assert world.said() == []
    world.minutes(13 * 60, FAILING)
    assert world.said() == [([FAILING.key], [])]


def test_a_channel_that_is_down_costs_the_other_nothing_and_is_told_later() -> None:
    world = World(down={"mail"})
    world.minutes(40, LATE)
    assert (world.said("mail"), world.said("webhook")) == ([], [([LATE.key], [])])
    state = world.memory.channels["mail"]
    # At 1, 2, 4, 8 and 16 minutes after the first.
    assert (state.failures, state.error) == (6, "it is down")
    (problem,) = alerts.unreachable(world.memory, world.now)
    assert "alerts can't be delivered by mail: it is down" in problem.words
    world.down.clear()
    world.minutes(60, LATE)
    assert world.said("mail") == [([LATE.key], [])]
    assert alerts.unreachable(world.memory, world.now) == ()


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    world = World()
    world.minutes(30, LATE)
    world.now -= timedelta(days=365)
    world.minutes(30, AUDIT)
    assert world.said() == [([LATE.key], []), ([AUDIT.key], []), ([], [LATE.key])]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 35),
            st.sets(st.sampled_from([LATE, AUDIT, SILENT])),
            st.sets(st.sampled_from(["mail", "webhook"])),
        ),
        max_size=6,
    )
)
@examples(max_examples=40)
def test_told_and_over_always_alternate_and_what_lasts_is_told(
    stretches: list[tuple[int, set[Problem], set[str]]],
) -> None:
    world = World()
    for minutes, problems, down in stretches:
        world.down = down
        world.minutes(minutes, *problems)
    world.down = set()
    # Longer than the longest gap between two tries.
    world.minutes(75, LATE)
    for channel in world.told:
        for problem in (LATE, AUDIT, SILENT):
            events: list[str] = []
            for begun, over in world.said(channel):
                events += ["over"] * over.count(problem.key) + ["begun"] * begun.count(problem.key)
            # Begun and over in turns, to the end that is true.
            assert events == ["begun", "over"] * (len(events) // 2) + ["begun"] * (len(events) % 2)
            assert (len(events) % 2 == 1) == (problem is LATE)
        assert len({alert.id for alert in world.told[channel]}) == len(world.told[channel])
    assert set(world.memory.known) == {LATE.key}


@given(
    st.lists(
        st.builds(
            Known,
            st.builds(
                Problem,
                st.sampled_from(ProblemKind),
                st.none() | st.datetimes(timezones=st.just(UTC)),
                st.text(),
                st.none() | st.text(),
                st.text(max_size=5),
                st.sampled_from(Severity),
            ),
            st.datetimes(timezones=st.just(UTC)),
            st.none() | st.datetimes(timezones=st.just(UTC)),
        ),
        max_size=3,
        unique_by=lambda one: one.problem.key,
    )
)
@examples(max_examples=40)
def test_what_is_remembered_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, some: list[Known]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "memory"
    memory = undelivered(Memory({one.problem.key: one for one in some}), "mail", "down\n'", START)
    for one in some:
        memory = delivered(memory, "webhook", Alert("id", (one,), ()), START)
    alerts.save(folder, memory)
    assert alerts.load(folder) == memory


def known(problem: Problem, gone_at: datetime | None = None) -> Known:
    return Known(problem, START, gone_at)


def test_a_mail_says_what_it_is_since_when_and_what_to_do() -> None:
    over = known(SILENT, START + timedelta(hours=5))
    alert = Alert("id", (known(LATE),), (over,), (known(AUDIT),))
    assert subject(Alert("id", (known(LATE),), ()), HERE) == f"[clampdown on web1] {LATE.words}"
    assert subject(Alert("id", (), (over,)), HERE) == f"[clampdown on web1] over: {SILENT.words}"
    assert subject(alert, HERE) == "[clampdown on web1] 1 new problem, 1 over"
    assert body(alert, HERE, START + timedelta(hours=7)) == (
        "no ingest has finished for more than 60 min\n"
        "    since:   Sun 22 Nov 2026 04:30 CET, 7 hours ago\n"
        "    to do:   Start it.\n"
        "\n"
        "Over:\n"
        "\n"
        "The Gazette has fallen silent\n"
        "    it was so from Sun 22 Nov 2026 04:30 CET until Sun 22 Nov 2026 09:30 CET: 5 hours\n"
        "\n"
        "Still so, as you were told:\n"
        "\n"
        "    the audit found something wrong: quotes (since Sun 22 Nov 2026 04:30 CET)\n"
        "\n"
        "-- \n"
        "Clampdown (clampdown) on web1, data in /srv/clampdown.\n"
        "`clampdown status` shows how things are now. You will be told once more when this is over.\n"
    )


def test_many_problems_make_a_message_of_bounded_length() -> None:
    many = tuple(
        known(Problem(ProblemKind.SOURCE_SILENT, START, f"source {number} {'x' * 500}", "y" * 500, str(number)))
        for number in range(500)
    )
    alert = Alert("id", many, many, many)
    assert "… and 460 more" in body(alert, HERE, START)
    assert len(body(alert, HERE, START)) < 120_000
    assert len(webhook(alert, HERE, START)["content"]) <= 2000


def test_what_publishers_wrote_is_only_text() -> None:
    alert = Alert("id", (known(Problem(ProblemKind.SOURCE_SILENT, START, HOSTILE, HOSTILE, HOSTILE)),), ())
    told = subject(alert, HERE) + body(alert, HERE, START).replace("\n", "") + webhook(alert, HERE, START)["content"]
    assert not any(character in told for character in "\r\x1b\u202e")
    assert "\n" not in subject(alert, HERE)
    chat = webhook(alert, HERE, START)
    assert not any(mark in chat["text"] for mark in "<>@")
    assert chat["allowed_mentions"] == {"parse": []}


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
