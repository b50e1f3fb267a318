# SPDX-License-Identifier: GPL-2.0-or-later
"""What was applied comes back as it was written, and planning it finds nothing to do."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kemi_routing.redis import keys
from provisioning import changes
from provisioning.check import read
from provisioning.difference import TEXT_ONLY
from provisioning.kept import Kept
from provisioning.storage import Change, Storage
from provisioning.yaml_text import block
from tests.provisioning.conftest import EXAMPLES, ROOT, Followme, Write, dump
from tests.provisioning.test_laws import PLATFORM, as_written, numbers
from tests.support.builders import NOW

CASES = ROOT / "tests" / "cases" / "numbers"
FILES = [*(EXAMPLES / f"{name}.yaml" for name in ("office", "second-number", "team", "practice")),
         *(CASES / f"{name}.yaml" for name in ("calendar", "clock", "dialplan", "permissions"))]
DIGESTS = re.compile(r'ha1: \[[0-9a-f]{32}, [0-9a-f]{64}\]|password: "?[\w -]+"?')
JANA, PETR = "12125550123", "12125550124"


def planned(paths: Iterable[Path], storage: Storage) -> list[Change]:
    """What applying the files would write."""
    checked = read(paths, PLATFORM, NOW, kept=Kept(storage))
    found = changes.compare(checked, storage, NOW)
    assert checked.problems.errors == []
    return [change for change in found if change.writes]


def applied(path: Path, storage: Storage) -> None:
    """Write all of it."""
    for change, conflict in storage.write_all(planned([path], storage)):
        assert conflict is None, change


def rows(text: str) -> list[str]:
    """What a file says, whoever comes first in it."""
    known = (DIGESTS.sub("secret", row) for row in text.splitlines())
    return sorted(row for row in known if row and "yaml-language-server" not in row)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_comes_back_as_it_was_written(
        followme: Followme, tmp_path: Path, path: Path) -> None:
    assert followme("apply", "--yes", path).code == 0
    assert followme("export", "-o", tmp_path / "out").code == 0
    *_, found = sorted((tmp_path / "out").glob("*.yaml"))
    assert rows(found.read_text()) == rows(path.read_text())
    assert followme("plan", found).code == 0


@st.composite
def remarked(draw: st.DrawFn) -> tuple[str, int]:
    """A file with so many comments, above its rows and behind them."""
    text, count = "", 0
    for row in block(as_written(draw(numbers()))):
        above, behind = draw(st.tuples(st.integers(0, 7), st.integers(0, 7)))
        if above == 0:
            text += row[:len(row) - len(row.lstrip())] + f"# ~{count}~\n"
            count += 1
        text += row
        if behind == 0:
            text += f"  # ~{count}~"
            count += 1
        text += "\n"
    return text, count


@settings(deadline=None, max_examples=40, suppress_health_check=[
    HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(remarked())
def test_nothing_is_lost_of_any_organisation(
        storage: Storage, tmp_path: Path, written: tuple[str, int]) -> None:
    text, count = written
    path = tmp_path / "acme.yaml"
    path.write_text(text)
    storage.client.flushall()
    applied(path, storage)
    held = dump(storage)
    _, exported = Kept(storage).export("acme")
    assert sorted(re.findall("# ~([0-9]+)~", exported)) == sorted(map(str, range(count)))
    path.write_text(exported)
    assert planned([path], storage) == []
    storage.client.flushall()
    applied(path, storage)
    assert set(dump(storage)) == set(held)
    assert _records(dump(storage)) == _records(held)
    assert Kept(storage).export("acme")[1] == exported


def _records(held: dict[str, object]) -> dict[str, object]:
    """All that says no time at which it was written."""
    return {key: value for key, value in held.items()
            if not key.startswith(("fm:1:authored", "fm:1:history"))}


ORGANISATION = """\
# Acme in New York.
organisation: acme
time_zone: America/New_York  # since 1999
# Who may what:
groups:
  # most people
  staff: {permissions: [voicemail]}
