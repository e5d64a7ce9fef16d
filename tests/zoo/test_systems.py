"""What every system must pass (G1 to G8), at its quick size: a system is tested by being registered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.errors import ConfigError  # noqa: E402
from assistive.evaluation.zoo import count_macs, describe, one_clip  # noqa: E402
from assistive.evaluation.zoo_figures import learned, summarise  # noqa: E402
from assistive.evaluation.zoo_measure import quick, run_plan  # noqa: E402
from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.clip_set import ClipInputs, ClipSet  # noqa: E402
from assistive.training.datasets.inputs import MAKERS  # noqa: E402
from assistive.training.datasets.mirror import WAYS  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed  # noqa: E402
from assistive.training.pools import HERE  # noqa: E402
from assistive.training.protocols import Fold, holdout, run_fold  # noqa: E402
from assistive.training.score_fusion import FusedNetworks  # noqa: E402
from assistive.training.systems import TARGET, SystemLearner, batch_of, outputs_of, truth_of  # noqa: E402
from assistive.zoo.systems import Batch, Need, Recipe, System, SystemNetwork, build, find, systems  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = systems()
CLASSIFIERS = [system for system in ALL if system.task == "classes"]
each = pytest.mark.parametrize("system", ALL, ids=lambda one: one.name)
each_classifier = pytest.mark.parametrize("system", CLASSIFIERS, ids=lambda one: one.name)

ENOUGH_EPOCHS = 200
"""In so many passes a system knows 16 clips by heart."""


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    """16 clips of four people, of all three expressions."""
    made = make_bed(BedSettings(subjects=4, clips=4, intensity_px=(0.8, 1.2), covered=0.2))
    assert set(made.labels.tolist()) == {0, 1, 2}
    return made


def small(system: System, classes: int = 3) -> SystemNetwork:
    return build(system.name, classes, **system.quick.options)


def training_batch(network: SystemNetwork, clips: ClipSet, system: System, classes: int = 3) -> Batch:
    seen = batch_of(clips.inputs, network.inputs)
    more = {TARGET + key: value for key, value in seen.items()} if system.adapts else {}
    extra = {"class_weight": torch.ones(classes), "progress": torch.tensor(0.5)}
    return {**seen, **more, **truth_of(clips), **extra}


@each
def test_it_says_what_it_is(system: System) -> None:
    assert find(system.name) is system and system.paper and system.public and system.reported
    keys = [need.key for need in system.inputs]
    assert keys and len(set(keys)) == len(keys)
    assert set(keys) <= set(MAKERS) and set(MAKERS) == set(WAYS)
    told = describe(system)
    assert told["macs"] > 0
    if system.parameters is not None:
        assert told["parameters"] == system.parameters


@each_classifier
def test_one_answer_a_clip_for_any_number_of_classes(system: System, clips: ClipSet) -> None:
    """G1, and G2: what it calls attention sums to 1 along the last axis."""
    for classes in (3, 5):
        network = small(system, classes).eval()
        with torch.no_grad():
            out = network(batch_of(clips.inputs, network.inputs))
        assert out["logits"].shape == (len(clips), classes)
        assert all(len(value) == len(clips) and torch.isfinite(value).all() for value in out.values())
        for value in (out[key] for key in out if key.endswith("attention")):
            torch.testing.assert_close(value.sum(-1), torch.ones(value.shape[:-1]))


@each
def test_the_gradient_reaches_every_parameter(system: System, clips: ClipSet) -> None:
    """G3. Over a few draws: dropout may silence a small layer once."""
    network = small(system).train()
    batch = training_batch(network, clips, system)
    network.settle(batch)
    silent = dict(network.named_parameters())
    for _ in range(4):
        network.zero_grad()
        loss = network.loss(network(batch), batch)
        assert loss.ndim == 0
        loss.backward()
        silent = {key: p for key, p in silent.items() if p.grad is None or not p.grad.abs().sum() > 0}
    assert not silent, f"no gradient: {list(silent)}"


class KnownError(Exception):
    """All clips are known by heart."""


@pytest.mark.parametrize(
    "system",
    [pytest.param(one, id=one.name, marks=[pytest.mark.slow] if any(need.steps for need in one.inputs) else [])
     for one in CLASSIFIERS],
)  # fmt: skip
def test_it_learns_a_few_clips_by_heart(system: System, clips: ClipSet) -> None:
    """G4; of pictures over time it takes long. What stands in for a trainer of its own is tested beside it."""
    if system.trained_by is not None:
        pytest.skip("trained in stages")
    rates: list[float] = []

    def watch(epoch: int, network: torch.nn.Module) -> None:
        assert isinstance(network, SystemNetwork)
        if epoch % 5 == 0:
            rates.append(float((outputs_of(network, clips.inputs)["logits"].argmax(1) == clips.labels).mean()))
            if rates[-1] == 1:
                raise KnownError

    recipe = replace(system.quick.recipe or system.recipe, epochs=ENOUGH_EPOCHS, batch=16, decay=0.0)
    with pytest.raises(KnownError):
        SystemLearner(system.name, recipe, system.quick.options, mirror=False).train(
            clips, 0, unlabelled=clips.inputs if system.adapts else None, watch=watch
        )


@each
def test_one_clip_is_judged_as_in_a_batch(system: System, clips: ClipSet) -> None:
    """G6, with running statistics that have seen something."""
    network = small(system).train()
    batch = training_batch(network, clips, system)
    network.settle(batch)
    with torch.no_grad():
        network(batch)
        network.eval()
        seen = batch_of(clips.inputs.take(np.arange(5)), network.inputs)
        together = network(seen)
        alone = [network({key: value[i : i + 1] for key, value in seen.items()}) for i in range(5)]
    for key, value in together.items():
        torch.testing.assert_close(value, torch.cat([one[key] for one in alone]), atol=2e-4, rtol=1e-3)


def poison(clips: ClipSet, fold: Fold) -> ClipSet:
    """Give test clips what is known of others: in the set, and, of label and units, in the clips themselves."""
    order = np.arange(len(clips))
    order[fold.test] = [next(i for i in fold.train if clips.labels[i] != clips.labels[one]) for one in fold.test]
    poisoned, known = clips.relabelled(order), list(clips.inputs)
    lies = [replace(one, label=known[i].label, units=known[i].units) for one, i in zip(known, order, strict=True)]
    return replace(poisoned, inputs=ClipInputs(lies))


def all_that_was_learned(learned: Any) -> list[torch.Tensor]:
    networks = learned.networks if isinstance(learned, FusedNetworks) else [learned.network]
    return [value for network in networks for value in network.state_dict().values()]


def without_score(row: dict[str, Any]) -> dict[str, Any]:
    """Return the answers and what was settled on: epochs, C, weights of a fusion."""
    return {key: value for key, value in row.items() if key != "right"}


@each_classifier
def test_the_test_part_is_poisoned_and_nothing_notices(system: System, clips: ClipSet) -> None:
    """Other labels, action units and moments of the apex in the test part change neither weights nor answers."""
    fold = holdout(clips, 1, 0.25)[0]
    learner = SystemLearner(system.name, Recipe(epochs=1, batch=8), system.quick.options)
    (one, row), (other, dirty) = (run_fold(part, fold, learner, 0) for part in (clips, poison(clips, fold)))
    assert without_score(row) == without_score(dirty)
    pairs = zip(all_that_was_learned(one), all_that_was_learned(other), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_epochs_chosen_inside_are_not_chosen_on_the_test_part(clips: ClipSet) -> None:
    fold = holdout(clips, 1, 0.25)[0]
    learner = SystemLearner("stst_net", Recipe(epochs=6, batch=8), inner_share=0.3)
    (one, row), (other, dirty) = (run_fold(part, fold, learner, 0) for part in (clips, poison(clips, fold)))
    assert without_score(row) == without_score(dirty) and 1 <= row["epochs"] <= 6
    pairs = zip(all_that_was_learned(one), all_that_was_learned(other), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("system", [one for one in ALL if one.exported], ids=lambda one: one.name)
def test_exported_it_says_the_same(system: System, clips: ClipSet, tmp_path: Path) -> None:
    """G8."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    network = small(system).eval()
    keys = [need.key for need in network.inputs]
    batch = batch_of(clips.inputs, network.inputs)

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.network(dict(zip(keys, inputs, strict=True)))["logits"]
            return out

    path = tmp_path / "system.onnx"
    torch.onnx.export(Logits().eval(), tuple(batch[key][:1] for key in keys), str(path), input_names=keys,
                      output_names=["logits"], opset_version=17, dynamo=False,
                      dynamic_axes={key: {0: "n"} for key in (*keys, "logits")})  # fmt: skip
    (found,) = onnxruntime.InferenceSession(str(path)).run(None, {key: batch[key].numpy() for key in keys})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(batch)["logits"].numpy(), atol=1e-4)


