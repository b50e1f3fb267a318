# SPDX-License-Identifier: GPL-2.0-or-later
"""The product with its examples, on loopback: calls, what was explained before, and what rang."""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event

from kemi_routing.explain import Explained
from tests.support.caller import Dialling, Outcome, codes
from tests.support.edge import ROOT
from tests.support.loopback import NotReady, reserve_network
from tests.support.phones import Behaviour, answer, busy, decline, ring
from tests.support.planned import differences, what_rang
from tests.support.situation import DOMAIN, MEDIA, PAI_TRUNK, STRANGER, Situation

EXAMPLES = sorted((ROOT / "provisioning/examples").glob("*.yaml"))
OFFICE, SECOND, TEAM, NOBODYS = "42027777101", "42027777100", "42027777102", "42027777199"
PRACTICE, DOCTOR = "42027777103", "420737231104"
CALLER, OWNER_MOBILE = "42075553333", "42073723123"
DESK, OFFICE_PHONE, JANA_MOBILE = "line jana-desk", "49115234567", "42073723101"
RECEPTION, SURGERY = "line reception", "line surgery"
BENCH_ONE, BENCH_TWO, BACK_OFFICE = "line bench-one", "line bench-two", "line back-office"
PASSWORDS = {
    DESK: "blue-kettle-7391", BENCH_ONE: "green-anvil-2048", BENCH_TWO: "green-anvil-4096",
    BACK_OFFICE: "green-anvil-8192", RECEPTION: "white-coat-1337", SURGERY: "white-coat-7331",
}  # fmt: skip
MONDAY = "2026-11-23T10:00:00+01:00"
BUGGY = ROOT / "tests/e2e/our_code_raises"
"""Settings of a number, 42027777661, on which a bug planted into the product strikes."""


@dataclass(frozen=True)
class Scene:
    """A call, the phones that are plugged in, and the final code that its caller should hear."""

    dialled: str
    ani: str = CALLER
    phones: Mapping[str, Behaviour] = field(default_factory=dict)
    code: int = 200
    via: int = PAI_TRUNK
    headers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """What ``explain`` is told of those headers."""
    hang_up_after_ms: int | None = None
    redis_hangs: bool = False

    def play(self, demo: Situation) -> bool:
        """Make the call and print its line; whether it went as ``explain`` had said."""
        explained = None
        if self.code not in (403, 404, 500, 503):
            explained = demo.explain(self.dialled, self.ani, flags=self.flags)
        for target, behaviour in self.phones.items():
            plug(demo, target, behaviour)
        if self.redis_hangs:
            demo.redis.freeze()
        try:
            heard = demo.dial(
                Dialling(
                    self.dialled, self.ani, asserted=self.ani, headers=self.headers,
                    hang_up_after_ms=self.hang_up_after_ms, hold_ms=50,
                ),
                via=self.via,
            ).outcome(120)  # fmt: skip
        finally:
            if self.redis_hangs:
                demo.redis.thaw()
        wrong = differences(explained, demo, heard) if explained else []
        if heard.code != self.code:
            wrong.append(f"the caller heard {heard.code}, not {self.code}")
        when = f"{demo.at:%a %H:%M}" if demo.at else "now"
        who = f"{self.ani}{''.join(self.flags).replace('--', ', ')}"
        who += ", untrusted" if self.via == STRANGER else ""
        who += ", Redis hangs" if self.redis_hangs else ""
        verdict = "as explained" if explained else "as it should be"
        say(f"  {self.dialled} by {who}, {when}: {self._absent(explained)}{story(demo, heard)}"
            f" [{'; '.join(['NOT ' + verdict, *wrong]) if wrong else verdict}]")
        demo.unplug_all()
        return not wrong

    def _absent(self, explained: Explained | None) -> str:
        """The lines of the first step that are passed over, since no phone is registered."""
        lines = [f"line {one['address']}" for step in (explained["steps"][:1] if explained else [])
                 for one in step["targets"] if one["kind"] == "line"]
        return "".join(f"{line} is not registered; " for line in lines if line not in self.phones)


ON_CALL = Scene(OFFICE, phones={DESK: ring(), JANA_MOBILE: answer(500), MEDIA: answer()})
CLOSED = Scene(OFFICE, phones={DESK: ring(), JANA_MOBILE: ring(), MEDIA: answer()})

