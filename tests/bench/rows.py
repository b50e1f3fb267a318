# SPDX-License-Identifier: GPL-2.0-or-later
"""As many typical numbers as are wanted, as a table or as JSON lines."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

SHARED = """organisation: acme
time_zone: Europe/Prague
dial_plan: {country: 420, local_digits: 9}
groups:
  home: {permissions: [voicemail, forward_external]}
schedules:
  office:
    - {days: mon-fri, from: 08:00, to: 18:00, sequence: forward}
"""
"""What all rows have in common."""
_COLUMNS = ("subscriber", "group", "line", "password", "number", "aliases", "mode", "schedule",
            "to_1", "ring_1", "label_1", "to_2", "ring_2", "label_2")
_SECOND = 10
"""Every so many-th subscriber has two numbers; one of four keeps office hours."""


def rows(count: int) -> Iterator[dict[str, str]]:
    """A line and the mobile ring together, then the office; the mobile opens the mailbox."""
    for index in range(count):
        person = index - (index % _SECOND == 1)
        first = person == index
        yield {
            "subscriber": f"s{person:07}", "group": "home",
            "line": f"line-{person:07}" if first else "",
            "password": f"words-of-{person:07}" if first else "",
            "number": f"22{index:07}", "aliases": f"42073{person:07}@pstn" if first else "",
            "mode": "forward_then_voicemail", "schedule": "" if index % 4 else "office",
            "to_1": f"line line-{person:07} & 73{person:07}" if first else f"73{person:07}",
            "ring_1": "20", "label_1": "desk", "to_2": f"4930{index:07}", "ring_2": "30",
            "label_2": "office"}


def write(path: Path, count: int) -> Path:
    """A file of rows, in the form that its name says."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            table = csv.DictWriter(file, _COLUMNS)
            table.writeheader()
            table.writerows(rows(count))
        else:
            for row in rows(count):
                file.write(json.dumps({key: text for key, text in row.items() if text}) + "\n")
    return path
