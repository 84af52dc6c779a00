"""Many subscriptions over one snapshot: each is told what it wants, when it wants it, and none costs another any."""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from certificates import certificates, tls
from digest_material import publish, told
from in_process import clampdown
from mail_server import PASSWORD, USER, mail_server

from flows.digest import digests_at_once, make_digests, preview_digest
from flows.digest_records import LATEST, folder_of, records, stand_of
from flows.digest_report import DigestReport, DigestState, require_made
from flows.subscribed import named, subscriptions
from pipeline.errors import ArchiveError, InputError
from pipeline.outbox import Outbox, batch_of
from pipeline.settings import MailSettings, ServeSettings, Settings
from pipeline.subscriptions import BUILT_IN, Cadence
from pipeline.types import Action, Status
from reports.digest import News
from reports.digest_pages import as_text

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TUESDAY = datetime(2025, 2, 11, 7, 0, tzinfo=UTC)
"""The first time for a digest after the first run."""

DECLARED = """
[[subscription]]
id = "daily"

[[subscription]]
id = "italy"
countries = ["Italy"]

[[subscription]]
id = "two"
min_voices = 2
title = "Told by two"

[[subscription]]
id = "sure"
unsure = "hold"

[[subscription]]
id = "now"
cadence = "at once"
services = ["TikTok"]

[[subscription]]
id = "week"
cadence = "weekly"
weekday = "thursday"

[[subscription]]
id = "tokyo"
timezone = "Asia/Tokyo"
language = "de"
at = "19:00"

[[subscription]]
id = "off"
enabled = false
"""


