# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the file in which Kamailio keeps registrations over restarts: keep_registrations.py FILE.

A file that cannot be read would keep Kamailio from starting, so it is put aside and said so: its
phones come back when they register again.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

SCHEMA = [Path("/usr/share/kamailio/db_sqlite") / f"{name}-create.sql"
          for name in ("standard", "usrloc")]


def main(file: Path) -> None:
    """The file is whole and has the tables of the installed Kamailio when this returns."""
    if file.exists() and not is_whole(file):
        broken = file.with_suffix(".broken")
        file.replace(broken)
        for behind in ("-wal", "-shm"):
            Path(f"{file}{behind}").unlink(missing_ok=True)
        sys.stderr.write(f"registrations are lost: {broken} cannot be read\n")
    if not file.exists():
        made = file.with_suffix(".new")
        made.unlink(missing_ok=True)
        with closing(sqlite3.connect(made)) as database:
            for each in SCHEMA:
                database.executescript(each.read_text(encoding="utf-8"))
            # One sync per change instead of several, and nobody who reads stands in the way.
            database.execute("PRAGMA journal_mode=WAL")
        made.replace(file)


def is_whole(file: Path) -> bool:
    """Whether it is a database without faults, made by this script for this Kamailio."""
    with closing(sqlite3.connect(file)) as database:
        try:
            said = database.execute("PRAGMA quick_check").fetchall()
            version = database.execute("SELECT table_version FROM version WHERE table_name = ?",
                                       ("location",)).fetchall()
        except sqlite3.DatabaseError:
            return False
    wanted = f"('location','{version[0][0]}')" if version else ""
    return said == [("ok",)] and bool(wanted) and wanted in SCHEMA[1].read_text(encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
