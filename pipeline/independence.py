"""How many voices speak: stories that neither carry the same text nor come from the same house.

An outlet that reports twice is one witness, and so are two outlets of one owner. Stories are put together where an
owner carries both; what remains apart is independent. One wire text that a hundred owners print ties these hundred
together for as far as it is counted, so their own reports on the same matter add nothing: too few voices are counted
rather than too many.
"""

from collections.abc import Iterable


def publisher(owner: str | None, source_id: str) -> str:
    """Return who answers for a source: its owner, spelling put aside, or the source itself where none is named."""
    return " ".join((owner or "").split()).casefold() or source_id


def voices(pairs: Iterable[tuple[str, str]]) -> int:
    """Return how many independent voices there are among `pairs` of story id and owner; 0 for none."""
    return len(set(voice_of(pairs).values()))


def voice_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Story id → its voice, named by the first story id of those that it is tied to, itself included.

    Stories are tied where they share an owner, directly or by way of others. The order of `pairs` doesn't matter.
    """
    parents: dict[str, str] = {}
    first_of: dict[str, str] = {}
    for story, owner in pairs:
        parents.setdefault(story, story)
        one, other = sorted((_root(parents, story), _root(parents, first_of.setdefault(owner, story))))
        parents[other] = one
    return {story: _root(parents, story) for story in parents}


def _root(parents: dict[str, str], story: str) -> str:
    while parents[story] != story:
        parents[story] = parents[parents[story]]
        story = parents[story]
    return story
