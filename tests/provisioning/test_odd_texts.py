# SPDX-License-Identifier: GPL-2.0-or-later
"""However a file is written, its export says the same, with the same comments and no password."""

import re
from pathlib import Path
from typing import Any

import pytest

from kemi_routing.redis import keys
from provisioning.kept import Kept
from provisioning.problems import Problems
from provisioning.source import parse
from provisioning.storage import Storage
from tests.provisioning.conftest import Followme, Write, dump
from tests.provisioning.test_export import applied, planned

FILE = """\
# ~1~
organisation: acme
time_zone: America/New_York  # ~2~
groups:
  # ~3~
  staff: {permissions: [voicemail]}
subscribers:
  # ~4~
  jana:
    group: staff
    lines:
      # ~5~
      jana-desk: {password: "blue-kettle-7391"}  # ~6~
    # ~7~
    numbers:
      # ~8~
      12125550123:
        default: all
        sequences:
          all: [{to: line jana-desk}]
        # ~9~
  # ~10~
  petr:
    group: staff
    numbers:
      12125550124: {}
# ~11~
"""
LINE = '{password: "blue-kettle-7391"}  # ~6~'
PETR = "petr:\n    group: staff\n    numbers:\n      12125550124: {}"
NUMBERS = "numbers:\n      12125550124: {}"
ODD = {
    "as it is": ("", ""),
    "line feeds of Windows": ("\n", "\r\n"),
    "line feeds of old": ("\n", "\r"),
    "the end of the document": ("# ~11~\n", "# ~11~\n...\n# ~12~\n"),
    "a remark that looks like a digest": ("# ~5~", "# ~5~ was ha1: [old-desk], ha1: [jana-desk]"),
    "another's line in a remark": ("# ~10~", "# ~10~ ha1: [jana-desk]"),
    "a remark that asks": ("# ~8~", "# ~8~ ? or: not"),
    "remarks before a password": (LINE, "\n        password:  # ~6~\n          # ~12~\n"
                                        "          blue-kettle-7391\n        max_phones: 2"),
    "remarks in a list": (LINE, f"\n        ha1:  # ~6~\n          # ~12~\n          - {'a' * 32}"
                                "  # ~13~\n        # ~14~\n        max_phones: 2"),
    "a block of text": (LINE, "\n        password: |-\n          blue-kettle-7391\n"),
    "folded text": (LINE, "\n        max_phones: 2  # ~12~\n        password: >-\n"
                          "          blue-kettle-7391\n          and more"),
    "a block of text at the end": (
        "all: [{to: line jana-desk}]\n        # ~9~\n",
        "all:\n            - to: voicemail\n              label: |-\n                # text\n\n"),
    "all lines in braces": (f"\n      # ~5~\n      jana-desk: {LINE}",
                            ' {"jana-desk":{"password":"blue-kettle-7391"}}'),
    "numbers in braces": (NUMBERS, "numbers: {12125550124: {}, # ~12~\n"
                                   " 12125550125: {mode: reject}}  # ~13~"),
    "no numbers": (NUMBERS, "lines: {petr-desk: {password: brown-kettle-7391}}\n"
                            "    numbers: {  # ~12~\n      }"),
    "neither numbers nor lines": (NUMBERS, "numbers: {  # ~12~\n      }"),
    "a subscriber in braces": (PETR, 'petr: {"group":"staff",  # ~12~\n'
                               '"numbers":{"12125550124":{"mode":"reject"}},\n'
                               '"lines":{"petr-desk":{"password":"brown-kettle-7391"}}}  # ~13~'),
    "a long remark": ("# ~5~", f"# ~5~ {'all work and no play ' * 5000}"),
}
BRACES = """\
# ~1~
{"organisation": "acme",  # ~2~
 "time_zone": "UTC", "subscribers": {"jana": {"numbers":  # ~3~
 {"12125550123":{}}}}}  # ~4~
"""


