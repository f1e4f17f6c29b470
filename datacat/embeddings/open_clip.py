"""Models of open_clip. The only module here that imports torch, and only when a model is loaded.

Whichever way a model is named, it is built from a configuration and given the weights of one file, whose sha256
is kept with every space: `tiny` (shipped), a name and a tag of published weights, or a file of one's own.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from datacat.embeddings.encoder import ModelFacts, Vectors
from datacat.errors import EmbeddingError, ExtraMissing, UsageError

TINY = "tiny"
_TINY_FOLDER = Path(__file__).parent / TINY
_CONFIGURATION = "open_clip_config.json"
_WEIGHTS = "open_clip_model.safetensors"
# What open_clip calls weights files itself; a space is then better named after the folder alone.
_GENERIC = ("open_clip_model", "open_clip_pytorch_model", "pytorch_model", "model")
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """A model as a person names it; nothing at all means `tiny`.

    Raises:
        UsageError: these do not go together.
    """

    model: str = ""
    pretrained: str = ""
    checkpoint: str = ""

    def __post_init__(self) -> None:
        if self.checkpoint and self.pretrained:
            raise UsageError(
                "a checkpoint and pretrained weights exclude each other", hint="Name one of them."
            )
        if self.pretrained and not self.model:
            raise UsageError("pretrained weights need the name of their model", hint="Add --model NAME.")
        if self.is_tiny and (self.pretrained or self.checkpoint):
            raise UsageError("the model `tiny` has weights of its own", hint="Name another model, or none.")

    @property
    def is_tiny(self) -> bool:
        """Whether it is the model that comes with datacat."""
        return self.model == TINY or not (self.model or self.pretrained or self.checkpoint)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a choice comes to: open_clip's name of the configuration, the weights, and corrections."""

    label: str
    choice: Choice
    configuration: str
    weights: str
    tag: str | None = None
    quick_gelu: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is read from."""
        scheme, _, folder = self.configuration.partition(":")
        beside = (os.path.join(folder, _CONFIGURATION),) if scheme == "local-dir" else ()
        return (self.weights, *beside)


class OpenClip:
    """An open_clip model on a device. Make one with `loaded`."""

    def __init__(self, parts: _Parts, *, device: str) -> None:
        import open_clip
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        model = open_clip.create_model(
            parts.configuration,
            pretrained=parts.tag,
            load_weights=False,
            pretrained_text=False,
            force_quick_gelu=parts.quick_gelu,
        )
        open_clip.load_checkpoint(model, parts.weights, strict=True, weights_only=True)
        preprocessing = PreprocessCfg(**open_clip.get_model_preprocess_cfg(model))
        self._torch = torch
        self._device = torch.device(device)
        self._model = model.to(self._device).eval()
        self._tokens = open_clip.get_tokenizer(parts.configuration)
        self._transform = image_transform_v2(preprocessing, is_train=False)
        architecture = open_clip.get_model_config(parts.configuration)
        if parts.quick_gelu:
            architecture["quick_gelu"] = True
        self._facts = ModelFacts(
            label=parts.label,
            model=TINY if parts.choice.is_tiny else parts.choice.model,
            pretrained=parts.choice.pretrained,
            checkpoint=os.path.abspath(parts.choice.checkpoint) if parts.choice.checkpoint else "",
            digest=_sha256(parts.weights),
            architecture=json.dumps(architecture, sort_keys=True),
            preprocessing=json.dumps(asdict(preprocessing), sort_keys=True),
            dimension=int(architecture["embed_dim"]),
        )

    @property
    def facts(self) -> ModelFacts:
        """See `Encoder.facts`."""
        return self._facts

    def prepare(self, picture: Image.Image) -> Vectors:
        """See `Encoder.prepare`."""
        prepared: Vectors = self._transform(picture).numpy()
        return prepared

    def encode_pictures(self, prepared: Sequence[Vectors]) -> Vectors:
        """See `Encoder.encode_pictures`."""
        return self._encoded(self._model.encode_image, self._torch.from_numpy(np.stack(prepared)))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode_texts`."""
        return self._encoded(self._model.encode_text, self._tokens(list(texts)))

    def _encoded(self, encode: Any, batch: Any) -> Vectors:
        try:
            with self._torch.inference_mode():
                found = encode(batch.to(self._device)).float().cpu().numpy()
        except self._torch.OutOfMemoryError as error:
            raise EmbeddingError(
                f"{self._device} ran out of memory at {len(batch)} pictures at once",
                hint="Choose a smaller --batch-size, or --device cpu.",
            ) from error
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise EmbeddingError(
                f"the model {self._facts.label} gives no direction", hint="Are its weights whole?"
            )
        unit: Vectors = (found / lengths).astype(np.float32, copy=False)
        return unit


_loading = threading.Lock()
_kept: dict[tuple[object, ...], OpenClip] = {}