def site(folder: Path, declared: str = DECLARED, **mail: str) -> Settings:
    path = folder / "subscriptions.toml"
    path.write_text(declared)
    return Settings(data_dir=folder, subscriptions=path, serve=ServeSettings(timezone="UTC"), mail=MailSettings(**mail))


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A data folder after each of two days: on the second one a second paper tells what one told on the first."""
    one = tmp_path_factory.mktemp("one") / "data"
    one.mkdir()
    publish(one, 0, told(0), told(1, "KR", "TikTok", action=Action.BAN, status=Status.PROPOSED, date_value="2025-02"))
    two = shutil.copytree(one, tmp_path_factory.mktemp("two") / "data", symlinks=True)
    publish(two, 24, told(10, source="beta"), told(11, "AU", source="beta", date_value="2025-02-09"))
    return [one, two]


@pytest.fixture
def data_dir(tmp_path: Path, days: list[Path]) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "published").symlink_to(days[0] / "published")
    return folder


def later(data_dir: Path, days: list[Path]) -> None:
    (data_dir / "published").unlink()
    (data_dir / "published").symlink_to(days[1] / "published")


def by_id(reports: list[DigestReport]) -> dict[str, DigestReport]:
    return {report.subscription: report for report in reports}


def news(report: DigestReport) -> list[tuple[str, str]]:
    document = json.loads(report.files[-1].read_bytes())
    return sorted((item["news"], item["country"]) for item in document["items"])


def test_each_subscription_is_told_what_it_wants(data_dir: Path, days: list[Path]) -> None:
    settings = site(data_dir)
    first = by_id(make_digests(settings, TUESDAY + HOUR))
    assert {name: report.state.value for name, report in first.items()} == {
        "daily": "made", "italy": "made", "two": "made", "sure": "made", "now": "made", "week": "not due",
        "tokyo": "made",
    }  # fmt: skip
    assert news(first["daily"]) == [("new", "Italy"), ("proposed", "South Korea")]
    assert news(first["italy"]) == [("new", "Italy")]
    assert news(first["two"]) == [], "one voice is not enough yet"
    assert news(first["now"]) == [("proposed", "South Korea")]
    assert [path.parent for path in first["italy"].files] == [data_dir / "digests" / "italy"] * 5
    assert first["daily"].files[-1] == data_dir / "digests" / "2025-02-11.json"
    again = make_digests(settings, TUESDAY + 2 * HOUR)
    states = {report.subscription: report.state.value for report in again}
    assert states == dict.fromkeys(first, "done") | {"now": "quiet", "week": "not due"}

    later(data_dir, days)
    second = by_id(make_digests(settings, TUESDAY + DAY))
    assert news(second["daily"]) == [("new", "Australia")], "that more papers tell of Italy is no news to who knew"
    assert news(second["two"]) == [("new", "Italy")], "to who waited for a second voice it is"
    assert news(second["italy"]) == []
    assert second["now"].state is DigestState.QUIET
    assert (first["tokyo"].day, second["tokyo"].day) == (TUESDAY.date() - DAY, TUESDAY.date()), "evening by evening"
    assert "11. Februar 2025" in (data_dir / "digests" / "tokyo" / "2025-02-11.txt").read_text("utf-8")
    assert second["week"].state is DigestState.NOT_DUE

    third = by_id(make_digests(settings, TUESDAY + 2 * DAY))
    assert third["week"].state is DigestState.MADE, "the first Thursday after watching began"
    assert news(third["week"]) == [("new", "Australia"), ("new", "Italy"), ("proposed", "South Korea")]
    assert [record.number for record in records(folder_of(data_dir, "daily"))] == [1, 2, 3]


def test_what_is_unsure_is_held_until_it_is_sure(tmp_path: Path) -> None:
    settings = site(tmp_path, '[[subscription]]\nid = "sure"\nunsure = "hold"\n')
    one, other = told(0), told(10, source="beta")
    doubtful = tuple((of, replace(end, mentions=(replace(end.mentions[0], score=0.3),))) for of, end in (one, other))
    publish(tmp_path, 0, doubtful[0])
    (first,) = make_digests(settings, TUESDAY)
    assert first.news == 0
    found = preview_digest(settings, TUESDAY, subscriptions(settings)[0])
    assert found.findings.held == 0, "it was held back when it was new"
    publish(tmp_path, 24, doubtful[1])
    (second,) = make_digests(settings, TUESDAY + DAY)
    assert news(second) == [(News.NEW.value, "Italy")]


def test_what_is_wanted_at_once_is_made_at_each_publishing_and_once(data_dir: Path, days: list[Path]) -> None:
    settings = site(
        data_dir, '[[subscription]]\nid = "now"\ncadence = "at once"\ncountries = ["AU"]\n[[subscription]]\nid = "b"\n'
    )
    assert [report.state for report in make_digests(settings, TUESDAY, cadence=Cadence.AT_ONCE)] == ["quiet"]
    stand = stand_of(folder_of(data_dir, "now"))
    assert (stand.record, stand.seen is not None) == (None, True), "what was looked through is not looked through again"
    later(data_dir, days)
    made = [make_digests(settings, TUESDAY + HOUR * n / 4, cadence=Cadence.AT_ONCE)[0] for n in range(3)]
    assert [report.state for report in made] == ["made", "quiet", "quiet"]
    assert made[0].files[-1].name == "2025-02-11T070000Z.json"
    assert made[0].next_at is None
    assert records(folder_of(data_dir, "b")) == [], "the others wait for their time"
    settings.subscriptions.write_text("[[subscription]]\nid = 3\n")
    assert digests_at_once(settings) == [], "no run fails for a subscription that can't be read"


def test_a_subscription_that_can_not_be_made_costs_the_others_nothing(data_dir: Path) -> None:
    settings = site(data_dir)
    (data_dir / "digests").mkdir()
    (data_dir / "digests" / "italy").write_text("a file in the way")
    found = by_id(make_digests(settings, TUESDAY))
    assert found["italy"].state is DigestState.FAILED
    assert {found[name].state for name in ("daily", "two", "sure", "now")} == {DigestState.MADE}
    with pytest.raises(ArchiveError, match="the digest of italy can't be made"):
        require_made(list(found.values()))
    (data_dir / "digests" / "italy").unlink()
    assert by_id(make_digests(settings, TUESDAY))["italy"].state is DigestState.MADE


def test_mails_lie_in_the_outbox_before_the_record_names_them(data_dir: Path) -> None:
    declared = '[[subscription]]\nid = "desk"\nrecipients = ["a@example.org", "b@example.org", "c@example.org"]\n'
    unset = site(data_dir, declared)
    (report,) = make_digests(unset, TUESDAY)
    assert (report.state, report.mails) == (DigestState.MADE, 0)
    assert dict(report.unsent)["a@example.org"] == "mail.host is not set"
    assert json.loads(report.files[-1].read_bytes())["unsent"] == dict(report.unsent)

    settings = site(data_dir, declared, host="mail.example.org", sender="digest@example.org")
    (report,) = make_digests(settings, TUESDAY + DAY)
    assert (report.mails, report.unsent) == (3, ())
    batch = batch_of(json.loads(report.files[-1].read_bytes()), "desk", report.files[-1].stem)
    mails = [Outbox(data_dir).message(entry) for entry in batch.entries]
    assert [f"To: {entry.to}".encode() in mail for entry, mail in zip(batch.entries, mails, strict=True)] == [True] * 3
    assert len({entry.key for entry in batch.entries}) == 3

    broken = site(data_dir, declared, host="mail.example.org", sender="nobody")
    (failed,) = make_digests(broken, TUESDAY + 2 * DAY)
    assert (failed.state, failed.files) == (DigestState.FAILED, ()), "nothing is recorded that could not be sent"
    assert "mail.sender" in failed.error


def test_records_of_before_are_gone_on_with_and_notes_can_be_lost(data_dir: Path, days: list[Path]) -> None:
    settings = site(data_dir, '[[subscription]]\nid = "daily"\n')
    (first,) = make_digests(settings, TUESDAY)
    record = first.files[-1]
    old = json.loads(record.read_bytes())
    # As they were when there was one digest and no mail.
    record.write_text(json.dumps({key: value for key, value in old.items() if key not in ("mails", "unsent")}))
    (data_dir / "digests" / LATEST).unlink()
    later(data_dir, days)
    (second,) = make_digests(settings, TUESDAY + DAY)
    assert (second.number, news(second)) == (2, [("new", "Australia")])
    # Killed between the record and the note: the note is behind, or torn.
    for note in ('{"name": "2025-02-11", "records": 1, "seen": null}', "{", '{"name": "2020-01-01", "records": 2}'):
        (data_dir / "digests" / LATEST).write_text(note)
        stand = stand_of(data_dir / "digests")
        assert stand.record is not None
        assert stand.record.number == 2
    (third,) = make_digests(settings, TUESDAY + 2 * DAY)
    assert (third.number, news(third)) == (3, [])


def test_no_time_and_no_such_subscription_are_said(data_dir: Path) -> None:
    settings = site(data_dir)
    quiet = settings.model_copy(update={"serve": ServeSettings(timezone="UTC", digest_at=None)})
    (only,) = make_digests(quiet, TUESDAY + 4 * HOUR, only="tokyo")
    assert only.state is DigestState.MADE, "it has a time of its own"
    with pytest.raises(InputError, match="no time is set"):
        make_digests(quiet, TUESDAY, only="italy")
    with pytest.raises(InputError, match="is not enabled"):
        make_digests(settings, TUESDAY, only="off")
    with pytest.raises(InputError, match="no subscription itly"):
        make_digests(settings, TUESDAY, only="itly")
    assert named((BUILT_IN,), "daily").at is None
    assert ServeSettings().digest_at == time(7)


def test_the_command_shows_previews_and_sends_a_test(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = certificates(tmp_path)("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    config = tmp_path / "clampdown.toml"
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    (tmp_path / "subscriptions.toml").write_text(DECLARED)

    def run(*args: str) -> str:
        done = clampdown("-c", str(config), *args, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout

    with mail_server(tls(keys), login=True) as server:
        config.write_text(
            f'data_dir = "{data_dir}"\n[serve]\ntimezone = "UTC"\n[mail]\nhost = "127.0.0.1"\nport = {server.port}\n'
            f'security = "starttls"\nuser = "{USER}"\npassword_file = "{password}"\nsender = "digest@example.org"\n'
            'public_url = "https://news.example.org"\n'
        )
        assert "Italy" in run("subscriptions", "list")
        assert run("digest", "--preview", "-s", "italy").startswith("Clampdown")
        gist, *written = run("digest", "--preview", "-s", "italy", str(tmp_path / "look")).splitlines()
        assert re.fullmatch(r"Clampdown · Italy, .*: .*(new|learned of late|unsure).*", gist)
        assert sorted(Path(one).name for one in written) == ["mail.html", "mail.txt", "page.html"]
        assert not (data_dir / "digests").exists()
        sent = json.loads(run("digest", "-s", "two", "--to", "me@example.org", "--json"))
        assert (sent["to"], sent["state"]) == ("me@example.org", "sent")
        (mail,) = server.mails
        assert str(mail.message["Subject"]).startswith("Test: Clampdown")
        assert (mail.user, mail.encrypted) == (USER, True)
        made = json.loads(run("digest", "--json"))["digests"]
        assert {one["subscription"]: one["state"] for one in made}["italy"] == "made"
        assert "subscription" in run("digest"), "a table of all"
        assert len(server.mails) == 1, "nobody is subscribed"
    for args, said in (
        (("digest", "out"), "A folder goes with --preview"),
        (("digest", "--preview"), "Give --subscription: there are daily, italy"),
        (("digest", "-s", "itly"), "Did you mean italy?"),
        (("subscriptions", "add", "Desk"), "an id has small letters"),
    ):
        done = clampdown("-c", str(config), *args, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr


def test_subscriptions_are_added_shown_checked_and_removed(tmp_path: Path) -> None:
    def run(*args: str) -> tuple[object, str]:
        done = clampdown("subscriptions", *args, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    code, said = run(
        "add", "policy-desk", "--country", "russia", "--service", "tiktok", "--to", "a@example.org",
        "--cadence", "weekly", "--hook", "https://hooks.example.org/T0/secret", "--template", "slack",
        "--secret-env", "NO_SUCH_VARIABLE",
    )  # fmt: skip
    assert code == 0
    assert 'countries = ["RU"]' in said
    assert "secret" not in said.replace("secret_env", ""), "the address of a hook is as good as a password"
    for command in ("list", "show policy-desk", "list --json"):
        code, said = run(*command.split())
        assert (code, "policy-desk" in said, "T0/secret" in said) == (0, True, False)
    code, said = run("check")
    assert code == 1
    for words in ("mail.host", "can't unsubscribe", "NO_SUCH_VARIABLE"):
        assert words in said
    assert run("remove", "policy-desk")[0] == 0
    assert run("check") == (0, "subscriptions.toml: 1 declared, 1 enabled\nAll of them can be made and sent.\n")
    code, said = run("add", "dry", "--category", "vpn", "--dry-run")
    assert (code, "dry" in (tmp_path / "subscriptions.toml").read_text()) == (0, False)


def test_a_digest_that_is_held_back_says_so(data_dir: Path) -> None:
    settings = site(data_dir, '[[subscription]]\nid = "sure"\nunsure = "hold"\nmin_score = 0.95\n')
    found = preview_digest(settings, TUESDAY, subscriptions(settings)[0])
    assert found.is_quiet
    assert as_text(found).startswith("Clampdown")
