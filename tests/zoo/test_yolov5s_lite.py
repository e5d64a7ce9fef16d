import pytest

torch = pytest.importorskip("torch")

from assistive.errors import ConfigError  # noqa: E402
from assistive.evaluation.peers import count_cost  # noqa: E402
from assistive.training.detection_loss import detection_loss  # noqa: E402
from assistive.zoo.blocks.convolution import ConvBnAct, GSConv  # noqa: E402
from assistive.zoo.variants import variants  # noqa: E402
from assistive.zoo.yolov5s_lite import DOWNS, STRIDES, Decode, build  # noqa: E402

PUBLISHED = {
    "yolov5s": (7_070_872, 15.91),
    "yolov5n": (1_789_624, 4.21),
    "yolov5s_ghost": (3_733_088, 8.18),
    "yolov5s_gsconv": (2_579_720, 9.34),
    "yolov5s_slim_gsconv": (1_772_240, 5.19),
    "yolov5s_spd": (1_767_528, 5.15),
    "yolov5s_down": (5_406_872, 12.50),
    "yolov5s_partial": (5_841_720, 12.77),
    "yolov5s_partial_down": (4_177_720, 9.37),
    "yolov5s_residual": (2_041_096, 6.21),
    "yolov5s_residual_narrow": (1_619_112, 4.78),
    "yolov5s_lite_wide": (2_109_912, 6.45),
    "yolov5s_lite": (2_209_800, 5.46),
}
"""Parameters, and 2 x multiply-adds of the convolutions at 640 px in billions, with 19 classes."""

OURS = {"yolov5s_swift": (1_205_656, 2.52), "yolov5s_swift_wide": (1_498_072, 3.39),
        "yolov5s_swift_dense": (1_028_824, 2.62)}  # fmt: skip
"""What has no published figure: counted once, so that it does not change unseen."""


def test_every_variant_is_listed_here() -> None:
    assert set(PUBLISHED) | set(OURS) == set(variants())


@pytest.mark.parametrize("name", [*PUBLISHED, *OURS])
def test_size_is_as_published(name: str) -> None:
    cost = count_cost(build(name, 19).eval())
    assert (cost.parameters, round(cost.gflops, 2)) == {**PUBLISHED, **OURS}[name]


@pytest.mark.parametrize("name", ["yolov5s_lite", *OURS])
def test_ours_is_at_most_half_of_yolov5s(name: str) -> None:
    parameters, gflops = {**PUBLISHED, **OURS}[name]
    assert parameters <= 0.5 * PUBLISHED["yolov5s"][0] and gflops <= 0.5 * PUBLISHED["yolov5s"][1]


def test_an_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        build("yolov5s_lit", 19)
    assert all(name in caught.value.what for name in variants()) and caught.value.remedy == "did you mean yolov5s_lite?"


@pytest.mark.parametrize("name", variants())
def test_a_picture_of_any_size_gives_its_three_grids(name: str) -> None:
    """Sides that are multiples of 32; gradients reach every parameter of every block."""
    torch.manual_seed(0)
    network = build(name, 3).train()
    raw = network(torch.rand(2, 3, 64, 96))
    assert [tuple(level.shape) for level in raw] == [(2, 3, 64 // s, 96 // s, 8) for s in STRIDES]
    sum(level.square().sum() for level in raw).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("yolov5s_lite", {"SiLU"}),
        ("yolov5s_ghost", {"SiLU", "Identity"}),
        ("yolov5s_swift_dense", {"ReLU", "Identity"}),
    ],
)
def test_the_activation_is_the_one_asked_for_everywhere(name: str, kinds: set[str]) -> None:
    assert {type(m.act).__name__ for m in build(name, 3).modules() if isinstance(m, ConvBnAct)} == kinds


def test_the_slim_neck_shuffles_its_halves() -> None:
    block = GSConv(4, 8).eval()
    x = torch.rand(1, 4, 8, 8)
    with torch.no_grad():
        dense = block.primary(x)
        assert torch.equal(block(x)[:, 0::2], dense) and torch.equal(block(x)[:, 1::2], block.cheap(dense))


@pytest.mark.parametrize("down", DOWNS.values(), ids=DOWNS)
def test_a_down_sees_every_cell(down: type["torch.nn.Module"]) -> None:
    """No cell of the picture is skipped: a change anywhere changes the output."""
    torch.manual_seed(0)
    block = down(8, 16).eval()
    x = torch.rand(1, 8, 8, 8, requires_grad=True)
    out = block(x)
    assert out.shape == (1, 16, 4, 4)
    out.square().sum().backward()
    assert (x.grad.abs().sum(1) > 0).all()


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
    detection_loss(raw, boxes, torch.eye(19)[:3]).sum().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize("name", ["yolov5n", "yolov5s_swift"])
def test_learns_a_few_pictures_by_heart(name: str) -> None:
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
    network = build(name, 19).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for _ in range(60):
        optimiser.zero_grad()
        detection_loss(network(images), targets, kinds).sum().backward()
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
