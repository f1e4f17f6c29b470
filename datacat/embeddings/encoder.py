"""The contract of a model that places pictures and texts in one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Everything that decides which vector a picture gets.

    Attributes:
        label: readable and short, as in `tiny` or `ViT-B-32-laion2b_s34b_b79k`.
        model: the name of a built-in configuration, or `tiny`; empty where a configuration lay by the weights.
        pretrained: the tag of published weights; empty where there is none.
        checkpoint: the absolute path of a weights file; empty where there is none.
        digest: sha256 of the weights file, hex.
        architecture: the model's configuration, JSON.
        preprocessing: what is done to a picture before the model sees it, JSON.
        dimension: numbers in a vector.
    """

    label: str
    model: str
    pretrained: str
    checkpoint: str
    digest: str
    architecture: str
    preprocessing: str
    dimension: int


class Encoder(Protocol):
    """Pictures or texts -> vectors of unit length."""

    @property
    def facts(self) -> ModelFacts:
        """What decides which vector a picture gets."""
        ...

    def prepare(self, picture: Image.Image) -> Vectors:
        """The preprocessed picture (RGB in, the model's input shape out); may be called from several threads."""
        ...

    def encode_pictures(self, prepared: Sequence[Vectors]) -> Vectors:
        """(n, dimension), rows of unit length, of what `prepare` returned.

        Raises:
            EmbeddingError: the device ran out of memory, or the model gave no direction.
        """
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension), rows of unit length."""
        ...
