"""Checks of events against their mentions: what is counted anew, who says what they say, and what was known when."""

from itertools import groupby
from operator import itemgetter

from pipeline.independence import publisher, voices
from pipeline.types import SIDE
from warehouse import audit_changes
from warehouse.audit import Asked, Finding, Question
from warehouse.dates import span
from warehouse.tables.history import EVENT_COLUMNS

# What an article has withdrawn does not count, unless every article has.
_STANDING = """
SELECT em.event_id, m.mention_id, m.article_id, m.reported_on, s.story_id, a.source_id
FROM event_mentions AS em JOIN events AS e USING (event_id) JOIN mentions AS m USING (mention_id)
JOIN articles AS a ON a.article_id = m.article_id JOIN story_members AS s ON s.article_id = m.article_id
WHERE m.withdrawn_on IS NULL AND NOT e.retracted
"""

# What an event says → the field by which a person may have set it.
_SAID = {"service_canonical": "service", "actor_canonical": "actor", "action": "action", "country": "country"}


def _counts(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("events"))
    asked.wrong(
        finding,
        f"""
        SELECT e.event_id, e.articles, e.stories, count(DISTINCT s.article_id), count(DISTINCT s.story_id)
        FROM events AS e LEFT JOIN ({_STANDING}) AS s USING (event_id) WHERE NOT e.retracted
        GROUP BY ALL HAVING count(DISTINCT s.article_id) <> e.articles OR count(DISTINCT s.story_id) <> e.stories
        """,
        "event {}: {} articles in {} stories, but its mentions come from {} in {}",
    )
    asked.wrong(
        finding,
        f"""
        SELECT e.event_id FROM events AS e LEFT JOIN ({_STANDING}) AS s USING (event_id) WHERE NOT e.retracted
        GROUP BY e.event_id, e.first_reported, e.last_reported
        HAVING min(s.reported_on) IS DISTINCT FROM e.first_reported
            OR max(s.reported_on) IS DISTINCT FROM e.last_reported
        """,
        "event {}: first and last report are not those of its mentions",
    )
    asked.wrong(
        finding,
        """
        SELECT e.event_id FROM events AS e JOIN event_mentions USING (event_id) JOIN mentions AS m USING (mention_id)
        GROUP BY e.event_id, e.learned_on HAVING min(m.learned_on) IS DISTINCT FROM e.learned_on
        """,
        "event {}: it was not learned of with the first of its mentions",
    )


def _voices(asked: Asked, finding: Finding) -> None:
    """Count voices anew, event by event. One story is one voice, so those need no look."""
    finding.look(asked.count("events"))
    asked.wrong(
        finding,
        "SELECT event_id, stories, voices FROM events WHERE voices > stories OR voices < 1",
        "event {}: {} stories, {} voices",
    )
    owners = dict(asked.rows("SELECT source_id, owner FROM sources"))
    rows = asked.stream(
        f"""
        SELECT DISTINCT s.event_id, e.voices, s.story_id, s.source_id FROM ({_STANDING}) AS s
        JOIN events AS e USING (event_id) WHERE e.stories > 1 ORDER BY s.event_id
        """
    )
    for (event_id, stored), some in groupby(rows, key=itemgetter(0, 1)):
        counted = voices((story_id, publisher(owners.get(source), source)) for _, _, story_id, source in some)
        if counted != stored:
            finding.add(f"event {event_id}: {stored} voices, but {counted} when counted again")


def _fields(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("events"))
    for column, field in _SAID.items():
        asked.wrong(
            finding,
            f"""
            SELECT e.event_id, e.{column} FROM events AS e
            WHERE e.{column} IS NOT NULL AND NOT ('{column}' = 'country' AND e.{column} = 'XX')
                AND (e.event_id, e.{column}) NOT IN (
                    SELECT (em.event_id, m.{column}) FROM event_mentions AS em JOIN mentions AS m USING (mention_id)
                    WHERE m.{column} IS NOT NULL)
                AND (e.event_id, '{field}') NOT IN (SELECT (event_id, field) FROM event_edits)
            """,
            f"event {{}}: none of its mentions says that its {field} is {{}}",
        )
    sides = ", ".join(f"('{action.value}', '{side.value}')" for action, side in SIDE.items())
    asked.wrong(
        finding,
        f"SELECT event_id, action, side FROM events WHERE (action, side) NOT IN ({sides})",
        "event {}: {} is not {}",
    )
    for table in ("events", "event_history", "event_transitions", "transition_history"):
        for value, first, last in asked.rows(f"SELECT DISTINCT date_value, date_from, date_to FROM {table}"):
            if span(value) != (first, last):
                finding.add(f"{table}: {value} is not from {first} to {last}")


