"""Label files are read in a process pool: small ones by the handful, a large one range by range."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from datacat.config import Settings
from datacat.errors import DatacatError, FormatError, LocationError
from datacat.ingest.batches import Sheets
from datacat.ingest.format import Document, Plan
from datacat.ingest.reasons import reason_of
from datacat.ingest.registry import formats
from datacat.model.report import Tally
from datacat.progress import bar
from datacat.sources.listing import Entry
from datacat.sources.media import MediaFacts, measured
from datacat.sources.reading import blocks, encoding_mark, read_bytes, read_many, sha256

_LARGE = 8 << 20  # a file above this is cut into ranges
_HANDFUL_BYTES = 8 << 20
_HANDFUL = 1000
_PARTS_PER_TASK = 4
_ALONE_BYTES = (
    64 << 20
)  # less is read here: 29 MB took 2.3 s so, and 2.9 s in two processes that had to start
_ALONE_MEDIA = 200
_T = TypeVar("_T")
# What ends the reading of one file, and never that of the others beside it.
_UNREADABLE = (FormatError, LocationError, RecursionError, MemoryError)
_DIED = (
    "Most often memory ran out; try fewer with DATACAT_THREADS=1. In a script of yours, call datacat below "
    '`if __name__ == "__main__":`, as each process imports the script.'
)


@dataclass(frozen=True, slots=True)
class Job:
    """One label file to be read; `known_digest`: it need not be, if these are its bytes."""

    file: int
    entry: Entry
    known_digest: str | None


@dataclass(slots=True)
class Outcome:
    """What reading found."""

    digests: dict[str, str] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    parts: list[tuple[Document, list[Any]]] = field(default_factory=list)
    bytes: int = 0

    def add(self, other: Outcome) -> None:
        """Takes over what another task found."""
        self.digests.update(other.digests)
        self.same.extend(other.same)
        self.tally.merge([other.tally])


@dataclass(frozen=True, slots=True)
class _Task:
    number: int
    format: str
    into: Path
    settings: Settings
    shared: Any


class Reader:
    """Reads label files of one format into a folder."""

    def __init__(self, format_name: str, plan: Plan, *, into: Path, settings: Settings) -> None:
        self._format = format_name
        self._plan = plan
        self._into = into
        self._settings = settings
        self._task_count = 0

    def run(self, jobs: Sequence[Job]) -> Outcome:
        """Reads all of them."""
        outcome = Outcome()
        total = sum(job.entry.size for job in jobs)
        waiting: list[tuple[Callable[..., Outcome], tuple[Any, ...]]] = [
            (_survey, (self._task(), job, self._plan.each.get(job.entry.uri)))
            for job in jobs
            if job.entry.size > _LARGE
        ]
        for group in _handfuls([job for job in jobs if job.entry.size <= _LARGE]):
            own = {job.entry.uri: self._plan.each.get(job.entry.uri) for job in group}
            waiting.append((_read_small, (self._task(), group, own)))
        workers = 1 if total < _ALONE_BYTES else self._settings.thread_count
        with bar("reading labels", total=total, unit="bytes") as advance, _submitter(workers) as submit:
            for found in _drained(waiting, submit, follow=self._follow):
                outcome.add(found)
                advance(found.bytes)
        return outcome

    def _task(self) -> _Task:
        self._task_count += 1
        return _Task(self._task_count, self._format, self._into, self._settings, self._plan.shared)

    def _follow(self, found: Outcome) -> list[tuple[Callable[..., Outcome], tuple[Any, ...]]]:
        return [
            (_read_parts, (self._task(), document, parts[start : start + _PARTS_PER_TASK]))
            for document, parts in found.parts
            for start in range(0, len(parts), _PARTS_PER_TASK)
        ]


def measure_media(entries: Sequence[Entry], *, settings: Settings) -> Iterator[list[MediaFacts]]:
    """Header and digest of each, in lists of bounded size."""
    groups = [list(entries[start : start + 200]) for start in range(0, len(entries), 200)]
    workers = 1 if len(entries) < _ALONE_MEDIA else settings.thread_count
    with bar("looking at media", total=len(entries), unit="files") as advance, _submitter(workers) as submit:
        for found in _drained([(_measure, (group, settings)) for group in groups], submit):
            advance(len(found))
            yield found


def _measure(entries: list[Entry], settings: Settings) -> list[MediaFacts]:
    return [measured(entry, settings) for entry in entries]


def _handfuls(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    group: list[Job] = []
    size = 0
    for job in jobs:
        if group and (size + job.entry.size > _HANDFUL_BYTES or len(group) >= _HANDFUL):
            yield group
            group, size = [], 0
        group.append(job)
        size += job.entry.size
    if group:
        yield group


def _survey(task: _Task, job: Job, own: Any) -> Outcome:
    """Looks through one large file; its parts are read by tasks of their own."""
    uri, outcome = job.entry.uri, Outcome()
    source, size = _as_utf8(job, task)
    document = Document(uri, job.file, source, size, task.settings, task.shared, own)
    sheets = Sheets(task.into, task.number)
    try:
        if job.known_digest and sha256(uri, task.settings, size=job.entry.size) == job.known_digest:
            outcome.same.append(uri)
            return outcome
        parts = formats()[task.format].survey(document, sheets)
        outcome.digests[uri] = (
            document.digest() if source == uri else sha256(uri, task.settings, size=job.entry.size)
        )
        document.forget()
        outcome.parts.append((document, parts))
    except _UNREADABLE as error:
        reason = error.what if isinstance(error, DatacatError) else reason_of(error)
        sheets.reject_file(job.file, reason=reason)
    finally:
        sheets.close()
        outcome.tally = sheets.tally
    return outcome


def _read_parts(task: _Task, document: Document, parts: list[Any]) -> Outcome:
    document.shared = task.shared
    sheets = Sheets(task.into, task.number)
    try:
        for number, part in enumerate(parts, start=1):
            try:
                formats()[task.format].read(document, part, sheets=sheets)
            except _UNREADABLE as error:
                reason = error.what if isinstance(error, DatacatError) else reason_of(error)
                position = f"part {number} of {len(parts)} of a large file"
                sheets.reject_file(document.file, position=position, reason=reason)
    finally:
        sheets.close()
    return Outcome(tally=sheets.tally, bytes=_PARTS_PER_TASK << 22)


def _read_small(task: _Task, jobs: list[Job], own: dict[str, Any]) -> Outcome:
    """Reads a handful of small files."""
    outcome, sheets, format_ = Outcome(), Sheets(task.into, task.number), formats()[task.format]
    numbers = {job.entry.uri: job for job in jobs}
    for uri, content in read_many(list(numbers), task.settings):
        job = numbers[uri]
        if isinstance(content, LocationError):
            sheets.reject_file(job.file, reason=content.what)
            continue
        outcome.bytes += len(content)
        outcome.digests[uri] = hashlib.sha256(content).hexdigest()
        if outcome.digests[uri] == job.known_digest:
            outcome.same.append(uri)
            continue
        encoding, mark = encoding_mark(content[:4])
        if encoding != "utf-8" and not uri.endswith(".parquet"):
            content = content[mark:].decode(encoding, errors="replace").encode()
        document = Document(
            uri, job.file, uri, len(content), task.settings, task.shared, own.get(uri), content
        )
        try:
            for part in format_.survey(document, sheets):
                format_.read(document, part, sheets=sheets)
        except _UNREADABLE as error:
            reason = error.what if isinstance(error, DatacatError) else reason_of(error)
            sheets.reject_file(job.file, reason=reason)
    sheets.close()
    outcome.tally = sheets.tally
    return outcome


def _as_utf8(job: Job, task: _Task) -> tuple[str, int]:
    """Where the bytes of a large file lie as UTF-8, and how many; in UTF-16 it is copied piece by piece."""
    import codecs

    uri = job.entry.uri
    encoding, mark = encoding_mark(read_bytes(uri, task.settings, end=4))
    if encoding == "utf-8" or uri.endswith(".parquet"):
        return uri, job.entry.size
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    path = task.into / f"utf8-{job.file:06}"
    with path.open("wb") as copy:
        for number, block in enumerate(blocks(uri, task.settings, size=job.entry.size)):
            copy.write(decoder.decode(block[mark if number == 0 else 0 :]).encode())
    return str(path), path.stat().st_size


@contextmanager
def _submitter(workers: int) -> Iterator[Callable[..., Future[Any]]]:
    """Runs functions in a pool of spawned processes, or here where there is one worker."""
    if workers <= 1:
        yield _run_here
        return
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool.submit
    except BrokenProcessPool as error:
        raise DatacatError("a worker process died", hint=_DIED) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run_here(function: Callable[..., _T], *arguments: Any) -> Future[_T]:
    future: Future[_T] = Future()
    future.set_result(function(*arguments))
    return future


def _drained(
    waiting: list[tuple[Callable[..., _T], tuple[Any, ...]]],
    submit: Callable[..., Future[_T]],
    *,
    follow: Callable[[_T], list[tuple[Callable[..., _T], tuple[Any, ...]]]] | None = None,
) -> Iterator[_T]:
    """Runs calls and the calls that follow from them; few at a time, so that results do not pile up."""
    running: set[Future[_T]] = set()
    waiting = list(reversed(waiting))
    while waiting or running:
        while waiting and len(running) < 32:
            function, arguments = waiting.pop()
            running.add(submit(function, *arguments))
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            found = future.result()
            if follow:
                waiting.extend(reversed(follow(found)))
            yield found
