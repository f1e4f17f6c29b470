"""`Embeddings`: the vectors of a catalog, in as many spaces as models were used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from datacat.config import Settings
from datacat.embeddings import nearest as near
from datacat.embeddings.check import findings
from datacat.embeddings.embed import EmbedReport, Faults, embed_missing
from datacat.embeddings.encoder import Encoder
from datacat.embeddings.lease import sole_writer
from datacat.embeddings.nearest import Nearest
from datacat.embeddings.open_clip import Choice, OpenClip, loaded
from datacat.embeddings.spaces import Space, Spaces
from datacat.embeddings.vectors import VectorStore, VectorTable
from datacat.errors import EmbeddingError, UsageError
from datacat.model.finding import Finding
from datacat.sources.location import Location

SPACES = pa.schema(
    [
        *((name, pa.string()) for name in ("space", "model", "pretrained", "checkpoint", "digest")),
        ("preprocessing", pa.string()),
        ("dimension", pa.int32()),
        ("metric", pa.string()),
        ("vectors", pa.int64()),
    ]
)


class Embeddings:
    """What the pictures of the catalog at `root` look like to models.

    Args:
        root: the catalog.
        settings: its settings.
    """

    def __init__(self, root: Location, settings: Settings) -> None:
        self._settings = settings
        self._spaces = Spaces(root, settings)
        self._store = VectorStore(self._spaces.folder, settings)
        self._held: tuple[str, int, list[pa.RecordBatch]] | None = None
        self._floors: dict[str, dict[int, float]] = {}

    def spaces(self) -> pa.Table:
        """The spaces (schema `SPACES`); `vectors` counts assets, and is null where they cannot be read.

        Raises:
            EmbeddingError: what a space is cannot be read, or there is none any more.
        """
        rows = [
            {
                "space": space.name,
                **{name: getattr(space, name) for name in SPACES.names[1:-1]},
                "vectors": self._count(space.name),
            }
            for space in self._spaces.list()
        ]
        if not rows:
            self._spaces.refuse_lost()
        return pa.Table.from_pylist(rows, schema=SPACES)

    def embed(
        self,
        cursor: duckdb.DuckDBPyConnection,
        *,
        model: str | None = None,
        pretrained: str | None = None,
        checkpoint: str | None = None,
        batch_size: int = 32,
        device: str | None = None,
        mark: Callable[[Faults], None] = lambda faults: None,
        reading: Settings | None = None,
    ) -> EmbedReport:
        """Embeds the pictures that have no vector yet. May be stopped at any time and run again.

        Args:
            cursor: shows the catalog's newest state.
            model: a name that open_clip knows, or `tiny`, which is the default and needs no network.
            pretrained: the tag of published weights of that model.
            checkpoint: a weights file; its open_clip_config.json lies beside it, or `model` is named.
            batch_size: pictures that the model is given at once.
            device: as torch names it; by default CUDA where there is some.
            mark: told which pictures cannot be decoded.
            reading: the settings with which pictures are read, where they may be read from some places alone.

        Raises:
            UsageError: arguments that do not go together.
            ExtraMissing: torch or open_clip is not installed.
            EmbeddingError: no such model, or another process is embedding into the same space.
        """
        if batch_size < 1:
            raise UsageError(f"a batch of {batch_size} pictures makes no sense", hint="Give 1 or more.")
        choice = Choice(model or "", pretrained or "", checkpoint or "")
        encoder = loaded(choice, device=device)
        space = self._spaces.registered(Space.of(encoder.facts))
        with sole_writer(self._spaces.folder, space.name, settings=self._settings) as confirm:
            table = self._store.made(space.name, dimension=space.dimension)
            report = embed_missing(
                cursor,
                encoder,
                table=table,
                space=space.name,
                settings=reading or self._settings,
                confirm=confirm,
                batch_size=batch_size,
                mark=mark,
            )
            confirm()
            # lancedb refuses an IVF_RQ index over another dimension; such a space is always compared whole.
            with_index = table.count() > near.INDEX_ROWS and space.dimension % 8 == 0
            if report.embedded or report.reused or (with_index and not table.is_indexed):
                table.tidy(with_index=with_index)
        return report

    def chosen(self, space: str | None = None) -> str:
        """The name of the space that a query uses.

        Args:
            space: its name; by default the setting `space`, else the only one.

        Raises:
            EmbeddingError: nothing was embedded, or there are several spaces and none is chosen.
            NotFound: no such space.
        """
        return self._spaces.chosen(space).name

    def nearest(self, cursor: duckdb.DuckDBPyConnection, space: str | None = None) -> Nearest:
        """What ranks assets by likeness in one space; the model is loaded when it is first needed.

        Args:
            cursor: shows the state that is searched.
            space: by default the setting `space`, else the only one.

        Raises:
            EmbeddingError: nothing was embedded, or there are several spaces and none is chosen.
            NotFound: no such space.
        """
        chosen = self._spaces.chosen(space)
        table = self._store.table(chosen.name)
        return Nearest(
            cursor,
            table=table,
            held=lambda: self._rows(chosen.name, table),
            encoder=lambda: _same_model(chosen),
            settings=self._settings,
            floors=self._floors.setdefault(chosen.name, {}),
        )

    def encoder(self, space: str | None = None) -> Encoder:
        """The model of a space, loaded; texts and pictures that it is given can be compared.

        Args:
            space: by default the setting `space`, else the only one.

        Raises:
            EmbeddingError: nothing was embedded, or there are several spaces and none is chosen.
            NotFound: no such space.
            ExtraMissing: torch or open_clip is not installed.
        """
        return _same_model(self._spaces.chosen(space))

    def check(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
        """Compares the vectors with the state that `cursor` shows."""
        return findings(cursor, spaces=self._spaces, store=self._store)

    def _count(self, space: str) -> int | None:
        try:
            count: int = pc.count_distinct(self._store.table(space).keys()["asset"]).as_py()
        except EmbeddingError:  # not made yet, or damaged: `check` says which
            return None
        return count

    def _rows(self, space: str, table: VectorTable) -> Iterable[pa.RecordBatch]:
        """Every row; held in memory for the next question where there are few."""
        version = table.version
        held = self._held
        if held is not None and held[:2] == (space, version):
            return held[2]
        if table.count() > near.INDEX_ROWS:
            return table.rows()
        rows = list(table.rows())
        self._held = (space, version, rows)
        return rows


def _same_model(space: Space) -> OpenClip:
    """The model of a space, which must still be what it was: vectors of two models are not comparable."""
    encoder = loaded(Choice(space.model, space.pretrained, space.checkpoint))
    if not Space.of(encoder.facts).is_same_model(space):
        raise EmbeddingError(
            f"the model of the space {space.name} is not what it was when pictures were embedded",
            where=space.checkpoint or space.model,
            hint="Bring its files back, or embed with the model as it is now: that makes a space of its own.",
        )
    return encoder
