"""What the passages around two mentions have in common."""

import random
from dataclasses import replace

from cost import cost
from hypothesis import given
from hypothesis import strategies as st

from pipeline.likeness import NAMES, WORDS, Names, Words, compare_names, compare_words
from pipeline.matching import Comparison
from pipeline.statements import Statement, read_statement
from pipeline.types import Passage
from tests.test_events import told

WORD = st.text("abcdefghij", min_size=3, max_size=5)


def around(words: str, names: str = "", number: int = 0) -> Statement:
    context = told(number)
    return read_statement(replace(context, passage=Passage(frozenset(words.split()), frozenset(names.split()))))


def words_of(a: Statement, b: Statement) -> Words:
    return WORDS[compare_words([a], [b])[0, 0]]


def names_of(a: Statement, b: Statement) -> Names:
    return NAMES[compare_names([a], [b])[0, 0]]


def test_shares_of_words() -> None:
    base = around("inquiry birth dates pupils answers weeks query")
    assert words_of(base, around("inquiries birth dated pupil answered weeks query")) is Words.MANY
    assert words_of(base, around("inquiry storms trains harbour flood bridge lamps")) is Words.SOME
    assert words_of(base, around("storms trains harbour flood bridge lamps")) is Words.FEW
    assert words_of(base, around("inquiry birth")) is Words.UNKNOWN


def test_service_actor_and_country_say_nothing_new() -> None:
    mine, yours = "storms trains harbour flood bridge", "inquiry birth pupils answers query"
    fields = "deepseek garante protezione dati personali italy italian"
    assert words_of(around(f"{mine} {fields}"), around(f"{yours} {fields}")) is Words.FEW
    assert names_of(around("", "deepseek garante italy"), around("", "deepseek garante italy")) is Names.UNKNOWN


def test_names_in_common() -> None:
    base = around("", "stanzione milan rome")
    assert names_of(base, around("", "stanzione rome berlin")) is Names.SEVERAL
    assert names_of(base, around("", "stanzione")) is Names.ONE
    assert names_of(base, around("", "altman")) is Names.NONE
    assert names_of(base, around("")) is Names.UNKNOWN


@given(st.lists(st.frozensets(WORD, max_size=12), min_size=1, max_size=50), st.integers(0, 50))
def test_many_at_once_are_compared_as_each_pair_is(sets: list[frozenset[str]], cut: int) -> None:
    some = [around(" ".join(one), " ".join(one), i) for i, one in enumerate(sets)]
    rows, columns = some[:cut], some[cut:]
    words, names = compare_words(rows, columns), compare_names(rows, columns)
    assert words.shape == names.shape == (len(rows), len(columns))
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            assert WORDS[words[i, j]] is words_of(a, b) is words_of(b, a)
            assert NAMES[names[i, j]] is names_of(a, b) is names_of(b, a)


def test_a_block_of_1500_is_compared_in_a_fraction_of_a_second() -> None:
    rng = random.Random(4)
    vocabulary = [f"word{int(rng.paretovariate(0.4)) % 6000}" for _ in range(20_000)]
    block = []
    for i in range(1500):
        context = told(
            i,
            actor=rng.choice([None, *(f"Italy Ministry of {letter}x" for letter in "ABCDEFGH")]),
            date=f"2025-01-{rng.randrange(1, 29):02d}",
            scope=rng.choice([None, "government devices", "minors", "schools", "Milan", "Rome"]),
        )
        passage = Passage(frozenset(rng.sample(vocabulary, 40)), frozenset(rng.sample(vocabulary, 8)))
        block.append(read_statement(replace(context, passage=passage)))
    with cost() as spent:
        comparison = Comparison(block)
        assert comparison.points.shape == (1500, 1500)
    assert spent.seconds < 2.5, "several times what it takes, so that a busy machine passes"
