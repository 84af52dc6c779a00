"""Tables `happenings` and `unsure_pairs`: what the machine holds to be one, and what it leaves to a person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pipeline.happenings import Happening, Reach
from pipeline.unsure import UnsurePair
from warehouse.database import Database

COLUMNS = (
    "happening_id", "event_id", "block", "month", "last_month", "first_day", "last_day", "bodies", "ends_id",
)  # fmt: skip
UNSURE_COLUMNS = ("happening_a", "happening_b", "block", "month", "points", "why", "mention_a", "mention_b")


def within(database: Database, reaches: Mapping[str, Sequence[Reach]], since: Mapping[str, str]) -> set[str]:
    """Return the happenings of some blocks, from before their months `since`, that one of their reaches can hold.

    Some more may be among them: what a happening has become since is taken for what it was.
    """
    blocks = [(block, since[block], min(reach.since for reach in some)) for block, some in reaches.items() if some]
    named: dict[tuple[str, str], int] = {}
    for block, some in reaches.items():
        for reach in some:
            for body, told in reach.bodies.items():
                named[block, body] = min(told, named.get((block, body), told))
    bodies = [(*key, _day(told)) for key, told in sorted(named.items())]
    days = [(block, *span) for block, some in reaches.items() for span in _joined(some)]
    rows = database.execute(
        """
        WITH touched AS (
            SELECT unnest($1::JSON::VARCHAR[]) AS block, unnest($2::JSON::VARCHAR[]) AS month,
                unnest($3::JSON::VARCHAR[]) AS recent
        ),
        named AS (
            SELECT unnest($4::JSON::VARCHAR[]) AS block, unnest($5::JSON::VARCHAR[]) AS body,
                unnest($6::JSON::DATE[]) AS told
        ),
        dated AS (
            SELECT unnest($7::JSON::VARCHAR[]) AS block, unnest($8::JSON::DATE[]) AS first,
                unnest($9::JSON::DATE[]) AS last
        ),
        old AS (
            SELECT h.*, touched.recent FROM happenings AS h JOIN touched USING (block) WHERE h.month < touched.month
        )
        SELECT happening_id FROM old WHERE last_month = '' OR last_month >= recent
        UNION
        SELECT happening_id FROM (SELECT happening_id, block, last_day, unnest(bodies) AS body FROM old) JOIN named
            USING (block, body) WHERE last_day IS NULL OR last_day >= told
        UNION
        SELECT happening_id FROM old JOIN dated ON old.block = dated.block AND old.first_day <= dated.last
            AND old.last_day >= dated.first
        """,
        [
            *(list(column) for column in _columns(blocks, 3)),
            *(list(column) for column in _columns(bodies, 3)),
            *(list(column) for column in _columns(days, 3)),
        ],
    )
    return {str(happening_id) for (happening_id,) in rows}


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _joined(reaches: Sequence[Reach]) -> list[tuple[str, str]]:
    """The spans of days of some reaches, joined where they overlap."""
    joined: list[list[int]] = []
    for first, last in sorted(span for reach in reaches for span in reach.days):
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return [(_day(first), _day(last)) for first, last in joined]


def _day(ordinal: int) -> str:
    return date.fromordinal(min(max(ordinal, date.min.toordinal()), date.max.toordinal())).isoformat()


def tied(database: Database, happening_ids: Iterable[str]) -> set[str]:
    """Return the happenings that rulings tie to some others: what these struck down, and what struck these down."""
    rows = database.execute(
        """
        WITH wanted AS (SELECT unnest(?::JSON::VARCHAR[]) AS id)
        SELECT happening_id FROM happenings WHERE ends_id IN (FROM wanted)
        UNION
        SELECT ends_id FROM happenings WHERE happening_id IN (FROM wanted) AND ends_id IS NOT NULL
        """,
        [sorted(happening_ids)],
    )
    return {str(happening_id) for (happening_id,) in rows}


def ends(database: Database, happening_ids: Iterable[str]) -> dict[str, str]:
    """Happening id → the happening that it struck down, for those that struck one down."""
    rows = database.execute(
        "SELECT happening_id, ends_id FROM happenings "
        "WHERE ends_id IS NOT NULL AND happening_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [sorted(happening_ids)],
    )
    return dict(rows)


def events_of(database: Database, happening_ids: Iterable[str]) -> dict[str, str]:
    """Happening id → the event to which it belongs, for those that are stored."""
    rows = database.execute(
        "SELECT happening_id, event_id FROM happenings WHERE happening_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [sorted(happening_ids)],
    )
    return dict(rows)


def of_events(database: Database, event_ids: Iterable[str]) -> set[str]:
    """The happenings of some events."""
    rows = database.execute(
        "SELECT happening_id FROM happenings WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [sorted(event_ids)],
    )
    return {str(happening_id) for (happening_id,) in rows}


def of_mentions(database: Database, mention_ids: Iterable[str]) -> dict[str, str]:
    """Mention id → the happening that it is stored in."""
    rows = database.execute(
        "SELECT mention_id, happening_id FROM event_mentions "
        "WHERE happening_id IS NOT NULL AND mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [sorted(mention_ids)],
    )
    return dict(rows)


def replace(
    database: Database, gone: Iterable[str], blocks: Mapping[str, str], current: Sequence[tuple[Happening, str]]
) -> None:
    """Put `current` (happenings with their events) in the place of those with their ids and of those `gone`.

    `blocks` says to which block each happening belongs.
    """
    ids = {h.id for h, _ in current} | set(gone)
    database.execute("DELETE FROM happenings WHERE happening_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [sorted(ids)])
    rows = []
    for h, event_id in current:
        span = h.span
        first, last = (None, None) if span is None else (_day(span[0]), _day(span[1]))
        rows.append((h.id, event_id, blocks[h.id], h.month, h.last_month, first, last, sorted(h.bodies), h.ends))
    database.insert("happenings", COLUMNS, rows)


def replace_unsure(database: Database, since: Mapping[str, str], pairs: Sequence[UnsurePair]) -> None:
    """Put `pairs` in the place of the open questions of some blocks, each block from its month on."""
    database.execute(
        """
        DELETE FROM unsure_pairs USING (
            SELECT unnest($1::JSON::VARCHAR[]) AS block, unnest($2::JSON::VARCHAR[]) AS month
        ) AS touched
        WHERE unsure_pairs.block = touched.block AND unsure_pairs.month >= touched.month
        """,
        [list(since), list(since.values())],
    )
    rows = [
        (one.happening_a, one.happening_b, one.block, one.month, one.points, one.why, one.mention_a, one.mention_b)
        for one in pairs
    ]
    database.insert("unsure_pairs", UNSURE_COLUMNS, rows)
