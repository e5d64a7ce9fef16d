"""Find pictures by name in a folder or a tar, wherever in it they lie."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from assistive.errors import SourceError


@contextmanager
def find_pictures(path: Path, names: Iterable[str]) -> Iterator[dict[str, Path]]:
    """Find named files; those of a tar are unpacked for as long as the context lasts.

    Args:
        path: a folder or a tar; subfolders are searched.
        names: base names; each must be there once.

    Yields:
        The path of each file by base name, in the order of the folder or tar.

    Raises:
        SourceError: the folder or tar cannot be read, or a name is missing or there twice.
    """
    wanted = set(names)
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = _list_folder(path, wanted) if path.is_dir() else _unpack(path, wanted, Path(folder))
        except (OSError, EOFError, tarfile.TarError) as error:
            reason = getattr(error, "strerror", None) or error
            remedy = "name a folder, or a tar that opens with `tar tf`"
            raise SourceError(f"cannot read {path}: {reason}", remedy, "source.images") from error
        yield found


def _list_folder(path: Path, wanted: set[str]) -> dict[str, Path]:
    files = [file for file in sorted(path.rglob("*")) if file.name in wanted and file.is_file()]
    _check(path, wanted, [file.name for file in files])
    return {file.name: file for file in files}


def _unpack(path: Path, wanted: set[str], folder: Path) -> dict[str, Path]:
    with tarfile.open(path) as tar:
        members = {member: PurePosixPath(member.name).name for member in tar if member.isfile()}
        chosen = {member: name for member, name in members.items() if name in wanted}
        _check(path, wanted, list(chosen.values()))
        for member, name in chosen.items():
            stream = tar.extractfile(member)
            assert stream is not None, "isfile() was asked above"
            (folder / name).write_bytes(stream.read())
    return {name: folder / name for name in chosen.values()}


def _check(path: Path, wanted: set[str], found: list[str]) -> None:
    missing = sorted(wanted - set(found))
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        what = f"{path} holds no {missing[0]}{more}, which the labels speak of"
        raise SourceError(what, "add the picture, or remove its rows from the labels", "source.images")
    twice = sorted(name for name in wanted if found.count(name) > 1)
    if twice:
        what = f"{path} holds more than one {twice[0]}"
        raise SourceError(what, "pictures are found by base name: give each its own", "source.images")
