"""The micro-expression collections that training knows, by the name given to ``--data``."""

from __future__ import annotations

from assistive.registry import Registry
from assistive.training.datasets.me_clip import Collection

COLLECTIONS: Registry[Collection] = Registry(
    "collection",
    {
        "casme2": "assistive.training.datasets.casme2:read",
        "samm": "assistive.training.datasets.samm:read",
        "smic": "assistive.training.datasets.smic:read",
        "casme_sq": "assistive.training.datasets.casme_sq:read",
        "casme3": "assistive.training.datasets.casme3:read",
    },
)
"""Readers by name; each is called with the folder of the collection as released and the scheme of classes."""
