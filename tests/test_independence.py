"""Voices: stories that share an owner, directly or by way of others, count once."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.independence import publisher, voice_of, voices

PAIRS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("PQRSTUV")), max_size=14)


def test_copies_and_owners_do_not_add_up() -> None:
    assert voices([]) == 0
    assert voices([("wire", "A"), ("wire", "B"), ("wire", "C")]) == 1
    assert voices([("one", "A"), ("two", "A")]) == 1
    assert voices([("one", "A"), ("two", "B")]) == 2
    # B prints the wire and has a report of its own: whatever else carries the wire is tied to it.
    assert voice_of([("wire", "A"), ("wire", "B"), ("own", "B"), ("apart", "C")]) == {
        "wire": "own",
        "own": "own",
        "apart": "apart",
    }


@given(PAIRS)
def test_voices_are_the_connected_components(pairs: list[tuple[str, str]]) -> None:
    groups: list[set[str]] = []
    for story, owner in pairs:
        joined = {"s" + story, "o" + owner}
        groups, rest = [group for group in groups if not group & joined], [group for group in groups if group & joined]
        groups.append(joined.union(*rest))
    found = voice_of(pairs)
    assert voices(pairs) == len(groups)
    for group in groups:
        stories = {name[1:] for name in group if name.startswith("s")}
        assert {found[story] for story in stories} == {min(stories)}
    assert voice_of(pairs[::-1]) == found


def test_an_unknown_owner_is_the_source_itself() -> None:
    assert publisher(None, "bbc") == publisher("  ", "bbc") == "bbc"
    assert publisher("Example  Media", "a") == publisher("example media", "b") == "example media"
