from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assistive.types import GESTURES, NO_GESTURE, Box, Decision, Face, Frame, Hand, Intent, Manner, Reading, Step
from assistive.ui import overlay as overlay_module
from assistive.ui.ink import shortened, sign, text_width, wrapped
from assistive.ui.overlay import LEAD, RED, Overlay, OverlayInfo

BOX = Box(0.1, 0.3, 0.2, 0.3)


def hand(gesture: str = "like", probability: float = 0.9, box: Box = BOX, track: int = 1) -> Hand:
    rest = (1 - probability) / len(GESTURES)
    return Hand(box, 0.9, dict.fromkeys((*GESTURES, NO_GESTURE), rest) | {gesture: probability}, track)


def step(
    image: np.ndarray | None = None, phase: str = "watching", progress: float = 0.0, reason: str | None = "no hand",
    hands: tuple[Hand, ...] = (), lead: Hand | None = None,
) -> Step:  # fmt: skip
    image = np.full((480, 640, 3), 128, np.uint8) if image is None else image
    decision = Decision(0.0, phase, "like", 0.9, progress, False, reason)  # type: ignore[arg-type]
    return Step(Frame(image, 0.0, 0, 0.0), hands, Intent(0.0, lead, bool(hands)), decision)


def holding(progress: float, image: np.ndarray | None = None, phase: str = "holding") -> Step:
    return step(image, phase, progress, None, (hand(),), hand())


def painted(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image.astype(int) - colour) < 12).all(axis=2)


