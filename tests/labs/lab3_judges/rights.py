"""Judges what a pod may do (3.1): Pod Security's level `restricted`, a file system to read, no key to the API."""

from __future__ import annotations

from lab3_judges.workload import containers_of
from labkit.checks import Located, expect

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip


def _holds(workload: Located, container: Located, *path: str) -> Located | None:
    """A value of the security context: that of the container counts before that of the pod."""
    own = container.get("securityContext", *path)
    return own if own is not None else workload.get("spec", "template", "spec", "securityContext", *path)


def judge_rights(workload: Located) -> None:
    """What Pod Security calls `restricted`."""
    pod = workload["spec"]["template"]["spec"]
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        shares = pod.get(field)
        expect.that(shares is None or shares.value is False, expected=f"no `{field}`", found=f"{shares}", where=shares)
    for container in containers_of(workload):
        near = container.nearest("securityContext")
        context = container.get("securityContext")
        _judge_user(workload, container, near)
        escalation = container.get("securityContext", "allowPrivilegeEscalation")
        _is_set(
            escalation,
            value=False,
            expected="`allowPrivilegeEscalation: false` in the container's `securityContext`",
            otherwise="the default is true",
            help="It is a field of the container, not of the pod.",
            near=near,
        )
        privileged = container.get("securityContext", "privileged")
        expect.that(
            privileged is None or privileged.value is False,
            expected="no `privileged` container",
            found=f"{privileged}",
            where=privileged,
        )
        dropped = [one.value for one in container.get("securityContext", "capabilities", "drop") or ()]
        added = [one.value for one in container.get("securityContext", "capabilities", "add") or ()]
        expect.that(
            "ALL" in dropped and {*added} <= {"NET_BIND_SERVICE"},
            expected="all capabilities dropped, none added: `capabilities: {drop: [ALL]}`",
            found=f"dropped: {', '.join(map(str, dropped)) or 'none'}; added: {', '.join(map(str, added)) or 'none'}",
            where=(context.get("capabilities") if context is not None else None) or near,
        )
        profile = _holds(workload, container, "seccompProfile", "type")
        expect.that(
            profile is not None and profile.value in ("RuntimeDefault", "Localhost"),
            expected="`seccompProfile: {type: RuntimeDefault}` for the pod or the container",
            found=f"{profile}" if profile is not None else "no profile: every system call is allowed",
            where=profile or near,
        )
    context = pod.get("securityContext")
    for path, wrong, words in (
        (("runAsUser",), 0, "`runAsUser: 0`"),
        (("runAsNonRoot",), False, "`runAsNonRoot: false`"),
        (("seccompProfile", "type"), "Unconfined", "`seccompProfile` of the type `Unconfined`"),
    ):
        found = context.get(*path) if context is not None else None
        expect.that(
            found is None or found.value != wrong or type(found.value) is not type(wrong),
            expected=f"no {words} in the pod's `securityContext`",
            found=f"{found}",
            help="Pod Security refuses it there, also where each container says something better.",
            where=found,
        )
    _judge_node(workload)


def _judge_node(workload: Located) -> None:
    """What `restricted` says of the node: its ports, its files, its kernel."""
    pod = workload["spec"]["template"]["spec"]
    for volume in pod.get("volumes") or ():
        kinds = [key for key, _ in volume.items() if key != "name"]
        expect.that(
            {*kinds} <= VOLUMES,
            expected=f"volumes of the kinds that `restricted` allows: {', '.join(sorted(VOLUMES))}",
            found=", ".join(kinds),
            help="With `hostPath` a pod reads the files of its node, also those of other pods.",
            where=volume,
        )
    for sysctl in pod.get("securityContext", "sysctls") or ():
        name = sysctl["name"]
        expect.that(name.value in SYSCTLS, expected="no `sysctls` of the node's kernel", found=name, where=name)
    contexts = [pod.get("securityContext"), *(one.get("securityContext") for one in containers_of(workload))]
    for context in filter(None, contexts):
        for path, allowed in (
            (("procMount",), ("Default",)),
            (("appArmorProfile", "type"), ("RuntimeDefault", "Localhost")),
            (("seLinuxOptions", "type"), ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")),
            (("seLinuxOptions", "user"), ("",)),
            (("seLinuxOptions", "role"), ("",)),
            (("windowsOptions", "hostProcess"), (False,)),
        ):
            found = context.get(*path)
            expect.that(
                found is None or found.value in allowed,
                expected=f"no `{'.'.join(path)}` that `restricted` forbids",
                found=f"{found}",
                where=found,
            )
    for container in containers_of(workload):
        for port in container.get("ports") or ():
            taken = port.get("hostPort")
            expect.that(
                taken is None or taken.value == 0,
                expected="no `hostPort`",
                found=f"{taken}",
                help="It takes the port of the node: one pod on each node, and past every Service and policy.",
                where=taken,
            )
        for hook in (
            ("startupProbe",),
            ("livenessProbe",),
            ("readinessProbe",),
            ("lifecycle", "preStop"),
            ("lifecycle", "postStart"),
        ):
            for action in ("httpGet", "tcpSocket"):
                host = container.get(*hook, action, "host")
                expect.that(host is None or host.value == "", expected="no `host`", found=f"{host}", where=host)


def _is_set(found: Located | None, *, value: bool, expected: str, otherwise: str, help: str, near: Located) -> None:
    expect.that(
        found is not None and found.value is value,
        expected=expected,
        found=f"{found}" if found is not None else f"it is not there, and {otherwise}",
        help=help,
        where=found or near,
    )


def _judge_user(workload: Located, container: Located, near: Located) -> None:
    not_root, user = _holds(workload, container, "runAsNonRoot"), _holds(workload, container, "runAsUser")
    expect.that(
        not_root is not None and not_root.value is True,
        expected="`runAsNonRoot: true` for the pod or the container",
        found=f"{not_root}" if not_root is not None else "it is not there: an image that runs as root would start",
        where=not_root or near,
    )
    expect.that(user is None or user.value != 0, expected="no `runAsUser: 0`", found=f"{user}", where=user)


def judge_read_only(workload: Located) -> None:
    """The root file system."""
    for container in containers_of(workload):
        found = container.get("securityContext", "readOnlyRootFilesystem")
        _is_set(
            found,
            value=True,
            expected="`readOnlyRootFilesystem: true` in the container's `securityContext`",
            otherwise="the default is false",
            help="The image of week 2 writes nothing when it runs. Who gets in shall not either.",
            near=container.nearest("securityContext"),
        )


def judge_token(workload: Located) -> None:
    """The key to the API."""
    pod = workload["spec"]["template"]["spec"]
    token = pod.get("automountServiceAccountToken")
    _is_set(
        token,
        value=False,
        expected="`automountServiceAccountToken: false` in the pod's spec",
        otherwise="the default is true",
        help="Each pod gets a key to the API of the cluster, unless one says no. This service never uses it.",
        near=pod,
    )
    for volume in pod.get("volumes") or ():
        for source in volume.get("projected", "sources") or ():
            expect.that(
                "serviceAccountToken" not in source,
                expected="no volume with a token for the API",
                found="a projected `serviceAccountToken`",
                help="It is the same key by another way.",
                where=source,
            )
