import pytest

torch = pytest.importorskip("torch")

from assistive.training.detection_loss import _ciou, detection_loss  # noqa: E402
from assistive.zoo.yolov5s_lite import ANCHORS, STRIDES  # noqa: E402


def _heads(side: int = 64) -> "list[torch.Tensor]":
    return [torch.full((1, 3, side // s, side // s, 24), -8.0) for s in STRIDES]


def test_ciou_of_equal_boxes_is_one_and_falls_with_distance() -> None:
    a = torch.tensor([[0.5, 0.5, 0.2, 0.3]])
    assert _ciou(a, a).item() == pytest.approx(1, abs=1e-4)
    near, far = a + torch.tensor([[0.05, 0, 0, 0]]), a + torch.tensor([[0.4, 0, 0, 0]])
    assert 1 > _ciou(a, near).item() > _ciou(a, far).item()
    assert _ciou(a, far).item() < 0


def test_ciou_punishes_another_shape() -> None:
    a = torch.tensor([[0.5, 0.5, 0.2, 0.2]])
    wide = torch.tensor([[0.5, 0.5, 0.4, 0.1]])
    inner = 0.2 * 0.1
    assert _ciou(a, wide).item() < inner / (2 * 0.04 - inner)


def test_empty_batch_costs_only_objectness() -> None:
    raw = _heads()
    loss = detection_loss(raw, torch.zeros(0, 5), torch.zeros(0, 19))
    box, objectness, kind = loss.tolist()
    assert box == kind == 0 and 0 < objectness < 0.01


def test_right_answer_costs_less_than_a_wrong_one() -> None:
    """A head that says exactly what is there must beat one that says it in another cell or of another class."""
    level, anchor = 1, 0
    stride, (width, height) = STRIDES[level], ANCHORS[level][0]
    box = torch.tensor([[0, (1.5 * stride) / 64, (2.5 * stride) / 64, width / 64, height / 64]])
    kind = torch.eye(19)[[4]]

    def cost(row: int, column: int, name: int) -> float:
        raw = _heads()
        cell = raw[level][0, anchor, row, column]
        cell[:4] = 0.0
        cell[4] = 8.0
        cell[5 + name] = 8.0
        return float(detection_loss(raw, box, kind).sum())

    assert cost(2, 1, 4) < cost(2, 1, 7)
    assert cost(2, 1, 4) < cost(0, 3, 4)
