"""Judges what the environment of the service is (3.3): labels, a generated ConfigMap, a Secret that is in no file."""

from __future__ import annotations

import re

from lab3_judges.facts import LEVELS, MODELS, MORE_LEVELS, SECRETS, SETTINGS, SETTINGS_MAP
from lab3_judges.objects import container_of, whole
from lab3_judges.rendering import Rendered
from labkit.checks import CheckFailed, Located, expect

PART_OF = ("app.kubernetes.io/part-of", "mlops-lab")
_HASHED = re.compile(rf"{SETTINGS_MAP}-[a-z0-9]{{10}}")
FILES = ("namespace", "deployment", "service", "ingress", "hpa", "pdb", "networkpolicy")
_SECRET = re.compile(r"password|passwd|secret|token|api_?key|private_?key|access_?key|credential", re.I)
_SECRET_VALUE = re.compile(r"://[^/\s:@]+:[^/\s@]+@|AKIA[0-9A-Z]{12,}|-----BEGIN ")


def judge_labels(rendered: Rendered, written: Located) -> None:
    """Each object has the label, and the selector of the Deployment is the one of the file."""
    key, value = PART_OF
    for one in rendered.objects:
        label = one.get("metadata", "labels", key)
        expect.that(
            label is not None and label.value == value,
            expected=f"each object has the label `{key}: {value}`",
            found=f"`{one['kind'].value} {one['metadata']['name'].value}` has {label or 'no such label'}",
            where=one.nearest("metadata", "labels", key),
        )
    selector = rendered.one("Deployment")["spec"]["selector"]
    expect.that(
        selector.value == written["spec"]["selector"].value,
        expected="the selector of the Deployment stays as it is in its file",
        found="the labels went into the selector, too",
        help="A selector cannot be changed later: the next label would mean to delete the Deployment first."
        " `includeSelectors` is false where nobody sets it.",
        where=selector,
    )


def settings_of(rendered: Rendered) -> Located:
    """The ConfigMap of the service."""
    maps = rendered.all("ConfigMap")
    found = [one for one in maps if str(one["metadata"]["name"].value).startswith(SETTINGS_MAP)]
    if len(found) != 1:
        names = ", ".join(f"`{one['metadata']['name'].value}`" for one in maps) or "none"
        raise CheckFailed(f"one ConfigMap `{SETTINGS_MAP}`, made by `configMapGenerator`", names)
    return found[0]


def judge_generated(rendered: Rendered) -> None:
    """The ConfigMap has a hash in its name, and the Deployment refers to that very name."""
    settings = settings_of(rendered)
    name = settings["metadata"]["name"]
    expect.that(
        _HASHED.fullmatch(name.of(str)),
        expected=f"a name with a hash of what is in it, `{SETTINGS_MAP}-…`",
        found=name,
        help="Pods read their environment once, at the start. With a fixed name, a new value changes no pod, until one"
        " restarts by chance. With another name, the Deployment changes, and rolls.",
        where=name,
    )
    names = [one.of(str) for one in _references(container_of(rendered.one("Deployment")))]
    expect.that(
        name.value in names,
        expected=f"the container refers to the ConfigMap `{SETTINGS_MAP}`; kustomize adds the hash",
        found=f"it refers to {', '.join(f'`{one}`' for one in names) or 'none'}",
        where=container_of(rendered.one("Deployment")),
    )


def _references(container: Located) -> list[Located]:
    """The names of the ConfigMaps that a container takes its environment from."""
    whole = [one.get("configMapRef", "name") for one in container.get("envFrom") or ()]
    single = [one.get("valueFrom", "configMapKeyRef", "name") for one in container.get("env") or ()]
    return [one for one in [*whole, *single] if one is not None]


def judge_values(rendered: Rendered) -> None:
    """The keys are what the service reads, and the values what it can do something with."""
    data = settings_of(rendered)["data"]
    values = {key: value for key, value in data.items()}
    for key, value in values.items():
        expect.that(
            key in SETTINGS,
            expected=f"only settings that the service reads: {', '.join(SETTINGS)}",
            found=f"`{key}`",
            help="A name that nobody reads is no error. The default goes on, and nobody notices.",
            where=value,
        )
    for key in ("MODELS", "LOG_LEVEL", "MAX_BODY"):
        expect.that(key in values, expected=f"the setting `{key}`", found=", ".join(values), where=data)
    models = values["MODELS"]
    unknown = [one for one in models.of(str).split(",") if one not in MODELS]
    expect.that(
        not unknown,
        expected=f"MODELS has names with commas, without blanks, from {', '.join(MODELS)}",
        found=models,
        help="A model that is not known cannot be loaded, and `/readyz` says 503 for ever.",
        where=models,
    )
    level, most = values["LOG_LEVEL"], values["MAX_BODY"]
    known = level.value in (*LEVELS, *MORE_LEVELS)
    expect.that(known, expected=f"LOG_LEVEL is one of {', '.join(LEVELS)}", found=level, where=level)
    expect.that(
        (whole(most.of(str).replace("_", "")) or 0) > 0,
        expected="MAX_BODY is a number of bytes in digits",
        found=most,
        help="The service reads a whole number. `1Mi` and `1MB` are none to Python, and the pod would not start.",
        where=most,
    )


