# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of a file: which keys stand where, and what is a text, a list or a mapping.

Nothing is required here and no text is looked into: that is ``check``'s work, so that one
misplaced key hides no other mistake. What is said of a key here is what editors show (``schema``)
and what ``docs/files.md`` says.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from provisioning import kinds
from provisioning.shape_base import Shape, one_or_many
from provisioning.shape_operator import Gateway, Grant, Hop, Trunk
from provisioning.shape_times import (
    Calendar,
    Holidays,
    OwnSchedule,
    Vacation,
    Windows,
    no_schedule,
)


class Target(Shape):
    """One target of a step."""

    form = "{to: 49115234567}"
    needs: ClassVar[tuple[str, ...]] = ("to",)
    to: kinds.To | None = None
    """Where the call goes: a number in any form that the dial plan reads (one of ours, or an
    extension, rings as such), line NAME, SIP/user@host:port, sip:user@host;transport=tls,
    IAX2/user:password@host/number, or what answers at once: voicemail, announcement NAME, menu
    NAME, queue NAME, conference NAME, park. That stands alone in the last step of its sequence."""
    ring: kinds.RingTime | None = None
    """Seconds that it rings; 20 unless given."""
    label: kinds.Label | None = None
    """Its name for people."""
    delay: kinds.Delay | None = None
    """Seconds after the beginning of its step until it rings, or less where nothing else rings any
    more."""
    confirm: kinds.Choice | None = None
    """Who answers must press 1; needs a media server."""


class Step(Target):
    """One target, or several that ring together."""

    needs = ()
    rules = {"oneOf": [{"required": ["to"]},
                       {"required": ["together"], "maxProperties": 1}]}
    together: list[Target] | None = None
    """In place of to: targets that ring at the same time; to, ring and the like stand with each of
    them."""


class Sequence(Shape):
    """Steps in order, written as a list or with a mode and continuations of their own."""

    form = "[{to: 49115234567}]"
    mode: kinds.ModeName | None = None
    """Which parts run where this sequence wins, in place of the number's mode."""
    on: Annotated[dict[str, kinds.SequenceName], kinds.Named(kinds.OUTCOME)] = {}
    """Outcome: the sequence that comes next instead of the next step. Where this sequence wins,
    this is laid over the on of the number, outcome by outcome; a sequence that an on leads to has
    its own only."""
    steps: list[Step] = []
    """The steps, one after another."""


