"""What the registry says of two names: one body, one part of the other, or two; and where it says nothing."""

import pytest

from extractors import registries
from pipeline.lineage import Lineage
from pipeline.matching import Comparison, Verdict, judge
from pipeline.names import Relation, group_names, reduce_name
from pipeline.statements import read_statement
from pipeline.types import ActorKind, Body
from tests.test_events import told

BODIES = (
    Body("ministry", "Ruritania Ministry of Ports", ("ports ministry", "MoP"), ActorKind.MINISTRY, "IT"),
    Body("agency", "Harbour Agency", ("harbour watchdog",), ActorKind.REGULATOR, "IT", part_of="ministry"),
    Body("bureau", "Bureau of Buoys", (), ActorKind.REGULATOR, "IT", part_of="agency"),
    Body("rival", "Harbour Agency for Fish", (), ActorKind.REGULATOR, "IT"),
    Body("high-court", "High Court of Italy", ("court",), ActorKind.COURT, "IT"),
    Body("firm", "Harbour Agency", (), ActorKind.COMPANY, "US"),
    Body("ring-a", "Ring A", (), ActorKind.OTHER, "IT", part_of="ring-b"),
    Body("ring-b", "Ring B", (), ActorKind.OTHER, "IT", part_of="ring-a"),
)
LINEAGE = Lineage(BODIES)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Ports Ministry", "MoP", Relation.SAME),
        ("the harbour watchdog", "Harbour Agency", Relation.SAME),
        ("Harbour Agency", "Ports Ministry", Relation.PART_OF),
        ("Bureau of Buoys", "Ports Ministry", Relation.PART_OF),
        ("Bureau of Buoys", "Italy", Relation.PART_OF),
        ("Harbour Agency", "Harbour Agency for Fish", Relation.DIFFERENT),
        ("Ring A", "Ring B", Relation.PART_OF),
        ("High Court", "High Court of Italy", Relation.SAME),
        ("court", "High Court of Italy", Relation.UNKNOWN),
        # One side is not registered: the words decide.
        ("Bureau of Buoys", "Bureau of Buoys and Lamps", Relation.PART_OF),
        ("Bureau of Buoys", "Office of Lamps", Relation.DIFFERENT),
    ],
)
def test_relation(a: str, b: str, expected: Relation) -> None:
    assert LINEAGE.relate(a, b, "IT", "IT") is expected
    assert LINEAGE.relate(b, a, "IT", "IT") is expected


def test_a_name_means_the_body_of_its_country_only() -> None:
    assert LINEAGE.relate("Harbour Agency", "Harbour Agency", "IT", "FR") is Relation.DIFFERENT
    assert LINEAGE.settle(reduce_name("Harbour Agency", "IT")).id == "agency"
    assert LINEAGE.settle(reduce_name("Harbour Agency", None)).id == "firm"
    assert LINEAGE.settle(reduce_name("Harbour Agency", "FR")).id is None


def test_names_of_one_registered_body_are_grouped() -> None:
    names = [LINEAGE.settle(reduce_name(name, "IT")) for name in ("harbour watchdog", "Harbour Agency")]
    assert len(set(group_names(names).values())) == 1
    assert not any(name.is_descriptive for name in names)


def test_a_registered_body_is_judged_by_what_it_is_part_of() -> None:
    a = told(1, actor="Harbour Agency", date="2025-01-30")
    same, whole, other = (
        told(2, actor=name, date="2025-01-30") for name in ("Harbour Watchdog", "MoP", "Harbour Agency for Fish")
    )
    assert judge(a, same, LINEAGE).verdict is Verdict.SAME
    assert judge(a, whole, LINEAGE).verdict is Verdict.UNSURE
    assert judge(a, other, LINEAGE).verdict is Verdict.DIFFERENT
    assert Comparison([read_statement(one, LINEAGE) for one in (a, whole)]).different[0, 1]


def test_the_bundled_registry_is_read() -> None:
    lineage = Lineage(registries.bodies())
    assert lineage.relate("Garante", "Italian privacy watchdog", "IT", "IT") is Relation.SAME
    assert lineage.relate("Garante", "AGCOM", "IT", "IT") is Relation.DIFFERENT
    assert lineage.relate("National Security Agency", "Pentagon", "US", "US") is Relation.PART_OF
    for body in registries.bodies():
        country = None if body.kind in (ActorKind.COMPANY, ActorKind.APP_STORE) else body.country
        assert lineage.settle(reduce_name(body.name, country)).id in (body.id, None)
