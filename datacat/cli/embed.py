"""embed, spaces."""

from __future__ import annotations

import click

from datacat.cli.options import catalog_option, json_option, opened
from datacat.cli.output import Output
from datacat.cli.search import near

_SHOWN = 5  # skipped pictures of a reason
_WAITING = ("missing", "cannot be read", "changed since it was ingested")


@click.command(epilog="Example: datacat embed --model tiny")
@click.option(
    "--model", default=None, help="An open_clip model, as in ViT-B-32; `tiny` is the one that comes along."
)
@click.option(
    "--pretrained", default=None, metavar="TAG", help="Its weights, as in laion2b_s34b_b79k (a download)."
)
@click.option(
    "--checkpoint", default=None, metavar="FILE", help="Local weights with their config beside them."
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Pictures at once.",
)
@click.option("--device", default=None, help="cpu, cuda, cuda:1, mps; by default the best there is.")
@catalog_option
@json_option
def embed(
    model: str | None,
    pretrained: str | None,
    checkpoint: str | None,
    batch_size: int,
    device: str | None,
    catalog: str | None,
    output: Output,
) -> None:
    """Embed pictures with a CLIP model, only those that are new.

    Killed half-way, the same command goes on where it was.
    """
    report = opened(catalog).embed(
        model=model, pretrained=pretrained, checkpoint=checkpoint, batch_size=batch_size, device=device
    )
    if output.as_json:
        output.record(report)
        return
    output.line(f"{report.space}: {report.embedded:,} embedded, {report.reused:,} equal to embedded ones")
    for reason, count in report.skipped:
        output.line(f"  skipped {count:,}: {reason}")
        named = [(uri, said) for uri, said in report.named if said.startswith(reason)]
        for uri, said in named[:_SHOWN]:
            output.line(f"    {near(uri)}{said.removeprefix(reason)}")
        if count > _SHOWN:
            output.line(f"    … and {count - min(_SHOWN, len(named)):,} more")
    if any(reason not in _WAITING for reason, _ in report.skipped):
        output.note("Pictures that cannot be read are found again by: datacat search is:unreadable")


@click.command(epilog="Example: datacat spaces")
@catalog_option
@json_option
def spaces(catalog: str | None, output: Output) -> None:
    """List the embedding spaces: model, checkpoint, preprocessing, vectors."""
    output.table(opened(catalog).spaces().to_pylist(), empty="Nothing is embedded yet: datacat embed")