def said(text: str) -> Any:
    """What a file says, but for its digests and passwords."""
    tree = parse(text, "", Problems())
    assert tree
    found = tree.plain()
    for subscriber in found["subscribers"].values():
        for line in subscriber.get("lines", {}).values():
            line.pop("password", line.pop("ha1", None))
        if not subscriber.get("numbers", True):
            del subscriber["numbers"]
    return found


@pytest.mark.parametrize("text", [
    *(pytest.param(FILE.replace(*odd), id=name) for name, odd in ODD.items()),
    pytest.param(BRACES, id="all of it in braces")])
def test_an_odd_file_comes_back(storage: Storage, tmp_path: Path, text: str) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(text, newline="")
    applied(path, storage)
    held = dump(storage)
    _, exported = Kept(storage).export("acme")
    remarks = sorted(re.findall("~[0-9]+~", exported))
    assert remarks == sorted(re.findall("~[0-9]+~", text))
    assert said(exported) == said(text)
    assert "\r" not in exported
    assert "kettle" not in exported
    assert all("kettle" not in one.text
               for one in Kept(storage).subscribers(Kept(storage).owners("acme")).values())
    path.write_text(exported)
    assert planned([path], storage) == []
    storage.client.flushall()
    applied(path, storage)
    assert {key: value for key, value in dump(storage).items() if key.startswith("fm:1:line")} == {
        key: value for key, value in held.items() if key.startswith("fm:1:line")}
    assert Kept(storage).export("acme")[1] == exported


@pytest.mark.parametrize(("text", "said"), [
    ("? organisation\n: acme\n", "acme.yaml:1:3: a key with ? is not part of this format; write  "
                                 "KEY: VALUE"),
    ("organisation: acme  # of\u2028\n", "acme.yaml:1:25: U+2028 stands here, which ends a line "
                                         "for some programs only; delete it"),
])
def test_what_could_not_come_back_is_refused(text: str, said: str) -> None:
    parse(text, "acme.yaml", problems := Problems())
    assert [str(one) for one in problems.errors] == [said]


def test_very_many_things_of_one_are_read_again(followme: Followme, write: Write) -> None:
    count = 6000
    numbers = "".join(f"      {12125550000 + index}: {{}}\n" for index in range(count))
    path = write("acme.yaml", "organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n"
                              f"    numbers:\n{numbers}")
    assert followme("apply", "--yes", path).code == 0
    assert followme("plan", path).out == "nothing to do\n"
    grants = "".join(f"  organisation-{index}: {{max_calls: {index + 1}}}\n"
                     for index in range(count))
    path = write("operator.yaml", f"grants:\n{grants}")
    assert followme("apply", "--yes", path).code == 0
    more = write("more.yaml", "grants: {another: {max_calls: 1}}\n")
    assert followme("apply", "--yes", more).code == 0
    assert followme("plan", path).out == "nothing to do\n"


def test_several_files_keep_what_stands_above_their_subscribers(
        followme: Followme, storage: Storage, write: Write) -> None:
    first = write("first.yaml", FILE.replace("subscribers:", "# ~12~\nsubscribers:"))
    second = write("second.yaml", "organisation: acme\nsubscribers:\n  eva: {numbers: "
                                  "{12125550126: {}}}\n")
    assert followme("apply", "--yes", first, second).code == 0
    assert storage.client.exists(keys.subscriber("acme/eva"))
    assert "# ~12~\nsubscribers:\n" in followme("export", "acme").out


def test_a_file_of_one_adds_no_remark_each_time(
        followme: Followme, write: Write) -> None:
    text = FILE.replace("subscribers:", "# ~12~\nsubscribers:")
    assert followme("apply", "--yes", write("acme.yaml", text)).code == 0
    text_of_one = text.partition("  # ~10~")[0].replace("  # ~3~\n", "")
    assert followme("plan", write("jana.yaml", text_of_one)).out == "nothing to do\n"
    exported = followme("export", "acme").out
    for zone in ("America/Chicago", "America/New_York"):
        path = write("jana.yaml", text_of_one.replace("America/New_York", zone))
        assert followme("apply", "--yes", path).code == 0
    assert followme("export", "acme").out == exported