schedules:
  office:
    - {days: mon-fri, from: 08:00, to: 18:00, sequence: all}
"""
SUBSCRIBER = """\
  # {name} sits on the third floor
  {name}:
    group: staff
    lines:
      # the desk
      {name}-desk: {{password: "blue-kettle-7391"}}  # grey
    # one number only
    numbers:
      # the main one
      {number}:
        schedule: office
        mode: forward_then_voicemail
        sequences:
          all: [{{to: line {name}-desk}}]
        # the end
"""


CLOSED = ("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//acme\nBEGIN:VEVENT\nUID:1\n"
          "DTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:20261224\nSUMMARY:Closed\nEND:VEVENT\n"
          "END:VCALENDAR\n")


def acme(*people: str, shared: str = ORGANISATION) -> str:
    """The organisation with these subscribers."""
    return shared + "subscribers:\n" + "".join(
        SUBSCRIBER.format(name=name, number={"jana": JANA, "petr": PETR}[name]) for name in people)


@pytest.fixture
def both(followme: Followme, write: Write) -> Followme:
    """The command line, after two subscribers were written."""
    assert followme("apply", "--yes", write("acme.yaml", acme("jana", "petr"))).code == 0
    return followme


def test_the_export_of_one_goes_to_the_terminal(both: Followme) -> None:
    out = both("export", "acme").out
    assert out.splitlines()[0] == "# yaml-language-server: $schema=followme.schema.json"
    assert rows(out) == rows(acme("jana", "petr"))
    assert "blue-kettle" not in out


class TestSettingsThatAreShared:
    def test_a_file_with_one_subscriber_takes_them_from_the_store(
            self, both: Followme, write: Write) -> None:
        bare = write("petr.yaml", acme("petr", shared="organisation: acme\n"))
        assert both("plan", bare).out == "nothing to do\n"
        assert both("check", bare).code == 1

    def test_a_table_takes_them_from_the_store(self, both: Followme, write: Write) -> None:
        table = write("more.csv", "organisation,subscriber,group,number,schedule,to_1,sequence\n"
                                  "acme,eva,staff,12125550125,office,voicemail,all\n")
        assert both("apply", "--yes", table).code == 0
        assert "mon-fri 08:00-18:00" in both("explain", "12125550125", "--at",
                                             "2026-11-20T09:00").out
        assert "  eva:\n    group: staff\n    numbers:\n      12125550125:\n" in both(
            "export", "acme").out

    @pytest.mark.parametrize(("old", "new", "said"), [
        ("to: 18:00", "to: 17:00", "schedule office: changed"),
        ("[voicemail]", "[voicemail, outgoing]", "group staff: changed"),
        ("America/New_York", "America/Chicago", "time_zone: changed"),
        ("sequence: all}\n", "sequence: all}\nredirects: follow\n", "redirects: new"),
    ])
    def test_who_stands_in_no_file_is_rewritten_where_they_change(
            self, both: Followme, write: Write, old: str, new: str, said: str) -> None:
        shared = ORGANISATION.replace(old, new)
        ran = both("apply", "--yes", write("acme.yaml", acme("jana", shared=shared)))
        assert [row for row in ran.things if "changed" in row] == [
            f"number {JANA} of acme/jana: changed, revision 1 → 2",
            f"number {PETR} of acme/petr: changed, revision 1 → 2",
            "organisation acme: changed, revision 1 → 2"]
        assert f"  {said}" in ran.out.splitlines()
        whole = write("whole.yaml", acme("jana", "petr", shared=shared))
        assert both("plan", whole).out == "nothing to do\n"

    def test_what_somebody_needs_is_not_taken_away(self, both: Followme, write: Write) -> None:
        shared = ORGANISATION.replace("staff: {permissions", "people: {permissions")
        jana = acme("jana", shared=shared).replace("group: staff", "group: people")
        assert both("apply", "--yes", write("acme.yaml", jana)).code == 0  # beside staff
        groups = both("export", "acme").out.partition("groups:\n")[2].partition("schedules:")[0]
        assert groups == ("  # most people\n  staff: {permissions: [voicemail]}\n"
                          "  # most people\n  people: {permissions: [voicemail]}\n")

    def test_a_file_with_all_subscribers_takes_away_what_it_does_not_say(
            self, both: Followme, write: Write) -> None:
        shared = ORGANISATION + "classes: {partners: [\"49115\"]}\n"
        whole = write("acme.yaml", acme("jana", "petr", shared=shared))
        assert "  class partners: new" in both("apply", "--yes", whole).out
        whole.write_text(acme("jana", "petr"))
        assert "  class partners: removed" in both("apply", "--yes", whole).out

    def test_comments_are_those_of_the_file_with_all_subscribers(
            self, both: Followme, write: Write) -> None:
        other = ORGANISATION.replace("# most people", "# the usual")
        assert both("plan", write("a.yaml", acme("jana", shared=other))).code == 0
        assert both("plan", write("a.yaml", acme("jana", "petr", shared=other))).out == (
            f"organisation acme: changed, revision 1 → 2\n  {TEXT_ONLY}\n1 changed, 4 unchanged\n")

    def test_an_interrupted_change_is_made_whole_by_the_next(
            self, both: Followme, storage: Storage, write: Write,
            monkeypatch: pytest.MonkeyPatch) -> None:
        shared = ORGANISATION.replace("to: 18:00", "to: 17:00")
        path = write("acme.yaml", acme("jana", shared=shared))
        first, *rest = planned([path], storage)
        storage.write(first)
        again = planned([path], storage)
        assert [(one.kind, one.name) for one in again] == [(one.kind, one.name) for one in rest]
        assert [one.kind for one in rest] == ["number", "organisation"]

    def test_they_wait_for_a_number_that_was_not_written(
            self, both: Followme, storage: Storage, write: Write) -> None:
        shared = ORGANISATION.replace("to: 18:00", "to: 17:00")
        found = planned([write("acme.yaml", acme("jana", shared=shared))], storage)
        theirs = write("petr.yaml", acme("petr").replace("forward_then_voicemail", "reject"))
        assert both("apply", "--yes", theirs).code == 0
        assert [str(conflict) for _, conflict in storage.write_all(found) if conflict] == [
            f"number {PETR} was changed by somebody else meanwhile; nothing of it was written, "
            "try again",
            "organisation acme waits for what was not written; try again"]
        assert "to: 18:00" in both("export", "acme").out

    def test_who_looked_before_they_changed_writes_nothing(
            self, both: Followme, storage: Storage, write: Write) -> None:
        more = acme("jana").replace("\n        # the end", "\n        ring: 25")
        mine, *_ = planned([write("jana.yaml", more)], storage)
        shared = ORGANISATION.replace("[voicemail]", "[voicemail, outgoing]")
        theirs = write("acme.yaml", acme("petr", shared=shared))
        (*_, settings_of_acme) = planned([theirs], storage)
        storage.write(settings_of_acme)
        with pytest.raises(Exception, match=f"number {JANA} was changed by somebody else"):
            storage.write(mine)

    def test_what_an_older_program_wrote_is_asked_for_once(
            self, both: Followme, storage: Storage, write: Write) -> None:
        storage.client.delete(keys.organisation("acme"), keys.subscriber("acme/petr"),
                              keys.subscriber("acme/jana"))
        path = write("jana.yaml", acme("jana"))
        ran = both("apply", "--yes", path)
        assert (ran.code, ran.told[0]) == (1, (
            f"{path}:2:1: acme has more subscribers in the store (acme/petr), of whose "
            "settings no text is kept; give all files of acme together once"))
        assert both("export", "acme").code == both("undo", JANA).code == 1
        assert both("apply", "--yes", path, write("petr.yaml", acme("petr"))).code == 0
        assert rows(both("export", "acme").out) == rows(acme("jana", "petr"))


def test_files_that_calendars_name_come_along(
        followme: Followme, storage: Storage, write: Write, tmp_path: Path) -> None:
    (tmp_path / "closed.ics").write_text(CLOSED)
    text = acme("jana", shared=ORGANISATION + "calendars: {closed: {ics: closed.ics}}\n").replace(
        "        # the end", "        holidays: [{calendar: closed, sequence: all}]")
    path = write("acme.yaml", text)
    assert followme("apply", "--yes", path).code == 0
    assert followme("export", "acme").err == (
        "followme: calendars of acme name files (closed.ics); write all of them:  "
        "followme export acme -o DIRECTORY\n")
    out = tmp_path / "out"
    assert followme("export", "-o", out).out == f"1 organisation in {out}\n"
    assert sorted(one.name for one in out.iterdir()) == [
        "_operator.yaml", "acme.yaml", "closed.ics", "followme.schema.json"]
    assert followme("plan", out / "acme.yaml").code == 0
    bare = write("more.csv", "organisation,subscriber,number\nacme,eva,12125550125\n")
    assert followme("apply", "--yes", bare).code == 0
    (out / "closed.ics").write_text((out / "closed.ics").read_text().replace("1224", "1223"))
    ran = followme("apply", "--yes", out / "acme.yaml")
    assert "  file closed.ics: changed" in ran.out
    assert f"number {JANA} of acme/jana: changed, revision 1 → 2" in ran.out


def test_two_files_of_one_name_that_differ_are_refused(
        followme: Followme, tmp_path: Path) -> None:
    paths = [tmp_path / name / "acme.yaml" for name in ("here", "there")]
    for path, day in zip(paths, ("24", "26"), strict=True):
        path.parent.mkdir()
        (path.parent / "closed.ics").write_text(CLOSED.replace("1224", f"12{day}"))
        path.write_text("organisation: acme\ntime_zone: UTC\n"
                        f"calendars: {{day-{day}: {{ics: closed.ics}}}}\n")
    assert followme("apply", "--yes", *paths).told == [
        f"{paths[1]}:3:13: another calendar has another file closed.ics; give one of them another "
        "name", "1 error"]
    (paths[1].parent / "closed.ics").write_text(CLOSED)
    assert followme("apply", "--yes", *paths).code == 0


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "name one (acme), or write files of several or all:  followme export -o DIRECTORY"),
    (("nobody",), "the store has no settings of nobody; where it has numbers, an older program "
                  "wrote them: apply all its files once"),
    (("acme", "-o", "/dev/null/out"), "/dev/null/out: the files cannot be written: "
                                      "Not a directory"),
])
def test_what_cannot_be_exported_is_said(
        both: Followme, arguments: tuple[str, ...], said: str) -> None:
    ran = both("export", *arguments)
    assert (ran.code, ran.err) == (1, f"followme: {said}\n")


def test_two_organisations_with_one_name_for_their_files_need_two_directories(
        followme: Followme, write: Write, tmp_path: Path) -> None:
    for name in ("acme", "other"):
        (tmp_path / "closed.ics").write_text(CLOSED.replace("Closed", name))
        path = write("a.yaml", f"organisation: {name}\ntime_zone: UTC\n"
                               "calendars: {closed: {ics: closed.ics}}\n")
        assert followme("apply", "--yes", path).code == 0
    assert followme("export", "-o", tmp_path / "out").err == (
        "followme: other and another organisation have each a file closed.ics; write them into two "
        "directories:  followme export NAME -o DIRECTORY\n")
    assert not (tmp_path / "out").exists()


def test_the_order_of_numbers_is_kept_and_a_removed_one_is_left_out(
        followme: Followme, write: Write) -> None:
    path = write("acme.yaml", "organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n"
                              "    numbers:\n      12125550129: {}\n      12125550121: {}\n"
                              "      12125550125: {}\n    extensions:\n      201: {}\n")
    assert followme("apply", "--yes", path).code == 0
    assert rows(followme("export", "acme").out) == rows(path.read_text())
    assert followme("remove", "--yes", "12125550129").code == 0
    text = path.read_text().replace("      12125550129: {}\n", "")
    assert rows(followme("export", "acme").out) == rows(text)
    path.write_text(text)
    assert followme("plan", path).out == "nothing to do\n"
    moved = "numbers:\n      12125550125: {}\n      12125550121: {}\n"
    path.write_text(text.replace("numbers:\n      12125550121: {}\n      12125550125: {}\n", moved))
    assert "subscriber" not in followme("plan", path).out  # it goes with the extension


def test_another_main_number_is_told(followme: Followme, write: Write) -> None:
    file = "organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n    numbers:\n"
    first, second, third = (f"      1212555012{digit}: {{}}\n" for digit in "159")
    assert followme("apply", "--yes", write("acme.yaml", file + first + second + third)).code == 0
    for order, what in ((first + third + second, TEXT_ONLY),
                        (second + first + third, "main number: 12125550121 → 12125550125")):
        assert followme("plan", write("acme.yaml", file + order)).out.splitlines()[:2] == [
            "subscriber acme/jana: changed", f"  {what}"]


def test_a_subscriber_alone_is_told_of_in_words(both: Followme, write: Write) -> None:
    path = write("acme.yaml", acme("jana", "petr").replace("# jana sits", "# jana stands"))
    assert both("apply", "--yes", path).things == [
        "subscriber acme/jana: changed", "1 change written"]
    shared = ORGANISATION + "  bosses: {permissions: [voicemail]}\n"
    shared = ORGANISATION.replace("schedules:", "  bosses: {permissions: [voicemail]}\nschedules:")
    path.write_text(acme("jana", "petr", shared=shared).replace("group: staff", "group: bosses", 1))
    ran = both("apply", "--yes", path)
    assert ran.out.splitlines() == [
        "subscriber acme/jana: changed", "  group: staff → bosses",
        "organisation acme: changed, revision 1 → 2", "  group bosses: new", "2 changes written"]


def test_a_line_with_digests_in_place_of_its_password_is_the_same_line(
        both: Followme, storage: Storage, write: Write) -> None:
    before: Any = storage.client.get(keys.line("jana-desk"))
    exported = both("export", "acme").out
    storage.client.flushall()
    assert both("apply", "--yes", write("out.yaml", exported)).code == 0
    assert storage.client.get(keys.line("jana-desk")) == before


@pytest.mark.parametrize(("line", "said"), [
    ("{ha1: [abc]}", "ha1 is two digests: MD5 with 32 and SHA-256 with 64 of the characters "
                     "0-9a-f; or write the password"),
    (f"{{ha1: [{'a' * 32}], password: blue-kettle}}", "a line has a password or ha1, not both"),
    ("{max_phones: 2}", "password is missing"),
])
def test_what_is_no_digest_is_refused(followme: Followme, write: Write, line: str, said: str,
                                      ) -> None:
    path = write("a.yaml", "organisation: acme\ntime_zone: UTC\nsubscribers:\n  jana:\n"
                           f"    lines: {{desk: {line}}}\n    numbers: {{{JANA}: {{}}}}\n")
    ran = followme("check", path)
    assert ran.code == 1
    assert said in ran.err


def test_settings_that_cannot_be_read_are_said_to_be_so(
        both: Followme, storage: Storage, write: Write) -> None:
    storage.client.set(keys.organisation("acme"), b"\x02\xff")
    said = "the settings of acme in the store cannot be read; apply all files of acme again"
    assert both("export", "acme").err == f"followme: {said}\n"
    assert "give all files of acme together once" in both(
        "plan", write("jana.yaml", acme("jana"))).err


def test_a_subscriber_who_cannot_be_read_is_said_to_be_so(both: Followme, storage: Storage) -> None:
    storage.client.set(keys.subscriber("acme/jana"), b"\x02\xff")
    assert both("export", "acme").err == (
        "followme: the settings of acme/jana in the store cannot be read; apply all files of acme "
        "again\n")


