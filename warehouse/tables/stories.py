"""Tables `story_members` and `story_bands`: which articles carry the same text, and what finds copies.

Stories depend on which articles are stored, not on when they came. A new article finds its parent among those that are
stored, and may become the parent of some of them; what is stored about all others stays as it is.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.errors import WarehouseError
from pipeline.stories import Body, Parent, bands, number, order, proves, sign, similarity, story_id
from pipeline.types import EntryResult, body_of
from warehouse.database import Database

COLUMNS = (
    "story_id", "article_id", "signature", "body_hash", "body", "published_on", "parent_id", "similarity",
)  # fmt: skip
_AT_ONCE = 1000
_IN = "IN (SELECT unnest(?::JSON::{}[]))"


@dataclass(frozen=True, slots=True)
class _Member:
    """An article of a story. `body` is 0 for one that an older schema has stored, until it is placed anew."""

    article_id: str
    story_id: str
    body: int
    body_hash: str
    day: date | None
    parent_id: str | None = None
    similarity: float = 0.0

    @property
    def order(self) -> tuple[bool, date, str]:
        return order(self.day, self.article_id)


@dataclass(frozen=True, slots=True)
class _Text:
    """An article as it is placed."""

    member: _Member
    signature: bytes
    body: str

    @property
    def bands(self) -> list[int]:
        return bands(self.member.body_hash, self.signature)


def place(database: Database, results: Sequence[EntryResult]) -> set[str]:
    """Enter the articles of `results`, which `articles` holds already, each in its story.

    Returns the ids of all articles that were in a story before and are in another now. An article whose body and day
    are stored as they are stays what it is. Call it inside a transaction.
    """
    signed: dict[str, tuple[str, bytes]] = {}
    for result in results:
        if result.article is not None:
            if result.signature is None or result.body_hash is None:
                raise WarehouseError(f"{result.article.url}: the article came without its signature")
            signed[result.article.id] = result.body_hash, result.signature
    return _enter(database, signed)


def complete(database: Database) -> set[str]:
    """Place the articles that an older schema has stored, from their texts. Returns those whose story has changed."""
    moved: set[str] = set()
    while rows := database.execute(
        f"SELECT article_id FROM story_members WHERE body IS NULL ORDER BY article_id LIMIT {_AT_ONCE}"
    ):
        with database.transaction():
            bodies = _bodies(database, [article_id for (article_id,) in rows])
            if len(bodies) < len(rows):
                raise WarehouseError(f"{database.path}: stories name articles that are not stored")
            moved |= _enter(database, {article_id: sign(body) for article_id, (_, body) in bodies.items()})
    return moved


def equal(database: Database, body_hashes: Iterable[str]) -> dict[str, list[str]]:
    """Body hash → the articles that have such a body, in the order of publication, where there are any."""
    found: dict[str, list[str]] = {}
    for body_hash, article_id in database.execute(
        f"SELECT body_hash, article_id FROM story_members WHERE body_hash {_IN.format('VARCHAR')} "
        "ORDER BY published_on NULLS LAST, article_id",
        [sorted(set(body_hashes))],
    ):
        found.setdefault(body_hash, []).append(article_id)
    return found


def _enter(database: Database, signed: Mapping[str, tuple[str, bytes]]) -> set[str]:
    stored = {one.article_id: one for one in _select(database, "article_id", "VARCHAR", list(signed))}
    coming: dict[str, _Text] = {}
    for article_id, (day, body) in _bodies(database, list(signed)).items():
        body_hash, signature = signed[article_id]
        member = _Member(article_id, story_id(article_id), number(body), body_hash, day)
        old = stored.get(article_id)
        if old is None or (old.body, old.body_hash, old.day) != (member.body, body_hash, day):
            coming[article_id] = _Text(member, signature, body)
    if not coming:
        return set()
    before = {article_id: stored[article_id].story_id for article_id in coming if article_id in stored}
    orphans = _orphans(database, before, coming)
    _replace(database, coming, {stored[article_id].body for article_id in before})
    changed = _find_parents(database, coming | orphans)
    parents = [(child, one and one.article_id, one.similarity if one else 0.0) for child, one in changed.items()]
    database.update("story_members", ("article_id", "parent_id", "similarity"), parents)
    return _name(database, changed, before) - (coming.keys() - before.keys())


def _orphans(database: Database, parents: Iterable[str], coming: Collection[str]) -> dict[str, _Text]:
    """The articles whose parents are about to change: they look for a parent anew."""
    found = {one.article_id: one for one in _select(database, "parent_id", "VARCHAR", list(parents))}
    for article_id in found.keys() & coming:
        del found[article_id]
    if not found:
        return {}
    bodies = _bodies(database, list(found))
    signatures = dict(
        database.execute(
            f"SELECT article_id, signature FROM story_members WHERE article_id {_IN.format('VARCHAR')}", [list(found)]
        )
    )
    return {
        article_id: _Text(replace(one, parent_id=None, similarity=0.0), signatures[article_id], bodies[article_id][1])
        for article_id, one in found.items()
    }


def _replace(database: Database, coming: Mapping[str, _Text], old_bodies: set[int]) -> None:
    """Store the articles, each as a story of its own for now, and the bands of bodies that are new."""
    database.execute(f"DELETE FROM story_members WHERE article_id {_IN.format('VARCHAR')}", [list(coming)])
    rows = []
    for one in coming.values():
        it = one.member
        rows.append((it.story_id, it.article_id, one.signature, it.body_hash, it.body, it.day, None, 0.0))
    wanted = {one.member.body: one.bands for one in coming.values() if one.bands}
    held = database.execute(
        f"SELECT DISTINCT body FROM story_members WHERE body {_IN.format('UBIGINT')}", [[*wanted, *old_bodies]]
    )
    database.insert("story_members", COLUMNS, rows)
    known = {body for (body,) in held}
    if gone := old_bodies - known - wanted.keys():
        database.execute(f"DELETE FROM story_bands WHERE body {_IN.format('UBIGINT')}", [sorted(gone)])
    known |= old_bodies - gone
    # One row of the parameter per body, so that the numbers of bodies stand in runs and take no room.
    _insert_bands(database, "story_bands", {body: keys for body, keys in wanted.items() if body not in known})


def _insert_bands(database: Database, table: str, keys: Mapping[int, Sequence[int]]) -> None:
    database.execute(
        f"INSERT INTO {table} SELECT unnest(one.bands), one.body "
        "FROM (SELECT unnest(?::JSON::STRUCT(body UBIGINT, bands UINTEGER[])[]) AS one)",
        [[{"body": body, "bands": list(bands)} for body, bands in keys.items()]],
    )


def _find_parents(database: Database, placed: Mapping[str, _Text]) -> dict[str, Parent | None]:
    """Article → its parent, if any, for all of `placed` and those that get one of them as a better parent."""
    near = _neighbours(database, placed.values())
    found: dict[str, Parent | None] = {}
    challenged: dict[str, tuple[_Member, Parent]] = {}
    for article_id, one in placed.items():
        best: Parent | None = None
        for alike, others in near[one.member.body]:
            first = others[0]
            if first.order < one.member.order:
                parent = Parent(first.article_id, first.day, alike)
                best = parent if best is None or parent.rank < best.rank else best
            challenger = Parent(article_id, one.member.day, alike)
            for other in others[bisect_left(others, one.member.order, key=lambda member: member.order) :]:
                if other.article_id in placed or alike < other.similarity:
                    continue
                known = challenged.get(other.article_id)
                if known is None or challenger.rank < known[1].rank:
                    challenged[other.article_id] = other, challenger
        found[article_id] = best
    days = _days(database, [child.parent_id for child, _ in challenged.values() if child.parent_id is not None])
    for article_id, (child, challenger) in challenged.items():
        if child.parent_id is not None:
            standing = Parent(child.parent_id, days[child.parent_id], child.similarity)
            if standing.rank <= challenger.rank:
                continue
        found[article_id] = challenger
    return found


def _neighbours(database: Database, placed: Iterable[_Text]) -> dict[int, list[tuple[float, list[_Member]]]]:
    """Body → the similarities of the copies of it that are stored, each with its articles in order."""
    texts = {one.member.body: one for one in placed}
    pairs = _candidates(database, {body: one.bands for body, one in texts.items()})
    members: dict[int, list[_Member]] = defaultdict(list)
    wanted = {other for _, other in pairs} | texts.keys()
    for member in _select(database, "body", "UBIGINT", sorted(wanted)):
        members[member.body].append(member)
    hashes = {body: some[0].body_hash for body, some in members.items()}
    # A candidate whose bands are found has an article, but for none but a moment's inconsistency would it lack one.
    asked = {other: members[other][0].article_id for _, other in pairs if other not in texts and other in members}
    unequal = {other for body, other in pairs if other in asked and hashes[body] != hashes[other]}
    stored = _bodies(database, [asked[other] for other in unequal])
    compared = {other: Body(stored[asked[other]][1]) for other in unequal}
    compared |= {body: Body(one.body) for body, one in texts.items()}
    near: dict[int, list[tuple[float, list[_Member]]]] = {body: [] for body in texts}
    for body, one in texts.items():
        if proves(one.signature):
            near[body].append((1.0, sorted(members[body], key=lambda member: member.order)))
    for body, other in pairs:
        if other not in members:
            continue
        alike = 1.0 if hashes[body] == hashes[other] else similarity(compared[body], compared[other])
        if alike is not None:
            near[body].append((alike, sorted(members[other], key=lambda member: member.order)))
    return near


def _candidates(database: Database, keys: Mapping[int, Sequence[int]]) -> list[tuple[int, int]]:
    """The pairs of a body of `keys` and another stored one that share a band."""
    # A table of its own tells the planner that it is the small one of both.
    database.script("CREATE OR REPLACE TEMP TABLE wanted_bands (band UINTEGER, body UBIGINT)")
    _insert_bands(database, "wanted_bands", keys)
    pairs = database.execute(
        "SELECT DISTINCT wanted_bands.body, story_bands.body FROM wanted_bands JOIN story_bands USING (band) "
        "WHERE wanted_bands.body <> story_bands.body ORDER BY ALL"
    )
    database.script("DROP TABLE wanted_bands")
    return [(body, other) for body, other in pairs]


def _name(database: Database, changed: Collection[str], before: Mapping[str, str]) -> set[str]:
    """Name the stories after their roots again, where parents have changed. Returns the articles that moved."""
    rows = database.execute(
        f"""
        WITH touched AS (
            SELECT story_id FROM story_members WHERE article_id {_IN.format("VARCHAR")}
            UNION SELECT unnest(?::JSON::VARCHAR[])
            UNION SELECT story_id FROM story_members WHERE article_id IN (
                SELECT parent_id FROM story_members WHERE article_id {_IN.format("VARCHAR")}
            )
        )
        SELECT article_id, parent_id, story_id FROM story_members
        WHERE story_id IN (SELECT story_id FROM touched) AND body IS NOT NULL
        """,
        [list(changed), sorted(set(before.values())), list(changed)],
    )
    parents = {article_id: parent_id for article_id, parent_id, _ in rows}
    roots: dict[str, str] = {}
    named: dict[str, str] = {}
    for article_id, _, old in rows:
        path = [article_id]
        while path[-1] not in roots and (parent := parents[path[-1]]) is not None:
            path.append(parent)
        root = roots.get(path[-1], path[-1])
        roots |= dict.fromkeys(path, root)
        if (new := story_id(root)) != old:
            named[article_id] = new
    database.update("story_members", ("article_id", "story_id"), list(named.items()))
    now = {article_id: named.get(article_id, old) for article_id, _, old in rows}
    was = {article_id: old for article_id, _, old in rows if article_id in named} | dict(before)
    return {article_id for article_id, old in was.items() if now[article_id] != old}


def _select(database: Database, column: str, kind: str, values: Sequence[object]) -> list[_Member]:
    if not values:
        return []
    rows = database.execute(
        "SELECT article_id, story_id, coalesce(body, 0), body_hash, published_on, parent_id, similarity "
        f"FROM story_members WHERE {column} {_IN.format(kind)}",
        [values],
    )
    return [_Member(*row) for row in rows]


def _days(database: Database, article_ids: Sequence[str]) -> dict[str, date | None]:
    if not article_ids:
        return {}
    return dict(
        database.execute(
            f"SELECT article_id, published_on FROM story_members WHERE article_id {_IN.format('VARCHAR')}",
            [sorted(set(article_ids))],
        )
    )


def _bodies(database: Database, article_ids: Sequence[str]) -> dict[str, tuple[date | None, str]]:
    """Article id → its day and body, as they are stored."""
    if not article_ids:
        return {}
    rows = database.execute(
        f"SELECT article_id, published_on, title, text FROM articles WHERE article_id {_IN.format('VARCHAR')}",
        [article_ids],
    )
    return {article_id: (day, body_of(title, text)) for article_id, day, title, text in rows}
