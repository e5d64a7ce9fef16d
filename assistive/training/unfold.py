"""Go on training from an exported network: give its convolutions back the batch norms that the export folded away."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from assistive.errors import WeightsError
from assistive.zoo.blocks.convolution import ConvBnAct


@torch.no_grad()
def unfold(path: Path, network: nn.Module, images: Tensor) -> None:
    """Load an exported network's weights into ``network``, ready to be trained further.

    The export merges every batch norm into the convolution before it. Here each merged pair is taken apart again such
    that the network computes the same: mean and variance are measured on ``images``, scale and shift undo them. Heads
    that were not exported keep what they have.

    Args:
        path: ``NAME.onnx``, as written by ``assistive.training.export``.
        network: of the same architecture.
        images: float ``(n, 3, h, w)``, RGB in 0..1: some hundred typical inputs.

    Raises:
        WeightsError: the file holds another architecture.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    named = {name.removeprefix("network."): value for name, value in stored.items() if name.startswith("network.")}
    folded = [list(node.input[1:3]) for node in graph.node if node.op_type == "Conv" and "::" in node.input[1]]
    network.eval()
    blocks = _in_order(network, images[:1])
    remedy = "train from chance, or name the file of this network"
    if len(blocks) != len(folded):
        what = f"{path.name} is another network: {len(folded)} merged convolutions, not {len(blocks)}"
        raise WeightsError(what, remedy, "weights.kind")
    try:
        for block, (weight, bias) in zip(blocks, folded, strict=True):
            block.conv.weight.copy_(stored[weight])
            _identity(block.bn, stored[bias])
        known = network.state_dict()
        network.load_state_dict({name: named.get(name, value) for name, value in known.items()})
    except RuntimeError as error:
        what = f"{path.name} is another network: {str(error).splitlines()[0]}"
        raise WeightsError(what, remedy, "weights.kind") from error
    _measure(network, blocks, images)


def _in_order(network: nn.Module, image: Tensor) -> list[ConvBnAct]:
    """Return the blocks whose batch norm was folded, in the order in which they run."""
    order: list[ConvBnAct] = []
    hooks = [
        module.register_forward_hook(lambda block, inputs, output: order.append(block))
        for module in network.modules() if isinstance(module, ConvBnAct)
    ]  # fmt: skip
    network(image)
    for hook in hooks:
        hook.remove()
    return order


def _identity(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    """Let a batch norm add a bias and nothing else."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1.0)
    norm.bias.copy_(bias)


def _measure(network: nn.Module, blocks: list[ConvBnAct], images: Tensor) -> None:
    """Put the statistics of each convolution's output into its batch norm without changing what it computes."""
    found: dict[nn.Module, list[Tensor]] = {block.conv: [] for block in blocks}

    def note(conv: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found[conv].append(torch.stack([output.mean((0, 2, 3)), (output**2).mean((0, 2, 3))]))

    hooks = [block.conv.register_forward_hook(note) for block in blocks]
    for part in images.split(64):
        network(part)
    for hook in hooks:
        hook.remove()
    for block in blocks:
        mean, square = torch.stack(found[block.conv]).mean(0)
        variance = (square - mean**2).clamp_min(1e-6)
        norm = block.bn
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)
