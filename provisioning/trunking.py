# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's trunks, gateways and media servers: from files to the one record of the edge.

A key that stands in the files says all of its kind: what is not written there is taken away. What
no file has a key for stays as it is stored.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from typing import Any

from kemi_routing import caller_id, formats, hops, network_record, trunks
from kemi_routing.hops import MAX_PRIORITY, MAX_WEIGHT
from kemi_routing.model import Platform
from kemi_routing.network import Network, Server
from kemi_routing.redis import keys
from kemi_routing.trunks import MAX_LIMIT, Asserts, Trunk
from provisioning import shape, shape_operator, values
from provisioning.checked import Checked
from provisioning.storage import Change, Storage, seen
from provisioning.stored import read_network
from provisioning.written import Spot

OPERATOR = "the operator"
PARTS = {"trunks": "trunk", "gateways": "gateway", "media_servers": "media server",
         "iax_gateways": "IAX gateway"}
"""Keys of a file that are fields of ``Network``, and what stands below each."""
CLI = "cli"


def read(spot: Spot, written: shape.Organisation, checked: Checked) -> None:
    """Add what an operator's file says; what is wrong with it is noted."""
    for key, kind in PARTS.items():
        if (of_key := getattr(written, key)) is None:
            continue
        read_one = _trunk if key == "trunks" else partial(_hop, kind)
        found = checked.network.setdefault(key, ())
        for name, one in of_key.items():
            where = spot / key / name
            where.at_key().read(values.name, name)
            checked.claim(kind, name, OPERATOR, where.at_key())
            found = (*found, read_one(where, name, one, checked))
        checked.network[key] = tuple(filter(None, found))
    if written.cli is not None:
        checked.claim(CLI, "of the platform", OPERATOR, (spot / CLI).at_key())
        checked.network[CLI] = spot.optional(CLI, written.cli, caller_id.profile,
                                             caller_id.Profile())


def platform_of(checked: Checked) -> Platform:
    """The platform for which numbers are checked, as far as the files tell it."""
    told = Network(**checked.network)
    within = told.within(checked.platform, checked.platform.own_hosts, checked.platform.inside)
    return replace(
        within,
        media_server=within.media_server if "media_servers" in checked.network
        else checked.platform.media_server,
        iax_gateway=within.iax_gateway if "iax_gateways" in checked.network
        else checked.platform.iax_gateway,
        gateway=within.gateway if "gateways" in checked.network else checked.platform.gateway)


def changes(checked: Checked, storage: Storage) -> Iterator[Change]:
    """The change that makes the stored network what the files say."""
    if not checked.network:
        return
    key = keys.network()
    found = storage.read([key])
    old = read_network(found)
    before = old or Network()
    new = replace(before, **checked.network)
    what = tuple(differences(before, new))
    if old and not what:
        yield Change("network", "", OPERATOR, "unchanged", before.revision, before.revision)
        return
    new = replace(new, revision=before.revision + 1)
    yield Change("network", "", OPERATOR, "changed" if old else "new", before.revision,
                 new.revision, expects={key: frozenset([seen(found.get(key))])},
                 sets={key: network_record.encode(new)}, what=what)


def as_dict(network: Network, but: Network | None = None) -> dict[str, Any]:
    """The network in the keys of a file, defaults left out; applying it changes nothing. What is
    as in ``but`` is left out too.
    """
    found = {
        "trunks": {one.name: _trunk_keys(one) for one in network.trunks},
        "gateways": {hop.name: _hop_keys(hop) for hop in network.gateways},
        "media_servers": {hop.name: _hop_keys(hop) for hop in network.media_servers},
        "iax_gateways": {hop.name: _hop_keys(hop) for hop in network.iax_gateways},
        CLI: network.cli.text,
    }
    known = as_dict(but) if but else {}
    return {key: value for key, value in found.items() if value != known.get(key)}


