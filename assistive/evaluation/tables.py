"""Results as tables that a person reads in a terminal; the JSON file holds the same and more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Column, Table

from assistive.evaluation.fusion_table import DEPENDENT


def pictures(result: Mapping[str, Any]) -> list[RenderableType]:
    """Show how single pictures were read: all, by class, by size and light, and by group."""
    table = Table("measure", "value", "count", "95 % interval")
    for name, (count, n) in result["counts"].items():
        table.add_row(name, text(result[name]), f"{count} of {n}", text(result["interval_95"].get(name)))
    for name in ("map50", "map75", "map50_95", "ms_per_image"):
        table.add_row(name, text(result[name]))
    shown: list[RenderableType] = [table, _false_alarms(result["false_alarms"]), _classes(result)]
    names = [name for name in ("by_size", "by_light") if any(row["hands"] for row in result[name].values())]
    shown += [_conditions(name, result) for name in (*names, "by_picture_light")]
    if result["by_group"]:
        groups = Table("group", "top-1", "false activations")
        for name, group in result["by_group"].items():
            right, blanks = f"{group['right']} of {group['gestures']}", group["blanks"]
            groups.add_row(name, right, f"{group['false_activations']} of {blanks}")
        shown.append(groups)
    if result["detector"]:
        shown.append(_detector(result["detector"]))
    return shown


def expressions(result: Mapping[str, Any]) -> list[RenderableType]:
    """Show how flow maps were told apart, by collection."""
    table = Table("collection", "UF1", "UAR", "clips")
    for name, part in result["by_dataset"].items():
        table.add_row(name, text(part["uf1"]), text(part["uar"]), str(part["clips"]))
    table.add_section()
    table.add_row("all", text(result["uf1"]), text(result["uar"]), str(result["clips"]))
    kept = result["abstaining"]
    table.add_row("not abstained", text(kept["uf1"]), text(kept["uar"]), str(kept["clips"]))
    interval = f"UF1 {text(result['uf1_ci95'])} (95 %, bootstrap over {result['interval_over']})"
    return [table, f"{interval}, {text(result['ms_per_clip'])} ms a clip"]


def clips(result: Mapping[str, Any]) -> list[RenderableType]:
    """Show how clips were answered, and what was said in them unasked."""
    columns = ("gestures", "hits", "misses", "wrong", "false_activations")
    table = Table(Column("clip", no_wrap=True), "shown", "hits", "misses", "wrong", "false", "latency s", "spoken")
    for name, clip in result["by_clip"].items():
        spoken = ", ".join(f"{said['gesture']} {said['t_s']:.1f}" for said in clip["spoken"])
        latency = ", ".join(f"{latency:.2f}" for latency in clip["latency_s"])
        table.add_row(name, *(str(clip[column]) for column in columns), latency, spoken)
    p50 = result["latency_s"]["p50"] if result["latency_s"] else None
    table.add_section()
    table.add_row("all", *(str(result[column]) for column in columns), text(p50), "")
    alarms = Table("false alarms", "clips", "hours", "said", "an hour", "95 % interval")
    for name, row in result["false_alarms"].items():
        figures = (text(row["hours"]), str(row["said"]), text(row["per_hour"]), text(row["interval_95"]))
        alarms.add_row(name.replace("_", " "), str(row["clips"]), *figures)
    return [table, alarms, f"{text(result['false_activations_per_hour'])} false activations an hour, repeats included"]


def live(result: Mapping[str, Any]) -> list[RenderableType]:
    """Show which brief expressions of a clip were found."""
    table = Table("start s", "label", "found", "named", "kind", "reported s")
    for row in result["by_event"]:
        found = row["found"]
        said = ("-", "", "", "") if found is None else (
            f"{found['onset_s']:.2f} - {found['apex_s']:.2f} - {found['offset_s']:.2f}", found["label"], found["kind"],
            f"{found['reported_s']:.2f}",
        )  # fmt: skip
        table.add_row(f"{row['start_s']:.2f}", row["label"], *said)
    measures = Table("measure", "value")
    for name in ("recall", "recall_iou50", "label_accuracy", "false_per_minute", "false_micro_per_minute",
                 "apex_within_2_frames", "frames_per_second"):  # fmt: skip
        measures.add_row(name, text(result[name]))
    return [table, measures]


def fusion(result: Mapping[str, Any]) -> list[RenderableType]:
    """Show the fusion head beside its baselines."""
    shown: list[RenderableType] = []
    for name, part in result.items():
        names = ("right", "95 % interval", "joint", "gesture", "tone", "UF1", "at 80 %", "ECE", "attention less this")
        table = Table(name, *names)
        for method, row in part["rows"].items():
            less = part["differences"].get(method, {})
            lead = f"{less['points']:+.1f} ({text(less['interval_95'])})" if less else ""
            figures = (row[key] for key in ("joint", "acc_g", "acc_a", "uf1", "selective_80", "ece"))
            table.add_row(method, f"{row['right']:.1%}", text(row["interval_95"]), *map(text, figures), lead)
        shown += [table, f"{part['pairs']} pairs"]
    dependent = result[DEPENDENT]
    reached = f"{dependent['share_of_ceiling']:.1%}"
    return [*shown, f"Bayes ceiling {dependent['bayes_ceiling']:.1%}, reached {reached} of it"]


def text(value: Any) -> str:
    """Return a figure with three digits, an interval as "low to high", and nothing for None."""
    if isinstance(value, list | tuple):
        return " to ".join(map(text, value))
    return "" if value is None else f"{value:.3g}"


def _false_alarms(alarms: Mapping[str, Any]) -> Table:
    table = Table("false alarms", "pictures", "said", "per 1,000", "95 % interval")
    rows = [(name.replace("_", " "), row) for name, row in alarms.items() if name != "by_sign"]
    for name, row in [*rows, *alarms["by_sign"].items()]:
        table.add_row(name, str(row["n"]), str(row["said"]), text(row["per_1000"]), text(row["interval_95"]))
    return table


def _classes(result: Mapping[str, Any]) -> Table:
    right, precision = result["per_class"], result["ap_by_class"] or {}
    table = Table("class", "top-1", "AP50", "AP50-95")
    for name in sorted({*right, *precision}):
        row, ap = right.get(name), precision.get(name, {})
        share = f"{row['right']} of {row['n']}" if row else ""
        table.add_row(name, share, text(ap.get("ap50")), text(ap.get("ap50_95")))
    return table


def _conditions(name: str, result: Mapping[str, Any]) -> Table:
    second = "false activations" if name == "by_picture_light" else "hands found"
    precision = result["map50_95_by_size"] if name == "by_size" else None
    columns = ("", "means", "top-1 (95 %)", "of", f"{second} (95 %)", "of", *(["mAP50-95"] if precision else []))
    table = Table(*columns, title=result["measures"][name], title_justify="left")
    for bin_name, row in result[name].items():
        top1 = _with_interval(row["top1"], row["top1_interval_95"]), str(row["pictures"])
        if name == "by_picture_light":
            rate = _with_interval(row["false_activation_rate"], row["false_activation_interval_95"])
            other = rate, str(row["blanks"])
        else:
            other = _with_interval(row["hand_recall"], row["hand_recall_interval_95"]), str(row["hands"])
        table.add_row(bin_name, row["means"], *top1, *other, *([text(precision[bin_name])] if precision else []))
    return table


def _with_interval(value: float | None, interval: Any) -> str:
    return "" if value is None else f"{text(value)} ({text(interval)})"


def _detector(result: Mapping[str, Any]) -> Table:
    table = Table("detector alone", "mAP50", "mAP75", "mAP50-95")
    for name, row in (("all classes", result), ("gestures", result["gestures"])):
        table.add_row(name, *(text(row[key]) for key in ("map50", "map75", "map50_95")))
    return table
