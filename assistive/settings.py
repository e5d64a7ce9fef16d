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
    max_hands: int = Field(4, ge=1, le=16, description="hands looked at in one frame")
    min_size: float = Field(0.03, ge=0, le=1, description="hands below this share of the frame, in width as well as "
                                                          "in height, are ignored")
    track_iou: Probability = Field(0.2, description="overlap at which a box continues a track")
    track_keep_s: Seconds = Field(0.5, description="a track survives this long without a box")


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
    decision: DecisionSettings = DecisionSettings()
    language: LanguageSettings = LanguageSettings()
    voice: VoiceSettings = VoiceSettings()
    ui: UiSettings = UiSettings()