def _happenings(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("event_mentions"))
    asked.wrong(
        finding,
        """
        SELECT em.mention_id, em.event_id, h.event_id
        FROM event_mentions AS em JOIN happenings AS h USING (happening_id)
        WHERE em.event_id <> h.event_id
        """,
        "mention {}: in event {}, its happening in {}",
    )
    asked.wrong(
        finding,
        """
        SELECT m.mention_id, m.block, h.block FROM event_mentions AS em JOIN happenings AS h USING (happening_id)
        JOIN mentions AS m USING (mention_id) WHERE m.block <> h.block
        """,
        "mention {}: of block {}, its happening of {}",
    )
    asked.wrong(
        finding,
        """
        SELECT event_id, block FROM events
        WHERE (event_id, block) NOT IN (SELECT (event_id, block) FROM happenings)
        """,
        "event {}: none of its happenings is of its block {}",
    )


def _forwards(asked: Asked, finding: Finding) -> None:
    """That they lead to living events, in one step, is a reference; no round can be among them then."""
    finding.look(asked.count("event_forwards"))
    asked.wrong(
        finding,
        "SELECT old_id FROM event_forwards SEMI JOIN events ON events.event_id = old_id",
        "event {}: it is alive, and forwarded elsewhere",
    )
    asked.wrong(
        finding,
        """
        SELECT event_id FROM event_origins
        ANTI JOIN (SELECT event_id FROM events UNION ALL SELECT old_id FROM event_forwards) USING (event_id)
        """,
        "event {}: it parted from another, but is neither alive nor forwarded",
    )
    asked.wrong(
        finding,
        """
        WITH RECURSIVE steps(old_id, at_id) AS (
            SELECT old_id, new_id FROM event_forwards WHERE new_id IS NOT NULL
            UNION
            SELECT s.old_id, f.new_id FROM steps AS s JOIN event_forwards AS f ON f.old_id = s.at_id
            WHERE f.new_id IS NOT NULL
        )
        SELECT old_id FROM steps WHERE old_id = at_id
        """,
        "event {}: its forward leads back to it",
    )


def _history(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("event_history"))
    asked.wrong(
        finding,
        """
        SELECT event_id, known_from FROM (
            SELECT event_id, known_from, known_to,
                   lead(known_from) OVER (PARTITION BY event_id ORDER BY known_from NULLS FIRST) AS next
            FROM event_history
        ) WHERE known_to IS DISTINCT FROM next OR known_to <= known_from
        """,
        "event {}: a gap or an overlap after what was known from {} on",
    )
    told = [name for name in EVENT_COLUMNS if name not in ("event_id", "known_from", "known_to")]
    fields = ", ".join(told)
    asked.wrong(
        finding,
        f"""
        SELECT event_id FROM (
            SELECT event_id, {fields} FROM events EXCEPT ALL
            SELECT event_id, {fields} FROM event_history WHERE known_to IS NULL
        )
        """,
        "event {}: what is known now is not what it says",
    )


def _steps(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("event_transitions"))
    finding.look(asked.count("transition_history"))
    asked.wrong(
        finding,
        "SELECT event_id, kind, known_from FROM transition_history WHERE known_to <= known_from",
        "event {}: step {} was known from {} on, but not until later",
    )
    asked.wrong(
        finding,
        """
        SELECT event_id FROM event_transitions GROUP BY event_id
        HAVING min(position) <> 0 OR max(position) <> count(*) - 1
        """,
        "event {}: its steps are not counted from 0 on",
    )
    columns = "event_id, kind, status, action, date_value, reported_on, mention_id"
    asked.wrong(
        finding,
        f"""
        SELECT DISTINCT event_id FROM (
            (SELECT {columns} FROM event_transitions
             EXCEPT ALL SELECT {columns} FROM transition_history WHERE known_to IS NULL)
            UNION ALL
            (SELECT {columns} FROM transition_history WHERE known_to IS NULL
             EXCEPT ALL SELECT {columns} FROM event_transitions)
        )
        """,
        "event {}: the steps that are known now are not its steps",
    )


QUESTIONS = (
    Question("counts", "articles, stories and reports of events, counted again from their mentions", _counts),
    Question("voices", "independent voices of events, counted again", _voices),
    Question("fields", "what events say is said by their mentions, or set by a person", _fields),
    Question("happenings", "mentions, happenings and events belong to one block and to each other", _happenings),
    Question("forwards", "old ids of events lead to living ones, and not in a round", _forwards),
    Question("histories", "what was known of events has no gaps, and ends in what they say", _history),
    Question("steps", "steps of events are those that are known now", _steps),
    Question("changes", "the log of changes, followed from nothing, gives the events", audit_changes.look),
)
