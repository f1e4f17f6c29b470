"""The structural scan finds the records that json.loads finds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.ingest.json_stream import Fault, decoded, scan

_texts = st.text(st.sampled_from('a"\\{}[],:\n é\U0001f600'), max_size=6)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)
_records = st.lists(st.dictionaries(_texts, _values, max_size=3), max_size=6)


def blocks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def records(content: bytes, ranges: Any) -> list[Any]:
    found = []
    for range_ in ranges:
        chunk = content[range_.start : range_.end]
        for number, _, record in decoded(chunk, decode=msgspec.json.decode, one=msgspec.json.decode):
            assert len(found) == range_.first + number
            found.append(record)
    return found


@settings(max_examples=150, deadline=None)
@given(_records, st.integers(1, 40), st.integers(1, 60), st.booleans())
def test_a_list_is_cut_between_records(items: list[Any], block: int, cut: int, ascii_only: bool) -> None:
    content = json.dumps(items, ensure_ascii=ascii_only, indent=block % 3 or None).encode()
    layout = scan(blocks(content, block), shape="array", cut=cut)
    assert layout.fault is None
    assert records(content, layout.sections[0].ranges()) == json.loads(content)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_texts, _records | _values, max_size=4), st.integers(1, 40), st.integers(1, 60))
def test_the_lists_of_an_object_are_found(tree: dict[str, Any], block: int, cut: int) -> None:
    content = json.dumps(tree).encode()
    layout = scan(blocks(content, block), shape="object", cut=cut)
    lists = {key: value for key, value in tree.items() if isinstance(value, list)}
    found = [section for section in layout.sections if section.is_list]
    assert len(found) == len(lists)
    for section, (key, value) in zip(found, lists.items(), strict=True):
        assert json.loads(f'"{section.key}"') == key
        if all(isinstance(item, dict) for item in value):
            assert records(content, section.ranges()) == value


@settings(max_examples=100, deadline=None)
@given(_records, st.integers(1, 40), st.integers(1, 60))
def test_lines_are_counted(items: list[Any], block: int, cut: int) -> None:
    content = "".join(json.dumps(item) + "\n" for item in items).encode()
    for range_ in scan(blocks(content, block), shape="lines", cut=cut).sections[0].ranges():
        lines = content[range_.start : range_.end].splitlines()
        assert [json.loads(line) for line in lines] == items[range_.first : range_.first + len(lines)]


@settings(max_examples=100, deadline=None)
@given(_records, st.data())
def test_a_cut_file_keeps_its_whole_records(items: list[Any], data: st.DataObject) -> None:
    content = json.dumps(items).encode()
    content = content[: data.draw(st.integers(1, len(content)))]
    layout = scan([content], shape="array", cut=10)
    found = [record for section in layout.sections for record in records(content, section.ranges())]
    whole = [record for record in found if not isinstance(record, Fault)]
    assert whole == items[: len(whole)]
    assert len(found) - len(whole) <= 1
    assert (layout.fault is None) == (content == json.dumps(items).encode())


def test_only_the_bad_record_is_a_fault() -> None:
    content = b'{"a": 1}, {"a": Infinity}, {"a": [1, 2}, {"a": 3}'
    found = list(decoded(content, decode=msgspec.json.decode, one=msgspec.json.decode))
    assert [isinstance(record, Fault) for *_, record in found][:2] == [False, True]
    assert found[1][1] == content.index(b'{"a": Inf')


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(1, 40), st.integers(8, 30))
def test_a_record_larger_than_a_cut_lies_alone(sizes: list[int], block: int, cut: int) -> None:
    items = [{"a": "x" * size} for size in sizes]
    for content, shape in (
        (json.dumps(items).encode(), "array"),
        (json.dumps(items).encode()[:-3], "array"),  # it ends in the middle of the last
        ("".join(json.dumps(item) + "\n" for item in items).encode(), "lines"),
        ("\n".join(map(json.dumps, items)).encode(), "lines"),
    ):
        ranges = scan(blocks(content, block), shape=shape, cut=cut).sections[0].ranges()  # type: ignore[arg-type]
        assert sum(content[one.start : one.end].count(b"{") for one in ranges) == len(items)
        for one, after in zip(ranges, [*(range_.first for range_ in ranges[1:]), len(items)], strict=True):
            assert content[one.start : one.end].count(b"{") == after - one.first
            assert one.end - one.start <= 2 * cut + 20 or after - one.first == 1
