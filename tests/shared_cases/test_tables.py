"""Cases about where a catalog lies."""

from __future__ import annotations

import pytest

from datacat.catalog import Catalog
from datacat.errors import LocationError
from tests.shared_cases.conftest import Case


def test_a_catalog_in_a_folder_with_percent_is_refused(case: Case) -> None:
    folder = case("catalog-in-percent-folder")
    for name in ("feature%2Fx", "twin%20x"):
        with pytest.raises(LocationError, match="no catalog can lie here"):
            Catalog.init(str(folder / name))
    assert list(folder.iterdir()) == []
    assert Catalog.init(str(folder / "twin x")).state == 0
