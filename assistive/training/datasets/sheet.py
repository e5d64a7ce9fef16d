"""Read the spreadsheets that micro-expression collections are coded in.

Editions differ: text before the header, numbers stored as text and text as numbers, other blanks and cases in the
column names. Cells therefore come back as text, and columns are found by name wherever the header stands.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistive.errors import DependencyError, SourceError

HEADER_WITHIN = 40
"""The header stands in one of this many first lines."""

Cells = list[str]


def find_sheet(folder: Path, patterns: Sequence[str]) -> Path:
    """Find a collection's sheet in its folder or one below.

    Args:
        folder: of the collection.
        patterns: file names to look for, the preferred edition first.

    Raises:
        SourceError: there is none, or only one in the old .xls format.
    """
    for pattern in patterns:
        found = [*folder.glob(f"{pattern}.xlsx"), *folder.glob(f"*/{pattern}.xlsx")]
        usable = sorted(path for path in found if not path.name.startswith("~$"))  # left by a spreadsheet program
        if usable:
            return usable[-1]
    old = [path for pattern in patterns for path in (*folder.glob(f"{pattern}.xls"), *folder.glob(f"*/{pattern}.xls"))]
    if old:
        raise SourceError(f"{old[0]} is in the old .xls format", "save it as .xlsx beside it", "sheet.old")
    what = f"no sheet {' or '.join(f'{pattern}.xlsx' for pattern in patterns)} in {folder}"
    raise SourceError(what, "put the collection's coding sheet into that folder", "sheet.missing")


def read_cells(path: Path) -> dict[str, list[Cells]]:
    """Read all sheets of a workbook as text, by name; a number without fraction has none.

    Raises:
        SourceError: it is no workbook.
        DependencyError: openpyxl is not installed.
    """
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise DependencyError("openpyxl is not installed", 'pip install -e ".[train]"') from error
    try:
        book = load_workbook(path, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise SourceError(f"cannot read the sheet {path}", "save it again as .xlsx", "sheet.damaged") from error
    return {sheet.title: [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)] for sheet in book}


def read_table(
    path: Path, columns: Mapping[str, Sequence[str]], sheet: str | None = None,
    more: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, str]]:  # fmt: skip
    """Read the rows below the header of a sheet.

    Args:
        path: the workbook.
        columns: names that a column may have, by the name wanted; case and blanks do not count.
        sheet: name of the sheet; None = the first one with such a header.
        more: columns that an edition may lack; their cells are empty then.

    Returns:
        One dict a row by the names wanted; rows without any of them are skipped.

    Raises:
        SourceError: there is no such sheet, or none with a header that has every column.
    """
    sheets = read_cells(path)
    if sheet is not None and sheet not in sheets:
        what = f"{path} has no sheet {sheet}, only {', '.join(sheets)}"
        raise SourceError(what, "use the workbook as released", "sheet.columns")
    for rows in [sheets[sheet]] if sheet is not None else sheets.values():
        for line, row in enumerate(rows[:HEADER_WITHIN]):
            places = _places(row, columns)
            if len(places) == len(columns):
                found = _places(row, more or {})
                lacking = dict.fromkeys(more or {}, "")
                return [{**lacking, **cells} for cells in _below(rows[line + 1 :], {**places, **found})]
    what = f"{path} has no header with {', '.join(names[0] for names in columns.values())}"
    raise SourceError(what, "use the workbook as released", "sheet.columns")


def number(text: str) -> int | None:
    """Return a frame number, or None of an empty cell, ``/`` and any other text."""
    return int(float(text)) if re.fullmatch(r"\d+(\.0*)?", text) else None


def _places(row: Cells, columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    header = [_plain(cell) for cell in row]
    known = {wanted: {_plain(name) for name in names} for wanted, names in columns.items()}
    return {
        wanted: next(i for i, cell in enumerate(header) if cell in names)
        for wanted, names in known.items() if names & set(header)
    }  # fmt: skip


def _below(rows: Iterable[Cells], places: Mapping[str, int]) -> Iterable[dict[str, str]]:
    for row in rows:
        values = {wanted: row[place] for wanted, place in places.items()}
        if any(values.values()):
            yield values


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", "", name).lower()


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()