def judge_reach(rendered: Rendered) -> None:
    """Each setting gets into the container, with the value of the ConfigMap."""
    container, settings = container_of(rendered.one("Deployment")), settings_of(rendered)
    name = settings["metadata"]["name"].value
    _judge_other_maps(rendered, container, settings)
    reached: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        if source.get("configMapRef", "name") is not None and source["configMapRef"]["name"].value == name:
            prefix = source.get("prefix")
            start = "" if prefix is None else prefix.of(str)
            reached |= {f"{start}{key}": key for key, _ in settings["data"].items()}
    for variable in container.get("env") or ():
        own, key = variable["name"].of(str), variable.get("valueFrom", "configMapKeyRef", "key")
        if key is not None and variable["valueFrom"]["configMapKeyRef"]["name"].value == name:
            expect.that(
                key.value in settings["data"],
                expected=f"a key that the ConfigMap has, for {own}",
                found=key,
                help="The container would not start: `CreateContainerConfigError`.",
                where=key,
            )
            reached[own] = key.of(str)
        elif own in settings["data"]:
            raise CheckFailed(
                f"{own} from the ConfigMap alone",
                "it is set in `env`, too",
                "`env` counts before `envFrom`: whatever the ConfigMap says, nothing would change.",
                where=variable.place,
            )
    for key, value in settings["data"].items():
        expect.that(
            reached.get(key) == key,
            expected=f"the container gets {key} from the ConfigMap, under this name",
            found=f"it gets {', '.join(sorted(reached)) or 'nothing of it'}",
            help="`envFrom` with a `configMapRef` takes all keys at once.",
            where=container.nearest("envFrom") if container.get("envFrom") else value,
        )


def _judge_other_maps(rendered: Rendered, container: Located, settings: Located) -> None:
    """Whatever else the environment is taken from is there, and sets none of the settings."""
    maps = {one["metadata"]["name"].value: one for one in rendered.all("ConfigMap")}
    for source in container.get("envFrom") or ():
        name = source.get("configMapRef", "name")
        if name is None or name.value == settings["metadata"]["name"].value:
            continue
        other = maps.get(name.value)
        if other is None:
            raise CheckFailed(
                "a ConfigMap that is there",
                f"the container refers to `{name.value}`",
                "The container would not start: `CreateContainerConfigError`.",
                where=name.place,
            )
        for key, value in other["data"].items():
            expect.that(
                key in SETTINGS,
                expected=f"only settings that the service reads: {', '.join(SETTINGS)}",
                found=f"`{key}`, from the ConfigMap `{name.value}`",
                help="A name that nobody reads is no error. The default goes on, and nobody notices.",
                where=value,
            )
        twice = [key for key, _ in other["data"].items() if key in settings["data"]]
        expect.that(
            not twice,
            expected=f"{', '.join(twice)} from the ConfigMap `{SETTINGS_MAP}` alone",
            found=f"the ConfigMap `{name.value}` sets it, too",
            help="Of several sources in `envFrom`, the last one counts.",
            where=name,
        )


def judge_complete(kustomization: Located) -> None:
    """Every file of the base belongs to it."""
    listed = [one.of(str).removeprefix("./") for one in kustomization["resources"]]
    lacking = [f"{name}.yaml" for name in FILES if f"{name}.yaml" not in listed]
    expect.that(
        not lacking,
        expected="each file of the base in `resources`",
        found=f"{', '.join(lacking)} is not there",
        help="What is not listed is not applied, and nothing says so.",
        where=kustomization["resources"],
    )


def judge_secrets(rendered: Rendered, kustomization: Located) -> None:
    """Nothing secret is in the tree; the container takes it from a Secret of the cluster, if that is there."""
    generator = kustomization.get("secretGenerator")
    expect.that(
        generator is None,
        expected="no Secret in the tree",
        found="`secretGenerator`",
        help="Its literals are in the repository, and base64 is no lock. Who can read the repository, has them.",
        where=generator,
    )
    for one in rendered.all("Secret"):
        raise CheckFailed(
            "no Secret in the tree",
            f"the Secret `{one['metadata']['name'].value}`",
            "base64 is no lock. `kubectl create secret` makes it on the cluster, from a file that is in no repository.",
            where=one.place,
        )
    container = container_of(rendered.one("Deployment"))
    variables = [(one["name"].of(str), one.get("value")) for one in container.get("env") or ()]
    data = [pair for one in rendered.all("ConfigMap") for pair in (one["data"].items() if "data" in one else ())]
    for key, value in [*data, *variables]:
        if value is not None:
            expect.that(
                not _SECRET.search(key) and not _SECRET_VALUE.search(str(value.value)),
                expected="nothing secret in the ConfigMap and in `env`",
                found=f"`{key}`",
                help="Everybody who may look at the namespace can read a ConfigMap, and so does the repository.",
                where=value,
            )
    named = [one["secretRef"] for one in container.get("envFrom") or () if one.get("secretRef") is not None]
    named += [
        one["valueFrom"]["secretKeyRef"]
        for one in container.get("env") or ()
        if one.get("valueFrom", "secretKeyRef") is not None
    ]
    found = next((one for one in named if one["name"].value == SECRETS), None)
    if found is None:
        names = ", ".join(f"`{one['name'].value}`" for one in named) or "none"
        raise CheckFailed(
            f"the container takes what is secret from the Secret `{SECRETS}`: `envFrom` with a `secretRef`",
            f"it takes {names}",
            where=container.nearest("envFrom").place,
        )
    volumes = rendered.one("Deployment")["spec"]["template"]["spec"].get("volumes") or ()
    mounted = [one["secret"] for one in volumes if one.get("secret") is not None]
    for source in (*named, *mounted):
        own, optional = (source.get("name") or source["secretName"]).of(str), source.get("optional")
        expect.that(
            optional is not None and optional.value is True,
            expected=f"the Secret `{own}` may be missing: `optional: true`",
            found=f"{optional}" if optional is not None else "it is not there, and the default is false",
            help="No exercise needs a secret yet. Without it, no pod would start: it is so for each place that names a"
            " Secret.",
            where=optional or source,
        )
