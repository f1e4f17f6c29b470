"""Page tokens: opaque to whoever holds one, url-safe, good for one query at one state."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from datacat.errors import UsageError

_MOST = 2**63
_DIGEST_SIZE = 6  # bytes; it guards against mistakes, not against forgers


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page of results ended.

    Attributes:
        state: the state that was searched.
        query: digest of the query's strict form.
        position: the last asset, or with a similarity term how many results came before.
    """

    state: int
    query: str
    position: int

    @property
    def token(self) -> str:
        """The text that stands for this."""
        packed = json.dumps([self.state, self.query, self.position], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def query_digest(interpretation: str) -> str:
    """What a token remembers of its query."""
    return hashlib.blake2b(interpretation.encode(), digest_size=_DIGEST_SIZE).hexdigest()


def read_page(token: str) -> Page:
    """Reads a token; `.state` says at which state the catalog must be opened to go on.

    Raises:
        UsageError: it is no token of ours.
    """
    hint = "Take it from `next` of the page before."
    try:
        said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise UsageError(f"{token!r} is no page token", hint=hint) from error
    match said:
        case [int(state), str(query), int(position)] if 0 <= state < _MOST and 0 <= position < _MOST:
            if not isinstance(position, bool) and not isinstance(state, bool):
                return Page(state, query, position)
    raise UsageError(f"{token!r} is no page token", hint=hint)


def position_after(token: str | None, *, state: int, interpretation: str) -> int | None:
    """Where to go on; None at the beginning.

    Raises:
        UsageError: the token belongs to another query or another state.
    """
    if token is None:
        return None
    page = read_page(token)
    if page.query != query_digest(interpretation):
        raise UsageError(
            "this page token belongs to another query",
            hint=f"Without it, this query starts anew: {interpretation}",
        )
    if page.state != state:
        raise UsageError(
            f"this page token belongs to state {page.state}, not {state}",
            hint=f"Open the catalog at state {page.state}.",
        )
    return page.position
