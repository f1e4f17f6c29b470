"""The `datacat` command: a thin skin over `Catalog`.

A command's file is imported when the command is called, so `--help` costs no more than click.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from datacat.cli.refusal import tell_refusal
from datacat.errors import DatacatError, LocationError, QueryError, UsageError, is_shortage, shortage

# Command -> the module that holds it and the line that `datacat --help` prints.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("lifecycle", "Make a catalog in a folder or under s3://."),
    "ingest": ("ingest", "Index the label files of a folder or an S3 prefix."),
    "rejects": ("ingest", "List the records that could not be understood."),
    "formats": ("ingest", "List the label formats that are read and written."),
    "search": ("search", "Find assets by class, attributes, text or likeness."),
    "ask": ("ask", "Answer a question in plain words, in three tiers."),
    "query": ("query", "Print a query as strict text or as JSON."),
    "show": ("search", "Show one asset with everything said about it."),
    "classes": ("search", "List the classes of all teams."),
    "attributes": ("search", "List the attribute paths with types and examples."),
    "searches": ("saved", "Keep queries under a name, to search by @name."),
    "overview": ("overview", "Say what each team and label set has."),
    "overlap": ("overview", "Say where two teams agree and where they do not."),
    "concepts": ("concepts", "Say which class names mean the same."),
    "sql": ("sql", "Ask in SQL, read-only and in a sandbox."),
    "snapshot": ("snapshot", "Freeze, verify, export and share training sets."),
    "embed": ("embed", "Embed pictures with CLIP, only those that are new."),
    "spaces": ("embed", "List the embedding spaces."),
    "log": ("lifecycle", "Show the history of the catalog."),
    "doctor": ("lifecycle", "Check log, files, index, vectors and snapshots."),
    "gc": ("lifecycle", "Remove files that no state and no snapshot needs."),
    "compact": ("lifecycle", "Merge small files; every answer stays the same."),
    "trust": ("trust", "Follow the settings of a datacat.toml that lies in a folder."),
    "serve": ("serve", "Serve the HTTP API on this machine."),
    "completion": ("completion", "Make a shell complete commands and names."),
    "demo": ("demo", "Draw a lake with three teams' labels and show all of this."),
}
# What people take for a command, and is an option.
OPTIONS = {
    "facets": "search QUERY --facets",
    "facet": "search QUERY --facet NAME",
    "count": "search QUERY --count",
    "explain": "search QUERY --explain",
    "stream": "search QUERY --format ndjson",
}

_HALF = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no UTF-8
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BY_SIGPIPE = 141  # what a shell reports of `git log | head`


class _ReaderGone(Exception):
    """Nobody reads our output any more. Of a BrokenPipeError click would make exit code 1."""


class _LazyGroup(click.Group):
    """Knows its commands by name and imports a command's module when it is called."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuses bytes that are no UTF-8: no name or path of a catalog has them."""
        for text in args:
            if _HALF.search(text):
                raise UsageError(f"{text!r} is not in UTF-8")
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"datacat.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}.{_hint(args[0])}", ctx)
        return super().resolve_command(ctx, args)


def _hint(word: str) -> str:
    if word in OPTIONS:
        return f" It is an option: datacat {OPTIONS[word]}"
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, n=1)
    return f" Did you mean {near[0]}?" if near else ""


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: datacat init catalog",
)
@click.version_option(package_name="datacat", message="datacat %(version)s")
def group() -> None:
    """The catalog and version control for training data.

    Index the labels of every team, ask questions across them, freeze the answers as training sets.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; exits 0 when done, 1 when refused, 2 on wrong usage, 130 on Ctrl-C, 141 on a
    closed pipe.
    """
    _prepare_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = group.main(args=words, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        tell_refusal(error, words)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _exit_interrupted()
    except DatacatError as error:
        tell_refusal(error, words)
        sys.exit(2 if isinstance(error, UsageError | QueryError) else 1)
    except (_ReaderGone, BrokenPipeError):
        # `datacat … | head`: whoever reads has had enough. Python would complain again at exit.
        _write_no_more()
        sys.exit(_BY_SIGPIPE)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _write_no_more()
        where = error.filename or "the output"
        tell_refusal(LocationError(f"cannot be written: {error.strerror}", where=str(where)), words)
        sys.exit(1)
    except RuntimeError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):  # what DuckDB makes of Ctrl-C
            raise
        _exit_interrupted()
    except Exception as error:
        if not is_shortage(error):
            raise
        tell_refusal(shortage(), words)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_interrupted() -> NoReturn:
    click.echo("interrupted", err=True)
    sys.exit(130)


def _prepare_streams() -> None:
    """A terminal that cannot show a character gets a question mark, and a closed one nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
