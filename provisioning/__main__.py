# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m provisioning``: what ``script/followme`` runs."""

import sys

from provisioning.cli import main

sys.exit(main(sys.argv[1:]))
