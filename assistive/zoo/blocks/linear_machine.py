"""A hand-made description of a clip, judged by a linear machine: what the oldest systems are."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.systems import Batch, SystemNetwork


class LinearMachine(SystemNetwork):
    """Judge what :meth:`describe` says of a clip by one score a class, a weighted sum.

    Args:
        length: of a description.
        classes: number of classes.
    """

    def __init__(self, length: int, classes: int) -> None:
        super().__init__()
        self.judge = nn.Linear(length, classes)

    def describe(self, batch: Batch) -> Tensor:
        """Return descriptions of clips ``(n, length)``; there is nothing to learn in them."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits`` and the ``description``."""
        description = self.describe(batch)
        return {"logits": self.judge(description), "description": description}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the hinge loss over all classes, which weigh the same together."""
        return F.multi_margin_loss(out["logits"], batch["label"], weight=batch["class_weight"])
