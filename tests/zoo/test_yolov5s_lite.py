import pytest

torch = pytest.importorskip("torch")

from assistive.training.detection_loss import detection_loss  # noqa: E402
from assistive.zoo.yolov5s_lite import STRIDES, Decode, build  # noqa: E402


def _parameters_and_gflops(name: str) -> tuple[int, float]:
    network = build(name, 19).eval()
    macs = 0

    def count(module: "torch.nn.Conv2d", _: object, out: "torch.Tensor") -> None:
        nonlocal macs
        macs += out.shape[2] * out.shape[3] * module.weight.numel()

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, 3, 640, 640))
    return sum(p.numel() for p in network.parameters()), 2 * macs / 1e9


@pytest.mark.parametrize(
    ("name", "parameters", "gflops"),
    [("yolov5s", 7_070_872, 15.91), ("yolov5n", 1_789_624, 4.21), ("yolov5s_lite", 2_209_800, 5.46)],
)
def test_size_is_as_published(name: str, parameters: int, gflops: float) -> None:
    counted, flops = _parameters_and_gflops(name)
    assert counted == parameters
    assert flops == pytest.approx(gflops, abs=0.006)


def test_ours_is_at_most_half_of_yolov5s() -> None:
    ours, theirs = _parameters_and_gflops("yolov5s_lite"), _parameters_and_gflops("yolov5s")
    assert ours[0] <= 0.5 * theirs[0]
    assert ours[1] <= 0.5 * theirs[1]


def test_decoded_boxes_lie_where_the_cell_says() -> None:
    network = build("yolov5n", 19).eval()
    with torch.no_grad():
        output = Decode(network)(torch.zeros(1, 3, 64, 96))
        raw = network(torch.zeros(1, 3, 64, 96))
    cells = [(64 // s) * (96 // s) for s in STRIDES]
    assert output.shape == (1, 3 * sum(cells), 24)
    first = raw[0][0, 0, 2, 3].sigmoid()
    decoded = output[0, 2 * (96 // 8) + 3]
    assert decoded[0].item() == pytest.approx((first[0].item() * 2 + 3 - 0.5) * 8, abs=1e-3)
    assert decoded[1].item() == pytest.approx((first[1].item() * 2 + 2 - 0.5) * 8, abs=1e-3)
    assert decoded[2].item() == pytest.approx((first[2].item() * 2) ** 2 * 10, abs=1e-3)


def test_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    network = build("yolov5s_lite", 19).train()
    raw = network(torch.rand(2, 3, 128, 128))
    boxes = torch.tensor([[0, 0.5, 0.5, 0.1, 0.2], [0, 0.3, 0.3, 0.4, 0.5], [1, 0.6, 0.5, 0.9, 0.9]])
    detection_loss(raw, boxes, torch.eye(19)[:3]).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_learns_a_few_pictures_by_heart() -> None:
    """Eight pictures with one bright square each: the network must find every square afterwards."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(1)
    images = torch.full((8, 3, 96, 96), 0.4)
    boxes = []
    for i in range(8):
        x, y = (torch.randint(0, 56, (2,), generator=rng)).tolist()
        images[i, :, y : y + 36, x : x + 36] = torch.rand(3, 1, 1, generator=rng) * 0.5 + 0.5
        boxes.append([i, (x + 18) / 96, (y + 18) / 96, 36 / 96, 36 / 96])
    targets, kinds = torch.tensor(boxes), torch.eye(19)[torch.arange(8)]
    network = build("yolov5n", 19).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for _ in range(60):
        optimiser.zero_grad()
        detection_loss(network(images), targets, kinds).backward()
        optimiser.step()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    with torch.no_grad():
        network(images)
        output = Decode(network.eval())(images)
    for i in range(8):
        best = output[i, output[i, :, 4].argmax()]
        assert torch.allclose(best[:2] / 96, targets[i, 1:3], atol=0.08)
        assert best[5:].argmax() == i
