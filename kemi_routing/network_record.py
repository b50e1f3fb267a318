# SPDX-License-Identifier: GPL-2.0-or-later
"""How the network stands in the store; reading checks every field, as ``record`` does."""

from collections.abc import Iterable
from typing import Any

from kemi_routing import caller_id, formats, hops, targets, trunks
from kemi_routing.errors import BrokenRecord, InvalidValue
from kemi_routing.formats import Format
from kemi_routing.hops import MAX_PRIORITY, MAX_WEIGHT
from kemi_routing.network import Addresses, Network, Server
from kemi_routing.packed import pack, unpack
from kemi_routing.trunks import MAX_LIMIT, Asserts, Trunk
from kemi_routing.values import Fields, read_each, read_flag, read_integer, read_text


def encode(network: Network) -> bytes:
    """The stored form of a network."""
    return pack([
        network.revision,
        [[one.name, list(map(trunks.source_text, one.sources)), one.asserts, one.stir,
          one.redirect, one.early_media, one.max_calls, one.max_per_second,
          one.numbers.text, one.certificate]
         for one in network.trunks],
        *(list(map(_hop_fields, group)) for group in network.groups), network.cli.text])


def decode(data: bytes) -> Network:
    """The network of a stored record; raises BrokenRecord that says which field is wrong."""
    fields = Fields(unpack(data), 6)
    network = Network(
        revision=fields.take("revision", read_integer),
        trunks=fields.take("trunks", read_each(_trunk)),
        gateways=fields.take("gateways", read_each(_hop)),
        media_servers=fields.take("media servers", read_each(_hop)),
        iax_gateways=fields.take("IAX gateways", read_each(_hop)),
        cli=fields.take("cli", _profile))
    _refuse_twins("source", (source for one in network.trunks for source in one.sources))
    _refuse_twins("certificate", filter(None, (one.certificate for one in network.trunks)))
    for group in network.groups:
        _refuse_twins("hop", (hop.at for hop in group))
    return network


def encode_addresses(addresses: Addresses) -> bytes:
    """The kept form of what host names in a network mean."""
    return pack([[name, list(behind)] for name, behind in addresses.items()])


def decode_addresses(data: bytes) -> Addresses:
    """The way back; raises BrokenRecord."""
    read = read_each(lambda one: hops.place(read_text(one)))
    rows = unpack(data)
    fields = Fields(rows, len(rows))
    return dict(fields.take("names", lambda row: (hops.place(read_text(row[0])), read(row[1])))
                for _ in rows)


def _refuse_twins(what: str, things: Iterable[object]) -> None:
    """Raises BrokenRecord: what is known by its address stands once."""
    found = list(things)
    if len(set(found)) < len(found):
        raise BrokenRecord(f"a {what} stands there twice")


def _hop_fields(hop: Server) -> list[Any]:
    return [hop.name, hop.at, hop.weight, hop.priority, hop.data_centre, hop.cli and hop.cli.text,
            hop.numbers.text, hop.prefix]


def _trunk(value: Any) -> Trunk:
    (name, sources, asserts, stir, redirect, early_media, max_calls, max_per_second, numbers,
     certificate) = value
    return Trunk(
        Asserts(asserts), "" if stir == "" else trunks.header(read_text(stir)),
        read_flag(redirect), read_flag(early_media), _up_to(MAX_LIMIT, max_calls, 0),
        _up_to(MAX_LIMIT, max_per_second, 0), _name(name),
        read_each(lambda one: trunks.source(read_text(one)))(sources), _format(numbers),
        "" if certificate == "" else trunks.certificate(read_text(certificate)))


def _hop(value: Any) -> Server:
    name, at, weight, priority, data_centre, cli, numbers, prefix = value
    return Server(hops.place(read_text(at)), _up_to(MAX_WEIGHT, weight),
                  _up_to(MAX_PRIORITY, priority), _name(name),
                  "" if data_centre == "" else _name(data_centre),
                  None if cli is None else _profile(cli), _format(numbers),
                  "" if prefix == "" else formats.technical_prefix(read_text(prefix)))


def _profile(value: object) -> caller_id.Profile:
    return caller_id.profile(read_text(value))


def _format(value: object) -> Format:
    return formats.read(read_text(value))


def _name(value: object) -> str:
    name = read_text(value)
    if not targets.is_name(name):
        raise InvalidValue(f"{name!r} is not a name")
    return name


def _up_to(most: int, value: object, least: int = 1) -> int:
    count = read_integer(value)
    if not least <= count <= most:
        raise InvalidValue(f"{count} is not {least} to {most}")
    return count
