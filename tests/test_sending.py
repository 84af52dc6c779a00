"""What is in the outbox is sent once, to real servers on loopback; what is not taken waits, and says why."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import certificates, tls
from mail_server import PASSWORD, USER, mail_server, odd_server
from outbox_world import World, world

from flows.sending import EVERYTHING, Sent, send_due
from pipeline import outbox_state, suppressed
from pipeline.errors import ArchiveError, InputError
from pipeline.outbox import Entry, State, key_of
from pipeline.outbox_intake import is_due
from pipeline.outbox_state import problems_of
from pipeline.suppressed import Reason
from reports.handover import Handover

LATER = timedelta(minutes=3)


def send(site: World, after: timedelta = LATER) -> Sent:
    return send_due(site.settings, site.now + after)


def readers(sent: list[object]) -> list[list[str]]:
    return [one.recipients for one in sent]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    file = certificates(tmp_path)("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    return tls(file)


def test_each_reader_gets_one_mail_over_one_encrypted_connection(tmp_path: Path, trusted: ssl.SSLContext) -> None:
    with mail_server(trusted, login=True) as server:
        site = world(tmp_path / "data", port=server.port, security="starttls", user=USER, password_env="MAIL_PASSWORD")
        keys = site.digest("a@example.org", "b@example.org", "c@example.org")
        assert is_due(site.settings, site.now + LATER)
        assert send(site).moved == {State.SENT: 3}
        assert send(site).moved == {}
        assert not is_due(site.settings, site.now + timedelta(hours=1))
    assert readers(server.mails) == [["a@example.org"], ["b@example.org"], ["c@example.org"]]
    assert all(one.encrypted and one.user == USER for one in server.mails)
    assert server.mails[0].message.get_content().replace("\r\n", "\n") == "Hello a@example.org\n.\n..two\n"
    assert server.connections == 1
    assert sorted(site.rows()) == sorted(keys)
    assert all(row.detail == "250 taken" for row in site.rows().values())


def test_who_is_refused_keeps_nobody_from_their_mail(tmp_path: Path) -> None:
    with mail_server() as server:
        server.refused = {
            "gone@example.org": "550 5.1.1 no such user",
            "full@example.org": "452 4.2.2 mailbox full",
            "relay@example.org": "550 5.7.1 relaying denied",
        }
        site = world(tmp_path, port=server.port)
        site.digest("gone@example.org", "full@example.org", "relay@example.org", "here@example.org")
        done = send(site)
        assert done.moved == {State.SENT: 1, State.REFUSED: 2, State.FAILED: 1}
        assert send(site).moved == {}
        for minutes in (9, 25):
            assert send(site, timedelta(minutes=minutes)).moved == {State.FAILED: 1}
        # Ever more seldom: the next try comes after 45 minutes.
        assert send(site, timedelta(minutes=60)).moved == {}
        server.refused = {}
        assert send(site, timedelta(minutes=75)).moved == {State.SENT: 1}
    assert site.states() == {
        "gone@example.org": "refused",
        "relay@example.org": "refused",
        "full@example.org": "sent",
        "here@example.org": "sent",
    }
    words = [problem.words for problem in problems_of(outbox_state.load(tmp_path), site.now)]
    assert words == ["2 messages were refused or given up"]


def test_twice_no_such_reader_ends_the_sending_and_an_operator_begins_it_anew(tmp_path: Path) -> None:
    with mail_server() as server:
        server.refused = {"gone@example.org": "550 5.1.1 no such user", "relay@example.org": "554 5.7.1 spam"}
        site = world(tmp_path, port=server.port)
        for day in ("20", "21", "22"):
            site.digest("gone@example.org", "relay@example.org", name=f"2026-11-{day}")
            send(site)
        states = [row.state for row in site.rows().values() if row.entry.to == "gone@example.org"]
        assert sorted(states) == [State.REFUSED, State.REFUSED, State.SUPPRESSED]
        assert suppressed.load(tmp_path).why("any", "relay@example.org") is None
        suppressed.allow(tmp_path, "", "gone@example.org", site.now)
        server.refused = {}
        site.digest("Gone@Example.org", name="2026-11-23")
        assert send(site).moved == {State.SENT: 1}


def test_who_has_unsubscribed_gets_nothing_of_that_subscription(tmp_path: Path) -> None:
    suppressed.suppress(tmp_path, "desk", "A@example.org", Reason.UNSUBSCRIBED, datetime.now(UTC))
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        site.digest("a@example.org", "b@example.org")
        site.digest("a@example.org", subscription="other")
        assert send(site).moved == {State.SENT: 2, State.SUPPRESSED: 1}
    assert sorted(one.message["Subject"] for one in server.mails) == ["desk 2026-11-22", "other 2026-11-22"]


def test_a_server_that_is_away_is_tried_again_ever_more_seldom_and_then_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site = world(tmp_path, port=port)
    site.digest("a@example.org")
    done = send(site)
    assert done.standing is not None
    assert done.standing.trouble is not None
    assert "nothing listens there" in done.standing.trouble.words
    assert done.standing.trouble.next_at > site.now + LATER
    assert not is_due(site.settings, site.now + LATER + timedelta(seconds=30))
    assert is_due(site.settings, site.now + LATER + timedelta(seconds=70))
    for hours in (1, 10, 47):
        send(site, timedelta(hours=hours))
        assert site.states() == {"a@example.org": "queued"}
    (problem,) = problems_of(outbox_state.load(tmp_path), site.now + timedelta(hours=47))
    assert problem.key == "mail_stuck"
    assert "one message can't be sent" in problem.words
    assert send(site, timedelta(hours=49)).moved == {State.GIVEN_UP: 1}
    assert "nothing listens there" in next(iter(site.rows().values())).detail


def test_a_digest_that_is_found_too_late_is_no_news_and_given_up_where_one_can_see_it(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        (hashed,) = site.outbox().keep([b"x"])
        old = Entry(key_of("desk", "2026-11-01", "a@example.org"), "a@example.org", hashed)
        site.record("desk", "2026-11-01", [old], site.now - timedelta(days=9))
        assert send(site).moved == {State.GIVEN_UP: 1}
    assert server.mails == []


def test_a_mail_of_which_nothing_can_be_known_is_not_sent_again(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        file = connection.makefile("rwb")
        for said in (b"220 here\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            file.write(said)
            file.flush()
            file.readline()
        while file.readline() != b".\r\n":
            pass

    with odd_server(talk) as port:
        site = world(tmp_path, port=port)
        (key,) = site.digest("a@example.org")
        assert send(site).moved == {State.UNKNOWN: 1}
    assert "can't be told" in site.rows()[key].detail
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        assert send(site, timedelta(hours=1)).moved == {}
        (problem,) = problems_of(outbox_state.load(tmp_path), site.now)
        assert problem.key == "mail_unknown"
        # An operator's word.
        assert site.outbox().move(site.rows()[key], State.QUEUED, "resent", of=[State.UNKNOWN]) is not None
        assert send(site, timedelta(hours=2)).moved == {State.SENT: 1}
    assert len(server.mails) == 1


def test_a_connection_that_ends_before_the_dot_has_sent_nothing(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        file = connection.makefile("rwb")
        for said in (b"220 here\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n"):
            file.write(said)
            file.flush()
            file.readline()

    with odd_server(talk) as port:
        site = world(tmp_path, port=port)
        site.digest("a@example.org")
        assert send(site).moved == {State.FAILED: 1}
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        assert send(site, timedelta(minutes=20)).moved == {State.SENT: 1}


def test_a_server_that_takes_two_mails_a_connection_gets_them_on_several(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        site.digest(*(f"{number}@example.org" for number in range(5)))
        seen: list[str] = []

        def close(recipient: str) -> str | None:
            seen.append(recipient)
            return "421 4.7.0 too many mails" if len(seen) in (3, 6) else None

        server.on_recipient = close
        assert send(site).moved == {State.SENT: 5}
    assert sorted(readers(server.mails)) == [[f"{number}@example.org"] for number in range(5)]
    assert server.connections == 3


def test_what_is_in_a_hurry_is_tried_now_and_nothing_else(tmp_path: Path) -> None:
    with mail_server() as server:
        server.refused = {f"{one}@example.org": "450 later" for one in "ab"}
        site = world(tmp_path, port=server.port)
        keys = site.digest("a@example.org", "b@example.org")
        send(site)
        server.refused = {}
        assert send_due(site.settings, site.now + LATER, hurry=[keys[1]]).moved == {State.SENT: 1}
        assert site.states() == {"a@example.org": "failed", "b@example.org": "sent"}
        assert send_due(site.settings, site.now + LATER, hurry=EVERYTHING).moved == {State.SENT: 1}


def test_a_disk_that_is_full_sends_nothing_that_it_could_not_note(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        (key,) = site.digest("a@example.org")

        def full() -> bool:
            raise ArchiveError("no space left")

        with Handover(site.settings.mail) as handover, pytest.raises(ArchiveError):
            handover.hand_over("a@example.org", b"Subject: x\r\n\r\nhello\r\n", full)
        assert server.mails == []
        assert send(site).moved == {State.SENT: 1}
    assert site.rows()[key].state is State.SENT


def test_what_was_cancelled_meanwhile_is_not_sent(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        keys = site.digest("a@example.org", "b@example.org")

        def cancel(recipient: str) -> None:
            row = site.rows()[keys[1]]
            site.outbox().move(row, State.CANCELLED, "by hand")

        server.on_recipient = cancel
        assert send(site).moved == {State.SENT: 1}
    assert site.states() == {"a@example.org": "sent", "b@example.org": "cancelled"}
    assert readers(server.mails) == [["a@example.org"]]


def test_bytes_are_kept_for_a_quarter_and_what_came_of_them_for_ever(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        (key,) = site.digest("a@example.org")
        send(site)
        assert send(site, timedelta(days=89)).moved == {}
        assert site.outbox().message(site.rows()[key].entry)
        send(site, timedelta(days=91))
        with pytest.raises(InputError, match="not there any more"):
            site.outbox().message(site.rows()[key].entry)
        assert site.states() == {"a@example.org": "sent"}


def test_a_torn_line_and_one_of_a_version_to_come_are_passed_over(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        site.digest("a@example.org")
        send(site)
        journal = tmp_path / "outbox" / f"{site.now:%Y-%m}.jsonl"
        with journal.open("ab") as file:
            file.write(b'{"event":"moved to Mars","key":"x","at":"2026-11-22T00:00:00+00:00"}\n{"event":"state","ke')
        site.digest("b@example.org", name="2026-11-23")
        assert send(site).moved == {State.SENT: 1}
    assert site.states() == {"a@example.org": "sent", "b@example.org": "sent"}


def test_each_record_is_of_the_subscription_whose_folder_it_is_in(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        for subscription in ("digests", "desk"):
            site.digest("a@example.org", subscription=subscription)
        (hashed,) = site.outbox().keep([site.mail("daily", "2026-11-22", "a@example.org")])
        site.record(".", "2026-11-22", [Entry(key_of("daily", "2026-11-22", "a@example.org"), "a@example.org", hashed)])
        assert send(site).moved == {State.SENT: 3}
    assert {row.subscription for row in site.rows().values()} == {"digests", "desk", "daily"}


def test_only_one_sends_at_a_time(tmp_path: Path) -> None:
    site = world(tmp_path, port=1)
    site.digest("a@example.org")
    with site.outbox().sending() as is_mine:
        assert is_mine
        assert send(site).is_busy
    assert not send(site).is_busy


def test_a_message_that_was_altered_on_the_disk_is_not_sent(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        keys = site.digest("a@example.org", "b@example.org")
        row_hash = site.mail("desk", "2026-11-22", "a@example.org")
        path = next(p for p in (tmp_path / "outbox" / "messages").iterdir() if p.read_bytes() == row_hash)
        path.write_bytes(row_hash + b"more")
        assert send(site).moved == {State.SENT: 1, State.GIVEN_UP: 1}
        assert "not those that were kept" in site.rows()[keys[0]].detail