@pytest.mark.parametrize("key", [keys.organisation("acme"), keys.subscriber("acme/jana"),
                                 keys.subscriber("acme/petr")])
def test_what_cannot_be_read_is_mended_by_all_files(
        followme: Followme, storage: Storage, write: Write, key: str) -> None:
    path = write("acme.yaml", FILE)
    assert followme("apply", "--yes", path).code == 0
    exported = followme("export", "acme").out
    storage.client.set(key, b"\x02\x00")
    assert "cannot be read; apply all files of acme again" in followme("export", "acme").err
    some = FILE.partition("  # ~10~")[0].replace("America/New_York", "America/Chicago")
    assert followme("apply", "--yes", write("jana.yaml", some)).code == (
        0 if key.endswith("jana}") else 1)
    assert followme("apply", "--yes", path).code == 0
    assert followme("export", "acme").out == exported
    storage.client.set(key, b"\x03\x00")
    assert "use the followme that wrote it" in followme("export", "acme").err


def test_who_has_settings_alone_is_kept_until_his_file_has_none(
        followme: Followme, storage: Storage, write: Write) -> None:
    def written(content: str) -> Path:
        return write("acme.yaml", FILE.replace(PETR, f"petr: {content}").replace(" ~11~", ""))

    assert followme("apply", "--yes", written("{group: staff}")).code == 0
    assert "  petr:\n    group: staff\n" in followme("export", "acme").out
    assert followme("apply", "--yes", written("{lines: {one: {password: brown-fox}}}")).code == 0
    path = written("{}")
    assert followme("apply", "--yes", path).out.splitlines()[:-1] == [
        "line one of acme/petr: removed", "subscriber acme/petr: removed"]
    assert "petr" not in followme("export", "acme").out
    assert not any("petr" in key for key in dump(storage))
    assert followme("plan", path).out == "nothing to do\n"


@pytest.mark.parametrize(("name", "said"), [
    ("/dev/zero", "'/dev/zero' is not the name of a file beside this one; write it without "
                  "folders: zero"),
    ("acme.yaml", "the name of a file of events ends with .ics, that of 'acme.yaml' does not; "
                  "give it such a name"),
    ("followme.schema.json", "the name of a file of events ends with .ics, that of "
                             "'followme.schema.json' does not; give it such a name"),
    (r"a\x00b.ics", r"'a\x00b.ics' is not the name of a file; write  closures.ics"),
])
def test_a_calendar_names_a_file_that_an_export_can_have_beside_it(
        followme: Followme, write: Write, name: str, said: str) -> None:
    path = write("acme.yaml", f"organisation: acme\ntime_zone: UTC\n"
                              f"calendars: {{closed: {{ics: \"{name}\"}}}}\n")
    ran = followme("plan", path)
    assert (ran.code, ran.told[0]) == (1, f"{path}:3:27: {said}")


def test_the_main_number_is_that_again_when_its_removal_is_undone(
        followme: Followme, write: Write) -> None:
    text = FILE.replace(NUMBERS, "numbers:\n      12125550124: {}\n      12125550125: {}\n"
                        "      12125550126: {}\n    extensions:\n      201: {}\n"
                        "    lines:\n      petr-desk: {password: brown-kettle-7391}")
    path = write("acme.yaml", text)
    assert followme("apply", "--yes", path).code == 0
    exported = followme("export", "acme").out
    for number in ("12125550124", "12125550125", "12125550126", "acme/201"):
        assert followme("remove", "--yes", number).code == 0
        assert followme("undo", "--yes", number).code == 0
        assert followme("plan", path).out == "nothing to do\n"
    assert followme("export", "acme").out == exported
