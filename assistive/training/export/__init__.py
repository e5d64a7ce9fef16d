"""Export: from trained weights to the files in ``models/``, and from those to other forms and servers."""

from assistive.training.export.networks import (
    Reader,
    choose_threshold,
    collect,
    export_detector,
    export_verifier,
    fit_blend,
)
from assistive.training.export.onnx_file import ANY_SIZE, write_onnx, write_sidecar

__all__ = [
    "ANY_SIZE",
    "Reader",
    "choose_threshold",
    "collect",
    "export_detector",
    "export_verifier",
    "fit_blend",
    "write_onnx",
    "write_sidecar",
]
