"""The job: what is embedded, once, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datacat.config import Settings
from datacat.embeddings import Embeddings, EmbedReport
from datacat.embeddings.lease import sole_writer
from datacat.embeddings.spaces import Spaces
from datacat.errors import EmbeddingError, UsageError
from datacat.sources.location import Location
from tests.embeddings.lakes import asset, encoded, lake, picture, shown


def test_embeds_every_picture_once(embeddings: Embeddings, folder: Path, weights: str) -> None:
    cursor = shown(lake(folder, map(picture, range(10))))
    first = embeddings.embed(cursor, checkpoint=weights, batch_size=4)
    second = embeddings.embed(cursor, checkpoint=weights, batch_size=3)
    assert (first.embedded, first.reused, first.skipped) == (10, 0, ())
    assert second == EmbedReport(first.space, 0, 0, ())
    assert embeddings.spaces()["vectors"].to_pylist() == [10]


def test_only_new_pictures_are_embedded(embeddings: Embeddings, folder: Path, weights: str) -> None:
    rows = lake(folder, map(picture, range(6)))
    embeddings.embed(shown(rows[:4]), checkpoint=weights)
    assert embeddings.embed(shown(rows), checkpoint=weights).embedded == 2


def test_equal_bytes_are_embedded_once(embeddings: Embeddings, folder: Path, weights: str) -> None:
    rows = lake(folder, [picture(0), picture(1), picture(0), picture(1)])
    first = embeddings.embed(shown(rows[:3]), checkpoint=weights)
    second = embeddings.embed(shown(rows), checkpoint=weights)
    assert (first.embedded, first.reused) == (2, 1)
    assert (second.embedded, second.reused) == (0, 1)
    assert embeddings.spaces()["vectors"].to_pylist() == [4]


def test_a_changed_picture_is_embedded_again(embeddings: Embeddings, folder: Path, weights: str) -> None:
    embeddings.embed(shown(lake(folder, [picture(0), picture(1)])), checkpoint=weights)
    rows = lake(folder, [picture(0), picture(2)])
    assert embeddings.embed(shown(rows), checkpoint=weights).embedded == 1
    assert embeddings.spaces()["vectors"].to_pylist() == [2]


def test_what_cannot_be_read_is_counted_and_stops_nothing(
    embeddings: Embeddings, folder: Path, weights: str
) -> None:
    whole = encoded(Image.effect_noise((64, 64), 50))
    bomb = encoded(Image.new("1", (15_000, 15_000)))
    rows = lake(folder, [picture(0), whole[: len(whole) // 2], b"no picture", bomb, picture(4), picture(5)])
    rows[4]["digest"] = "0" * 64
    rows.append(asset(6, folder / "gone.png"))
    rows.append(asset(7, folder / "lost.png", is_missing=True))
    rows.append(asset(8, folder / "song.wav", media="audio"))
    report = embeddings.embed(shown(rows), checkpoint=weights)
    assert report.embedded == 2
    assert dict(report.skipped) == {
        "damaged": 1,
        "not a picture that can be read": 1,
        "too large": 1,
        "changed since it was ingested": 1,
        "cannot be read": 1,
        "missing": 1,
    }
    assert len(report.named) == 6
    named = {uri.rsplit("/", 1)[1]: said for uri, said in report.named}
    assert named["2.png"] == "not a picture that can be read"
    assert named["1.png"].startswith("damaged: ")


def test_the_bytes_count_wherever_they_can_be_read(
    embeddings: Embeddings, folder: Path, weights: str
) -> None:
    rows = lake(folder, [picture(0), picture(0)])
    (folder / "0.png").unlink()
    assert embeddings.embed(shown(rows), checkpoint=weights).reused == 1


def test_a_batch_of_none_is_refused(embeddings: Embeddings, folder: Path, weights: str) -> None:
    with pytest.raises(UsageError, match="batch of 0"):
        embeddings.embed(shown([]), checkpoint=weights, batch_size=0)


_ENDLESS = """
    import sys
    from pathlib import Path
    from datacat.config import Settings
    from datacat.embeddings import Embeddings, decoding, embed
    from datacat.sources.location import Location
    from tests.embeddings.lakes import asset, shown

    root, folder, weights = sys.argv[1:]
    embed.COMMIT_ROWS = 4
    read = decoding.read_picture

    def stuck(uri, settings, **options):
        if uri.endswith("/13.png"):
            import time
            time.sleep(600)
        return read(uri, settings, **options)

    decoding.read_picture = stuck
    rows = [asset(number, Path(folder) / f"{number}.png") for number in range(20)]
    Embeddings(Location(root), Settings(threads=1)).embed(shown(rows), checkpoint=weights, batch_size=2)
"""


def test_a_killed_job_goes_on_where_it_was(
    embeddings: Embeddings,
    catalog_root: Location,
    folder: Path,
    weights: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = lake(folder, map(picture, range(20)))
    command = [sys.executable, "-c", textwrap.dedent(_ENDLESS), catalog_root.uri, str(folder), weights]
    victim = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while _vectors(embeddings) < 8 and time.monotonic() < deadline:
        assert victim.poll() is None
        time.sleep(0.05)
    with pytest.raises(EmbeddingError, match=f"another process .*process {victim.pid}"):
        embeddings.embed(shown(rows), checkpoint=weights)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    kept = _vectors(embeddings)
    report = embeddings.embed(shown(rows), checkpoint=weights)
    assert 8 <= kept < 20
    assert report.embedded == 20 - kept
    assert list(embeddings.check(shown(rows))) == []


def _vectors(embeddings: Embeddings) -> int:
    return sum(count or 0 for count in embeddings.spaces()["vectors"].to_pylist())


def test_what_was_embedded_before_an_error_stays(
    embeddings: Embeddings, folder: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datacat.embeddings.open_clip import OpenClip

    cursor = shown(lake(folder, map(picture, range(10))))
    encode, calls = OpenClip.encode_pictures, []

    def failing(self: OpenClip, prepared: list[np.ndarray]) -> np.ndarray:
        calls.append(len(prepared))
        if len(calls) == 3:
            raise EmbeddingError("out of memory")
        return encode(self, prepared)

    with monkeypatch.context() as patched:
        patched.setattr(OpenClip, "encode_pictures", failing)
        with pytest.raises(EmbeddingError, match="out of memory"):
            embeddings.embed(cursor, checkpoint=weights, batch_size=2)
    assert embeddings.embed(cursor, checkpoint=weights).embedded == 6


def test_one_writer_a_space_on_disk(embeddings: Embeddings, catalog_root: Location, weights: str) -> None:
    space = embeddings.embed(shown([]), checkpoint=weights).space
    folder = Spaces(catalog_root, Settings()).folder
    with (
        sole_writer(folder, space, settings=Settings()),
        pytest.raises(EmbeddingError, match="another process"),
    ):
        embeddings.embed(shown([]), checkpoint=weights)
    assert embeddings.embed(shown([]), checkpoint=weights).embedded == 0
