# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor says of the files of TLS."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kemi_routing.settings import Tls
from provisioning.doctor import tls
from tests.provisioning.examined import PATIENT, SETTINGS, said
from tests.support.certificate import self_signed


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("good"), days=30)


def told(chain: Path, key: Path | None = None, authorities: str = "") -> list[str]:
    files = Tls(5061, str(chain), str(key or chain.with_suffix(".key")), authorities)
    return said(tls.certificate, replace(PATIENT, settings=replace(SETTINGS, tls=files)))


def test_nothing_is_said_where_there_is_no_tls() -> None:
    assert said(tls.certificate, PATIENT) == []


def test_how_long_a_certificate_is_good(good: Path) -> None:
    ends = datetime.now(UTC) + timedelta(days=30)
    assert told(good) == [f"OK tls {good} is good for 29 days, until {ends:%Y-%m-%d}"]


@pytest.mark.parametrize(("days", "level"), [(14, "WARN"), (15, "OK")])
def test_one_that_ends_soon_is_a_warning(tmp_path: Path, days: int, level: str) -> None:
    (line,) = told(self_signed(tmp_path, days=days))
    assert line.split()[0] == level
    assert f"is good for {days - 1} days" in line


def test_one_that_has_ended_fails(tmp_path: Path) -> None:
    (line,) = told(self_signed(tmp_path, days=30, at=datetime.now(UTC) - timedelta(days=31)))
    assert "certificate has expired; renew" in line
    assert line.startswith("FAIL tls")


def test_a_key_of_another_certificate_fails(good: Path, tmp_path: Path) -> None:
    (line,) = told(good, self_signed(tmp_path, days=30).with_suffix(".key"))
    assert "KEY_VALUES_MISMATCH" in line.upper().replace(" ", "_")
    assert line.startswith("FAIL tls")


def test_files_that_are_no_pem_fail(good: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("x", encoding="ascii")
    assert told(tmp_path / "x.pem", good.with_suffix(".key"))[0].startswith("FAIL tls")


def test_authorities_of_trunks_are_certificates_that_can_be_read(
        good: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("x", encoding="ascii")
    assert len(told(good, authorities=str(good))) == 1
    assert told(good, authorities=str(tmp_path / "x.pem"))[1] == (
        f"FAIL tls {tmp_path}/x.pem holds no certificates (FOLLOWME_TLS_CA); write the "
        "certificates of those who sign those of trunks, as PEM")
    nowhere = str(tmp_path / "nowhere.pem")
    assert told(good, authorities=nowhere)[0].startswith(
        f"FAIL tls {nowhere} cannot be read (FOLLOWME_TLS_CA)")


@pytest.mark.parametrize("missing", ["CERTIFICATE", "KEY"])
def test_files_that_cannot_be_read_fail(good: Path, tmp_path: Path, missing: str) -> None:
    nowhere = tmp_path / "nowhere.pem"
    chain, key = (nowhere, good) if missing == "CERTIFICATE" else (good, nowhere)
    (line,) = told(chain, key)
    assert line.startswith(f"FAIL tls {nowhere} cannot be read (FOLLOWME_TLS_{missing})")
