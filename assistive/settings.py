"""Every setting of the system: name, unit, bounds, default and one sentence each. Loaded by ``assistive.config``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=60)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A group of settings; an unknown key is an error, and so is ``yes`` where a number is due."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourceSettings(Section):
    """Where frames come from."""

    width: int = Field(640, ge=64, le=7680, description="picture width asked of a camera, pixels")
    height: int = Field(480, ge=64, le=4320, description="picture height asked of a camera, pixels")
    rate_hz: float = Field(30, gt=0, le=240, description="frame rate asked of a camera and used for image folders")
    max_age_s: Seconds = Field(1.0, description="a camera frame older than this is stale: the camera counts as lost")
    frozen_s: Seconds = Field(3.0, description="identical pictures for this long mean that the camera hangs")
    reconnect_s: Seconds = Field(0.5, description="first wait before a lost camera is opened again; doubles each time")
    reconnect_max_s: Seconds = Field(5.0, description="longest wait between two tries to open a lost camera")
    max_pixels: int = Field(50_000_000, gt=0, description="a picture with more pixels than this is refused")


class RuntimeSettings(Section):
    """Where the networks run."""

    device: Literal["auto", "cpu", "cuda", "tensorrt", "openvino"] = Field("auto", description="execution provider")
    threads: int = Field(2, ge=1, le=64, description="CPU threads for one network")


class GestureSettings(Section):
    """Finding hands and telling gestures."""

    detector: str = Field("gesture_detector", description="name of the detector's weights in models/")
    verifier: str = Field("gesture_verifier", description="name of the crop verifier's weights in models/")
    second_opinion: str = Field("second_opinion", description="name of the weights in models/ that judge a hand by its "
                                                              "landmarks where the verifier is not sure; empty = "
                                                              "nobody is asked")
    landmarks: str = Field("hand_landmarks", description="name of the landmark network's weights in models/, for "
                                                         "the second opinion")
    max_hands: int = Field(4, ge=1, le=16, description="hands looked at in one frame")
    min_size: float = Field(0.03, ge=0, le=1, description="hands below this share of the frame, in width as well as "
                                                          "in height, are ignored")
    track_iou: Probability = Field(0.2, description="overlap at which a box continues a track")
    track_keep_s: Seconds = Field(0.5, description="a track survives this long without a box")

    def alone(self) -> GestureSettings:
        """Return the same without a second opinion: what it is trained beside, and fitted to."""
        return self.model_copy(update={"second_opinion": ""})


class ExpressionSettings(Section):
    """Reading the face. ``enabled: false`` runs no face code at all."""

    enabled: bool = Field(True, description="read the face; false = no face code runs at all")
    log: bool = Field(False, description="write expressions and tones to the events file")
    recogniser: str = Field("expression_recogniser", description="name of the recogniser's weights in models/")
    fusion: str = Field("fusion_head", description="name of the weights in models/ that join face and hand")
    search_s: Seconds = Field(1.0, description="while a face is followed, the whole picture is searched for others "
                                               "this often")
    steady_s: Seconds = Field(0.3, description="a new face must stay this long before it is the user's")
    min_quality: Probability = Field(0.5, description="below this quality nothing is read from a face; each limit "
                                                      "below halves the quality")
    min_width_px: float = Field(48, gt=0, le=1000, description="limit: width of the face, pixels")
    min_sharpness: float = Field(0.07, gt=0, le=1, description="limit: spread of the edges over the spread of the "
                                                               "brightness; a sharp face has 0.4")
    min_brightness: float = Field(40, gt=0, le=255, description="limit: mean brightness of the face")
    max_yaw_deg: float = Field(35, gt=0, le=90, description="limit: head turned aside, degrees")
    max_pitch_deg: float = Field(30, gt=0, le=90, description="limit: head nodded up or down, degrees")
    max_roll_deg: float = Field(45, gt=0, le=180, description="limit: head tilted, degrees")
    max_cut_share: float = Field(0.1, gt=0, le=1, description="limit: share of the face outside the picture")
    max_hand_share: float = Field(0.2, gt=0, le=1, description="limit: share of the face behind a hand's box")
    min_lip_contrast: float = Field(0.18, gt=0, le=1, description="limit: how much the line between the lips stands "
                                                                  "out; a bare mouth has 0.4, a mask 0.1")
    max_misfit: float = Field(0.12, gt=0, le=1, description="limit: how far the mesh is from any face, distances "
                                                            "between the eyes")
    calibrate_s: float = Field(1.0, ge=0.2, le=10, description="how long a new face is watched to learn what it looks "
                                                               "like at rest")
    calm_s: float = Field(8.0, gt=0, le=600, description="time constant with which rest follows a calm face")
    held_s: float = Field(60.0, gt=0, le=3600, description="time constant with which rest follows a face that moves")
    smooth_s: float = Field(0.08, ge=0, le=2, description="time constant of the smoothing of shapes")
    enter_probability: Probability = Field(0.6, description="probability at which a tone begins")
    leave_probability: Probability = Field(0.4, description="probability below which it ends")
    settle_s: Seconds = Field(0.15, description="how long it must be so, either way")


class SpottingSettings(Section):
    """Finding when a face did something brief. Displacements are in widths of the face."""

    window_s: float = Field(1.5, ge=1, le=10, description="how much of the past is kept while the face is calm")
    rest_s: float = Field(0.7, ge=0.3, le=10, description="rest is where each part of the face was in this time")
    enter_motion: float = Field(0.007, gt=0, le=0.1, description="a part of the face that moved less far, in widths "
                                                                 "of the face, is at rest")
    noise_factor: float = Field(4.0, ge=1, le=20, description="a movement must be this many times the noise")
    trace_factor: float = Field(2.0, ge=1, le=20, description="and this many times what points move that should "
                                                              "stand still: that is a trace of the head's movement")
    shortest_s: Seconds = Field(0.08, description="anything shorter is a flicker of the picture")
    micro_s: Seconds = Field(0.5, description="longest micro-expression, from onset to offset")
    longest_s: Seconds = Field(4.0, description="a movement that lasts longer is a new resting face")
    weak_s: Seconds = Field(0.8, description="a movement that hardly left rest is given up after this time")
    weak_factor: float = Field(2.0, ge=1, le=20, description="it hardly left rest if it stayed within this many times "
                                                             "what opened it")
    min_rate_hz: float = Field(24.0, ge=1, le=240, description="below this frame rate nothing is called micro")
    confirm_s: Seconds = Field(0.4, description="no other movement of the mouth may follow this soon: that is speech")
    speech_share: float = Field(0.25, ge=0, le=5, description="other movement of the mouth counts from this share of "
                                                             "the movement itself")
    head_share: float = Field(0.2, ge=0, le=1, description="a movement smaller than this share of the head's own is "
                                                           "taken for a trace of it")
    blink_factor: float = Field(1.5, ge=1, le=20, description="while the eyes close, brows or nose must move this "
                                                              "many times as far")
    blink_share: float = Field(0.8, ge=0, le=5, description="and this share of what the lids move")
    light_ratio: float = Field(1.15, gt=1, le=3, description="a change of brightness beyond this factor is a change "
                                                             "of light")
    full_motion: float = Field(0.08, gt=0, le=1, description="displacement that counts as intensity 1")
    reach_motion: float = Field(0.04, gt=0, le=1, description="a head that moved farther is looked at anew once the "
                                                              "face is calm, and at three times this at once")
    refresh_s: Seconds = Field(2.0, description="the neutral face is taken anew this often while the face is calm")


class GestureHold(Section):
    """Settings that differ for one gesture; what is left out is taken from ``decision``."""

    hold_s: float | None = Field(None, ge=0.15, le=3, description="how long the gesture must be held")
    cooldown_s: float | None = Field(None, ge=0, le=60, description="rest after it was spoken")


class DecisionSettings(Section):
    """When a gesture counts as meant. All times are media time."""

    hold_s: float = Field(0.7, ge=0.15, le=3, description="how long a gesture must be held")
    enter_probability: Probability | None = Field(None, description="median probability at which a hold begins; none "
                                                                     "= the threshold shipped with the weights")
    leave_probability: Probability | None = Field(None, description="median probability below which a hold ends; none "
                                                                     "= 0.6 of the enter probability")
    median_s: Seconds = Field(0.3, description="span of the median over the track's probabilities")
    release_s: Seconds = Field(0.3, description="the gesture must be gone this long before it can speak again")
    cooldown_s: Seconds = Field(1.5, description="rest between two utterances of the same gesture")
    dropout_s: Seconds = Field(0.25, description="a hold survives a hand that is lost for this long")
    entry_grace_s: Seconds = Field(1.0, description="nothing fires this long after someone enters")
    absence_s: Seconds = Field(3.0, description="nobody seen for this long: the next one enters anew")
    resume: Literal["gesture", "manual"] = Field("gesture", description="what ends a pause: the pause gesture as well "
                                                                        "as the key, or the key alone")
    gestures: dict[str, GestureHold] = Field(default_factory=dict, description="settings of single gestures by name")


class ToneSettings(Section):
    """How the face changes what is said. A tone changes words and voice, never whether something is said."""

    mode: Literal["auto", "neutral"] = Field("auto", description="auto: the tone follows the face; neutral: it never "
                                                                 "does, and neither key nor gesture changes that")
    min_probability: Probability = Field(0.6, description="a less probable tone does not count")
    keep_s: Seconds = Field(0.6, description="a tone seen so long before a gesture is held counts for it")


class LanguageSettings(Section):
    """What the gestures mean."""

    vocabulary: str = Field("en", description="vocabulary: a language code in configs/vocabulary/ or a file")


class VoiceSettings(Section):
    """How it is said."""

    voice: str = Field("auto", description="name of a voice in configs/voices.yaml, or auto: the clearest there is")
    player: str = Field("auto", description="soundcard, wav:FILE, none, or auto: the sound card, else a WAV")
    policy: Literal["queue", "interrupt", "ignore"] = Field("queue", description="a phrase that comes while another is "
                                                                                 "spoken")
    queue_length: int = Field(3, ge=1, le=10, description="phrases that may wait")
    max_age_s: Seconds = Field(4.0, description="a phrase that has waited longer is dropped, and said so")


class UiSettings(Section):
    """What is shown."""

    headless: bool = Field(False, strict=False, description="no window; no window library is touched")
    mirror: bool | None = Field(None, strict=False, description="show the picture mirrored; none = for cameras only")
    caption_s: Seconds = Field(2.5, description="how long a caption stays")


class Settings(Section):
    """All settings."""

    source: SourceSettings = SourceSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    gesture: GestureSettings = GestureSettings()
    expression: ExpressionSettings = ExpressionSettings()
    spotting: SpottingSettings = SpottingSettings()
    decision: DecisionSettings = DecisionSettings()
    tone: ToneSettings = ToneSettings()
    language: LanguageSettings = LanguageSettings()
    voice: VoiceSettings = VoiceSettings()
    ui: UiSettings = UiSettings()
