"""Cases about snapshots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datacat.errors import DatacatError
from datacat.sources.location import Location
from datacat.versions.snapshots import Snapshots
from tests.shared_cases.conftest import Case
from tests.versions.lakes import drawn_lake, frozen, opened


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    made = opened(tmp_path / "catalog")
    frozen(made, drawn_lake(tmp_path / "lake", count=1))
    return made


def test_push_says_why_it_cannot(case: Case, snapshots: Snapshots, s3: Location, tmp_path: Path) -> None:
    case("dvc-push-reason-hidden")
    (tmp_path / "afile").touch()
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    remotes = {
        "/proc/nope": "cannot be written: No such file or directory",
        str(tmp_path / "afile"): "is not a folder",
        str(tmp_path / "afile" / "below"): "is not a folder",
        f"s3://no-{s3.name}/x": f"there is no bucket no-{s3.name}",
    }
    if os.geteuid():  # nothing is shut to root
        remotes[str(shut)] = "cannot be written: Permission denied"
    for remote, reason in remotes.items():
        with pytest.raises(DatacatError) as raised:
            snapshots.push(remote)
        assert str(raised.value).splitlines()[0] == f"{remote}: {reason}"


def test_push_passes_on_what_dvc_says(snapshots: Snapshots, tmp_path: Path) -> None:
    (tmp_path / "share" / "dvc").mkdir(parents=True)
    (tmp_path / "share" / "dvc" / "files").touch()  # where DVC wants a folder
    with pytest.raises(DatacatError) as raised:
        snapshots.push(str(tmp_path / "share"))
    assert "Having any troubles" not in str(raised.value)
    assert "files" in str(raised.value)
