"""Where ``models/`` and ``configs/`` lie: ASSISTIVE_HOME, beside run.py, or inside the installed package."""

from __future__ import annotations

import os
from pathlib import Path

from assistive.errors import ConfigError


def home() -> Path:
    """Return the folder that holds ``models/`` and ``configs/``.

    Raises:
        ConfigError: none of the three places holds both folders.
    """
    named = os.environ.get("ASSISTIVE_HOME")
    package = Path(__file__).resolve().parent
    places = [Path(named)] if named else [package.parent, package / "home"]
    for place in places:
        if (place / "models").is_dir() and (place / "configs").is_dir():
            return place
    raise ConfigError(
        f"no folder with models/ and configs/ at {' or '.join(map(str, places))}",
        "run from a full checkout, reinstall the package, or set ASSISTIVE_HOME",
        "config.home",
    )
