# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands under our keys in the store, and is nothing that we wrote."""

from collections.abc import Iterator
from itertools import islice
from typing import cast

from redis import Redis

from kemi_routing.redis import keys

WRONG_TYPE = "WRONGTYPE"
"""With which Redis begins its refusal."""
_TYPES = {keys.owners(): "set", keys.proxies(): "set", keys.changes(): "stream",
          **{make("").partition("{")[0]: kind for make, kind in (
              (keys.history, "list"), (keys.owner, "hash"), (keys.story, "list"),
              (keys.stories, "zset"))}}
"""Key without its name -> what it holds; all else are strings, which whoever writes replaces."""
_AT_ONCE = 1000
_NAMED = 3


def told(client: Redis) -> str:
    """The first keys that hold another type of value than ours do, each with the way out; all keys
    are looked at.
    """
    return "\n".join(islice(_told(client), _NAMED))


def _told(client: Redis) -> Iterator[str]:
    left = cast(Iterator[bytes], client.scan_iter(match=f"{keys.PREFIX}*", count=_AT_ONCE))
    while some := list(islice(left, _AT_ONCE)):
        pipe = client.pipeline(transaction=False)
        for one in some:
            pipe.type(one)
        types = cast(list[bytes], pipe.execute())
        for key, found in [(one.decode(), kind.decode())
                           for one, kind in zip(some, types, strict=True)]:
            wanted = _TYPES.get(key.partition("{")[0], found)
            if found not in (wanted, "none"):
                way = ("put it back from a backup of Redis" if key == keys.owners() else
                       "take it away, then apply the files again whose numbers it names:  "
                       f"redis-cli DEL '{key}'")
                yield f"{key} is a {found}, and followme keeps a {wanted} there; {way}"
