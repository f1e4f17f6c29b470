"""Drawn pictures with their whole truth: what is where, and what it is like.

A seed and a kind give the same scene everywhere. Drawn things keep a demo and the tests honest: every answer can
be checked against what was drawn, and nobody's photographs need a licence.
"""

from __future__ import annotations

import random

from datacat.demo.aerial import compose as compose_aerial
from datacat.demo.street import compose as compose_street
from datacat.demo.truth import Kind, Scene

_COMPOSERS = {"aerial": compose_aerial, "street": compose_street}


def draw(seed: int, kind: Kind, *, detail: int = 2) -> Scene:
    """Draws scene number `seed`.

    Args:
        seed: another seed, another scene.
        kind: what to draw.
        detail: drawn so many times larger and then reduced; 1 is quick and has hard edges.
    """
    return _COMPOSERS[kind](random.Random(f"{kind}/{seed}"), detail=detail)
