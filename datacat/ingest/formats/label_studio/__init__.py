"""Label Studio's JSON export; see docs/formats/label_studio.md."""

from datacat.ingest.formats.label_studio.reader import FORMAT

__all__ = ["FORMAT"]
