import csv
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from assistive.errors import SourceError
from assistive.training.datasets.gesture_pack import read_part
from assistive.training.stock import read_stock
from assistive.types import NO_GESTURE


def write_part(pack: Path, part: str, rows: list[dict[str, object]], side: int = 60, tar: bool = False) -> None:
    folder = pack / part
    folder.mkdir(parents=True)
    with (pack / f"{part}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    rng = np.random.default_rng(0)
    for name in {str(row["file"]) for row in rows}:
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (side, side, 3), np.uint8))
    if tar:
        with tarfile.open(pack / f"{part}.tar", "w") as archive:
            archive.add(folder, arcname=Path(part).name)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _row(file: str, gesture: str, person: str, box: tuple[float, ...] = (0.2, 0.2, 0.5, 0.5)) -> dict[str, object]:
    return {"file": file, "gesture": gesture, **dict(zip("xywh", box, strict=True)), "source": "s", "user_id": person}


@pytest.mark.parametrize("tar", [False, True])
def test_rows_of_one_file_are_one_picture(tmp_path: Path, tar: bool) -> None:
    write_part(tmp_path, "train/frames", [_row("a.jpg", "like", "p"), _row("a.jpg", "", "p"),
                                          _row("b.jpg", "palm|stop", "q")], tar=tar)  # fmt: skip
    pictures = {picture.file: picture for picture in read_part(tmp_path, "train/frames")}
    assert [hand.names for hand in pictures["a.jpg"].hands] == [("like",), (NO_GESTURE,)]
    assert pictures["b.jpg"].hands[0].names == ("palm", "stop")
    assert pictures["a.jpg"].image.shape == (60, 60, 3)


def test_missing_pack_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no .*frames\.csv"):
        read_part(tmp_path, "train/frames")


def test_no_person_is_on_both_sides(tmp_path: Path) -> None:
    frames = [_row(f"f{i}.jpg", "like", f"person{i % 12}") for i in range(36)]
    write_part(tmp_path, "train/frames", frames)
    write_part(tmp_path, "train/crops", [_row(f"c{i}.jpg", "fist", f"crop{i}", (0, 0, 1, 1)) for i in range(30)])
    write_part(tmp_path, "train/negatives", [{"file": "n.jpg", "kind": "patch", "source": "n"}])
    train, validation = read_stock(tmp_path, tmp_path / "nothing", [], 0.4)
    ours = {picture.person for picture in (*train.frames, *train.crops)}
    theirs = {picture.person for picture in (*validation.frames, *validation.crops)}
    assert ours and theirs and not ours & theirs
    assert len(train.frames) + len(validation.frames) == 36
