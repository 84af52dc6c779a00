"""Tables `story_members` and `story_bands`: which articles carry the same text, and what finds copies.

Stories depend on which articles are stored, not on when they came. A new article finds its parent among those that are
stored, and may become the parent of some of them; what is stored about all others stays as it is.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pipeline.errors import WarehouseError
from pipeline.stories import Body, Parent, bands, digest, is_likely, number, order, proves, sign, similarity, story_id
from pipeline.types import EntryResult, body_of
from warehouse.database import Database, storable
from warehouse.tables import articles

COLUMNS = (
    "story_id", "article_id", "signature", "body_hash", "body", "digest", "published_on", "parent_id", "similarity",
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
    digest: bytes
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


@dataclass(frozen=True, slots=True)
class _Signed:
    """A body with what `pipeline.stories.sign` makes of it."""

    body: str
    body_hash: str
    signature: bytes


@dataclass(slots=True)
class _Changes:
    """Article → its new parent, if any, and the stories that gain or lose a member by that."""

    parents: dict[str, Parent | None] = field(default_factory=dict)
    stories: set[str] = field(default_factory=set)


def place(database: Database, results: Sequence[EntryResult]) -> set[str]:
    """Enter the articles of `results`, which `articles` holds already, each in its story.

    Returns the ids of all articles that were in a story before and are in another now. An article whose body and day
    are stored as they are stays what it is. Call it inside a transaction.
    """
    signed: dict[str, _Signed] = {}
    for result in results:
        article = result.article
        if article is not None:
            if result.signature is None or result.body_hash is None:
                raise WarehouseError(f"{article.url}: the article came without its signature")
            body = body_of(storable(article.title), storable(article.text))
            signed[article.id] = _Signed(body, result.body_hash, result.signature)
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
            moved |= _enter(database, {article_id: _Signed(body, *sign(body)) for article_id, body in bodies.items()})
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


def _enter(database: Database, signed: Mapping[str, _Signed]) -> set[str]:
    if not signed:
        return set()
    stored = {one.article_id: one for one in _select(database, "article_id", "VARCHAR", list(signed))}
    days = database.execute(
        f"SELECT article_id, published_on FROM articles WHERE article_id {_IN.format('VARCHAR')}", [list(signed)]
    )
    coming: dict[str, _Text] = {}
    for article_id, day in days:
        it = signed[article_id]
        named = story_id(article_id)
        member = _Member(article_id, named, number(it.body), it.body_hash, digest(it.signature), day)
        old = stored.get(article_id)
        if old is None or (old.body, old.body_hash, old.day) != (member.body, it.body_hash, day):
            coming[article_id] = _Text(member, it.signature, it.body)
    if not coming:
        return set()
    before = {article_id: stored[article_id].story_id for article_id in coming if article_id in stored}
    orphans = _orphans(database, before, coming)
    _replace(database, coming, {stored[article_id].body for article_id in before})
    changes = _find_parents(database, coming | orphans)
    parents = [
        (child, one and one.article_id, one.similarity if one else 0.0)
        for child, one in changes.parents.items()
        if one is not None or child in orphans
    ]
    database.update("story_members", ("article_id", "parent_id", "similarity"), parents)
    return _name(database, changes.stories | set(before.values()), before) - (coming.keys() - before.keys())


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
        article_id: _Text(replace(one, parent_id=None, similarity=0.0), signatures[article_id], bodies[article_id])
        for article_id, one in found.items()
    }


def _replace(database: Database, coming: Mapping[str, _Text], old_bodies: set[int]) -> None:
    """Store the articles, each as a story of its own for now, and the bands of bodies that are new."""
    if old_bodies:
        database.execute(f"DELETE FROM story_members WHERE article_id {_IN.format('VARCHAR')}", [list(coming)])
    rows = []
    for one in coming.values():
        it = one.member
        rows.append((it.story_id, it.article_id, one.signature, it.body_hash, it.body, it.digest, it.day, None, 0.0))
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


def _find_parents(database: Database, placed: Mapping[str, _Text]) -> _Changes:
    """The parents of all of `placed`, and of those that get one of them as a better parent."""
    near = _neighbours(database, placed.values())
    changes = _Changes()
    challenged: dict[str, tuple[_Member, Parent, str]] = {}
    firsts: dict[int, _Member] = {}
    for one in placed.values():
        it = one.member
        firsts[it.body] = min(firsts.get(it.body, it), it, key=lambda member: member.order)
    for article_id, one in placed.items():
        best: tuple[Parent, str] | None = None
        for alike, others in near[one.member.body]:
            first = others[0]
            if first.order < one.member.order:
                parent = Parent(first.article_id, first.day, alike)
                best = (parent, first.story_id) if best is None or parent.rank < best[0].rank else best
            if firsts[one.member.body] is not one.member:
                continue  # Of articles with one body, the first is the best parent of any.
            challenger = Parent(article_id, one.member.day, alike)
            for other in others[bisect_left(others, one.member.order, key=lambda member: member.order) :]:
                if other.article_id in placed or alike < other.similarity:
                    continue
                known = challenged.get(other.article_id)
                if known is None or challenger.rank < known[1].rank:
                    challenged[other.article_id] = other, challenger, one.member.story_id
        changes.parents[article_id] = best and best[0]
        changes.stories |= {one.member.story_id} | ({best[1]} if best else set())
    days = _days(database, [child.parent_id for child, _, _ in challenged.values() if child.parent_id is not None])
    for article_id, (child, challenger, named) in challenged.items():
        if child.parent_id is not None:
            standing = Parent(child.parent_id, days[child.parent_id], child.similarity)
            if standing.rank <= challenger.rank:
                continue
        changes.parents[article_id] = challenger
        changes.stories |= {child.story_id, named}
    return changes


def _neighbours(database: Database, placed: Iterable[_Text]) -> dict[int, list[tuple[float, list[_Member]]]]:
    """Body → the similarities of the copies of it that are stored, each with its articles in order."""
    texts = {one.member.body: one for one in placed}
    pairs = _candidates(database, {body: one.bands for body, one in texts.items()})
    members: dict[int, list[_Member]] = defaultdict(list)
    wanted = {other for _, other in pairs} | texts.keys()
    for member in _select(database, "body", "UBIGINT", sorted(wanted)):
        members[member.body].append(member)
    for some in members.values():
        some.sort(key=lambda member: member.order)
    near: dict[int, list[tuple[float, list[_Member]]]] = {body: [] for body in texts}
    for body, one in texts.items():
        if proves(one.signature):
            near[body].append((1.0, members[body]))
    likely: list[tuple[int, int]] = []
    for body, other in pairs:
        mine, theirs = members[body][0], members[other][0]
        if mine.body_hash == theirs.body_hash:
            near[body].append((1.0, members[other]))
        elif is_likely(mine.digest, theirs.digest):
            likely.append((body, other))
    asked = {members[other][0].article_id: other for _, other in likely if other not in texts}
    bodies = {asked[article_id]: Body(body) for article_id, body in _bodies(database, list(asked)).items()}
    bodies |= {body: Body(one.body) for body, one in texts.items()}
    compared: dict[tuple[int, int], float | None] = {}
    for body, other in likely:
        pair = min(body, other), max(body, other)
        if pair not in compared:
            compared[pair] = similarity(bodies[body], bodies[other])
        alike = compared[pair]
        if alike is not None:
            near[body].append((alike, members[other]))
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


def _name(database: Database, touched: Collection[str], before: Mapping[str, str]) -> set[str]:
    """Name the stories `touched` after their roots again. Returns the articles whose story is another now.

    `before` tells the former stories of articles that have been entered anew.
    """
    rows = database.execute(
        f"SELECT article_id, parent_id, story_id FROM story_members WHERE story_id {_IN.format('VARCHAR')} "
        "AND body IS NOT NULL",
        [sorted(touched)],
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
        "SELECT article_id, story_id, coalesce(body, 0), body_hash, digest, published_on, parent_id, similarity "
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


def _bodies(database: Database, article_ids: Sequence[str]) -> dict[str, str]:
    """Article id → its body, as it is stored."""
    found: dict[str, str] = {}
    where, parts = articles.rows_of(database, article_ids)
    for some in parts:
        for article_id, title, text in database.execute(
            f"SELECT article_id, title, text FROM articles WHERE {where}", [some]
        ):
            found[article_id] = body_of(title, text)
    return found
