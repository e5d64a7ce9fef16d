from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from assistive.errors import SourceError  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.clip_set import ClipSet  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed  # noqa: E402
from assistive.training.protocols import holdout, run_fold  # noqa: E402
from assistive.training.stream_svm import StreamSvm, fit_machine  # noqa: E402
from assistive.training.systems import SystemLearner, outputs_of  # noqa: E402
from assistive.zoo.dstan import Dstan, MultiScaleAttention, Stream  # noqa: E402
from assistive.zoo.systems import Recipe  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"side": 16, "steps": 5}


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return make_bed(BedSettings(subjects=6, clips=4, intensity_px=(0.8, 1.2)))


def moving(clips: int, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Nine fields of noise; in one of them the upper or the lower half moves to the right. Clips, halves, moments."""
    fields = 0.3 * torch.randn(clips, 9, 3, 16, 16, generator=rng)
    half, moment = (torch.randint(end, (clips,), generator=rng) for end in (2, 9))
    for i in range(clips):
        rows = slice(0, 8) if half[i] == 0 else slice(8, 16)
        fields[i, moment[i], 0, rows] += 1.5
    return fields, half, moment


def test_the_moments_weights_point_at_the_one_in_which_something_moves() -> None:
    stream, classify = Stream(3), torch.nn.Linear(128, 2)
    rng = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam([*stream.parameters(), *classify.parameters()], 2e-3)
    for _ in range(60):
        fields, half, _ = moving(16, rng)
        loss = torch.nn.functional.cross_entropy(classify(stream(fields)[0]), half)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    fields, half, moment = moving(64, rng)
    with torch.no_grad():
        features, weights = stream.eval()(fields)
    torch.testing.assert_close(weights.sum(1), torch.ones(64))
    assert (classify(features).argmax(1) == half).float().mean() > 0.9
    near = (torch.arange(9) - moment[:, None]).abs() <= 1
    assert (weights * near).sum(1).median() > 0.5
    assert ((weights * near).sum(1) > 0.5).float().mean() > 0.8


def test_each_stream_learns_by_itself(clips: ClipSet) -> None:
    network = Dstan(3, **SMALL).eval()
    batch = {"frames": torch.rand(4, 5, 1, 16, 16), "flow_sequence": torch.randn(4, 4, 3, 16, 16)}
    out = network(batch)
    out["motion_logits"].sum().backward()
    assert all(p.grad is None for p in network.appearance.parameters())
    assert all(p.grad is not None for p in network.motion.parameters())
    assert out["feature"].shape == (4, 256) and out["motion_attention"].shape == (4, 4)


def test_places_are_weighed_by_three_kernels_together() -> None:
    attention = MultiScaleAttention()
    x = torch.rand(1, 4, 15, 15, requires_grad=True)
    (attention(x)[0, 0, 7, 7] / x[0, 0, 7, 7].detach()).backward()
    rows = torch.nonzero(x.grad[0].abs().sum((0, 2))).flatten()  # type: ignore[index]
    assert (rows.min(), rows.max()) == (4, 10)
    for weigh in attention.weigh:
        torch.nn.init.zeros_(weigh.weight)
        torch.nn.init.zeros_(weigh.bias)
    torch.testing.assert_close(attention(x), x / 2)


def test_it_learns_a_few_clips_by_heart(clips: ClipSet) -> None:
    """G4, of the streams; the machine then knows them too."""
    few = clips.take(np.arange(16))
    learner = SystemLearner("dstan", Recipe(epochs=25, batch=8, decay=0.0), {"side": 32, "steps": 6}, mirror=False)
    learned = learner.fit(few, 0)
    assert isinstance(learned, StreamSvm)
    assert (outputs_of(learned.network, few.inputs)["logits"].argmax(1) == few.labels).all()
    assert (learned.predict(few.inputs) == few.labels).all()


def test_a_poisoned_test_part_changes_no_support_vector(clips: ClipSet) -> None:
    fold = holdout(clips, 1, 0.25)[0]
    order = np.arange(len(clips))
    order[fold.test] = fold.train[: len(fold.test)]
    poisoned = clips.relabelled(order)
    assert (poisoned.labels[fold.test] != clips.labels[fold.test]).any()
    learner = SystemLearner("dstan", Recipe(epochs=1, batch=8), SMALL)
    (one, row), (other, dirty) = (run_fold(part, fold, learner, 0) for part in (clips, poisoned))
    assert isinstance(one, StreamSvm) and isinstance(other, StreamSvm)
    for step, name in (("svc", "support_vectors_"), ("svc", "dual_coef_"), ("standardscaler", "mean_")):
        first, second = (getattr(fitted.machine.named_steps[step], name) for fitted in (one, other))
        np.testing.assert_array_equal(first, second)
    assert row["guess"] == dirty["guess"] and row["penalty"] == dirty["penalty"]


def test_of_one_person_alone_no_c_can_be_chosen() -> None:
    labels = np.tile(np.arange(3), 4)
    with pytest.raises(SourceError, match="1 training subjects are too few"):
        fit_machine(np.zeros((12, 5), np.float32), labels, ["a"] * 12)


def test_the_machine_chooses_its_c_by_people_it_has_not_seen() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 20)
    subjects = [f"{i // 6}" for i in range(60)]
    features = rng.normal(0, 0.3, (60, 5)).astype(np.float32)
    features[:, 0] += labels
    machine, penalty = fit_machine(features, labels, subjects)
    assert penalty in (0.1, 1.0, 10.0, 100.0)
    assert (machine.predict(features) == labels).mean() > 0.9
