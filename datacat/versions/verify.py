"""Are the bytes still those that were frozen?"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from datacat.config import Settings
from datacat.errors import LocationError, PlaceRefused, SnapshotDamaged, cause_of
from datacat.model.snapshot import Definition, VerifyReport
from datacat.progress import bar
from datacat.sources.inside import lies_below
from datacat.sources.location import store_errors
from datacat.sources.reading import read_bytes, sha256, size_of
from datacat.versions.manifest import batches
from datacat.versions.media_roots import described, outside_report, refusal
from datacat.versions.strange import reckon

_THREADS_PER_CORE = 4  # they wait for the store more than they hash; hashing lets go of the interpreter


CopiesOf = Callable[[pa.Table], Mapping[str, Sequence[str]]]
"""The other addresses, by address, at which a catalog knows pictures to be, given the `uri` and `digest` of each."""


def no_copies(_: pa.Table) -> Mapping[str, Sequence[str]]:
    """That of no catalog."""
    return {}


@dataclass(frozen=True, slots=True)
class _Frozen:
    uri: str
    size: int | None
    digest: str | None


def check_manifest(folder: Path, definition: Definition) -> None:
    """Compares the manifest in `folder` with its digest.

    Raises:
        SnapshotDamaged: they differ, or a file cannot be read.
    """
    hint = f"Delete {folder}; the next use brings it back from DVC's cache or the remote."
    try:
        found = reckon(folder, counts=definition.counts)
    except SnapshotDamaged as error:
        raise SnapshotDamaged(error.what, where=error.where, hint=hint) from error
    if (found.digest, found.digests) != (definition.digest, definition.digests):
        expected, actual = dataclasses.asdict(definition.digests), dataclasses.asdict(found.digests)
        parts = [name for name in expected if expected[name] != actual[name]]
        what = f"{definition.snapshot} is not what was frozen: other {' and '.join(parts) or 'digest'}"
        raise SnapshotDamaged(what, where=str(folder), hint=hint)


def check_assets(folder: Path, *, total: int, settings: Settings, quick: bool = False) -> VerifyReport:
    """Compares every asset's bytes with what was frozen.

    Args:
        folder: of the manifest.
        total: how many assets there are, for the progress bar.
        settings: how to reach the assets.
        quick: compare sizes only, without reading the bytes.
    """
    faults: dict[str, list[str]] = {"changed": [], "gone": [], "unverifiable": [], "outside": []}
    unreadable: list[tuple[str, str]] = []
    checked = 0

    def judged(asset: _Frozen) -> tuple[_Frozen, str, str]:
        return asset, *_judged(asset, settings=settings, quick=quick)

    with _threads(settings) as threads, bar("verifying", total=total, unit="assets") as advance:
        for group in _assets(folder):
            for asset, verdict, reason in threads.map(judged, group):
                checked += 1
                advance()
                if verdict == "unreadable":
                    unreadable.append((asset.uri, reason))
                elif verdict:
                    faults[verdict].append(asset.uri)
    report = VerifyReport(
        checked=checked,
        changed=tuple(faults["changed"]),
        gone=tuple(faults["gone"]),
        unreadable=tuple(unreadable),
        unverifiable=tuple(faults["unverifiable"]),
    )
    return outside_report(report, faults["outside"], reads=settings.reads or ())


def with_copies(
    folder: Path, report: VerifyReport, *, copies: CopiesOf, settings: Settings, quick: bool = False
) -> VerifyReport:
    """Takes a picture that is gone from its address, or not read there, for fine where its bytes lie at another one.

    Args:
        folder: of the manifest.
        report: what became of the addresses.
        copies: knows others, which are compared as `check_assets` compares.
        settings: how to reach them.
        quick: compare sizes only, without reading the bytes.
    """
    missed = {*report.gone, *report.outside}
    if not missed:
        return report
    lost = [asset for group in _assets(folder) for asset in group if asset.uri in missed]
    columns = {"uri": [asset.uri for asset in lost], "digest": [asset.digest for asset in lost]}
    known = copies(pa.table(columns, schema=pa.schema([("uri", pa.string()), ("digest", pa.string())])))

    def found(asset: _Frozen) -> str | None:
        there = (_Frozen(uri, asset.size, asset.digest) for uri in known[asset.uri])
        return next(
            (one.uri for one in there if _judged(one, settings=settings, quick=quick) == ("", "")), None
        )

    copied = [asset for asset in lost if asset.uri in known]
    elsewhere: dict[str, str] = {}
    with _threads(settings) as threads, bar("looking at copies", total=len(copied), unit="assets") as advance:
        for asset, uri in zip(copied, threads.map(found, copied), strict=True):
            advance()
            if uri is not None:
                elsewhere[asset.uri] = uri
    gone = tuple(uri for uri in report.gone if uri not in elsewhere)
    report = dataclasses.replace(report, gone=gone, elsewhere=tuple(elsewhere.items()))
    outside = [uri for uri in report.outside if uri not in elsewhere]
    return outside_report(report, outside, reads=settings.reads or ())


def check_usable(report: VerifyReport, *, name: str) -> None:
    """Refuses to copy or link the pictures of the snapshot `name` where some are not as they were frozen, or not read.

    Raises:
        SnapshotDamaged: there is one whose bytes are nowhere.
        PlaceRefused: there is one that lies outside of the places that are read.
    """
    unfit = (*report.changed, *report.gone, *(uri for uri, _ in report.unreadable))
    if unfit:
        cannot = ", or cannot be read" if report.unreadable else ""
        also = f"; {described(report.outside)}" if report.outside else ""
        raise SnapshotDamaged(
            f"{len(unfit):,} pictures are no longer what was frozen{cannot}, as {unfit[0]}{also}",
            where=name,
            hint=f"All of them are named by: datacat snapshot verify {name}",
        )
    if report.outside:
        raise refusal(name, report)


def read_copy(digest: str, addresses: Sequence[str], *, settings: Settings) -> bytes | None:
    """The bytes that have a digest, from the first of some addresses where they are; None where they are at none."""
    for uri in addresses:
        with contextlib.suppress(LocationError):
            content = read_bytes(uri, settings)
            if hashlib.sha256(content).hexdigest() == digest:
                return content
    return None


def _threads(settings: Settings) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.thread_count * _THREADS_PER_CORE)


def _assets(folder: Path) -> Iterator[list[_Frozen]]:
    for batch in batches(folder, "assets"):
        columns = (batch.column(name).to_pylist() for name in ("uri", "size", "digest"))
        yield [_Frozen(*row) for row in zip(*columns, strict=True)]


def _judged(asset: _Frozen, *, settings: Settings, quick: bool) -> tuple[str, str]:
    """The verdict on one asset ("": as it was) and, where it is unreadable, why."""
    if asset.digest is None:
        return "unverifiable", ""
    try:
        size = size_of(asset.uri, settings)
        if asset.size is not None and size != asset.size:
            return "changed", ""
        if not quick and sha256(asset.uri, settings, size=size) != asset.digest:
            return "changed", ""
    except FileNotFoundError:
        return "gone", ""
    except PlaceRefused as error:
        # Below a place that is read, it is a link that leads out of it: no other setting is asked for.
        is_link = lies_below(asset.uri, settings.reads or ())
        return ("unreadable", error.what) if is_link else ("outside", "")
    except store_errors() as error:
        if isinstance(error.__cause__, FileNotFoundError):  # since we asked for its size
            return "gone", ""
        return "unreadable", cause_of(error)
    return "", ""
