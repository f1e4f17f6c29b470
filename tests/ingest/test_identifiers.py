"""One text for each identifier."""

from __future__ import annotations

from typing import Any

import pytest

from datacat.ingest.identifiers import canonical_id


@pytest.mark.parametrize("spelling", [7, 7.0, "7", "7.0", "7.00"])
def test_spellings_of_one_number_are_one_identifier(spelling: Any) -> None:
    assert canonical_id(spelling) == "7"


@pytest.mark.parametrize("text", ["007", " 7", "7a", "1e3", "0x7", "img/7.0.png", "7.5", "+7"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert canonical_id(text) == text


@pytest.mark.parametrize("value", [0, 0.0, -0.0, "0", "-0", "0.0"])
def test_zero_has_no_sign(value: Any) -> None:
    assert canonical_id(value) == "0"


def test_large_whole_numbers_keep_every_digit() -> None:
    assert canonical_id(2**70 + 1) == canonical_id(str(2**70 + 1)) == "1180591620717411303425"


@pytest.mark.parametrize("value", [None, True, False, 1.5, float("nan"), float("inf"), 1e300, "", [], {}])
def test_what_is_no_identifier_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is no identifier"):
        canonical_id(value)
