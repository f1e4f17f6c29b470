"""The outline of a JSON document that may be cut anywhere."""

from __future__ import annotations

import json

from datacat.ingest.peek import outline

_DOCUMENT = {
    "images": [{"id": 1, "file_name": 'a:{"b"}'}, {"width": -2}],
    "info": {"a": [True, None]},
    "n": [],
}
_OUTLINE = {
    "": "{", "images": "[", "images[]": "{", "images[].id": "1", "images[].file_name": '"', "images[].width": "-",
    "info": "{", "info.a": "[", "info.a[]": "t", "n": "[",
}  # fmt: skip


def test_each_path_has_the_first_byte_of_its_first_value() -> None:
    assert outline(json.dumps(_DOCUMENT).encode()) == _OUTLINE
    assert outline(json.dumps(_DOCUMENT, indent=2).encode()) == _OUTLINE


def test_a_list_at_the_top_has_a_path_too() -> None:
    assert outline(b'[{"id": 1, "data": {"image": "x"}}]') == {
        "": "[", "[]": "{", "[].id": "1", "[].data": "{", "[].data.image": '"',
    }  # fmt: skip


def test_a_document_may_be_cut_anywhere() -> None:
    text = json.dumps(_DOCUMENT).encode()
    for end in range(len(text)):
        assert outline(text[:end]).items() <= _OUTLINE.items()


def test_only_the_first_of_several_documents_is_looked_at() -> None:
    assert outline(b'{"a": 1}\n{"b": 2}\n') == {"": "{", "a": "1"}


def test_depth_and_long_keys_do_not_multiply() -> None:
    assert max(map(len, outline(b"[" * 60_000))) == len("[]" * 6)
    below = ",".join(f'"{n}": 1' for n in range(4_000))
    found = outline(b'{"%s": {%s}}' % (b"k" * 30_000, below.encode()))
    assert (len(found), max(map(len, found))) == (4_002, len("k" * 200 + ".1000"))
