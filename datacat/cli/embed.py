"""embed, spaces."""

from __future__ import annotations

import click

from datacat.cli.options import catalog_option, json_option, opened
from datacat.cli.output import Output


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


@click.command(epilog="Example: datacat spaces")
@catalog_option
@json_option
def spaces(catalog: str | None, output: Output) -> None:
    """List the embedding spaces: model, checkpoint, preprocessing, vectors."""
    output.table(opened(catalog).spaces().to_pylist(), empty="Nothing is embedded yet: datacat embed")
