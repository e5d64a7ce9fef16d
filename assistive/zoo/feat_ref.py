"""FeatRef: features that all expressions share, refined by one branch for each expression (Pattern Recognition 2022).

Zhou, Mao, Huang, Zhang, Zhang, 108275, arXiv 2101.04838. Public are the modules: Inception on flow, a proposal module
(attention factors and a proposal loss) for each expression, and a label from all branches together. Our choices: the
trunk, which is that of Dual-Inception (u and v, 28 pixels); all widths; the weight of the proposal loss; balanced
classes; and that a branch is heard as far as its detector finds its expression (without that, any two branches knew
what the third said). Another paper counts 11.4 M parameters, ours has fewer.

Accepted when each detector answers within 0..1, all of them find their expression with an area under the curve above
.95 after training on the proposal loss alone, and a network without branch k loses class k more than the others.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.inception import Inception
from assistive.zoo.systems import Batch, Need, Recipe, System, SystemNetwork

SIDE = 28
SHARED, BETWEEN, REFINED = 1024, 64, 128
"""Features that all expressions share, those between the two layers of attention, and those of one expression."""
PROPOSAL = 0.85
"""Weight of the proposal loss beside the cross-entropy."""


class Branch(nn.Module):
    """What speaks for one expression: weigh the shared features, refine them, and say whether it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.Sequential(
            nn.Linear(SHARED, BETWEEN), nn.ReLU(), nn.Linear(BETWEEN, SHARED), nn.Sigmoid()
        )  # fmt: skip
        self.refine = nn.Sequential(nn.Linear(SHARED, REFINED), nn.ReLU())
        self.detect = nn.Linear(REFINED, 1)

    def forward(self, shared: Tensor) -> tuple[Tensor, Tensor]:
        """Map shared features ``(n, 1024)`` to refined ones ``(n, 128)`` and the detector's logit ``(n,)``.

        The refined features are weighed by the detector's answer: who does not see his expression says little.
        """
        refined = self.refine(self.attend(shared) * shared)
        proposed = self.detect(refined)
        return refined * proposed.sigmoid(), proposed[:, 0]


class FeatRef(SystemNetwork):
    """Classify a flow map through one branch for each class.

    Args:
        classes: number of classes.
        dropout: share of the trunk's features that is dropped while training.
    """

    def __init__(self, classes: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.inputs = (Need("flow", SIDE),)
        self.register_buffer("scale", torch.ones(3, 1, 1))
        self.trunks = nn.ModuleList(_trunk() for _ in "uv")
        features = 2 * 64 * (SIDE // 4) ** 2
        self.share = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, SHARED), nn.ReLU())
        self.branches = nn.ModuleList(Branch() for _ in range(classes))
        self.classify = nn.Linear(classes * REFINED, classes)

    def settle(self, batch: Batch) -> None:
        """Take the strength of each channel of the training flow for 1."""
        self.scale.copy_(batch["flow"].pow(2).mean((0, 2, 3)).sqrt().clamp_min(1e-6).view(3, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``; ``proposed`` and ``detected`` ``(n, classes)``: each detector's logit, and its 0..1."""
        flow = batch["flow"] / self.scale
        seen = [trunk(flow[:, i : i + 1]).flatten(1) for i, trunk in enumerate(self.trunks)]
        shared = self.share(torch.cat(seen, 1))
        refined, proposed = zip(*(branch(shared) for branch in self.branches), strict=True)
        evidence = torch.stack(proposed, 1).float()
        return {"logits": self.classify(torch.cat(refined, 1)), "proposed": evidence, "detected": evidence.sigmoid()}

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return cross-entropy and proposal loss."""
        return super().loss(out, batch) + PROPOSAL * proposal_loss(out["proposed"], batch)


def proposal_loss(proposed: Tensor, batch: Batch) -> Tensor:
    """Return how wrong the detectors are, a scalar: for each, its expression weighs as much as all others together.

    Args:
        proposed: their logits, ``(n, classes)``.
        batch: with ``label`` and ``class_weight``.
    """
    there = F.one_hot(batch["label"], proposed.shape[1]).float()
    # class_weight is clips / (classes present * clips of the class): from it, the share of clips that show each class.
    weight = batch["class_weight"]
    share = torch.where(weight > 0, 1 / (weight * (weight > 0).sum()).clamp_min(1), 0)
    balance = torch.where(there > 0, 0.5 / share.clamp_min(1e-3), 0.5 / (1 - share).clamp_min(1e-3))
    return F.binary_cross_entropy_with_logits(proposed, there, balance)


def _trunk() -> nn.Sequential:
    return nn.Sequential(Inception(1, 6), nn.MaxPool2d(2), Inception(24, 16), nn.MaxPool2d(2))


SYSTEM = System(
    name="feat_ref",
    number="S8",
    paper="Zhou, Mao, Huang, Zhang, Zhang: feature refinement, Pattern Recognition 2022, 108275",
    public="names of the modules and what each is for",
    chosen="trunk of Dual-Inception, all widths, weight of the proposal loss, branches weighed by detectors, epochs",
    reported="LOSO, UF1/UAR: CDE .7838/.7832, SMIC .7011/.7083, CASME II .8915/.8873, SAMM .7372/.7155",
    build=FeatRef,
    recipe=Recipe(epochs=40, rate=3e-4),
    exported=True,
)