def loaded(choice: Choice, *, device: str | None = None) -> OpenClip:
    """The model, from memory where its weights file is the one that was loaded last.

    Args:
        choice: which.
        device: as torch names it, `cpu` or `cuda:0`; None: CUDA where there is some.

    Raises:
        ExtraMissing: torch or open_clip is not installed.
        EmbeddingError: there is no such model, or its weights cannot be had or do not fit.
    """
    with _loading, _quiet():
        chosen = _device(device)
        parts = _parts(choice)
        key = (parts, chosen, *map(_stamp, parts.files))
        if key not in _kept:
            _kept.clear()  # one model at a time: they are large
            try:
                _kept[key] = OpenClip(parts, device=chosen)
            except Exception as error:  # whatever a broken file provokes: KeyError, UnpicklingError, …
                raise _unloadable(error, where=parts.weights) from error
        return _kept[key]


def _device(wanted: str | None) -> str:
    try:
        import open_clip  # noqa: F401 - to say that it is missing before anything else
        import torch
    except ImportError as error:
        raise ExtraMissing(error.name or "open_clip", extra="clip") from error
    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        what = str(error).splitlines()[0]
        raise EmbeddingError(
            f"the device {wanted!r} cannot be used: {what}", hint="Try --device cpu."
        ) from error
    return wanted


def _parts(choice: Choice) -> _Parts:
    if choice.is_tiny:
        return _Parts(TINY, choice, f"local-dir:{_TINY_FOLDER}", str(_TINY_FOLDER / _WEIGHTS))
    if choice.checkpoint:
        return _checkpoint(choice)
    return _published(choice)


def _checkpoint(choice: Choice) -> _Parts:
    file = Path(os.path.abspath(choice.checkpoint))
    _stamp(str(file))
    if choice.model:
        _known_model(choice.model)
        return _Parts(f"{choice.model}-{file.stem}", choice, choice.model, str(file))
    if not (file.parent / _CONFIGURATION).is_file():
        raise EmbeddingError(
            f"the weights come without {_CONFIGURATION}",
            where=str(file),
            hint="Put the model's configuration beside them (without it pictures would be prepared in a way the "
            "model was perhaps not trained with), or name a built-in one with --model.",
        )
    label = file.parent.name if file.stem in _GENERIC else f"{file.parent.name}-{file.stem}"
    return _Parts(label, choice, f"local-dir:{file.parent}", str(file))


def _published(choice: Choice) -> _Parts:
    import open_clip

    _known_model(choice.model)
    tags = open_clip.list_pretrained_tags_by_model(choice.model)
    if not choice.pretrained:
        raise EmbeddingError(
            f"the model {choice.model} needs weights",
            hint=f"Add --checkpoint FILE, or --pretrained with one of: {_listed(tags)}.",
        )
    facts = open_clip.get_pretrained_cfg(choice.model, choice.pretrained)
    if not facts:
        raise EmbeddingError(
            f"there are no weights {choice.pretrained!r} of the model {choice.model}",
            hint=f"There are: {_listed(list(dict.fromkeys([*_near(choice.pretrained, tags), *tags])))}.",
        )
    try:
        weights = open_clip.download_pretrained(facts)
    except Exception as error:  # urllib's, huggingface_hub's and httpx's own kinds
        raise EmbeddingError(
            f"the weights {choice.pretrained} of {choice.model} cannot be fetched: {_first_line(error)}",
            hint="Without a network, fetch the file elsewhere and name it with --checkpoint, or use --model tiny.",
        ) from error
    label = f"{choice.model}-{choice.pretrained}"
    is_quick = bool(facts.get("quick_gelu", False))
    return _Parts(label, choice, choice.model, weights, tag=choice.pretrained, quick_gelu=is_quick)


def _known_model(name: str) -> None:
    import open_clip

    known = open_clip.list_models()
    if name not in known:
        near = _near(name, [TINY, *known])
        raise EmbeddingError(
            f"open_clip has no model {name!r}",
            hint=f"Did you mean {_listed(near)}?" if near else f"There are: {_listed([TINY, *known])}.",
        )


def _near(name: str, known: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(name, known, n=4, cutoff=0.5)


def _listed(names: Sequence[str]) -> str:
    more = f" … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _stamp(path: str) -> tuple[int, int, int]:
    """Another one when the file has changed."""
    try:
        if not os.path.isdir(path):
            status = os.stat(path)
            return status.st_size, status.st_mtime_ns, status.st_ino
    except OSError as error:
        raise EmbeddingError(f"the model cannot be read: {error.strerror}", where=path) from error
    raise EmbeddingError("a folder is no weights file", where=path, hint="Name the file in it.")


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unloadable(error: Exception, *, where: str) -> EmbeddingError:
    return EmbeddingError(
        f"the model cannot be loaded: {_first_line(error)}",
        where=where,
        hint="Are these weights whole, and of this configuration?",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """open_clip and huggingface_hub log what our errors say better, or what is not so (`initialized randomly`)."""
    loggers = [logging.getLogger(), logging.getLogger("huggingface_hub.utils._http")]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    return False
