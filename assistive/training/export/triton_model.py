"""The gesture stream as a model of a Triton server: a picture goes in, the hands in it come out.

``scripts/export.py triton`` copies this file to ``gestures/1/model.py`` of a model repository, beside the sidecars of
both networks. It runs the package's own :class:`GestureStream`; only the two networks are run by the server, by
requests from here, so that it can batch the crops of many cameras.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found,unused-ignore]
from numpy.typing import NDArray

from assistive.errors import AssistiveError, RuntimeFault
from assistive.gesture import GestureStream, check_kind
from assistive.runtime import Runner
from assistive.settings import GestureSettings, RuntimeSettings
from assistive.types import Frame, Hand
from assistive.weights import Sidecar

OUTPUTS = {"gesture-detector": ("candidates",), "gesture-verifier": ("probabilities", "embedding", "box")}
"""Outputs of each kind of network, in the order in which the runtime expects them."""

REMEDY = "see the server's log"


class OnServer:
    """A network that the server runs.

    Args:
        name: name of the model in the repository.
        outputs: names of its outputs.
    """

    provider = "Triton"
    reason = "this is the server"

    def __init__(self, name: str, outputs: tuple[str, ...]) -> None:
        self._name, self._outputs = name, outputs

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Ask the server to run the network once.

        Raises:
            RuntimeFault: it could not, or an output is not finite.
        """
        request = pb_utils.InferenceRequest(
            model_name=self._name, requested_output_names=list(self._outputs),
            inputs=[pb_utils.Tensor("image", np.ascontiguousarray(batch))],
            preferred_memory=pb_utils.PreferredMemory(pb_utils.TRITONSERVER_MEMORY_CPU, 0),
        )  # fmt: skip
        response = request.exec()
        if response.has_error():
            raise RuntimeFault(f"{self._name} failed: {response.error().message()}", REMEDY, "runtime.failed")
        tensors = (pb_utils.get_output_tensor_by_name(response, name) for name in self._outputs)
        found = tuple(tensor.as_numpy() for tensor in tensors)
        if not all(np.isfinite(output).all() for output in found):
            raise RuntimeFault(f"{self._name} gave back numbers that are not finite", REMEDY, "runtime.nan")
        return found


class TritonPythonModel:
    """What the server calls."""

    def initialize(self, args: dict[str, Any]) -> None:
        """Open the stream over the server's two networks.

        Args:
            args: of the server: ``model_config`` in JSON, whose parameters are those of ``config.pbtxt``.
        """
        given = json.loads(args["model_config"])["parameters"]
        settings = GestureSettings(max_hands=int(given["max_hands"]["string_value"]))
        self._classes = given["classes"]["string_value"].split(",")
        self._stream = GestureStream(settings.alone(), RuntimeSettings(), _open_on_server)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Read the picture of each request; one that cannot be read is answered with the reason."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        image = pb_utils.get_input_tensor_by_name(request, "image").as_numpy()
        try:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                what = f"the image must be uint8 (height, width, 3), RGB, not {image.dtype} {image.shape}"
                raise RuntimeFault(what, "send one picture in each request", "runtime.shape")
            hands = self._stream.read(Frame(image, 0.0, 0, 0.0))
        except AssistiveError as error:
            return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(str(error)))
        outputs = answer(hands, self._classes)
        return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor(*output) for output in outputs.items()])


def answer(hands: tuple[Hand, ...], classes: list[str]) -> dict[str, NDArray[Any]]:
    """Return the outputs for the hands of one picture, the most probable gesture first.

    Args:
        hands: what the stream read.
        classes: names of the k classes, in the order in which their probabilities are given.

    Returns:
        ``gestures`` (names) and ``probability``, both ``(n,)``; ``boxes`` float64 ``(n, 4)`` as x, y, w, h in fractions
        of the picture; ``hand_scores`` ``(n,)``; ``probabilities`` ``(n, k)``.
    """
    boxes = [(hand.box.x, hand.box.y, hand.box.w, hand.box.h) for hand in hands]
    probabilities = [[hand.probabilities[name] for name in classes] for hand in hands]
    return {
        "gestures": np.array([hand.gesture.encode() for hand in hands], np.object_),
        "probability": np.array([hand.probability for hand in hands], np.float64),
        "boxes": np.array(boxes, np.float64).reshape(len(hands), 4),
        "hand_scores": np.array([hand.score for hand in hands], np.float64),
        "probabilities": np.array(probabilities, np.float64).reshape(len(hands), len(classes)),
    }


def _open_on_server(name: str, kind: str, _: RuntimeSettings) -> tuple[Sidecar, Runner]:
    sidecar = Sidecar.model_validate_json((Path(__file__).parent / f"{name}.json").read_bytes())
    check_kind(sidecar, kind)
    return sidecar, OnServer(name, OUTPUTS[kind])
