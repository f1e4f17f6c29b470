"""demo: the tour."""

from __future__ import annotations

import click


@click.command(epilog="Example: datacat demo")
@click.argument("folder", default="demo", type=click.Path(file_okay=False))
@click.option(
    "--pictures", type=click.IntRange(min=60), default=360, show_default=True, help="How many to draw."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed, another lake.")
def demo(folder: str, pictures: int, seed: int) -> None:
    """Draw a lake with three teams' labels in FOLDER, index it, search it, freeze it."""
    from datacat.demo.tour import run

    run(folder, pictures=pictures, seed=seed)