SCENES: dict[str, tuple[Scene, ...]] = {
    MONDAY: (
        Scene(OFFICE, phones={OFFICE_PHONE: busy(), JANA_MOBILE: answer(2000)}),
        Scene(OFFICE, phones={DESK: ring(), OFFICE_PHONE: busy(), JANA_MOBILE: answer(1500)}),
        Scene(OFFICE, phones={DESK: busy(), OFFICE_PHONE: answer(1000)}),
        Scene(OFFICE, phones={DESK: decline(800), OFFICE_PHONE: ring(), MEDIA: answer()}),
        Scene(OFFICE, phones={DESK: ring()}, hang_up_after_ms=1500, code=487),
        Scene(SECOND, OWNER_MOBILE, {OWNER_MOBILE: ring(), MEDIA: answer()}),
        Scene(SECOND, phones={OWNER_MOBILE: answer(1000)}),
        Scene(SECOND, phones={OWNER_MOBILE: busy(), MEDIA: answer()}),
        Scene(SECOND, OWNER_MOBILE, {OWNER_MOBILE: answer(500)}, flags=("--diverted",),
              headers=("Diversion: <sip:42075559999@carrier.example>;reason=unconditional",)),
        Scene(SECOND, OWNER_MOBILE, {MEDIA: answer()}, flags=("--anonymous",),
              headers=("Privacy: id",)),
        Scene(SECOND, OWNER_MOBILE, {OWNER_MOBILE: ring()}, via=STRANGER, code=403),
        Scene(TEAM, phones={BENCH_ONE: ring(), BENCH_TWO: answer(1000)}),
        Scene(TEAM, phones={BENCH_ONE: busy(), BENCH_TWO: answer(1000)}),
        Scene(TEAM, phones={BENCH_ONE: busy(), BENCH_TWO: busy(), BACK_OFFICE: answer(500)}),
        Scene(TEAM, phones={BENCH_ONE: busy(), BENCH_TWO: busy(), BACK_OFFICE: busy()}, code=486),
        Scene(PRACTICE, phones={RECEPTION: ring(), SURGERY: answer(1000)}),
        Scene(PRACTICE, phones={RECEPTION: busy(), SURGERY: busy(), DOCTOR: answer(500)}),
        Scene(PRACTICE, phones={RECEPTION: ring(), MEDIA: answer()}, flags=("--anonymous",),
              headers=("Privacy: id",)),
        Scene(PRACTICE, "42075550001", phones={RECEPTION: ring()}, code=603),
        Scene(NOBODYS, code=404),
        Scene(SECOND, phones={OWNER_MOBILE: answer()}, redis_hangs=True, code=503),
        Scene(SECOND, phones={OWNER_MOBILE: answer()}),
    ),
    # Both sides of midnight, and of the end of daylight saving time.
    "2026-11-20T23:59:00+01:00": (ON_CALL,),
    "2026-11-21T00:30:00+01:00": (ON_CALL,),
    "2026-10-25T02:30:00+02:00": (ON_CALL,),
    "2026-10-25T03:59:00+01:00": (ON_CALL,),
    "2026-10-25T04:00:00+01:00": (CLOSED,),
    "2026-11-22T12:00:00+01:00": (CLOSED,),
    # A holiday on a Thursday morning.
    "2026-12-24T10:00:00+01:00": (
        Scene(PRACTICE, phones={RECEPTION: ring(), MEDIA: answer()}),),
}  # fmt: skip


def crowd(demo: Situation) -> bool:
    """200 calls at once, four kinds of them; print what they came to."""
    for target, behaviour in {
        OWNER_MOBILE: answer(300), DESK: decline(), BENCH_ONE: busy(), BENCH_TWO: busy(),
        BACK_OFFICE: busy(), MEDIA: answer(),
    }.items():  # fmt: skip
        plug(demo, target, behaviour)
    trunk, expected = demo.caller(), {SECOND: 200, OFFICE: 200, TEAM: 486, NOBODYS: 404}
    calls = {number: trunk.dial(Dialling(number, CALLER), count=50) for number in expected}
    heard = {number: codes(each.outcomes()) for number, each in calls.items()}
    good = heard == {number: {code: 50} for number, code in expected.items()}
    ends = ", ".join(f"{number} {dict(count)}" for number, count in heard.items())
    say(f"  200 calls at once, final codes: {ends} [{'as planned' if good else 'NOT as planned'}]")
    demo.unplug_all()
    return good


