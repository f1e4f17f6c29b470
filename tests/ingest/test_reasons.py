"""What parsers and Python say becomes sentences; a record is kept whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.json_stream import decoded
from datacat.ingest.reasons import reason_of

PYTHON = re.compile(r"Expected|Error|NoneType|literal|unpack|codec|\$|object is|operand|convert")


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    box: tuple[float, float]
    names: list[str] | None = None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"box": [1, "a"]}', "`box[1]`: text where a number belongs"),
        (b'{"box": [1]}', "`box`: another number of values where 2 belong"),
        (b'{"box": [1, 2], "names": 5}', "`names`: a whole number where a list or null belongs"),
        (b"{}", "`box` is missing"),
        (b'{"box": [1, 2], "odd": 1}', "unknown key `odd`"),
        (b"[1]", "a list where an object belongs"),
        (b'{"box": [1', "the JSON ends in the middle"),
        (b'{"box": [1 2]}', "no valid JSON: expected ',' or ']' at byte 11 of the record"),
        (b'{"box": [1, 2], "names": ["\xff"]}', "bytes that are no UTF-8"),
    ],
)
def test_what_the_parser_says_becomes_a_sentence(text: bytes, reason: str) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError, RecursionError)) as caught:
        msgspec.json.decode(text, type=_Record)
    assert reason_of(caught.value) == reason


@pytest.mark.parametrize(
    ("act", "value"),
    [
        (int, "x"), (float, "1,5"), (int, float("nan")), (float, 2**2000), (float, []), (int, None),
        (lambda v: v + 1, None), (lambda v: v[7], [1]), (lambda v: v.x, None), (lambda v: v["x"], None),
        (lambda v: [a for a, b in v], [(1,)]), (lambda v: [a for a, b in v], [(1, 2, 3)]), (list, 5),
        (lambda v: v.decode(), b"\xff"), (lambda v: v["x"], {}), (lambda v: 5 in v, 5), (lambda v: [*v], 5),
        (lambda v: v["x"], [1]), (lambda v: "a" + v, 5),
    ],
)  # fmt: skip
def test_no_text_of_python_is_a_reason(act: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, AttributeError, ArithmeticError)) as caught:
        act(value)
    for said in (reason_of(caught.value), reason_of(str(caught.value))):
        assert said
        assert not PYTHON.search(said), said


def test_our_own_sentences_stay() -> None:
    assert reason_of(ValueError("bbox has 3 numbers, not 4")) == "bbox has 3 numbers, not 4"


def test_an_excerpt_ends_with_its_record() -> None:
    body = b'{"a": 1}, {"a": }, {"b": "of the next"}'
    faults = [
        f
        for _, _, f in decoded(body, decode=msgspec.json.decode, one=msgspec.json.decode)
        if isinstance(f, Exception)
    ]
    assert [fault.excerpt for fault in faults] == ['{"a": }']  # type: ignore[attr-defined]


def _staged(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [
        row for path in sorted(folder.glob(f"{kind}-*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def _written(rows: Statements, name: str, *, fault: str | None = None, count: int = 1) -> None:
    """A record of one asset and some annotations, which may turn out to be faulty at its end."""
    with rows.record():
        rows.asset(name, position=name, name=name)
        for number in range(count):
            rows.add(name, position=name, attributes=b'{"number": %d}' % number, class_=name)
        if fault:
            raise ValueError(fault)


def test_a_record_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    sheets = Sheets(tmp_path, 1)
    rows = Statements(sheets, 0)
    with pytest.raises(ValueError, match="half"):
        _written(rows, "lost", fault="half")
    _written(rows, "kept")
    rows.flush()
    sheets.close()
    assert [row["name"] for row in _staged(tmp_path, "named")] == ["kept"]
    assert [(row["class"], row["row"]) for row in _staged(tmp_path, "annotations")] == [("kept", 1 << 32)]
    assert [(leaf["row"], leaf["text"]) for leaf in _staged(tmp_path, "leaves")] == [(1 << 32, "0")]


def test_a_record_within_another_is_lost_alone(tmp_path: Path) -> None:
    sheets = Sheets(tmp_path, 1)
    rows = Statements(sheets, 0)
    with rows.record():
        rows.asset("outer", position="outer")
        with pytest.raises(ValueError, match="inner"):
            _written(rows, "inner", fault="inner")
    rows.flush()
    sheets.close()
    assert [row["key"] for row in _staged(tmp_path, "named")] == ["outer"]
    assert _staged(tmp_path, "annotations") == []


def test_rows_of_a_record_are_not_written_before_its_end(tmp_path: Path) -> None:
    sheets = Sheets(tmp_path, 1)
    rows = Statements(sheets, 0)
    with pytest.raises(ValueError, match="late"):
        _written(rows, "large", fault="late", count=10_000)
    rows.flush()
    sheets.close()
    assert _staged(tmp_path, "annotations") == []
