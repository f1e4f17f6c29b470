"""Where a catalog may lie: where every library takes its path as it is written."""

from __future__ import annotations

import os
import re

from datacat.errors import LocationError
from datacat.sources.location import Location

# delta-rs decodes paths once more than it encodes them, so that `a%20b` is read from the folder `a b`, perhaps another
# catalog's, and `a%2Fb` from `a/b`. It takes a backslash for a slash, and refuses control characters halfway. DVC
# takes braces for places to put something into, and fails.
_ANYWHERE = re.compile(r"%[0-9A-Fa-f]{2}|[\\{}\x00-\x1f\x7f]")
# Of an S3 address, `#` and `?` end the key for whoever reads it as a URL.
_ON_S3 = re.compile(rf"{_ANYWHERE.pattern}|[#?]")


def check_place(root: Location) -> None:
    """Makes sure that a catalog can lie at `root`; opens and writes nothing.

    Raises:
        LocationError: a file lies there, or its path has something that would be read as another path.
    """
    if not root.is_s3 and os.path.isfile(root.path):
        raise LocationError("no catalog can lie here: it is a file", where=root.uri, hint="Name a folder.")
    found = (_ON_S3 if root.is_s3 else _ANYWHERE).search(root.uri)
    if found:
        shown, others = (
            root.uri.encode("unicode_escape").decode(),
            ", and without # and ?" if root.is_s3 else "",
        )
        raise LocationError(
            f"no catalog can lie here: {found[0]!r} in its path would be read as something else",
            where=shown,
            hint=f"Choose a place without % before two digits (0-9, A-F), \\ {{ }} and control characters{others}.",
        )
    try:
        root.uri.encode()
    except UnicodeEncodeError as error:
        raise LocationError(
            "no catalog can lie here: its path is not valid UTF-8",
            where=root.uri.encode("utf-8", "backslashreplace").decode(),
            hint="Choose another place.",
        ) from error
