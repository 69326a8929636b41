"""`lab up`: which servers, on which ports, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from labkit.commands.common import FAILED, UsageFault, open_catalog
from labkit.course.catalog import Catalog
from labkit.course.lab import Lab, suggestion
from labkit.course.services import import_folders, service
from labkit.learner.ports import LAST, holder, next_free_port, port_is_free
from labkit.learner.progress import lab_in_hand, load_progress
from labkit.learner.servers import Plan, ServerFault, run_servers
from labkit.text import typed
from labkit.tools import find_program, install_command, tools


def up(which: str | None, ports: Sequence[str], *, seconds: float) -> int:
    """Run the servers of a lab until Ctrl-C, which is `KeyboardInterrupt`; 1 where one of them fails."""
    from labkit.render.servers import ServerScreen, print_fault
    from labkit.render.style import make_console

    catalog = open_catalog()
    lab = _lab(catalog, which)
    chosen = chosen_ports(ports, lab)
    plans = make_plans(catalog, lab, chosen)
    for plan in plans:
        _look_before(plan, lab, plans, chosen)
    console = make_console()
    try:
        show = ServerScreen(console, catalog.root)
        run_servers(plans, show, folders=import_folders(catalog.root), seconds=seconds)
    except ServerFault as fault:
        print_fault(console, catalog.root, fault, _command(lab, chosen))
    return FAILED


def _lab(catalog: Catalog, which: str | None) -> Lab:
    """Return the lab that was named, or the one in hand; it talks to servers."""
    lab = catalog.lab(which) if which else lab_in_hand(catalog.root, catalog, load_progress(catalog.root))
    if lab.servers:
        return lab
    others = ", ".join(f"`lab up {lab.number}`" for lab in catalog if lab.servers)
    there = f"Labs that do: {others}." if others else "No lab here does."
    raise UsageFault(typed(f"lab {lab.number} ({lab.name}) talks to no server, so there is none to start. {there}"))


def chosen_ports(texts: Sequence[str], lab: Lab) -> dict[str, int]:
    """Read `mlflow=5001`, each for a server of the lab. Raises `UsageFault`."""
    ports: dict[str, int] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not re.fullmatch(r"[0-9]{1,5}", number) or not 1 <= int(number) <= LAST:
            example = f"--port {lab.servers[0]}=5001"
            raise UsageFault(f"`--port {text}`: a name and a port from 1 to {LAST} are needed, such as `{example}`.")
        if name not in lab.servers:
            near = suggestion(name, lab.servers)
            raise UsageFault(f"`--port {text}`: lab {lab.number} needs no server `{name}`.{near}")
        ports[name] = int(number)
    return ports


def make_plans(catalog: Catalog, lab: Lab, ports: Mapping[str, int]) -> list[Plan]:
    """Return what to run, each on a port of its own. Raises `UsageFault`, and `CatalogError` for an unknown server."""
    plans: list[Plan] = []
    for name in lab.servers:
        declared = service(catalog.root, name)
        plan = Plan(name, declared, ports.get(name, declared.port), catalog.root / ".lab" / "run" / name, catalog.root)
        for other in plans:
            if other.port == plan.port:
                taken = f"{other.title} and {plan.title} both want port {plan.port}."
                raise UsageFault(f"{taken} {_other_port(plan, lab, [*plans, plan], ports)}")
        plans.append(plan)
    moved = {plan.declared.port: plan.port for plan in plans if plan.port != plan.declared.port}
    return [replace(plan, elsewhere=moved) for plan in plans]


def _look_before(plan: Plan, lab: Lab, plans: Sequence[Plan], chosen: Mapping[str, int]) -> None:
    program = plan.declared.command[0]
    if find_program(program) is None:
        tool = next((one for one in tools() if one.name == program), None)
        get = f"To get it: `{install_command(tool)}`" if tool else "`lab doctor` looks for a cause."
        raise UsageFault(typed(f"there is no program `{program}` for {plan.title}. {get}"))
    if not port_is_free(plan.port):
        found = holder(plan.port)
        who = f"It is held by {found}: end that" if found else "The system does not say who holds it: end that process"
        end = f"{who}, or take another port.\n{_other_port(plan, lab, plans, chosen)}"
        raise UsageFault(f"port {plan.port} is taken, so {plan.title} cannot listen there.\n{end}")


def _other_port(plan: Plan, lab: Lab, plans: Sequence[Plan], chosen: Mapping[str, int]) -> str:
    port = next_free_port(plan.port)
    while port in {other.port for other in plans}:
        port = next_free_port(port)
    return typed(f"This one is free: `{_command(lab, {**chosen, plan.name: port})}`")


def _command(lab: Lab, chosen: Mapping[str, int]) -> str:
    return " ".join([f"lab up {lab.number}", *(f"--port {name}={port}" for name, port in chosen.items())])
