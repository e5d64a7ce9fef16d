from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.training.expression import NETWORKS  # noqa: E402
from assistive.zoo import mfe_net, off_tanet, stst_net  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = [("off_tanet", 28), ("off_tanet", 112), ("mfe_net", 28), ("mfe_net", 112), ("stst_net", 28)]


def count(network: "torch.nn.Module") -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_sizes_are_as_published() -> None:
    assert count(off_tanet.build(3, 112)) == 59_403
    assert count(stst_net.build(3, 28)) == 162_051
    assert count(mfe_net.build(3, 28)) <= 200_000


@pytest.mark.parametrize(("name", "side"), ALL)
def test_gradient_reaches_every_parameter(name: str, side: int) -> None:
    torch.manual_seed(0)
    network = NETWORKS.get(name)(3, side).train()
    loss = torch.nn.functional.cross_entropy(network(torch.randn(12, 3, side, side)), torch.arange(12) % 3)
    loss.backward()
    silent = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize(("name", "side"), ALL)
def test_one_clip_is_judged_as_in_a_batch(name: str, side: int) -> None:
    torch.manual_seed(0)
    network = NETWORKS.get(name)(4, side).eval()
    batch = torch.randn(5, 3, side, side)
    with torch.no_grad():
        together, alone = network(batch), torch.cat([network(one[None]) for one in batch])
    assert together.shape == (5, 4)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_the_attention_of_a_channel_is_1_together() -> None:
    torch.manual_seed(0)
    block = off_tanet.SelfAttention(28, 14)
    weights = block.attention(torch.randn(2, 28, 14, 14))
    torch.testing.assert_close(weights.sum((2, 3)), torch.ones(2, 28))


def test_the_attention_follows_its_formula() -> None:
    """softmax(Q K' + Q P') over the whole map, written out for one channel."""
    torch.manual_seed(0)
    block = off_tanet.SelfAttention(2, 6)
    x = torch.randn(1, 2, 6, 6)
    query, key, value = (part(x)[0, 1].detach().numpy() for part in (block.query, block.key, block.value))
    wave = np.array([(np.sin, np.cos)[i % 2](10000 ** (-(i // 2) / 6)) for i in range(6)])
    score = query @ key.T + query @ (wave[:, None] + wave[None]).T
    weights = np.exp(score) / np.exp(score).sum()
    np.testing.assert_allclose(block(x)[0, 1].detach().numpy(), weights * value, rtol=1e-4, atol=1e-6)


def test_the_rows_of_the_attention_over_tokens_are_1() -> None:
    torch.manual_seed(0)
    tokens, weights = mfe_net.build().eval().attention(torch.randn(2, 3, 28, 28))
    assert tokens.shape == (2, 49, 64) and weights.shape == (2, 4, 49, 49)
    torch.testing.assert_close(weights.sum(3), torch.ones(2, 4, 49))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", ["off_tanet", "mfe_net", "stst_net"])
def test_exported_it_says_the_same(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = NETWORKS.get(name)(3, 28).eval()
    path, batch = tmp_path / "network.onnx", torch.randn(4, 3, 28, 28)
    torch.onnx.export(network, (batch[:1],), str(path), input_names=["image"], output_names=["out"],
                      opset_version=17, dynamo=False, dynamic_axes={"image": {0: "n"}, "out": {0: "n"}})  # fmt: skip
    (found,) = onnxruntime.InferenceSession(str(path)).run(None, {"image": batch.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(batch).numpy(), atol=1e-4)
