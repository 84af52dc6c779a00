"""Bringing what an older program has stored up to what this one knows of mentions, stories and events."""

from pipeline.statements import block_of
from pipeline.types import ActorKind
from warehouse import resolving
from warehouse.database import Database
from warehouse.tables import contexts, mentions, stories

_OUTDATED = "SELECT mention_id FROM mentions WHERE NOT contains(block, '|')"


def catch_up(database: Database) -> None:
    """Fill what later schemas have added, and resolve mentions that were stored under the service alone."""
    moved = stories.complete(database)
    mentions.fill_contexts(database)
    outdated = [mention_id for (mention_id,) in database.execute(_OUTDATED)]
    if not outdated and not moved:
        return
    with database.transaction():
        if outdated:
            _move_to_blocks(database, outdated)
        touched = resolving.Touched()
        touched.add(contexts.places(database, outdated))
        touched.add(contexts.of_articles(database, moved))
        last = database.execute("SELECT run_id FROM runs ORDER BY started_at DESC LIMIT 1")
        resolving.resolve(database, last[0][0] if last else "", touched)


def _move_to_blocks(database: Database, mention_ids: list[str]) -> None:
    """Give mentions their blocks, and take the events that they make for happenings, so that their ids lead on."""
    rows = [
        (mention_id, block_of(service, country, actor, None if kind is None else ActorKind(kind)))
        for mention_id, service, country, actor, kind in database.execute(
            "SELECT mention_id, service_canonical, country, actor_canonical, actor_kind FROM mentions "
            "WHERE mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [mention_ids],
        )
    ]
    database.update("mentions", ("mention_id", "block"), rows)
    database.script("UPDATE event_mentions SET happening_id = event_id WHERE happening_id IS NULL")
    database.script(
        """
        INSERT INTO happenings
        SELECT event_id, event_id, block, '', '', NULL, NULL, [], NULL FROM events AS e
        WHERE NOT EXISTS (SELECT 1 FROM happenings AS h WHERE h.happening_id = e.event_id)
        """
    )
