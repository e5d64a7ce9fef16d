from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from assistive.errors import ConfigError, WeightsError  # noqa: E402
from assistive.training.yolo.network import (  # noqa: E402
    LOSSES,
    HandDetection,
    build_detector,
    candidates_of,
    load_detector,
    save_detector,
)

NAMES = ["fist", "like", "no_gesture"]


def _batch() -> dict[str, torch.Tensor]:
    return {
        "img": torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)),
        "batch_idx": torch.tensor([0.0, 1.0]), "cls": torch.tensor([[0.0], [2.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.3, 0.4], [0.3, 0.6, 0.2, 0.2]]),
    }  # fmt: skip


def _teacher(seed: int) -> HandDetection:
    torch.manual_seed(seed)
    network = build_detector("yolov5n", 3)
    assert isinstance(network, HandDetection)
    return network


def test_own_detector_gives_named_losses_that_sum_to_what_is_minimised() -> None:
    network = build_detector("yolov5s-lite", 3)
    parts, items = network.loss(_batch())
    assert tuple(items) == LOSSES
    assert float(parts.detach().sum()) == pytest.approx(sum(float(value) for value in items.values()))
    parts.sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_candidates_while_validating_are_boxes_and_hand_times_class() -> None:
    network = build_detector("yolov5n", 3).eval()
    image = _batch()["img"][:1]
    found, raw = network(image)
    assert found.shape == (1, 4 + 3, 3 * (64 + 16 + 4)) and len(raw) == 3
    both = candidates_of(network).eval()(image)[0]
    assert torch.allclose(found[0].T[:, 4:], both[:, 4:5] * both[:, 5:])
    assert torch.allclose(found[0].T[:, :4], both[:, :4])


def test_a_teacher_adds_a_loss_and_is_neither_trained_nor_saved() -> None:
    torch.manual_seed(1)
    plain = build_detector("yolov5n", 3)
    taught = build_detector("yolov5n", 3, _teacher(2).network)
    assert taught.state_dict().keys() == plain.state_dict().keys()
    assert len(list(taught.parameters())) == len(list(plain.parameters()))
    parts, items = taught.loss(_batch())
    assert float(items["dis_loss"]) > 0 and len(parts) == 4
    own = _teacher(2)
    torch.manual_seed(2)
    same = build_detector("yolov5n", 3, own.network)
    same.load_state_dict(own.state_dict())
    own.network.train()
    same._teacher[0].train()
    assert float(same.loss(_batch())[1]["dis_loss"]) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("model", ["yolov5s-lite", "yolov8n", "yolo11n", "yolo26n"])
def test_saved_detector_comes_back_and_speaks_the_runtimes_language(model: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_detector(model, 3)
    save_detector(tmp_path / "final.pt", network, NAMES, 64)
    back, classes, size = load_detector(tmp_path / "final.pt")
    assert (classes, size) == (NAMES, 64)
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        first, second = (candidates_of(one.eval()).eval()(image)[0] for one in (network, back))
    assert torch.allclose(first, second) and first.shape[1] == 5 + 3
    scores = first[:, 4:].numpy()
    assert np.all((scores >= 0) & (scores <= 1))


def test_unknown_names_and_files_are_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="yolov9z"):
        build_detector("yolov9z", 3)
    with pytest.raises(ConfigError, match="cannot learn from a teacher"):
        build_detector("yolov8n", 3, _teacher(0).network)
    with pytest.raises(WeightsError, match="cannot read"):
        load_detector(tmp_path / "none.pt")
    (tmp_path / "noise.pt").write_bytes(b"noise")
    with pytest.raises(WeightsError, match="no trained detector"):
        load_detector(tmp_path / "noise.pt")
