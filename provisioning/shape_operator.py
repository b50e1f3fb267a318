# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of what only a file of the operator's own has."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioning import kinds
from provisioning.shape_base import Shape, one_or_many


class Grant(Shape):
    """What the operator gives an organisation; a key that is not written limits nothing."""

    form = "{permissions: [voicemail]}"
    permissions: list[kinds.Permission] | None = None
    """The permissions that it may give its subscribers."""
    classes: list[kinds.NumberClass] | None = None
    """The classes of outside numbers that its groups may allow."""
    max_calls: kinds.Cap | None = None
    """The most that its groups may have as max_calls."""
    max_calls_per_hour: kinds.Cap | None = None
    """The most that its groups may have as max_calls_per_hour."""


class Trunk(Shape):
    """Whose calls are taken."""

    form = "{from: [192.0.2.20], asserts: P-Asserted-Identity}"
    needs = ("asserts",)
    sources: Annotated[
        list[kinds.Address],
        BeforeValidator(one_or_many, json_schema_input_type=kinds.Address | list[kinds.Address]),
    ] = Field(default_factory=list, alias="from")
    """Addresses and networks of which its calls come; the narrowest that holds an address
    counts."""
    certificate: kinds.Certificate | None = None
    """In place of from or beside it: the first DNS name of its TLS certificate, or where that has
    none its common name (RFC 6125), which somebody in FOLLOWME_TLS_CA has signed. It is known by it
    wherever its calls come from. FOLLOWME_SOURCE_RATE holds for it, since messages are counted
    before they are read; give its address too where it sends more."""
    asserts: kinds.AssertsBy | None = None
    """The header in which it asserts the calling number."""
    stir: kinds.Header | None = None
    """The header in which it reports the verdict on the caller's number (verstat with full
    attestation)."""
    redirect: kinds.Choice | None = None
    """It gets a 302 with the targets where all of them are outside numbers and SIP targets."""
    early_media: kinds.Choice | None = None
    """It gets the 183 of a target that rings alone. Without it a 183 becomes a 180 until the last
    possible target rings, so that no announcement of a busy network is taken for the call."""
    max_calls: kinds.Limit | None = None
    """Calls at once, each proxy for itself; beyond them it hears 503, and the log says limited once
    a minute."""
    max_per_second: kinds.Limit | None = None
    """Calls that begin within a second, as max_calls."""
    numbers: kinds.NumberForm | None = None
    """How it writes numbers, called, calling and diverting ones: e164 (49301234567, unless given),
    plus (+49301234567), 00 (0049301234567), or "national 49 0": those of country 49 with 0 in
    front, all others with 00; "national 420" where there is no trunk prefix. + is always
    international."""


class Hop(Shape):
    """Where calls are sent: a media server, or an IAX gateway."""

    form = "{at: 192.0.2.30:5060}"
    needs = ("at",)
    at: kinds.Place | None = None
    """host:port, an address or a host name, over UDP; over TCP or TLS host:port;transport=tcp or
    tls, which needs FOLLOWME_TLS_PORT on every proxy (the doctor says where it lacks). A media
    server that makes calls too needs an address of its own, on which no trunk and no phone is."""
    weight: kinds.Weight | None = None
    """Its share of the calls within its priority; 1 unless given."""
    priority: kinds.Priority | None = None
    """The smallest that is in service is used; 1 unless given."""
    data_centre: kinds.DataCentre | None = None
    """Where it stands: what is not in the proxy's own FOLLOWME_DATA_CENTRE comes after all that is,
    whatever its priority. Not written: near to all."""


class Gateway(Hop):
    """Where calls to outside numbers leave."""

    form = "{at: 192.0.2.10:5060}"
    cli: kinds.Profile | None = None
    """What it is shown, in place of the cli of the file."""
    numbers: kinds.NumberForm | None = None
    """How it wants numbers, written as those of a trunk: in the Request-URI, in the headers that we
    write, and in a From that passes through (cli: from=caller), where the trunk wrote its number in
    another form (not + for e164); Identity goes then. Other headers that pass through stay as the
    trunk wrote them."""
    prefix: kinds.TechnicalPrefix | None = None
    """Its technical prefix, digits, * and #, which stands before the called number in the
    Request-URI, and in no other number: 1234# (sent as 1234%23)."""
