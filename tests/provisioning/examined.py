# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine to look at, and what a check says of it."""

from pathlib import Path

from kemi_routing import settings
from kemi_routing.network import Network
from provisioning.doctor.finding import Check, Patient
from tests.provisioning.conftest import ROOT

SETTINGS = settings.from_environment({}).with_network(Network())
PATIENT = Patient(SETTINGS, ROOT, Path("/nowhere"), "", before_start=False)


def said(check: Check, patient: Patient = PATIENT) -> list[str]:
    """The lines, without spaces that only order them."""
    return [" ".join(str(one).split()) for one in check(patient)]
