"""The formats that are installed, and which of them a location holds."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from datacat.errors import FormatError, LocationError
from datacat.ingest.format import Format, Role, Sample
from datacat.sources.listing import Entry

_LARGE_GROUP = 500  # files of one folder and ending; of more than these, some are looked at
_LOOKED_AT = 40


@functools.lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Every installed format by name: ours and other packages', all by entry point `datacat.formats`."""
    points = sorted(entry_points(group="datacat.formats"), key=lambda point: point.name)
    return {point.name: point.load() for point in points}


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a location holds: the format, its files, and the others with the reason why they are left out."""

    format: Format
    labels: tuple[Entry, ...]
    context: tuple[Entry, ...]
    skipped: tuple[tuple[str, str], ...]


def chosen(name: str) -> list[Format]:
    """The formats to try: all of them for `auto`.

    Raises:
        FormatError: there is no format of that name.
    """
    known = formats()
    if name == "auto":
        return list(known.values())
    if name not in known:
        raise FormatError(f"there is no format {name!r}", hint=f"Known: {', '.join(known)}.")
    return [known[name]]


def recognise(
    entries: Sequence[Entry], *, name: str, sample: Callable[[Entry], Sample], where: str
) -> Recognised:
    """Finds the one format whose label files lie among `entries`.

    Raises:
        FormatError: none was recognised, or several were.
    """
    candidates = chosen(name)
    roles: dict[str, dict[str, Role]] = {format_.name: {} for format_ in candidates}
    faults: dict[str, str] = {}
    for group in _groups(entries):
        _look(group, candidates, sample=sample, roles=roles, faults=faults)
    held = [f for f in candidates if "labels" in roles[f.name].values()]
    if not held:
        raise FormatError(
            f"no label file was recognised among {len(entries)} files{_examples(entries)}{_doubts(faults)}",
            where=where,
            hint=f"Known formats: {', '.join(formats())}. Media are no labels.",
        )
    if len(held) > 1:
        found = "; ".join(f"{f.name} ({_first(roles[f.name])})" for f in held)
        raise FormatError(
            f"label files of several formats lie here: {found}",
            where=where,
            hint=f"Choose one with --format {held[0].name}, or name a smaller folder.",
        )
    ours = roles[held[0].name]
    return Recognised(
        held[0],
        labels=tuple(e for e in entries if ours.get(e.uri) in ("labels", "perhaps")),
        context=tuple(e for e in entries if ours.get(e.uri) == "context"),
        skipped=tuple(
            (e.uri, faults.get(e.uri, f"no {held[0].name} label file")) for e in entries if e.uri not in ours
        ),
    )


def _groups(entries: Iterable[Entry]) -> list[list[Entry]]:
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        folder, _, name = entry.uri.rpartition("/")
        groups[folder, name.rpartition(".")[2].lower()].append(entry)
    return list(groups.values())


def _look(
    group: list[Entry],
    candidates: Sequence[Format],
    *,
    sample: Callable[[Entry], Sample],
    roles: dict[str, dict[str, Role]],
    faults: dict[str, str],
) -> None:
    """Sniffs the files of one folder and ending; of very many, some, if they agree."""
    looked = group
    if len(group) > _LARGE_GROUP:
        looked = group[:: len(group) // _LOOKED_AT]
    verdicts = [_verdict(entry, candidates, sample=sample, faults=faults) for entry in looked]
    if len(looked) < len(group):
        if all(verdict == verdicts[0] for verdict in verdicts) and "context" not in verdicts[0].values():
            verdicts, looked = [verdicts[0]] * len(group), group
        else:
            verdicts = [_verdict(entry, candidates, sample=sample, faults=faults) for entry in group]
            looked = group
    for entry, verdict in zip(looked, verdicts, strict=True):
        for name, role in verdict.items():
            roles[name][entry.uri] = role


def _verdict(
    entry: Entry, candidates: Sequence[Format], *, sample: Callable[[Entry], Sample], faults: dict[str, str]
) -> dict[str, Role]:
    try:
        seen = sample(entry)
    except LocationError as error:
        faults[entry.uri] = error.what
        return {}
    found = {format_.name: role for format_ in candidates if (role := format_.sniff(seen))}
    doubts = (format_.doubt(seen) for format_ in candidates if hasattr(format_, "doubt"))
    doubt = next(filter(None, doubts), None)
    if doubt and "labels" not in found.values():
        faults[entry.uri] = doubt
    return found


def _first(roles: dict[str, Role]) -> str:
    labels = [uri for uri, role in roles.items() if role == "labels"]
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return f"{labels[0].rsplit('/', 1)[-1]}{more}"


def _doubts(faults: dict[str, str]) -> str:
    """The first files of which something is known, and what."""
    said = [f"\n{uri.rsplit('/', 1)[-1]}: {reason}" for uri, reason in list(faults.items())[:5]]
    return "".join(said)


def _examples(entries: Sequence[Entry]) -> str:
    names = [entry.uri.rsplit("/", 1)[-1] for entry in entries[:5]]
    return f": {', '.join(names)}{', …' if len(entries) > 5 else ''}" if names else ""
