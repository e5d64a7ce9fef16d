from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from assistive.zoo.blocks.co_attention import CoAttention  # noqa: E402
from assistive.zoo.co_attention_3d import CoAttention3d, Stream, jittered  # noqa: E402


def test_both_softmaxes_of_the_affinity_sum_to_1() -> None:
    torch.manual_seed(0)
    join = CoAttention(8)
    a, b = torch.randn(3, 6, 8), torch.randn(3, 9, 8)
    of_a, of_b = join.weights(a, b)
    assert of_a.shape == (3, 6, 9) and of_b.shape == (3, 9, 6)
    torch.testing.assert_close(of_a.sum(2), torch.ones(3, 6))
    torch.testing.assert_close(of_b.sum(2), torch.ones(3, 9))
    # One affinity for both ways: who is liked most by a row is liked by the row of the other way, too.
    torch.testing.assert_close(of_a.log().diff(dim=2).diff(dim=1), of_b.log().diff(dim=2).diff(dim=1).transpose(1, 2))


def test_without_an_affinity_each_token_is_given_the_mean_of_the_other_stream() -> None:
    join = CoAttention(8)
    torch.nn.init.zeros_(join.affinity)
    a, b = torch.randn(2, 6, 8), torch.randn(2, 9, 8)
    new_a, new_b = join(a, b)
    torch.testing.assert_close(new_a, a + b.mean(1, keepdim=True))
    torch.testing.assert_close(new_b, b + a.mean(1, keepdim=True))
    torch.testing.assert_close(join(a, torch.zeros_like(b))[0], a)


def test_tied_streams_change_places_with_their_inputs() -> None:
    torch.manual_seed(0)
    stream, join = Stream(2).eval(), CoAttention(64)
    with torch.no_grad():
        join.affinity.copy_(join.affinity + join.affinity.T)
        one, other = torch.randn(2, 2, 2, 8, 16, 16)
        a, b = join(stream(one), stream(other))
        b_again, a_again = join(stream(other), stream(one))
    torch.testing.assert_close(a, a_again)
    torch.testing.assert_close(b, b_again)


def test_a_whole_clip_is_196_tokens_of_64() -> None:
    with torch.no_grad():
        assert Stream(1).eval()(torch.randn(1, 1, 16, 112, 112)).shape == (1, 196, 64)


def test_the_flow_reaches_the_answer_and_the_strain_does_not() -> None:
    torch.manual_seed(0)
    network = CoAttention3d(3, steps=8, side=16).eval()
    batch = {"frames": torch.rand(2, 8, 1, 16, 16), "flow_sequence": torch.randn(2, 7, 3, 16, 16)}
    with torch.no_grad():
        moved = network(batch)["logits"]
        still = network({**batch, "flow_sequence": torch.zeros(2, 7, 3, 16, 16)})["logits"]
        torn = batch["flow_sequence"].clone()
        torn[:, :, 2] = 9
        assert (moved != still).any()
        torch.testing.assert_close(network({**batch, "flow_sequence": torn})["logits"], moved)


def test_jitter_moves_pictures_and_flow_together() -> None:
    torch.manual_seed(0)
    pictures = torch.arange(5.0).view(1, 5, 1, 1, 1).expand(64, 5, 1, 2, 2)
    flow = 10 * pictures.expand(-1, -1, 2, -1, -1)
    shown, moved = jittered(pictures, flow)
    torch.testing.assert_close(moved, 10 * shown.expand(-1, -1, 2, -1, -1))
    seen = {tuple(int(one) for one in clip[:, 0, 0, 0]) for clip in shown}
    assert seen == {(0, 0, 1, 2, 3), (0, 1, 2, 3, 4), (1, 2, 3, 4, 4)}
