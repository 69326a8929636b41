"""The services as they are declared: whatever reads them can rely on their form. tests/tools runs them for real."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from mlops_lab.services import SERVICES, Service

EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


@EACH
def test_only_known_names_are_filled_in(service: Service) -> None:
    parts = [*service.command, *service.environment.values(), *service.client.values(), service.config]
    known = {"state", "port", "url", "root", *(["config"] if service.config else [])}
    assert {name for part in parts for name in re.findall(r"{(.*?)}", part)} <= known
    assert "{port}" in " ".join(service.command) and "{url}" in "".join(service.client.values())


@EACH
def test_the_program_and_the_packages_are_there(service: Service) -> None:
    # What no check talks to comes from the system, where the learner has it.
    assert not service.app or (Path(sys.executable).parent / service.command[0]).exists()
    assert all(importlib.metadata.version(name) for name in service.packages)


@EACH
def test_it_listens_on_loopback_only(service: Service) -> None:
    # Alertmanager's second address is empty: it has no cluster.
    addresses = re.findall(r"(?:--host |listen-address=)([\d.]+)", " ".join(service.command))
    assert addresses == ["127.0.0.1"]


def test_each_has_a_port_of_its_own() -> None:
    assert len({service.port for service in SERVICES.values()}) == len(SERVICES)
