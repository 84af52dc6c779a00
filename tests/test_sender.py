"""What `clampdown serve` sends with: a process of its own whenever something is due, which comes to an end in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mail_server import MailServer, mail_server
from outbox_world import World, world

from flows.serving import sender as module
from flows.serving.sender import Sender
from pipeline.outbox import State


def environment(site: World, server: MailServer) -> dict[str, str]:
    return os.environ | {
        "CLAMPDOWN_DATA_DIR": str(site.settings.data_dir),
        "CLAMPDOWN_MAIL__HOST": "127.0.0.1",
        "CLAMPDOWN_MAIL__PORT": str(server.port),
        "CLAMPDOWN_MAIL__SECURITY": "none",
        "CLAMPDOWN_MAIL__SENDER": "us@example.org",
    }


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_process_is_started_when_something_is_due_and_not_else(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        sender = Sender(site.settings, environment(site, server), every=0)
        sender.look()
        assert sender._process is None
        site.digest("a@example.org", "b@example.org")
        sender.look()
        assert sender._process is not None

        def is_over() -> bool:
            sender.look()
            return set(site.states().values()) == {"sent"}

        wait_for(is_over)
        sender.stop()
    assert len(server.mails) == 2


def test_told_to_end_it_ends_after_the_mail_that_it_is_at(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        site.digest(*(f"reader-{number}@example.org" for number in range(30)))
        process = subprocess.Popen([sys.executable, "-m", "flows.serving.sender"], env=environment(site, server))

        def ask_to_end(_: str) -> None:
            if len(server.mails) == 3:
                process.send_signal(signal.SIGTERM)
                # It is noted before the next one could begin.
                time.sleep(0.2)

        server.on_recipient = ask_to_end
        assert process.wait(120) == 0
        states = list(site.states().values())
        assert states.count("sent") == len(server.mails) == 4
        assert states.count("queued") == 26
        assert State.UNKNOWN not in states


def test_a_sender_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.0)
    is_over = threading.Event()
    with mail_server() as server:
        server.on_recipient = lambda _: None if is_over.wait(120) else "450 later"
        site = world(tmp_path, port=server.port)
        site.digest("a@example.org")
        sender = Sender(site.settings, environment(site, server), every=3600)
        sender.look()
        process = sender._process
        assert process is not None
        wait_for(lambda: (sender.look(), process.poll() is not None)[1])
        assert process.returncode == -signal.SIGKILL
        is_over.set()
