"""`clampdown outbox`: what waits and why, an operator's word, and mail that came back."""

import json
from pathlib import Path

import pytest
from in_process import Done, clampdown
from mail_server import MailServer, mail_server
from outbox_world import World, world

from pipeline import suppressed


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "clampdown.toml").write_text(
        'data_dir = "data"\n[mail]\nhost = "127.0.0.1"\nsecurity = "none"\nsender = "us@example.org"\n'
        '[serve]\ntimezone = "UTC"\n'
    )
    return tmp_path


def outbox(place: Path, *args: str, server: MailServer | None = None) -> Done:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAMPDOWN_MAIL__PORT", str(server.port if server else 1))
        return clampdown("outbox", *args, cwd=place)


def site(place: Path) -> World:
    return world(place / "data")


def test_what_waits_is_listed_sent_and_shown(place: Path) -> None:
    assert outbox(place, "list").stdout == "Nothing was to be sent.\n"
    (key,) = site(place).digest("a@example.org")
    away = outbox(place, "send")
    assert away.returncode == 6
    assert "nothing listens there" in away.stdout
    listed = outbox(place, "list", "--waiting")
    assert key in listed.stdout
    assert "No mail can be sent since" in listed.stdout
    with mail_server() as server:
        assert outbox(place, "send", server=server).stdout == "1 sent\n"
        assert outbox(place, "send", server=server).stdout == "Nothing was due.\n"
    assert len(server.mails) == 1
    (told,) = json.loads(outbox(place, "list", "--json").stdout)
    assert (told["key"], told["state"], told["detail"]) == (key, "sent", "250 taken")
    shown = outbox(place, "show", key[-6:]).stdout
    assert "Subject: desk 2026-11-22" in shown
    assert "Hello a@example.org" in shown
    assert outbox(place, "list", "--state", "gone").returncode == 2
    assert outbox(place, "show", "nothing").returncode == 2


def test_nothing_is_sent_twice_but_by_a_word_that_says_so(place: Path) -> None:
    (key,) = site(place).digest("a@example.org")
    with mail_server() as server:
        outbox(place, "send", server=server)
        refused = outbox(place, "resend", key, server=server)
        assert refused.returncode == 2
        assert "was sent" in refused.stderr
        assert len(server.mails) == 1
        assert outbox(place, "resend", key, "--again", server=server).returncode == 0
        assert len(server.mails) == 2
        suppressed.suppress(
            place / "data", "desk", "a@example.org", suppressed.Reason.UNSUBSCRIBED, suppressed.datetime.now()
        )
        assert "sent nothing more" in outbox(place, "resend", key, "--again", server=server).stderr
    assert server.mails[0].message["Subject"] == server.mails[1].message["Subject"]


def test_what_is_cancelled_stays_unsent(place: Path) -> None:
    keys = site(place).digest("a@example.org", "b@example.org")
    outbox(place, "send")
    assert outbox(place, "cancel", keys[0]).returncode == 0
    assert "nothing to cancel" in outbox(place, "cancel", keys[0]).stderr
    with mail_server() as server:
        outbox(place, "send", server=server)
        assert [one.recipients for one in server.mails] == [["b@example.org"]]
        assert outbox(place, "resend", keys[0], server=server).returncode == 0
    assert [one.recipients for one in server.mails] == [["b@example.org"], ["a@example.org"]]


def test_readers_are_taken_off_and_put_back_by_hand(place: Path) -> None:
    assert outbox(place, "suppress", "A@Example.org", "-s", "desk").returncode == 0
    (one,) = json.loads(outbox(place, "suppressed", "--json").stdout)
    assert (one["address"], one["subscription"], one["reason"]) == (
        "a@example.org",
        "desk",
        "taken off by the operator",
    )
    assert "a@example.org" in outbox(place, "suppressed").stdout
    assert outbox(place, "suppress", "nobody").returncode == 2
    assert outbox(place, "allow", "a@example.org", "-s", "other").returncode == 2
    assert outbox(place, "allow", "a@example.org").returncode == 0
    assert json.loads(outbox(place, "suppressed", "--json").stdout) == []