def luminance(colour: np.ndarray) -> float:
    linear = np.where(colour <= 0.03928 * 255, colour / 255 / 12.92, ((colour / 255 + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(image: np.ndarray, back: tuple[int, int]) -> float:
    """Return the contrast of the brightest or darkest pixel against the panel's colour at a point."""
    panel = luminance(image[back].astype(float))
    lights = [luminance(row.astype(float)) for row in (image.reshape(-1, 3).max(0), image.reshape(-1, 3).min(0))]
    return max((max(light, panel) + 0.05) / (min(light, panel) + 0.05) for light in lights)


def test_the_frame_itself_is_not_touched() -> None:
    shown = holding(0.5)
    before = shown.frame.image.copy()
    image = Overlay().draw(shown, OverlayInfo(phrase="Yes.", caption="Yes.", mirror=False))
    assert (shown.frame.image == before).all()
    assert image.shape == before.shape and image.dtype == np.uint8
    assert (image != before).any()


def test_the_leading_hand_is_bright_and_the_others_are_grey() -> None:
    others = hand(box=Box(0.6, 0.3, 0.2, 0.3), track=2)
    image = Overlay().draw(step(hands=(hand(), others), lead=hand()), OverlayInfo())
    bright = painted(image, LEAD)
    assert bright[:, :320].sum() > 200
    assert bright[:, 320:].sum() == 0
    assert (image[150:280, 380:520] != 128).any()


def test_the_ring_fills() -> None:
    amounts = [painted(Overlay().draw(holding(share), OverlayInfo()), LEAD).sum() for share in (0.1, 0.5, 1.0)]
    assert amounts[0] + 80 < amounts[1] < amounts[2] - 80


def test_the_phrase_stands_beside_the_ring_before_it_is_spoken() -> None:
    without = Overlay().draw(holding(0.5), OverlayInfo())
    with_phrase = Overlay().draw(holding(0.5), OverlayInfo(phrase="Yes, please."))
    rows, columns = np.nonzero((without != with_phrase).any(axis=2))
    assert rows.min() > 288 and rows.max() < 380
    assert columns.max() - columns.min() > 80


def test_a_hold_without_a_hand_keeps_its_ring_where_it_was() -> None:
    overlay = Overlay()
    overlay.draw(holding(0.5), OverlayInfo())
    image = overlay.draw(step(phase="holding", progress=0.5), OverlayInfo())
    assert painted(image, LEAD).sum() > 50


def test_mirroring_turns_picture_and_boxes_but_not_the_text() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[200:300, :50] = 255
    plain = Overlay().draw(holding(0.5, picture), OverlayInfo(fps=30))
    mirrored = Overlay().draw(holding(0.5, picture), OverlayInfo(fps=30, mirror=True))
    assert (mirrored[250, 600:] == 255).all() and (mirrored[250, :40] == 0).all()
    assert painted(mirrored, LEAD)[:, 400:].sum() > 200
    assert (plain[:25] == mirrored[:25]).all(), "the header reads the same"


def test_a_caption_is_large_wrapped_and_readable_on_white() -> None:
    white = np.full((480, 640, 3), 255, np.uint8)
    image = Overlay().draw(step(white), OverlayInfo(caption="Could you please wait for me a little moment?"))
    bar = image[400:]
    assert contrast(bar, (74, 4)) >= 7
    assert painted(image, (255, 255, 255))[400:, :100].sum() > 20, "two lines fill the width"


@pytest.mark.parametrize("shade", [0, 255])
def test_small_text_and_banners_are_readable_on_any_picture(shade: int) -> None:
    info = OverlayInfo(fps=30, decision_ms=12, provider="CPU", voice="espeak-ng", status="camera lost", paused=True)
    image = Overlay().draw(step(np.full((480, 640, 3), shade, np.uint8)), info)
    assert contrast(image[2:18], (0, 2)) >= 7
    assert contrast(image[40:66], (0, 2)) >= 7
    assert contrast(image[80:100], (0, 2)) >= 7
    for colour in (overlay_module.PALE, overlay_module.GREY, overlay_module.LEAD):
        dark = (1 - overlay_module.OPACITY) * 255 + overlay_module.OPACITY * np.array(overlay_module.INK, float)
        assert (luminance(np.array(colour, float)) + 0.05) / (luminance(dark) + 0.05) >= 7


def test_banners_tell_of_a_lost_camera_and_a_pause() -> None:
    def red(info: OverlayInfo) -> int:
        return int(painted(Overlay().draw(step(), info), RED).sum())

    assert red(OverlayInfo()) == 0
    assert red(OverlayInfo(status="camera 0 lost, trying again")) > 10_000
    paused = Overlay().draw(step(), OverlayInfo(paused=True))
    assert painted(paused, overlay_module.AMBER).sum() > 10_000


def test_the_reason_is_shown_also_above_a_caption() -> None:
    for caption in (None, "Yes."):
        quiet = Overlay().draw(step(reason=None), OverlayInfo(caption=caption))
        spoken = Overlay().draw(step(reason="hand too small"), OverlayInfo(caption=caption))
        assert (quiet != spoken).any(axis=2)[350:, :200].sum() > 500


def test_before_the_first_frame_there_is_a_picture_too() -> None:
    image = Overlay().draw(None, OverlayInfo(status="camera 0 lost, trying again"))
    assert image.shape == (480, 640, 3)
    assert painted(image, RED).any()


@pytest.mark.parametrize(
    ("size", "shown"),
    [((1, 1), (480, 640)), ((3000, 10), (480, 640)), ((2000, 2500), (480, 640)), ((360, 640), (360, 640)),
     ((1080, 1920), (1080, 1920)), ((1280, 720), (1280, 720))],
)  # fmt: skip
def test_any_size_of_picture(size: tuple[int, int], shown: tuple[int, int]) -> None:
    info = OverlayInfo(phrase="Yes. " * 30, caption="A long sentence. " * 40, status="x" * 300, voice="v" * 300)
    for mirror in (False, True):
        picture = np.full((*size, 3), 200, np.uint8)
        image = Overlay().draw(holding(0.7, picture), OverlayInfo(**{**as_dict(info), "mirror": mirror}))
        assert image.shape == (*shown, 3)


def as_dict(info: OverlayInfo) -> dict[str, object]:
    return {name: getattr(info, name) for name in OverlayInfo.__slots__}


def test_boxes_beyond_the_border_do_no_harm() -> None:
    for box in (Box(-0.2, -0.3, 0.4, 0.5), Box(0.9, 0.9, 0.4, 0.4), Box(0.5, 0.5, 0.0, 0.0)):
        found = hand(box=box)
        Overlay().draw(step(phase="holding", progress=0.3, hands=(found,), lead=found), OverlayInfo(phrase="Yes."))


def test_text_can_be_made_larger() -> None:
    small, large = (painted(Overlay(scale).draw(step(), OverlayInfo(caption="Yes.")), (255, 255, 255)).sum()
                    for scale in (1.0, 1.5))  # fmt: skip
    assert large > 1.5 * small


def test_accents_and_other_scripts_are_drawn() -> None:
    question = Overlay().draw(step(), OverlayInfo(caption="?"))
    for letter in "éñüßПλ你":
        image = Overlay().draw(step(), OverlayInfo(caption=letter))
        assert (image != question).any(), letter
        assert text_width(letter, 30) > 5


def test_lines_break_between_words_and_long_words_break_too() -> None:
    lines = wrapped("Could you please wait a moment", 30, 200)
    assert len(lines) > 1 and " ".join(lines) == "Could you please wait a moment"
    assert all(text_width(line, 30) <= 200 for line in lines)
    broken = wrapped("Donaudampfschifffahrtsgesellschaft", 30, 200)
    assert len(broken) > 1 and "".join(broken) == "Donaudampfschifffahrtsgesellschaft"
    assert wrapped("", 30, 200) == ()


def test_text_that_is_too_wide_is_cut_off() -> None:
    assert shortened("Yes.", 20, 200) == "Yes."
    cut = shortened("a very long sentence indeed", 20, 100)
    assert cut.endswith("…") and text_width(cut, 20) <= 100


FACE = Face(Box(0.6, 0.2, 0.2, 0.3), np.zeros((468, 3), np.float32), 0, 0.9)


def read(label: str = "none", reason: str | None = None, face: Face | None = FACE) -> Step:
    reading = Reading(0.0, face, {}, label, {label: 1.0}, 0.5, None, reason)
    return replace(step(), reading=reading, manner=Manner(label, 0.5 if label != "none" else 0.0))


def test_a_tone_is_a_word_and_a_shape_below_the_face(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = overlay_module.write

    def note(image: np.ndarray, text: str, *rest: Any) -> None:
        written.append(text)
        real(image, text, *rest)

    monkeypatch.setattr(overlay_module, "write", note)
    pictures = [Overlay().draw(read(label), OverlayInfo()) for label in ("none", "positive", "negative", "surprise")]
    assert [text for text in written if "tone:" in text] == ["tone: positive", "tone: negative", "tone: surprise"]
    below = (slice(245, 275), slice(380, 520))
    assert (pictures[0][below] == 128).all(), "nothing is shown where there is no tone"


def test_the_three_signs_differ_in_shape_and_not_in_colour() -> None:
    drawn = []
    for label in ("positive", "negative", "surprise"):
        image = np.zeros((30, 30, 3), np.uint8)
        sign(image, 15, 15, 8, label, (200, 210, 220))
        assert tuple(image.reshape(-1, 3).max(0)) == (200, 210, 220)
        drawn.append(image.max(2) > 100)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (drawn[one] != drawn[other]).sum() > 40
    assert (drawn[0] == drawn[1][::-1]).mean() > 0.9


def test_a_face_that_cannot_be_read_says_why_and_mirrors() -> None:
    bare = Overlay().draw(step(), OverlayInfo())
    turned = Overlay().draw(read(reason="face turned"), OverlayInfo())
    assert (turned[245:275, 380:520] != bare[245:275, 380:520]).any()
    gone = Overlay().draw(read(reason="no face", face=None), OverlayInfo())
    assert (gone[60:] == bare[60:]).all() and (gone[:60] != bare[:60]).any()
    mirrored = Overlay().draw(read(reason="face turned"), OverlayInfo(mirror=True))
    assert (mirrored[245:275, 120:260] != bare[245:275, 120:260]).any()


@pytest.mark.parametrize("box", [Box(-0.2, -0.3, 0.5, 0.6), Box(0.9, 0.8, 0.5, 0.5), Box(0, 0, 1, 1)])
def test_a_face_at_the_border_is_drawn_all_the_same(box: Box) -> None:
    Overlay().draw(read("positive", face=replace(FACE, box=box)), OverlayInfo())


def test_what_is_shown_is_the_tone_that_counts_and_not_that_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(overlay_module, "write", lambda image, text, *rest: written.append(text))
    Overlay().draw(replace(read("negative"), manner=Manner("surprise", 0.5)), OverlayInfo())
    Overlay().draw(replace(read("negative"), manner=Manner(locked=True)), OverlayInfo())
    assert [text for text in written if "tone:" in text] == ["tone: surprise", "tone: neutral, locked"]


def test_the_phrase_that_waits_bears_the_sign_of_its_tone() -> None:
    info = OverlayInfo(phrase="Stop, look out!")
    plain, *toned = (
        Overlay().draw(replace(holding(0.5), manner=Manner(tone, 0.5)), info)
        for tone in ("none", "positive", "negative", "surprise")
    )
    hint = (slice(280, 400), slice(0, 400))
    pictures = [image[hint].tobytes() for image in (plain, *toned)]
    assert len(set(pictures)) == 4
    role = Overlay().draw(replace(holding(0.5), manner=Manner("surprise", 0.5)), OverlayInfo())
    assert (role[hint] == Overlay().draw(holding(0.5), OverlayInfo())[hint]).all(), "no phrase, no sign"


def test_the_bar_shows_how_much_hand_and_face_counted() -> None:
    def bar(gesture: float) -> tuple[int, int]:
        intent = Intent(0.0, None, True, weights={"gesture": gesture, "expression": 1 - gesture})
        image = Overlay().draw(replace(read(), intent=intent), OverlayInfo())[31:50, 510:610]
        return int(painted(image, LEAD).sum()), int(painted(image, overlay_module.PALE).sum())

    (hand_full, face_none), (hand_half, face_half), (hand_none, face_full) = bar(1.0), bar(0.5), bar(0.0)
    assert hand_full > hand_half + 100 > hand_none + 200
    assert face_full > face_half + 50 > face_none + 100
    bare = Overlay().draw(step(), OverlayInfo())
    assert (bare[31:50, 510:610] == 128).all(), "no face is read, so there is nothing to weigh"
