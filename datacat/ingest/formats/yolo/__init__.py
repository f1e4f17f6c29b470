"""YOLO's text files; `reader` is the place to begin."""

from datacat.ingest.formats.yolo.reader import FORMAT

__all__ = ["FORMAT"]
