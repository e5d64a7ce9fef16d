"""Lay the measured zoo out, for the terminal and as ``docs/zoo.md``; all of it out of its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from assistive.evaluation.zoo_figures import CHANCE, learned
from assistive.evaluation.zoo_measure import SHUFFLED, STANDARD

CONDITIONS = {
    STANDARD: "as trained", "faint": "faint", "slow": "30 frames/s", "covered": "covered", "other": "other camera",
}  # fmt: skip

PICTURES = ("frames", "onset", "apex", "magnified", "phases")
"""Inputs that are pictures."""

WHAT_IT_IS = """\
Every network below is built from its paper, trained by one trainer on the same drawn clips and judged on other drawn
people, so that for once the rows can be compared. Papers cannot: they differ in clips, classes and protocol, and many
chose the epoch on the test subject, which lifts even a random classifier to UF1 .83.

**These are drawn movements, not people.** The test-bed (`assistive/synth/motion_bed.py`) moves a parametric face by
.25 to 1.2 pixels among blinks, a drifting head and noise. It shows that a network and its training work, and which
conditions break it. It does not show how well real faces are read. For that, the same systems train on the collections
you have a licence for:

```bash
python scripts/train_expression.py --model all --data casme2 FOLDER --protocol loso --seeds 3 --out runs/casme2
```"""

PROTOCOL = """\
- **People apart.** {train} people with {train_clips} clips to learn from, {test} others with {test_clips} to be
  judged on. Nothing is chosen on the latter: the number of epochs is fixed in each system's file.
- **Seeds**: {seeds}. UF1 and UAR are means over them, ± is the standard deviation of UF1 over them. The 95 %
  interval is a bootstrap over the people judged, of the predictions of all seeds together.
- **Training**: AdamW along a cosine with all classes weighing the same, whatever the paper used, unless the system's
  file says otherwise; half of the clips mirrored.
- **Shuffled**: the same training with its labels shuffled once, judged alike. Whatever a system reaches there it owes
  to chance or to a leak. Guessing is expected to reach {chance:.2f}; one shuffle may lie well above or below, since all
  clips that look alike are guessed alike.
- **Conditions** are of the people judged; the training is the one above. *Faint*: .1 to .5 pixels. *30 frames/s*
  instead of 200. *Covered*: each face wears a mask or glasses, or a block hides part of it. *Other camera*: movements
  half as strong, noise twice as strong. A system that adapts (astann) is trained anew for each condition, also for the
  first, and is shown its clips without labels.
- **Sees**: flow is the true movement with smooth noise, as an algorithm would measure it; pictures are skin that was
  moved by the truth, with a camera's noise. Which of both is harder is a property of the bed: compare rows that see the
  same.
- **ms**: processor time of the network alone for one clip on one thread, the median of interleaved rounds. Optical flow
  and landmarks come on top where a system asks for them.
- **\\***: trained at a reduced size (fewer moments, smaller pictures: `quick` in its file); its parameters, MMAC and
  ms are those of that size. Whole, one training takes a processor many minutes to hours.
- **MMAC**: millions of multiplications of one clip in convolutions, matrix products and recurrent layers."""


def terminal(result: Mapping[str, Any]) -> Iterable[Table]:
    """Return the tables for the terminal."""
    shown = Table("system", "", "parameters", "MMAC", "ms", "UF1", "95 %", "UAR", "shuffled", "95 %", "learned")
    for name, one in _classifiers(result).items():
        conditions = one["conditions"]
        standard, control = conditions.get(STANDARD), conditions.get(SHUFFLED)
        verdict = {True: "yes", False: "NO", None: ""}[learned(one)]
        shown.add_row(name, one["number"], f"{one['parameters']:,}", f"{one['macs'] / 1e6:,.1f}", f"{one['ms']:.2f}",
                      *_uf1_cells(standard), f"{standard['uar']:.3f}" if standard else "",
                      *_uf1_cells(control), verdict)  # fmt: skip
    yield shown
    for name, one in _apex(result).items():
        yield _apex_table(name, one)


def _apex_table(name: str, one: Mapping[str, Any]) -> Table:
    columns = ("condition", "frames missed", "95 %", "ms missed", "constant: frames (ms)", "below", "largest movement")
    table = Table(*columns, title=f"{name} ({one['number']}): moment of the apex", title_justify="left")
    for condition, row in one["conditions"].items():
        table.add_row(condition, *_apex_cells(row))
    return table


def render(result: Mapping[str, Any]) -> str:
    """Return the whole document, of the JSON that ``evaluate.py zoo`` wrote."""
    parts = [
        "# The published systems, side by side",
        f"Made on {result['date']} by `{result['command']}` out of [zoo.json](results/zoo.json); do not edit.",
        WHAT_IT_IS,
        "## What they reach",
        _reading(result),
        _markdown(
            ("system", "", "sees", "parameters", "MMAC", "ms", "UF1", "± seeds", "95 %", "UAR", "shuffled (95 %)"),
            [_row(name, one) for name, one in _ranked(result)],
        ),
        "## Under which conditions",
        _markdown(("system", "sees", *(CONDITIONS[name] for name in result["judged"])),
                  [_conditions(name, one, result["judged"]) for name, one in _ranked(result)]),
        *_apex_parts(result),
        "## How it was measured",
        PROTOCOL.format(**result["people"], seeds=result["seeds"], chance=CHANCE),
        "## What each is, and what its paper says",
        "Figures of papers are under their own protocols: they are no match for those above, nor for each other.",
        *(_portrait(name, one) for name, one in result["systems"].items()),
        *(_portrait(one["name"], one) for one in result["running"]),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def failed(result: Mapping[str, Any]) -> list[str]:
    """Return the systems that have not learned."""
    return [name for name, one in result["systems"].items() if learned(one) is False]


def _classifiers(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in result["systems"].items() if one["task"] == "classes"}


def _apex(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in result["systems"].items() if one["task"] == "apex"}


def _ranked(result: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the classifiers, best first."""
    done = [(name, one) for name, one in _classifiers(result).items() if STANDARD in one["conditions"]]
    return sorted(done, key=lambda pair: -pair[1]["conditions"][STANDARD]["uf1"])


