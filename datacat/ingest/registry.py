"""The formats that are installed, and which of them a location holds."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points

from datacat.errors import FormatError, LocationError, SeveralFormats
from datacat.ingest.format import Format, Role, Sample
from datacat.ingest.unread import is_prose, known_format
from datacat.sources.listing import Entry

_LARGE_GROUP = 500  # files of one folder and ending; of more than these, some are looked at
_LOOKED_AT = 40
_KINDS_TOLD = 4  # formats that are not read, in an error


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
        FormatError: none was recognised.
        SeveralFormats: several were.
    """
    candidates = chosen(name)
    found = _Found({format_.name: {} for format_ in candidates})
    roles = found.roles
    for group in _groups(entries):
        _look(group, candidates, sample=sample, found=found)
    held = [f for f in candidates if "labels" in roles[f.name].values()]
    if not held:
        told = f"{_examples(entries, found)}{_doubts(found.faults)}"
        raise FormatError(
            f"no label file was recognised among {len(entries)} files{told}"
            if entries
            else "no label file lies here",
            where=where,
            hint=f"Formats that are read: {', '.join(formats())}. Media are no labels, and come in beside them alone.",
        )
    if len(held) > 1:
        named = "; ".join(f"{f.name} ({_first(roles[f.name])})" for f in held)
        raise SeveralFormats(
            f"label files of several formats lie here: {named}",
            formats=tuple((f.name, sum(role == "labels" for role in roles[f.name].values())) for f in held),
            where=where,
        )
    ours = roles[held[0].name]
    return Recognised(
        held[0],
        labels=tuple(e for e in entries if ours.get(e.uri) in ("labels", "perhaps")),
        context=tuple(e for e in entries if ours.get(e.uri) == "context"),
        skipped=_skipped([e for e in entries if e.uri not in ours], held[0].name, found=found),
    )


def _skipped(entries: Sequence[Entry], name: str, *, found: _Found) -> tuple[tuple[str, str], ...]:
    """Why files are left out: first those that could not be read, then what looks like labels; no prose, no code."""
    uris = [entry.uri for entry in entries]
    reasons = {
        **{uri: f"no {name} label file" for uri in uris if not is_prose(uri.rsplit("/", 1)[-1])},
        **{uri: f"a {format_} label file" for uri, format_ in found.others.items()},
        **found.faults,
        **{uri: f"looks like {title}, which is not read" for uri, title in found.known.items()},
    }
    first = (found.faults, found.known, found.others, dict.fromkeys(uris))
    ordered = dict.fromkeys(uri for group in first for uri in uris if uri in group and uri in reasons)
    return tuple((uri, reasons[uri]) for uri in ordered)


def _groups(entries: Iterable[Entry]) -> list[list[Entry]]:
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        folder, _, name = entry.uri.rpartition("/")
        groups[folder, name.rpartition(".")[2].lower()].append(entry)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found, by URI: a file's role to each format, why it cannot be read, what else it looks like.

    `known` are formats that are not read, `others` formats that are, where one was asked for.
    """

    roles: dict[str, dict[str, Role]]
    faults: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def _look(
    group: list[Entry], candidates: Sequence[Format], *, sample: Callable[[Entry], Sample], found: _Found
) -> None:
    """Sniffs the files of one folder and ending; of very many, some, if they agree."""
    looked = group
    if len(group) > _LARGE_GROUP:
        looked = group[:: len(group) // _LOOKED_AT]
    verdicts = [_verdict(entry, candidates, sample=sample, found=found) for entry in looked]
    if len(looked) < len(group):
        if all(verdict == verdicts[0] for verdict in verdicts) and "context" not in verdicts[0].values():
            verdicts = [verdicts[0]] * len(group)
            for alike in (found.known, found.others):
                titles = {alike.get(entry.uri) for entry in looked}
                alike.update(
                    {entry.uri: title for title in titles if title and len(titles) == 1 for entry in group}
                )
        else:
            verdicts = [_verdict(entry, candidates, sample=sample, found=found) for entry in group]
    for entry, verdict in zip(group, verdicts, strict=True):
        for name, role in verdict.items():
            found.roles[name][entry.uri] = role


def _verdict(
    entry: Entry, candidates: Sequence[Format], *, sample: Callable[[Entry], Sample], found: _Found
) -> dict[str, Role]:
    try:
        seen = sample(entry)
    except LocationError as error:
        found.faults[entry.uri] = error.what
        return {}
    sniffed = {format_.name: format_.sniff(seen) for format_ in candidates}
    roles = {name: role for name, role in sniffed.items() if role}
    if "labels" not in roles.values() and not is_prose(seen.name):
        others = [f for f in formats().values() if f.name not in sniffed and f.sniff(seen) == "labels"]
        title = None if roles else known_format(seen)
        doubts = (format_.doubt(seen) for format_ in candidates if hasattr(format_, "doubt"))
        if others and not roles:
            found.others[entry.uri] = others[0].name
            return roles
        if title:
            found.known[entry.uri] = title
        if doubt := next(filter(None, doubts), None):
            found.faults[entry.uri] = doubt
    return roles


def _first(roles: dict[str, Role]) -> str:
    labels = [uri for uri, role in roles.items() if role == "labels"]
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return f"{labels[0].rsplit('/', 1)[-1]}{more}"


def _doubts(faults: dict[str, str]) -> str:
    """The first files of which something is known, and what."""
    said = [f"\n{uri.rsplit('/', 1)[-1]}: {reason}" for uri, reason in list(faults.items())[:5]]
    return "".join(said)


def _examples(entries: Sequence[Entry], found: _Found) -> str:
    """What lies there: files of known formats by what they look like, else some names."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        name = entry.uri.rsplit("/", 1)[-1]
        if entry.uri in found.known:
            kinds[f"looks like {found.known[entry.uri]}, which is not read"].append(name)
        elif entry.uri in found.others:
            kinds[f"is a {found.others[entry.uri]} label file"].append(name)
    if kinds:
        told = sorted(kinds.items(), key=lambda kind: -len(kind[1]))[:_KINDS_TOLD]
        parts = [f"{_named(names)} {what}" for what, names in told]
        return ": " + "; ".join(parts) + ("; …" if len(kinds) > len(told) else "")
    names = [entry.uri.rsplit("/", 1)[-1] for entry in entries[:5]]
    return f": {', '.join(names)}{', …' if len(entries) > 5 else ''}" if names else ""


def _named(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (and {len(names) - 1} more)"