@pytest.mark.slow
@each
def test_it_learns_of_drawn_people_and_nothing_from_shuffled_labels(system: System, tmp_path: Path) -> None:
    """G5 and G7, as ``evaluate.py zoo --quick`` trains them."""
    plan = quick(seeds=1)
    found = summarise(plan, run_plan(plan, [system.name], tmp_path, HERE))
    assert learned(found["systems"][system.name])


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no system is named 'off_tanett'") as error:
        build("off_tanett", 3)
    assert "off_tanet" in error.value.remedy
    with pytest.raises(ConfigError, match="dual_atme has no such option"):
        build("dual_atme", 3, cbam="upper")


def test_multiplications_are_counted_in_every_kind_of_layer() -> None:
    class Layers(SystemNetwork):
        inputs = (Need("landmarks", 28, 8),)

        def __init__(self, layer: torch.nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, batch: Batch) -> Batch:
            x = batch["landmarks"].flatten(2)[:, :, :64]
            attend = isinstance(self.layer, torch.nn.MultiheadAttention)
            return {"logits": (self.layer(x, x, x) if attend else self.layer(x))[0]}

    batch = one_clip(Layers.inputs)
    for layer in (torch.nn.GRU(64, 32, batch_first=True), torch.nn.LSTM(64, 32, batch_first=True)):
        weights = sum(p.numel() for p in layer.parameters() if p.ndim == 2)
        assert count_macs(Layers(layer).eval(), batch) == 8 * weights
    attention = Layers(torch.nn.MultiheadAttention(64, 4, batch_first=True)).eval()
    assert count_macs(attention, batch) == 8 * 4 * 64 * 64 + 2 * 8 * 8 * 64
