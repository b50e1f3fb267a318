# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends with 1 and one line about the setting that is wrong; kamailio/start runs it first.

Within Kamailio the same mistake would stand between a traceback and what every module says then.
"""

import os
import sys

from kemi_routing import settings
from kemi_routing.errors import InvalidValue

try:
    settings.from_environment(os.environ)
except InvalidValue as error:
    sys.exit(f"followme: {error}")
for name in (*settings.TLS[1:], settings.TLS_CA):
    path = os.environ.get(settings.PREFIX + name, "").strip()
    if path and not os.access(path, os.R_OK):
        sys.exit(f"followme: {settings.PREFIX}{name}: {path!r} cannot be read; write the path of "
                 "a PEM file that the edge's user may read")