def bug(folder: Path) -> bool:
    """A bug of ours costs one call a 500; the next call of the same worker is fine."""
    sabotage = {"PYTHONPATH": str(BUGGY / "sabotage"), "FOLLOWME_WORKERS": "1"}
    with Situation(reserve_network(), folder, environment=sabotage) as demo:
        demo.apply(BUGGY / "situation.yaml")
        say("  with a bug planted into the product, and one worker:")
        fine = Scene("42027777101", phones={"42073723101": answer()})
        return all([Scene("42027777661", code=500).play(demo), fine.play(demo)])


def story(demo: Situation, heard: Outcome) -> str:
    """What rang in which order, how each ended, and what the caller got after how long."""
    rang = [
        f"{one.began_s:.1f} s {named(demo, one.target)} {ENDS.get(one.end, one.end)}, "
        f"shown {one.cli}"
        for one in what_rang(demo, heard)
    ]  # fmt: skip
    end = f"{heard.code} {heard.final.reason_phrase} after {heard.took_s:.1f} s"
    return "; ".join([*rang, end])


ENDS = {"486": "was busy", "603": "declined", "cancelled": "stopped ringing"}


def named(demo: Situation, target: str) -> str:
    """A target for people; the media server is what it was asked for."""
    if target != MEDIA:
        return target
    asked = next(each.phone for each in demo.plugged if each.target == MEDIA).invites[-1]
    if pin := asked.header("X-Followme-Pin"):
        return f"mailbox access, PIN {'asked' if pin == 'ask' else 'not asked'},"
    return f"voicemail, cause {asked.uri.rpartition('cause=')[2]},"


def plug(demo: Situation, target: str, behaviour: Behaviour) -> None:
    """A phone that plays the target of a plan."""
    if target == MEDIA:
        demo.media_server(behaviour)
    elif target in PASSWORDS:
        demo.line_phone(target.removeprefix("line "), behaviour, password=PASSWORDS[target])
    else:
        demo.outside_phone(target, behaviour)


def calls(folder: Path) -> bool:
    """Make all calls; whether each went as explained."""
    good = True
    for index, (at, scenes) in enumerate(SCENES.items()):
        network, place = reserve_network(), folder / str(index)
        with Situation(network, place, at=datetime.fromisoformat(at)) as demo:
            demo.apply(*EXAMPLES)
            for scene in scenes:
                good &= scene.play(demo)
            if index == 0:
                good &= crowd(demo)
    good &= bug(folder / "bug")
    say("Each call went as it should." if good else "Not every call went as it should.")
    return good


def stay(folder: Path) -> None:
    """Keep the examples up for a softphone until Ctrl-C or SIGTERM."""
    with Situation(reserve_network(), folder / "stay") as demo:
        demo.apply(*EXAMPLES)
        plug(demo, MEDIA, answer())
        plug(demo, OWNER_MOBILE, answer(3000))
        host, port = demo.edge.proxy
        say(f"""
The proxy stays up at {host}:{port} (UDP and TCP). Register a softphone on this machine:
  user jana-desk, password {PASSWORDS[DESK]}, domain {DOMAIN}, proxy {host}:{port}
and dial
  {OFFICE}  your own number: you are in the mailbox
  {SECOND}  a mobile rings 3 s and answers; it sees {OFFICE}'s call as {SECOND}
  {NOBODYS}  outside numbers go to a gateway where nobody answers
A second softphone as bench-one (password {PASSWORDS[BENCH_ONE]}) rings when you dial {TEAM}.
The phones here are stand-ins without audio. What a call would do:
  FOLLOWME_REDIS={demo.redis.url} script/followme explain {OFFICE} --from {CALLER}
Ctrl-C ends it.""")
        with suppress(KeyboardInterrupt):
            Event().wait()
    say("Ended.")


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit code 0 where every call went as explained."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the calls")
    once = parser.parse_args().once
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="followme-demo-"))
    with ExitStack() as cleaning:
        cleaning.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            good = calls(folder)
            if not once:
                stay(folder)
        except NotReady as error:
            say(f"The demo cannot go on: {error}")
            return 1
        except KeyboardInterrupt:
            say("Interrupted.")
            return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
