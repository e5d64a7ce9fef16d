from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from assistive.errors import WeightsError  # noqa: E402
from assistive.training.export import write_onnx  # noqa: E402
from assistive.training.unfold import unfold  # noqa: E402
from assistive.zoo.gesture_verifier import GestureVerifier, Probabilities  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]
SIDE = 32


def _network(classes: int = 5) -> GestureVerifier:
    network = GestureVerifier(classes, widths=(16, 16, 24, 32), depths=(1, 1, 1, 1))
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, SIDE, SIDE))
    return network


@pytest.fixture
def exported(tmp_path: Path) -> tuple[GestureVerifier, Path]:
    torch.manual_seed(0)
    network = _network()
    for module in network.modules():  # as after training: norms that do something
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    path = tmp_path / "network.onnx"
    outputs = ["probabilities", "embedding", "box"]
    write_onnx(Probabilities(network), torch.rand(2, 3, SIDE, SIDE), path, outputs)
    return network, path


def test_an_exported_network_goes_on_as_it_was(exported: tuple[GestureVerifier, Path]) -> None:
    network, path = exported
    torch.manual_seed(1)
    again = _network()
    unfold(path, again, torch.rand(128, 3, SIDE, SIDE))
    probe = torch.rand(8, 3, SIDE, SIDE)
    with torch.no_grad():
        for expected, found in zip(network.eval()(probe)[:3], again.eval()(probe)[:3], strict=True):
            assert torch.allclose(expected, found, atol=2e-4)


def test_its_norms_hold_the_statistics_of_the_inputs(exported: tuple[GestureVerifier, Path]) -> None:
    _, path = exported
    again = _network()
    images = torch.rand(128, 3, SIDE, SIDE)
    unfold(path, again, images)
    with torch.no_grad():
        still = again.eval()(images)[0]
        # With the batch's own statistics the same comes out: training starts where the export ended.
        for module in again.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.train()
        moving = again(images)[0]
    assert torch.allclose(still, moving, atol=0.02)


def test_another_network_is_refused(exported: tuple[GestureVerifier, Path]) -> None:
    _, path = exported
    with pytest.raises(WeightsError, match="another network"):
        unfold(path, _network(classes=7), torch.rand(8, 3, SIDE, SIDE))
