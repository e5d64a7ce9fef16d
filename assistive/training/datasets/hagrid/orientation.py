"""Take the orientation out of a JPEG and leave its pixels alone, so that every reader sees them as they are stored.

A camera may store a picture sideways and say so in a tag (EXIF 0x0112, or ``tiff:Orientation`` in XMP). Some readers
turn the picture then (OpenCV, ``ultralytics``), others do not (Pillow, and with it HaGRID's own code).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_JPEG, _APP1, _SCAN = b"\xff\xd8", 0xE1, 0xDA
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_XMP_TAG = re.compile(rb'tiff:Orientation(?:="|>)([2-8])')
_TAG, _LONG = 0x0112, 4
_AS_STORED = 1

Patch = tuple[int, bytes]
"""A place in a file, and what is to stand there."""


def without_orientation(data: bytes) -> bytes:
    """Return a picture whose tags say that it is upright as stored; the same object if they say so already.

    Nothing is decoded: the numbers are overwritten where they stand (Exif 2.3, 4.6.2; TIFF 6.0, 2), and the length
    stays. What is no JPEG is returned as it is.
    """
    patches = list(_patches(data))
    if not patches:
        return data
    patched = bytearray(data)
    for place, number in patches:
        patched[place : place + len(number)] = number
    return bytes(patched)


def _patches(data: bytes) -> Iterator[Patch]:
    for start, end in _application_segments(data):
        if data.startswith(_EXIF, start):
            yield from _exif_patches(data, start + len(_EXIF), end)
        elif data.startswith(_XMP, start):
            yield from ((found.start(1), b"1") for found in _XMP_TAG.finditer(data, start, end))


def _application_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the contents of the segments lie in which cameras write; they come before the picture itself."""
    at = len(_JPEG) if data.startswith(_JPEG) else len(data)
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        if data[at + 1] == 0xFF:  # a byte that fills
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] == _APP1:
            yield at + 4, min(end, len(data))
        at = end


def _exif_patches(data: bytes, base: int, end: int) -> Iterator[Patch]:
    big = data[base : base + 2] == b"MM"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "big" if big else "little")

    directory = base + number(base + 4, 4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if entry + 12 > end:
            return
        size = 4 if number(entry + 2, 2) == _LONG else 2
        if number(entry, 2) == _TAG and number(entry + 8, size) != _AS_STORED:
            yield entry + 8, _AS_STORED.to_bytes(size, "big" if big else "little")
