from __future__ import annotations

import runpy
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistive.training.datasets.hagrid.orientation import without_orientation
from assistive.training.datasets.hagrid.prepare import Recipe, prepare

MADE = runpy.run_path(str(Path(__file__).parent / "made_hagrid.py"))
XMP = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def picture() -> bytes:
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[:6, :8] = 255  # a white corner at the top left
    return bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def exif(order: str, orientation: int, kind: int = 3) -> bytes:
    """The segment of a camera: its name, then the orientation, short (3) or long (4)."""
    number = struct.pack(f"{order}{'HH' if kind == 3 else 'I'}", *((orientation, 0) if kind == 3 else (orientation,)))
    entries = b"".join(
        struct.pack(f"{order}HHI4s", tag, form, count, value)
        for tag, form, count, value in ((0x010F, 2, 4, b"cam\0"), (0x0112, kind, 1, number))
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return b"Exif\0\0" + head + struct.pack(f"{order}H", 2) + entries + bytes(4)


def tagged(data: bytes, *contents: bytes) -> bytes:
    segments = (b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content for content in contents)
    return data[:2] + b"".join(segments) + data[2:]


def turned(data: bytes) -> np.ndarray:
    """The picture as a reader shows it that minds the tag."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(("order", "kind"), [("<", 3), (">", 3), ("<", 4), (">", 4)])
def test_every_reader_sees_the_stored_pixels(order: str, kind: int, orientation: int) -> None:
    pil, image = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageOps")
    from io import BytesIO

    plain = turned(picture())
    sideways = tagged(picture(), exif(order, orientation, kind))
    if kind == 3:
        assert turned(sideways).shape != plain.shape or not np.array_equal(turned(sideways), plain)
    done = without_orientation(sideways)
    assert len(done) == len(sideways) and np.array_equal(turned(done), plain)
    with pil.open(BytesIO(sideways)) as before, pil.open(BytesIO(done)) as after:
        assert before.getexif()[0x0112] == orientation and after.getexif()[0x0112] == 1
        assert after.getexif()[0x010F].strip("\0") == "cam"
        assert np.array_equal(np.asarray(image.exif_transpose(after)), np.asarray(after))
    assert without_orientation(done) is done


def test_the_tag_of_xmp_goes_too_and_nothing_else_changes() -> None:
    pil = pytest.importorskip("PIL.Image")
    from io import BytesIO

    done = without_orientation(tagged(picture(), XMP))
    with pil.open(BytesIO(done)) as after:
        assert after.getexif().get(0x0112) == 1
    assert done == tagged(picture(), XMP.replace(b'"6"', b'"1"'))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\x00", picture(), tagged(picture(), exif("<", 1)),
                                  tagged(picture(), b"Exif\0\0II*\0\xff\xff\xff\xff"), b"\x89PNG\r\n\x1a\n",
                                  tagged(picture(), exif("<", 6)[:30])], ids=range(8))  # fmt: skip
def test_what_has_no_tag_is_left_as_it_is(data: bytes) -> None:
    assert without_orientation(data) is data


@pytest.mark.parametrize("link", [False, True])
def test_the_boxes_belong_to_the_prepared_picture(tmp_path: Path, link: bool) -> None:
    root = MADE["make_v1"](tmp_path / "in")
    source = root / "train_val" / "like" / "like-train_val-000.jpg"
    stored = cv2.imdecode(np.frombuffer(source.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    source.write_bytes(tagged(source.read_bytes(), exif("<", 6)))
    report = prepare(root, tmp_path / "out", Recipe(link=link))
    (made,) = (tmp_path / "out" / "images").rglob(source.name)
    assert report["orientation_tags_removed"] == 1 and not made.is_symlink()
    assert np.array_equal(cv2.imread(str(made)), stored) and cv2.imread(str(source)).shape == (48, 36, 3)
    others = [path for path in (tmp_path / "out" / "images").rglob("*.jpg") if path != made]
    assert all(path.is_symlink() is link for path in others)
    assert all((root / path.stem.split("-")[1] / path.parent.name / path.name).read_bytes() == path.read_bytes()
               for path in others)  # fmt: skip
