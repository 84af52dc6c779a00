"""Alerts: each trouble is told once to each channel, and once more when it is over: the rules, and the words."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from alert_cases import AUDIT, FAILING, HERE, HOSTILE, LATE, MINUTE, SILENT, START
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline import alerts
from pipeline.alerts import (
    PATIENCE,
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
from pipeline.problems import Problem, ProblemKind, Severity
from reports.alert_text import body, subject, webhook


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
