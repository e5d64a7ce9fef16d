"""Write docs/configuration.md from the settings themselves.

Example:
    python scripts/make_configuration_doc.py
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.settings import DecisionSettings, GestureHold, Section, Settings

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "docs" / "configuration.md"
PROFILES = ROOT / "configs" / "profiles"

HEAD = """\
# Configuration

Made by `python scripts/make_configuration_doc.py` from [`assistive/settings.py`](../assistive/settings.py); a test
fails when the two differ. Phrases have a file of their own,
[`configs/vocabulary/en.yaml`](../configs/vocabulary/en.yaml), and so have voices,
[`configs/voices.yaml`](../configs/voices.yaml); each explains itself in its first lines.

A value may be set in five places; the later one wins:

| place | example |
|---|---|
| [`configs/default.yaml`](../configs/default.yaml) | `hold_s: 0.5`, indented below `decision:` |
| a profile | `--profile tremor` |
| a file of your own, with any lines of `configs/default.yaml` | `--config my.yaml` |
| the environment | `ASSISTIVE_DECISION__HOLD_S=0.5` |
| the command line | `--set decision.hold_s=0.5` |

`python run.py config` shows every value in force and the place it came from. A key that does not exist, or a value out
of its bounds, is refused with the place where it stands and the nearest name or the default.

Names that end in `_s` are in seconds, in `_hz` per second. `null` is YAML for none.
"""

GESTURES_EXAMPLE = """\

For example, in a settings file:

```yaml
decision:
  gestures:
    stop: {hold_s: 0.3, cooldown_s: 0}
    rock: {hold_s: 1.5}
```
"""


def render() -> str:
    """Return the whole document."""
    parts = [HEAD, "## Profiles\n", *_profiles()]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            parts += ["", f"## {name}\n", *_section(section)]
        if section is DecisionSettings:
            parts += ["", "## decision.gestures\n", *_section(GestureHold), GESTURES_EXAMPLE.rstrip()]
    return "\n".join(parts) + "\n"


def _profiles() -> list[str]:
    lines = ["| profile | for |", "|---|---|"]
    for path in sorted(PROFILES.glob("*.yaml")):
        first = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"| [`{path.stem}`](../configs/profiles/{path.name}) | {first} |")
    return lines


def _section(section: type[Section]) -> list[str]:
    purpose = (section.__doc__ or "").replace("``", "`")
    lines = [purpose, "", "| key | default | takes | what it is |", "|---|---|---|---|"]
    for key, schema in section.model_json_schema()["properties"].items():
        lines.append(f"| `{key}` | {_value(schema.get('default', {}))} | {_takes(schema)} | {schema['description']} |")
    return lines


def _value(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _takes(schema: dict[str, Any]) -> str:
    """Return in words what a key takes, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(map(_takes, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(_value, schema["enum"]))
    kind = schema["type"]
    if kind in ("integer", "number"):
        return _numbers(schema, "whole number" if kind == "integer" else "number")
    return {"null": "`null`", "boolean": "`true`, `false`", "string": "text", "object": "settings by gesture"}[kind]


def _numbers(schema: dict[str, Any], kind: str) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        return f"{kind}, {low:g} to {high:g}"
    above = f"{kind} above {schema['exclusiveMinimum']:g}"
    return above if high is None else f"{above}, {high:g} at most"


def main() -> None:
    """Write the file, whole or not at all."""
    partial = PATH.with_suffix(".partial")
    partial.write_text(render(), encoding="utf-8")
    os.replace(partial, PATH)


if __name__ == "__main__":
    main()
