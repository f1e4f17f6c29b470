"""Text is equal whatever its case and its Unicode form."""

from __future__ import annotations

import unicodedata

import duckdb
import pytest

from datacat.model.spelling import one_form, one_form_sql
from datacat.query.ask import ask
from datacat.query.plan import plan
from datacat.query.search import search
from datacat.testing.corpus import Corpus
from datacat.testing.oracle import Oracle

NFC, NFD = "Café", unicodedata.normalize("NFD", "Café")


def _corpus() -> Corpus:
    """Five houses: in four the same street and place in other spellings, in the last another one."""
    made = Corpus()
    made.add_label_set("a/one", classes=["Straße", NFD])
    streets = ("Straße", "STRASSE", "straße", "ſtrasse", "Strasbourg")
    places = (NFC, NFD, NFC.upper(), NFD.lower(), "Cafe")
    for number, (street, place) in enumerate(zip(streets, places, strict=True)):
        made.add_asset(f"s3://lake/{number}.png")
        made.list_asset(number, label_set=0, split=place, metadata={"street": street, "place": place})
        made.add_annotation(
            number,
            "house",
            label_set=0,
            attributes={"street": street, "place": place, "all": [street, place], "inner": [{"x": place}]},
            annotator=place,
            text=f"at the {street}, in a {place}",
        )
    return made


ALL, SAME, LAST = [0, 1, 2, 3, 4], [0, 1, 2, 3], [4]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"[{path}{operator}{value}]", found)
        for path, values in (("street", ("Straße", "strasse")), ("place", (NFC, NFD, "CAFÉ")))
        for value in values
        for operator, found in (("=", SAME), ("!=", LAST), (" contains ", SAME), ("<=", ALL), (">", []))
        if path == "place" or operator in "=!= contains "
    ]
    + [
        ("[street in (STRASSE, x)]", SAME),
        ("[street not in (STRASSE, x)]", LAST),
        ("[street=*RASSE]", SAME),
        ("[all contains strasse]", SAME),
        (f"[all(place)={NFD}]", SAME),
        (f"[inner[].{{x={NFD}}}]", SAME),
        (f"[none(inner[].x)={NFC}]", LAST),
        (f"[place~{NFD}$]", SAME),
        ("[place~^cafe]", LAST),
        (f"annotator={NFD}", SAME),
        (f"annotator!={NFC}", LAST),
        (f"annotator={NFC[:3]}*", ALL),
        ('text="at the strasse, in a café"', SAME),
        ("[text contains STRASSE]", SAME),
        (f"[text~{NFD}]", SAME),
        ("metadata.street=strasse", SAME),
        (f"metadata.place={NFD}", SAME),
        (f"split={NFD}", SAME),
    ],
)
def test_text_is_compared_in_one_form(text: str, found: list[int]) -> None:
    made = _corpus()
    cursor = made.cursor()
    hits = search(cursor, text, state=1)
    oracle, meaning = Oracle(made), plan(cursor, text).meaning
    assert hits.numbers == oracle.assets(meaning) == found
    assert hits.answers.no == len(oracle.refuted(meaning))


@pytest.mark.parametrize("typed", ["strasse", "Straße", "STRASSE"])
def test_a_class_is_found_in_each_of_its_forms(typed: str) -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["Straße"])
    made.add_asset("s3://lake/0.png")
    made.add_annotation(0, "Straße", label_set=0)
    assert search(made.cursor(), typed, state=1).numbers == [0]


def test_an_attribute_is_called_the_same_in_each_unicode_form() -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["house"])
    made.add_asset("s3://lake/0.png")
    made.add_annotation(0, "house", label_set=0, attributes={NFD: "red"})
    assert search(made.cursor(), f"[{NFC}=red]", state=1).numbers == [0]


def test_a_question_reads_a_value_and_a_name_in_each_of_their_forms() -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["house"])
    made.add_asset("s3://lake/0.png")
    made.add_annotation(0, "house", label_set=0, attributes={"place": NFD}, annotator="Strauß")
    for question in ("house café", "house by strauss"):
        answer = ask(made.cursor(), question, state=1)
        assert (answer.labelled.numbers if answer.labelled else [], answer.understood.unknown) == ([0], ())


def test_python_and_sql_have_the_same_form_of_each_character() -> None:
    cursor = duckdb.connect()
    query = f"""
        SELECT c, {one_form_sql("c")}, {one_form_sql("(c || '')")} FROM (
            SELECT chr(i::INTEGER) AS c FROM range(1, 1114112) AS r(i) WHERE i NOT BETWEEN 55296 AND 57343)
    """
    characters = cursor.execute(query).fetchall()
    assert all(column == expression for _, column, expression in characters)
    differing = [one for one, form, _ in characters if form != one_form(one)]
    # Letters of which one of the two knows a small form that the other does not.
    assert all(unicodedata.category(one)[0] in "LNSC" and not one.isascii() for one in differing)
    assert len(differing) < 100


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), (NFC, NFD), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("ﬁn", "FIN"), ("İzmir", "izmir")],
)
def test_what_is_the_same_word_has_one_form(one: str, other: str) -> None:
    assert one_form(one) == one_form(other)
    ((in_sql, other_in_sql),) = (
        duckdb.connect().execute(f"SELECT {one_form_sql('?')}, {one_form_sql('?')}", [one, other]).fetchall()
    )
    assert in_sql == other_in_sql == one_form(one)


def test_where_all_is_ascii_nothing_more_is_computed() -> None:
    made = Corpus()
    made.add_label_set("a/one", classes=["house"])
    made.add_asset("s3://lake/0.png")
    made.add_annotation(0, "house", label_set=0, attributes={"street": "Main Road"}, annotator="ann")
    cursor = made.cursor()
    for text in ("[street=main]", "[street contains main]", "[street!=main]", "annotator=ann", "annotator<b"):
        assert "nfc_normalize" not in plan(cursor, text).assets().text


def test_a_dotted_capital_i_is_equal_in_all_its_forms() -> None:
    forms = ("İstanbul", unicodedata.normalize("NFD", "İstanbul"), "İstanbul".lower(), "istanbul")
    assert {one_form(text) for text in forms} == {"istanbul"}
    query = f"SELECT DISTINCT {one_form_sql('text')} FROM (SELECT unnest(?) AS text)"
    assert duckdb.connect().execute(query, [list(forms)]).fetchall() == [("istanbul",)]
