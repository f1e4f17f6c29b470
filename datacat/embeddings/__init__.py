"""Vectors of pictures, and what is near to what."""

from datacat.embeddings.embed import EmbedReport
from datacat.embeddings.embeddings import Embeddings
from datacat.embeddings.nearest import Nearest

__all__ = ["EmbedReport", "Embeddings", "Nearest"]
