"""Which names mean one body."""

import pytest

from pipeline.country_words import COUNTRY_OF, COUNTRY_WORDS
from pipeline.names import Relation, group_names, reduce_name, same_body

GARANTE = "Garante per la protezione dei dati personali"

SAME = [
    ("Meta Platforms, Inc.", "US", "meta platforms", "US"),
    ("The Guardian", "GB", "Guardian", "GB"),
    ("Samsung Electronics Co., Ltd.", "KR", "Samsung Electronics", "KR"),
    ("Agencia Española de Protección de Datos", "ES", "Agencia Espanola de Proteccion de Datos", "ES"),
    ("South Korea Ministry of Trade", "KR", "Ministry of Trade", "KR"),
    ("South Korea Ministry of Trade, Industry and Energy", "KR", "Trade, Industry & Energy Ministry", "KR"),
    ("UK Ministry of Defence", "GB", "Ministry of Defense", "GB"),
    ("Irish Data Protection Commission", "IE", "Ireland Data Protection Commission", None),
    (
        "Personal Information Protection Commission (South Korea)",
        "KR",
        "Korean Personal Information Protection Commission",
        "KR",
    ),
    ("Supreme Court of India", "IN", "India Supreme Court", "IN"),
    ("State Committee for National Security of Kyrgyzstan", "KG", "Kyrgyz State Committee for National Security", "KG"),
    ("United States Federal Communications Commission", "US", "U.S. Federal Communications Commission", "XX"),
    ("FCC", "US", "Federal Communications Commission", "US"),
    ("CNIL", "FR", "Commission nationale de l'informatique et des libertés", "FR"),
    ("TRAI", "IN", "Telecom Regulatory Authority of India", "IN"),
    ("Autoridade Nacional de Proteção de Dados (ANPD)", "BR", "Brazil National Data Protection Authority (ANPD)", "BR"),
    ("Italy", "IT", "Italian government", "IT"),
    ("Germany Federal Ministry of the Interior", "DE", "Interior Ministry", "DE"),
    ("X", "US", "X", "US"),
    ("Bank of China", "CN", "Bank of China", "CN"),
]

PART_OF = [
    ("Italy", "IT", GARANTE, "IT"),
    ("United States", "US", "Texas", "US"),
    ("European Union", "EU", "European Commission", "EU"),
    ("New York", "US", "New York City Department of Education", "US"),
    ("United States District Court", "US", "United States", "US"),
]

UNKNOWN = [
    (None, "IT", GARANTE, "IT"),
    (None, None, None, None),
    ("court", "IN", "court", "IN"),
    ("Indian court", "IN", "Madras High Court", "IN"),
    ("Ministry", "FJ", "Fiji Ministry of Health", "FJ"),
    ("Italy data protection authority", "IT", GARANTE, "IT"),
    ("telecommunications regulator", "KH", "Cambodia Ministry of Posts", "KH"),
]

DIFFERENT = [
    ("South Korea Ministry of Trade", None, "Japan Ministry of Trade", None),
    ("Ministry of Communications", "GH", "Ministry of Communications", "IQ"),
    ("Georgia", "US", "Georgia", "GE"),
    ("Italy", "IT", "France", "FR"),
    ("Niger", "NE", "Nigeria", "NG"),
    ("European Commission", "EU", "European Parliament", "EU"),
    ("South Korea Ministry of Foreign Affairs", "KR", "South Korea Ministry of National Defense", "KR"),
    ("PTA", "UZ", "Pakistan Telecommunication Authority", "PK"),
    ("courts", "IN", "regulators", "IN"),
    ("Madras High Court", "IN", "Delhi High Court", "IN"),
    ("Texas", "US", "New York", "US"),
]


@pytest.mark.parametrize(
    ("a", "country_a", "b", "country_b", "expected"),
    [
        (*case, relation)
        for relation, cases in (
            (Relation.SAME, SAME),
            (Relation.PART_OF, PART_OF),
            (Relation.UNKNOWN, UNKNOWN),
            (Relation.DIFFERENT, DIFFERENT),
        )
        for case in cases
    ],
)
def test_relation_of_two_names(
    a: str | None, country_a: str | None, b: str | None, country_b: str | None, expected: Relation
) -> None:
    assert same_body(a, b, country_a=country_a, country_b=country_b) is expected
    assert same_body(b, a, country_a=country_b, country_b=country_a) is expected


def test_a_name_without_country_joins_the_one_country_that_has_it() -> None:
    known, bare = reduce_name("Ghana Ministry of Communications", "GH"), reduce_name("Ministry of Communications", "XX")
    other = reduce_name("Ministry of Communications", "IQ")
    assert group_names([known, bare])[bare] == known
    assert group_names([known, bare, other])[bare] == bare


def test_an_acronym_joins_the_one_name_it_can_stand_for() -> None:
    acronym = reduce_name("FSC", "XX")
    korean = reduce_name("Financial Services Commission", "KR")
    taiwanese = reduce_name("Financial Supervisory Commission", "TW")
    assert group_names([acronym, korean])[acronym] == korean
    assert group_names([acronym, korean, taiwanese])[acronym] == acronym


def test_grouping_ignores_order() -> None:
    names = [reduce_name(a, country) for a, country, _, _ in SAME] + [reduce_name(b, c) for _, _, b, c in SAME]
    assert group_names(names) == group_names(reversed(names))


def test_country_words_are_unique_and_plain() -> None:
    forms = [form for some in COUNTRY_WORDS.values() for form in some]
    assert len(forms) == len(set(forms)) == len(COUNTRY_OF)
    assert all(word.isascii() and word == word.casefold() for form in forms for word in form)
    assert len(COUNTRY_WORDS) > 180
