from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.inputs import REGIONS  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed, unseen  # noqa: E402
from assistive.training.systems import SystemLearner, outputs_of  # noqa: E402
from assistive.zoo.apex_spotter import NEAR, ApexSpotter, bell, smooth  # noqa: E402
from assistive.zoo.systems import Need, Recipe  # noqa: E402

FRAMES = 60


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_labels_are_a_bell_around_the_apex() -> None:
    moments = torch.linspace(0, 1, 11).expand(2, -1)
    found = bell(moments, torch.tensor([0.3, 0.75]))
    assert found.argmax(1).tolist()[0] == 3 and found[0, 3].item() == pytest.approx(1)
    assert found[0, 4].item() == pytest.approx(np.exp(-(0.1**2) / (2 * NEAR**2)), rel=1e-4)
    torch.testing.assert_close(found[1, 7], found[1, 8])


def test_one_loud_moment_does_not_win_against_a_hill() -> None:
    hill = torch.exp(-((torch.arange(FRAMES) - 20.0) ** 2) / (2 * 6.0**2))
    hill[45] = 1.2
    assert hill.argmax() == 45
    assert abs(int(smooth(hill[None])[0].argmax()) - 20) <= 1
    torch.testing.assert_close(smooth(torch.ones(1, 9)), torch.ones(1, 9))
    near = round(NEAR * FRAMES)
    click = smooth(torch.eye(FRAMES)[30:31])[0]
    torch.testing.assert_close(click[30 - near : 31 + near], torch.full((2 * near + 1,), 1 / (2 * near + 1)))
    assert click.count_nonzero() == 2 * near + 1


def test_while_training_some_moments_are_drawn_and_later_all_are_scored() -> None:
    network = ApexSpotter(0, steps=12, side=32, drawn=4).train()
    batch = {"flow_sequence": torch.randn(3, 12, 3, 32, 32)}
    out = network(batch)
    assert out["scores"].shape == out["moments"].shape == (3, 4)
    assert (out["moments"].diff(dim=1) > 0).all() and (network(batch)["moments"] != out["moments"]).any()
    network.eval()
    whole = network(batch)
    torch.testing.assert_close(whole["moments"], ((torch.arange(12) + 1) / 12).expand(3, -1))
    assert whole["looked_at"].shape[:2] == (3, 12) and (whole["apex_at"] > 0).all()
    with torch.no_grad():
        drawn = network.train()(batch)
        picked = (drawn["moments"] * 12 - 1).round().long()
        torch.testing.assert_close(drawn["scores"], whole["scores"].gather(1, picked))


def test_strain_is_not_looked_at_and_the_direction_is() -> None:
    network = ApexSpotter(0, steps=3, side=32).eval()
    flow = torch.randn(2, 3, 3, 32, 32)
    other = flow.clone()
    other[:, :, 2] += 1
    scores = network({"flow_sequence": flow})["scores"]
    torch.testing.assert_close(scores, network({"flow_sequence": other})["scores"])
    assert (scores != network({"flow_sequence": -flow})["scores"]).any()


def inside(regions: np.ndarray, places: int) -> np.ndarray:
    """Return which cells of a map lie in the boxes of brows, eyes and mouth, bool ``(n, places, places)``."""
    centre = (np.arange(places) + 0.5) / places
    left, top, right, bottom = regions[:, :, None].transpose(3, 0, 1, 2)
    across, along = (left <= centre) & (centre <= right), (top <= centre) & (centre <= bottom)
    return np.asarray((along[..., :, None] & across[..., None, :]).any(1))


@pytest.mark.slow
def test_the_apex_is_found_within_3_frames_of_60_by_looking_at_brows_and_mouth() -> None:
    settings = BedSettings(seconds=(0.3, 0.3))
    train, judged = make_bed(settings), make_bed(unseen(settings, 20, 5))
    assert {clip.length for clip in judged.inputs} == {FRAMES}
    network = SystemLearner("apex_spotter", Recipe(epochs=12, batch=16), {"side": 50}).train(train, 0)
    out = outputs_of(network, judged.inputs)
    found, constant = (np.abs(at - judged.apex_at).mean() * (FRAMES - 1) for at in
                       (out["apex_at"], np.median(train.apex_at)))  # fmt: skip
    assert found <= 3 and found <= 0.5 * constant
    parts = [i for i, name in enumerate(REGIONS) if name.endswith(("eye", "mouth"))]
    looked = out["looked_at"].mean(1)
    there = inside(judged.inputs.read(Need("regions", 50))[:, parts], looked.shape[-1])
    assert looked[there].mean() > looked[~there].mean()


def test_a_short_training_beats_the_constant() -> None:
    """Strong movements, few moments: the whole acceptance takes minutes."""
    settings = BedSettings(subjects=12, clips=4, seconds=(0.3, 0.3), intensity_px=(1.0, 1.2))
    train, judged = make_bed(settings), make_bed(unseen(settings, 6, 4))
    options = {"side": 32, "steps": 20, "drawn": 10}
    network = SystemLearner("apex_spotter", Recipe(epochs=8, batch=8), options).train(train, 0)
    found = np.abs(outputs_of(network, judged.inputs)["apex_at"] - judged.apex_at).mean()
    assert found < 0.7 * np.abs(np.median(train.apex_at) - judged.apex_at).mean()