def _reading(result: Mapping[str, Any]) -> str:
    """Say in words what the tables show."""
    ranked = _ranked(result)
    below = failed(result)
    lines = [
        f"{len(ranked)} systems tell expressions apart; {len(ranked) - len(set(below) & {name for name, _ in ranked})} "
        f"of them lie above their own shuffled control and above chance with the intervals apart"
        + (f"; not so: {', '.join(below)}." if below else ".")
    ]
    best = ranked[0][1]["conditions"][STANDARD] if ranked else None
    if best:
        level = [name for name, one in ranked if one["conditions"][STANDARD]["uf1_ci95"][1] >= best["uf1"]]
        lines.append(f"Their order among the best says little: the intervals of {len(level)} reach the first's "
                     f"{_bare(best['uf1'])}.")  # fmt: skip
    for condition in list(result["judged"])[1:]:
        scored = [(one["conditions"][condition]["uf1"], name) for name, one in ranked if condition in one["conditions"]]
        if scored:
            lines.append(f"Best {CONDITIONS[condition]}: {max(scored)[1]} ({_bare(max(scored)[0])}).")
    return " ".join(lines)


def _row(name: str, one: Mapping[str, Any]) -> list[str]:
    standard, control = one["conditions"][STANDARD], one["conditions"].get(SHUFFLED)
    spread = "" if standard["uf1_sd"] is None else _bare(standard["uf1_sd"])
    reduced = "\\*" if one["options"] else ""
    cells = [
        f"[{name}](../assistive/zoo/{name}.py){reduced}", one["number"], _sees(one), f"{one['parameters']:,}",
        f"{one['macs'] / 1e6:,.1f}", f"{one['ms']:.1f}", _bare(standard["uf1"]), spread,
        _interval(standard["uf1_ci95"]), _bare(standard["uar"]),
    ]  # fmt: skip
    return [*cells, f"{_bare(control['uf1'])} ({_interval(control['uf1_ci95'])})" if control else ""]


def _sees(one: Mapping[str, Any]) -> str:
    """Say what of a clip a system sees."""
    flow = any("flow" in key or key == "puzzle" for key in one["inputs"])
    pictures = any(key in PICTURES for key in one["inputs"])
    return " + ".join(["flow"] * flow + ["pictures"] * pictures)


def _conditions(name: str, one: Mapping[str, Any], judged: Sequence[str]) -> list[str]:
    cells = [name, _sees(one)]
    for condition in judged:
        row = one["conditions"].get(condition)
        cells.append(f"{_bare(row['uf1'])} ({_interval(row['uf1_ci95'])})" if row else "")
    return cells


def _apex_parts(result: Mapping[str, Any]) -> list[str]:
    parts = []
    for name, one in _apex(result).items():
        rows = [[CONDITIONS.get(key, "labels shuffled"), *_apex_cells(row)] for key, row in one["conditions"].items()]
        columns = ("", "frames missed", "95 %", "ms missed", "constant: frames (ms)", "below it", "largest movement")
        parts += [
            f"## The moment of the apex: {name}",
            f"Mean absolute error of [{name}](../assistive/zoo/{name}.py) ({one['number']}, {one['parameters']:,} "
            "parameters), beside two that know no network: a constant, the median share of a clip at which the apex of "
            "training clips lies, and the moment at which the flow since the onset is largest on average. Shuffled "
            "labels are no control here: most movement is seen around the middle of a clip, wherever its apex is, so "
            "that a network still learns to look for movement.",
            _markdown(columns, rows),
        ]
    return parts


def _apex_cells(row: Mapping[str, Any]) -> list[str]:
    still, most = row["constant"], row["movement"]
    low, high = row["mae_frames_ci95"]
    cells = [f"{row['mae_frames']:.2f}", f"{low:.2f} to {high:.2f}", f"{row['mae_ms']:.1f}"]
    cells += [f"{still['mae_frames']:.2f} ({still['mae_ms']:.1f})", f"{100 * row['below_constant']:.0f} %"]
    return [*cells, f"{most['mae_frames']:.2f} ({most['mae_ms']:.1f})"]


def _portrait(name: str, one: Mapping[str, Any]) -> str:
    title = f"{name} ({one['number']})" if one["number"] else name
    lines = [f"### {title}", "", f"{one['paper']}.", "", f"- Public: {one['public']}."]
    if one.get("options"):
        whole = f"{one['whole']['parameters']:,} parameters, {one['whole']['macs'] / 1e6:,.0f} MMAC"
        lines.append(f"- Whole: {whole}. In the table: {', '.join(f'{k} {v}' for k, v in one['options'].items())}.")
    if one["chosen"]:
        lines.append(f"- Chosen by us: {one['chosen']}.")
    lines.append(f"- Its own figure: {one['reported']}.")
    return "\n".join(lines)


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _uf1_cells(row: Mapping[str, Any] | None) -> tuple[str, str]:
    return (f"{row['uf1']:.3f}", _interval(row["uf1_ci95"])) if row else ("", "")


def _interval(bounds: Sequence[float]) -> str:
    return f"{_bare(bounds[0])} to {_bare(bounds[1])}"


def _bare(value: float) -> str:
    """Write a share without the zero before the point."""
    return f"{value:.3f}".removeprefix("0")
