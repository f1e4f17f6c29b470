"""query: the same query as text and as JSON."""

from __future__ import annotations

import click

from datacat.catalog import document_of, text_of, text_of_json
from datacat.cli.options import QueryCommand, json_option
from datacat.cli.output import Output


@click.command(
    cls=QueryCommand,
    epilog="""\b
Examples:
  datacat query 'roof[material=slate] -car' --json
  datacat query '{"version": 1, "query": {"words": ["roof"]}}'
""",
)
@click.argument("query")
@json_option
def query(query: str, output: Output) -> None:
    """Print a query in strict text, or with --json as a document for programs.

    QUERY is text or such a document. Names are not looked up.
    """
    is_document = query.lstrip().startswith("{")
    text = text_of_json(query) if is_document else text_of(document_of(query))
    if output.as_json:
        output.record(document_of(text))
    else:
        output.line(text)