def _steps_alone(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError(
            "sequence", f"write a list of steps here, such as  {Sequence.form}; [] for none")
    return {"steps": value} if isinstance(value, list) else value


class Blocked(Shape):
    """Callers of the block list and what happens to them."""

    form = "{from: 42075*, action: voicemail}"
    needs = ("from",)
    callers: kinds.Callers | None = Field(None, alias="from")
    """A number, the beginning of numbers and *, anonymous, unverified, or * for all."""
    action: kinds.Screening | None = None
    """What happens to them: reject (603, unless given), voicemail, announcement NAME, or sequence
    NAME."""


def _callers_alone(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class CallerRule(Shape):
    """Callers that get a sequence of their own."""

    form = "{from: [42075553333, 42077*], sequence: NAME}"
    needs = ("from", "sequence")
    callers: Annotated[
        list[kinds.Callers],
        BeforeValidator(one_or_many, json_schema_input_type=kinds.Callers | list[kinds.Callers]),
    ] = Field(default_factory=list, alias="from")
    """Who, as in the block list."""
    sequence: kinds.SequenceName | None = None
    """What rings for them."""


class Number(Shape):
    """A personal number or an extension."""

    form = "{mode: ring_then_voicemail}"
    time_zone: kinds.Zone | None = None
    """Its time zone, where it differs from the organisation's."""
    aliases: list[kinds.Alias] = []
    """Outside numbers that identify the owner, each with @pstn: calls from them open the
    mailbox."""
    mode: kinds.ModeName | None = None
    """Which parts run; ring_then_voicemail unless given."""
    ring: kinds.RingTime | None = None
    """Seconds that the own lines ring where the mode rings them; 20 unless given."""
    cli: kinds.Cli | None = None
    """What outside targets see: personal number (unless given), caller, or a number. An extension
    shows its owner's first number."""
    mailbox: kinds.Mailbox | None = None
    """Which callers open the mailbox without PIN; pin_unless_trusted unless given."""
    allow: list[kinds.Callers] = []
    """Callers that come through: a number, the beginning of numbers and *, anonymous, unverified,
    or * for all. The longer entry counts; of two equal ones that in allow."""
    block: list[Annotated[Blocked, BeforeValidator(
        _callers_alone, json_schema_input_type=kinds.Callers | Blocked)]] = []
    """Callers that do not, written as in allow, or with an action."""
    callers: list[CallerRule] = []
    """Callers that get a sequence of their own."""
    on: Annotated[dict[str, kinds.SequenceName], kinds.Named(kinds.OUTCOME)] = {}
    """Outcome: the sequence that comes next instead of the next step."""
    schedule: OwnSchedule = Field(default_factory=no_schedule)
    """Windows, or the name of a shared schedule."""
    holidays: list[Holidays] = []
    """Calendars whose days beat the windows."""
    vacation: list[Vacation] = []
    """Overrides that are planned: whole days."""
    default: kinds.SequenceName | None = None
    """The sequence outside every window; not written: nothing is forwarded then."""
    sequences: Annotated[
        dict[str, Annotated[Sequence, BeforeValidator(
            _steps_alone, json_schema_input_type=list[Step] | Sequence)]],
        kinds.Named(kinds.WORDS)] = {}
    """Name: steps in order, or {mode: MODE, on: {...}, steps: [...]}."""


class Line(Shape):
    """A SIP account."""

    form = '{password: "..."}'
    rules: ClassVar[dict[str, Any]] = {"oneOf": [{"required": ["password"]},
                                                 {"required": ["ha1"]}]}
    password: kinds.Password | None = None
    """What its phones register with, 8 characters or more."""
    ha1: list[kinds.Digest] = []
    """In place of the password, as exports have it: what digest authentication makes of the line's
    name, the domain and the password (HA1, RFC 7616), by MD5 and by SHA-256. It holds in its domain
    only, and who has it can register: keep it secret too."""
    max_phones: kinds.Phones | None = None
    """How many phones may register at once; 3 unless given."""


class Subscriber(Shape):
    """Somebody with numbers."""

    form = "{numbers: {42027777100: {}}}"
    group: kinds.GroupName | None = None
    """The group whose rights the subscriber has."""
    permissions: list[kinds.Permission] = []
    """Permissions beside those of the group: voicemail, forward_external, and outgoing, to call
    others from the mailbox menu."""
    lines: Annotated[dict[str, Line], kinds.Named(kinds.LINE)] = {}
    """Name: a SIP account; the name is unique on the platform."""
    numbers: Annotated[dict[str, Number], kinds.Named(kinds.NUMBER)] = {}
    """Personal numbers, in any form that the dial plan reads."""
    extensions: Annotated[dict[str, Number], kinds.Named(kinds.EXTENSION)] = {}
    """Short internal numbers, 2 to 6 digits."""


class DialPlan(Shape):
    """How the organisation dials. Numbers of its files, and digits that its lines dial, are read by
    it; what it has no reading for is international, and + always is."""

    form = "{country: 420}"
    country: kinds.CountryCode | None = None
    """The country code."""
    area: kinds.Area | None = None
    """The area code, without the trunk prefix."""
    trunk_prefix: kinds.TrunkPrefix | None = None
    """What is dialled before a national number."""
    international_prefix: kinds.InternationalPrefix | None = None
    """What is dialled before a country code."""
    local_digits: kinds.LocalDigits | None = None
    """The length of a local number. Where the national number is dialled as it is (Czechia, Italy)
    its length, and there is no trunk prefix."""
    emergency: list[kinds.Emergency] = []
    """Emergency numbers: never a target."""


class Group(Shape):
    """What the subscribers of a group may do."""

    form = "{permissions: [voicemail]}"
    permissions: list[kinds.Permission] = []
    """Permissions of all its subscribers."""
    deny: list[kinds.AnyClass] = []
    """Classes of outside numbers that are not called."""
    allow: list[kinds.AnyClass] = []
    """Classes of outside numbers that are called, premium say."""
    max_calls: kinds.Cap | None = None
    """Forwarded calls at once, per number."""
    max_calls_per_hour: kinds.Cap | None = None
    """Forwarded calls that begin within any 60 minutes, per number."""


class FeatureCode(Shape):
    """What a code does that a line dials."""

    form = "{action: toggle, sequence: night}"
    needs = ("action",)
    action: kinds.CodeAction | None = None
    """toggle, set or clear an override with the sequence, or block the last caller."""
    sequence: kinds.CodeSequence | None = None
    """The sequence that is put in force."""
    until: kinds.Until | None = None
    """When the override ends: for ever (unless given), next window, 08:00, 8 hours, 90 minutes."""


OPERATORS = ("grants", "trunks", "gateways", "media_servers", "iax_gateways", "cli")
"""Keys of a file of the operator's own."""


class Organisation(Shape):
    """A file: an organisation's, or the operator's own, which has nothing but grants, trunks,
    gateways, media_servers, iax_gateways and cli. What stands beside subscribers is the
    organisation's, in all its files: what two of them write of its time zone, dial plan, redirects,
    codes, or of one calendar, schedule, class or group must be the same. Where plan and apply see
    files without some of its subscribers, what these do not write is as it is in the store, and
    where they change it, subscribers who stand in none of them are rewritten too; files with all
    its subscribers say all of it."""

    rules = {"if": {"anyOf": [{"required": [key]} for key in OPERATORS]},
             "then": {"propertyNames": {"enum": list(OPERATORS)}},
             "else": {"required": ["organisation", "time_zone"]}}
    organisation: kinds.Name | None = None
    """Its name."""
    time_zone: kinds.Zone | None = None
    """The IANA time zone of its numbers."""
    grants: Annotated[dict[str, Grant], kinds.Named(kinds.ORGANISATION)] | None = None
    """Organisation: what it may give its subscribers at most; what it gives beyond is refused."""
    trunks: Annotated[dict[str, Trunk], kinds.Named(kinds.CARRIER)] | None = None
    """Name: whose calls are taken."""
    gateways: Annotated[dict[str, Gateway], kinds.Named(kinds.SITE)] | None = None
    """Name: where calls to outside numbers leave."""
    media_servers: Annotated[dict[str, Hop], kinds.Named(kinds.SITE)] | None = None
    """Name: who plays voicemail, menus and announcements."""
    iax_gateways: Annotated[dict[str, Hop], kinds.Named(kinds.SITE)] | None = None
    """Name: where calls to IAX targets leave."""
    cli: kinds.Profile | None = None
    """What outside targets are shown: in From, P-Asserted-Identity and Remote-Party-ID number (what
    the number's cli chose), personal (always the personal number), caller, or digits; pai and rpid
    may be none. diversion is all, last or none, history yes or no."""
    dial_plan: DialPlan = Field(default_factory=DialPlan)
    """How the organisation dials."""
    redirects: kinds.Redirects | None = None
    """follow: a 302 of a phone is looked into like a target that was written, with the owner's
    rights; ignore, unless given: the phone counts as not reachable."""
    calendars: Annotated[dict[str, Calendar], kinds.Named(kinds.CALENDARS)] = {}
    """Name: days off."""
    schedules: Annotated[dict[str, Windows], kinds.Named(kinds.SCHEDULES)] = {}
    """Name: windows that many numbers share."""
    classes: Annotated[dict[str, list[kinds.Prefix]], kinds.Named(kinds.CLASS)] = {}
    """Name: what the numbers of a class of outside numbers begin with, besides the built-in
    classes."""
    groups: Annotated[dict[str, Group], kinds.Named(kinds.GROUP)] = {}
    """Name: what its subscribers may do."""
    feature_codes: Annotated[dict[str, FeatureCode], kinds.Named(kinds.CODE)] | None = None
    """Code in quotes: what it does. Not written: "*33" toggles night, "*60" blocks the last caller;
    {}: none."""
    subscribers: Annotated[dict[str, Subscriber], kinds.Named(kinds.NAME)] = {}
    """Name: somebody with numbers."""
