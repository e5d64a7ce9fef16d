"""Makes ultralytics ready, offline, before the importorskip of a test module imports it the plain way."""

import contextlib

from assistive.errors import DependencyError

with contextlib.suppress(ImportError, DependencyError):
    import assistive.training.yolo  # noqa: F401