def _trunk_keys(trunk: Trunk) -> dict[str, Any]:
    froms = {"from": list(map(trunks.source_text, trunk.sources))} if trunk.sources else {}
    return {**froms, "asserts": str(trunk.asserts),
            **_told(trunk, Trunk(trunk.asserts, name=trunk.name, sources=trunk.sources))}


def _hop_keys(hop: Server) -> dict[str, Any]:
    return _told(hop, Server("", name=hop.name))


def _told(one: Trunk | Server, default: Trunk | Server) -> dict[str, Any]:
    """The fields that are not as they are unless written."""
    found = {field.name: getattr(one, field.name) for field in fields(one)}
    return {key: _as_written(value) for key, value in found.items()
            if value != getattr(default, key)}


def _as_written(value: Any) -> Any:
    if isinstance(value, formats.Format | caller_id.Profile):
        return value.text
    return "yes" if value is True else value


def differences(before: Network, after: Network) -> Iterator[str]:
    """What applying a file changes, thing by thing."""
    for key, kind in PARTS.items():
        old, new = ({one.name: one for one in getattr(network, key)}
                    for network in (before, after))
        for name in (*new, *(name for name in old if name not in new)):
            if old.get(name) != new.get(name):
                result = ("new" if name not in old else
                          "changed" if name in new else "removed")
                yield f"{kind} {name}: {result}"
    if before.cli != after.cli:
        yield f"{CLI}: changed"


def _trunk(spot: Spot, name: str, written: shape_operator.Trunk, checked: Checked) -> Trunk | None:
    asserts = spot.required("asserts", written.asserts, values.asserts, Asserts.PAI)
    sources: list[trunks.Network] = []
    for index, text in enumerate(written.sources):
        where = spot / "from" / index
        if (source := where.read(trunks.source, text)) is not None:
            checked.claim("source", trunks.source_text(source), OPERATOR, where)
            sources.append(source)
    certificate = spot.optional("certificate", written.certificate, trunks.certificate, "")
    if certificate:
        checked.claim("certificate", certificate, OPERATOR, spot / "certificate")
    if not written.sources and written.certificate is None and spot / "from" is spot:
        spot.at_key().error("from is missing; write  from: [192.0.2.20], or a certificate")
    trunk = Trunk(
        asserts or Asserts.NOTHING, spot.optional("stir", written.stir, trunks.header, ""),
        spot.optional("redirect", written.redirect, values.yes, False),
        spot.optional("early_media", written.early_media, values.yes, False),
        spot.optional("max_calls", written.max_calls, values.up_to(MAX_LIMIT, "calls"), 0),
        spot.optional("max_per_second", written.max_per_second,
                      values.up_to(MAX_LIMIT, "calls"), 0),
        name, tuple(sources),
        spot.optional("numbers", written.numbers, formats.read, formats.E164), certificate)
    return trunk if asserts and (sources or certificate) else None


def _hop(kind: str, spot: Spot, name: str, written: shape_operator.Hop, checked: Checked,
         ) -> Server | None:
    at = spot.required("at", written.at, hops.place, "192.0.2.10:5060")
    if at is not None:
        checked.claim(f"{kind} at", at, OPERATOR, spot / "at")
    cli, numbers, prefix = (
        (written.cli, written.numbers, written.prefix)
        if isinstance(written, shape_operator.Gateway) else (None, None, None))
    hop = Server(
        at or "", spot.optional("weight", written.weight, values.up_to(MAX_WEIGHT, "shares"), 1),
        spot.optional("priority", written.priority, values.up_to(MAX_PRIORITY, "ranks"), 1),
        name, spot.optional("data_centre", written.data_centre, values.name, ""),
        None if cli is None else (spot / CLI).read(caller_id.profile, cli),
        spot.optional("numbers", numbers, formats.read, formats.E164),
        spot.optional("prefix", prefix, formats.technical_prefix, ""))
    return hop if at else None
