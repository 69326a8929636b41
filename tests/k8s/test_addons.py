"""The add-ons without a cluster: of the schema, true to each other, locked, and made from the labs' own files."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from lab3_judges.schema import judge_schema
from tests.k8s import addon_rules as rules
from tests.k8s.addon_rules import Document, Pods

from k8s import installing, monitoring
from k8s.clusters import Cluster
from k8s.kubectl import Kubectl
from k8s.system import ROOT
from labkit.checking.located import Located
from labkit.checks import CheckFailed
from labkit.documents.readers import read

ADDONS = ROOT / "k8s/addons"
TREES = ("mlflow", "prefect", "prefect-postgres", "dask", "loki", "elastic")
CRDS: dict[str, Any] = json.loads(Path(__file__).with_name("crds.json").read_text(encoding="utf-8"))["shapes"]
RENDER = installing.rendered
# Of Elastic's kinds we have no schema.
WITHOUT_SCHEMA = ("elasticsearch.k8s.elastic.co/v1", "kibana.k8s.elastic.co/v1")
TEMPLATE: dict[str, Any] = json.loads((ADDONS / "prefect/base-job-template.json").read_text(encoding="utf-8"))


@cache
def _rendered(folder: Path) -> str:
    return json.dumps(RENDER(folder))


def tree(name: str) -> list[Document]:
    """What a folder of the add-ons renders to: fresh, to be changed at will."""
    found: list[Document] = json.loads(_rendered(ADDONS / name))
    return found


def everything() -> list[Document]:
    """All that runs beside each other, with the service of lab 3."""
    service: list[Document] = json.loads(_rendered(ROOT / "solutions/lab3_kubernetes/overlays/kind"))
    parts = [tree(name) for name in ("mlflow", "prefect-postgres", "dask", "loki")]
    return [*service, *(one for part in parts for one in part)]


def job() -> dict[str, Any]:
    """The Job that the worker makes of the template where a deployment says nothing."""
    values = {key: one.get("default") for key, one in TEMPLATE["variables"]["properties"].items()}
    values |= {"name": "run", "command": "prefect flow-run execute", "labels": {}, "annotations": {}}
    made: dict[str, Any] = filled(TEMPLATE["job_configuration"]["job_manifest"], values)
    made["metadata"]["name"] = made["metadata"].pop("generateName") + "abc"
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": key, "value": value} for key, value in container["env"].items()]
    container["args"] = container["args"].split()
    container["resources"]["limits"].pop("cpu")  # without a value
    return made


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its `{{ variables }}`. One that is not declared is a KeyError."""
    if isinstance(template, dict):
        return {key: filled(below, values) for key, below in template.items()}
    if isinstance(template, list):
        return [filled(below, values) for below in template]
    if isinstance(template, str) and (whole := re.fullmatch(r"\{\{ (\w+) \}\}", template)):
        return copy.deepcopy(values[whole[1]])
    return (
        re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found[1]], template) if isinstance(template, str) else template
    )


def located(document: Document) -> Located:
    [node] = read("rendered.yaml", yaml.safe_dump(document))
    return Located("rendered", node, lambda file, line: f"line {line} of {file}")


def judged(document: Document) -> None:
    """Judge by the schemas of three versions. The pods of a Job are to end, which those of lab 3 are not."""
    document = copy.deepcopy(document)
    for pods in rules.pods([document]):
        if document["kind"] in ("CronJob", "Job"):
            assert pods.spec.pop("restartPolicy") in ("Never", "OnFailure")  # type: ignore[attr-defined]
    judge_schema(located(document), CRDS)


@pytest.mark.parametrize("name", [*TREES, "monitoring", "job"])
def test_each_object_is_of_the_schema_of_three_versions(name: str) -> None:
    if name == "monitoring":
        documents: list[Document] = [*monitoring.documents(ROOT / "solutions")]
    elif name == "job":
        documents = [job()]
        spec = documents[0]["spec"]["template"]["spec"]
        # Prefect insists on these two here, and Kubernetes drops them.
        assert (spec.pop("completions"), spec.pop("parallelism")) == (1, 1)
    else:
        documents = [one for one in tree(name) if one["apiVersion"] not in WITHOUT_SCHEMA]
    for one in documents:
        judged(one)


def at(documents: list[Document], kind: str, name: str) -> Any:
    """The one object of a kind and a name, behind which a hash may stand; to be changed."""
    [found] = [
        one for one in rules.of(documents, kind) if re.fullmatch(rf"{name}(-[a-z0-9]{{10}})?", one["metadata"]["name"])
    ]
    return found


def container(documents: list[Document], kind: str, name: str) -> Any:
    return pod_of(documents, kind, name)["containers"][0]


def pod_of(documents: list[Document], kind: str, name: str) -> Any:
    return next(rules.pods([at(documents, kind, name)])).spec


@pytest.mark.parametrize(
    ("name", "kind", "change", "words"),
    [
        ("mlflow", "StatefulSet", lambda one: one["spec"].update(serviceNam="postgres"), "serviceName"),
        ("mlflow", "CronJob", lambda one: one["spec"].update(concurrencypolicy="Forbid"), "concurrencyPolicy"),
        ("mlflow", "NetworkPolicy", lambda one: one["spec"].update(policyTypes=["Egres"]), "did you mean `Egress`"),
        ("dask", "DaskCluster", lambda one: one["spec"]["worker"].update(replica=2), "replicas"),
        ("dask", "DaskCluster", lambda one: one["spec"]["scheduler"].pop("service"), "service"),
        ("dask", "DaskAutoscaler", lambda one: one["spec"].update(minimum="one"), "minimum"),
        ("monitoring", "PrometheusRule", lambda one: one["spec"]["groups"][0]["rules"][0].pop("expr"), "expr"),
        ("monitoring", "ServiceMonitor", lambda one: one["spec"].update(namespaceselector={}), "namespaceSelector"),
    ],
)
def test_what_kubernetes_would_refuse_or_drop_is_found(
    name: str, kind: str, change: Callable[[Any], Any], words: str
) -> None:
    documents = tree(name) if name != "monitoring" else [*monitoring.documents(ROOT / "solutions")]
    found = next(one for one in documents if one["kind"] == kind)
    change(found)
    with pytest.raises(CheckFailed) as failed:
        judged(found)
    assert words in f"{failed.value.expected} {failed.value.found} {failed.value.help}"


def problems(rule: str, documents: list[Document]) -> list[str]:
    if rule == "idle_policies":
        return [*rules.idle_policies(documents, [OPERATOR, FLOW_RUN])]
    if rule == "references":
        return [*rules.references(documents, {})]
    found: Callable[[list[Document]], Iterator[str]] = getattr(rules, rule)
    return [*found(documents)]


RULES = (
    *("hardening", "resources", "images", "probes", "services"),
    *("references", "no_secrets", "rights", "idle_policies"),
)


@pytest.mark.parametrize("rule", RULES)
def test_the_add_ons_hold_to_the_rule(rule: str) -> None:
    everywhere = [one for one in everything() if one["metadata"].get("namespace") != "ml-api"]
    if rule in ("hardening", "resources", "images", "no_secrets"):
        everywhere.append(job())
    assert problems(rule, everywhere) == []


def test_prefect_on_sqlite_holds_together_too() -> None:
    for rule in ("services", "references", "no_secrets"):
        assert problems(rule, tree("prefect")) == []


def _relabel(documents: list[Document]) -> None:
    pod_labels = at(documents, "Deployment", "store")["spec"]["template"]["metadata"]["labels"]
    pod_labels["app.kubernetes.io/name"] = "shop"


def _role(documents: list[Document]) -> Any:
    return at(documents, "Role", "prefect-worker")["rules"]


BROKEN: tuple[tuple[str, Callable[[list[Document]], Any], str], ...] = (
    ("hardening", lambda all: pod_of(all, "Deployment", "mlflow").pop("securityContext"), "mlflow: its user"),
    ("hardening", lambda all: container(all, "StatefulSet", "postgres").pop("securityContext"), "locked"),
    ("hardening", lambda all: pod_of(all, "Deployment", "store").pop("automountServiceAccountToken"), "key to the API"),
    ("hardening", lambda all: pod_of(all, "DaskCluster", "tuning")["securityContext"].pop("seccompProfile"), "seccomp"),
    ("resources", lambda all: container(all, "CronJob", "postgres-dump").pop("resources"), "lacks a request"),
    (
        "resources",
        lambda all: container(all, "Deployment", "mlflow")["resources"].update(limits={"memory": "64Mi"}),
        "less memory",
    ),
    (
        "images",
        lambda all: container(all, "Deployment", "mlflow").update(image="a/b:latest"),
        "a/b:latest",
    ),
    (
        "probes",
        lambda all: container(all, "Deployment", "store")["readinessProbe"]["httpGet"].update(port="http"),
        "asks port `http`",
    ),
    ("services", _relabel, "Service store: it selects no pod"),
    (
        "services",
        lambda all: at(all, "Service", "mlflow")["spec"]["ports"][0].update(targetPort="web"),
        "mlflow has no port `web`",
    ),
    (
        "services",
        lambda all: at(all, "Ingress", "mlflow")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(
            name="mlflo"
        ),
        "no Service `mlflo`",
    ),
    (
        "references",
        lambda all: all.remove(at(all, "PersistentVolumeClaim", "store")),
        "PersistentVolumeClaim `store`",
    ),
    ("references", lambda all: all.remove(at(all, "ConfigMap", "mlflow-auth")), "no ConfigMap `mlflow-auth"),
    ("references", lambda all: all.remove(at(all, "ServiceAccount", "log-agent")), "no ServiceAccount `log-agent`"),
    ("references", lambda all: pod_of(all, "Deployment", "store").pop("volumes"), "the volume `data` is not there"),
    ("references", lambda all: pod_of(all, "Deployment", "store")["volumes"].append({"name": "more"}), "nobody mounts"),
    ("no_secrets", lambda all: all.append({"kind": "Secret", "metadata": {"name": "mlflow"}}), "is in the tree"),
    (
        "no_secrets",
        lambda all: at(all, "ConfigMap", "mlflow-settings")["data"].update(
            MLFLOW_BACKEND_STORE_URI="postgresql://app:easy@postgres/app"
        ),
        "`MLFLOW_BACKEND_STORE_URI` has a password",
    ),
    (
        "no_secrets",
        lambda all: container(all, "Deployment", "mlflow")["env"].append(
            {"name": "MLFLOW_AUTH_ADMIN_PASSWORD", "value": "password1234"}
        ),
        "has a value",
    ),
    ("rights", lambda all: _role(all)[0].update(verbs=["*"]), "more than it needs"),
    ("rights", lambda all: _role(all)[1]["resources"].append("secrets"), "more than it needs"),
    ("rights", lambda all: at(all, "RoleBinding", "log-agent")["subjects"][0].update(name="agent"), "no such account"),
    ("rights", lambda all: at(all, "RoleBinding", "log-agent")["roleRef"].update(name="agent"), "no such role"),
    (
        "idle_policies",
        lambda all: at(all, "NetworkPolicy", "store")["spec"]["podSelector"].update(matchLabels={"app": "store"}),
        "NetworkPolicy store: it is for no pod",
    ),
)


@pytest.mark.parametrize(
    ("rule", "change", "words"), BROKEN, ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(BROKEN)]
)
def test_what_breaks_a_rule_is_named(rule: str, change: Callable[[list[Document]], Any], words: str) -> None:
    documents = [*tree("mlflow"), *tree("prefect"), *tree("dask"), *tree("loki")]
    change(documents)
    assert words in "\n".join(problems(rule, documents))


# Who talks to whom.

FLOW_RUN = Pods("flow run", "prefect", job()["spec"]["template"]["metadata"]["labels"], {"containers": []})
OPERATOR = Pods(
    "Dask's operator", "prefect", {"app.kubernetes.io/name": "dask-kubernetes-operator"}, {"containers": []}
)
DNS = Pods("DNS", "kube-system", {"k8s-app": "kube-dns"}, {"containers": []})
API = Pods("API of the cluster", "", {}, {"containers": []})
STRANGER = Pods("somebody else", "default", {"app.kubernetes.io/name": "mlflow"}, {"containers": []})
INGRESS = Pods("ingress controller", "traefik", {"app.kubernetes.io/name": "traefik"}, {"containers": []})
PROMETHEUS = Pods("Prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"}, {"containers": []})
OUTSIDE = (FLOW_RUN, OPERATOR, DNS, API, STRANGER, INGRESS, PROMETHEUS)

TALK = (
    ("ingress controller", "mlflow/mlflow", 5000), ("ingress controller", "prefect/prefect", 4200),
    ("ml-api/ml-api", "mlflow/mlflow", 5000), ("flow run", "mlflow/mlflow", 5000),
    ("mlflow/mlflow", "mlflow/postgres", 5432), ("mlflow/mlflow", "mlflow/store", 7070),
    ("mlflow/postgres-dump", "mlflow/postgres", 5432), ("prefect/postgres-dump", "prefect/postgres", 5432),
    ("prefect/prefect", "prefect/postgres", 5432), ("prefect/prefect-worker", "prefect/prefect", 4200),
    ("prefect/prefect-worker", "API of the cluster", 6443), ("flow run", "prefect/prefect", 4200),
    ("flow run", "prefect/tuning-scheduler", 8786), ("prefect/tuning-worker", "prefect/tuning-scheduler", 8786),
    ("prefect/tuning-scheduler", "prefect/tuning-worker", 8790),
    ("prefect/tuning-worker", "prefect/tuning-worker", 8790),
    ("prefect/tuning-scheduler", "prefect/tuning-worker", 8791), ("prefect/tuning-worker", "prefect/prefect", 4200),
    ("Dask's operator", "prefect/tuning-scheduler", 8787), ("Dask's operator", "prefect/tuning-scheduler", 8786),
    ("Dask's operator", "API of the cluster", 443), ("Prometheus", "ml-api/ml-api", 8000),
    ("mlflow/mlflow", "DNS", 53), ("mlflow/postgres-dump", "DNS", 53), ("flow run", "DNS", 53),
    ("prefect/prefect-worker", "DNS", 53), ("prefect/tuning-worker", "DNS", 53), ("Dask's operator", "DNS", 53),
)  # fmt: skip
SILENT = (
    ("somebody else", "mlflow/mlflow", 5000), ("somebody else", "mlflow/store", 7070),
    ("somebody else", "mlflow/postgres", 5432), ("ingress controller", "mlflow/store", 7070),
    ("ml-api/ml-api", "mlflow/store", 7070), ("flow run", "mlflow/store", 7070), ("flow run", "mlflow/postgres", 5432),
    ("flow run", "prefect/postgres", 5432), ("flow run", "API of the cluster", 443),
    ("mlflow/postgres", "API of the cluster", 443), ("mlflow/store", "mlflow/postgres", 5432),
    ("somebody else", "prefect/tuning-scheduler", 8786), ("prefect/tuning-worker", "mlflow/mlflow", 5000),
    ("prefect/tuning-worker", "API of the cluster", 443), ("prefect/prefect-worker", "prefect/postgres", 5432),
)  # fmt: skip


def who(documents: list[Document]) -> Mapping[str, Pods]:
    return {
        **{f"{one.namespace}/{one.name}": one for one in rules.pods(documents)},
        **{one.name: one for one in OUTSIDE},
    }


def test_who_must_talk_gets_through_and_nobody_else_does() -> None:
    documents = everything()
    there = who(documents)
    for expected, pairs in ((True, TALK), (False, SILENT)):
        for source, target, port in pairs:
            assert rules.lets_through(documents, there[source], there[target], port) is expected, (source, target, port)


def test_each_policy_is_needed() -> None:
    """Without any one of them, somebody who must talk is cut off, or somebody who must not gets through."""
    documents = everything()
    there = who(documents)
    ours = [one for one in rules.of(documents, "NetworkPolicy") if one["metadata"]["namespace"] != "ml-api"]
    for policy in ours:
        rest = [one for one in documents if one is not policy]
        now = [
            rules.lets_through(rest, there[source], there[target], port) for source, target, port in (*TALK, *SILENT)
        ]
        assert now != [True] * len(TALK) + [False] * len(SILENT), policy["metadata"]


def test_the_database_is_one_setting() -> None:
    def settings(name: str) -> dict[str, str]:
        found: dict[str, str] = at(tree(name), "ConfigMap", "prefect-server")["data"]
        return found

    small, large = settings("prefect"), settings("prefect-postgres")
    assert {key for key in large if large[key] != small.get(key)} == {"PREFECT_SERVER_DATABASE_CONNECTION_URL"}


def test_settings_are_those_that_the_programs_read() -> None:
    # Neither package is imported for this: that takes seconds.
    known = set(re.findall(r"^(MLFLOW_\w+) = ", source_of("mlflow", "environment_variables.py"), re.MULTILINE))
    read_elsewhere = {"ARTIFACTS", "AWS_DEFAULT_REGION", "DO_NOT_TRACK", "HOME", "MLFLOW_BACKEND_STORE_URI"}
    documents = tree("mlflow")
    assert set(at(documents, "ConfigMap", "mlflow-settings")["data"]) - read_elsewhere <= known
    variables = {one["name"] for one in container(documents, "Deployment", "mlflow")["env"]}
    assert {name for name in variables if name.startswith("MLFLOW")} <= known
    # Prefect's settings are classes, which say where in the tree they stand.
    known = {"DO_NOT_TRACK"}
    for section in re.split(r"^class ", source_of("prefect", "settings/models/**/*.py"), flags=re.MULTILINE):
        if place := re.search(r"build_settings_config\(\(?([^)]*)\)", section):
            prefix = ["PREFECT", *re.findall(r'"(\w+)"', place[1])]
            known |= {
                "_".join([*prefix, field]).upper() for field in re.findall(r"^    (\w+): ", section, re.MULTILINE)
            }
    for name in ("prefect-server", "prefect-worker"):
        settings = set(at(tree("prefect"), "ConfigMap", name)["data"])
        assert {one for one in settings if "INTEGRATIONS" not in one} <= known
    for name in ("prefect", "prefect-worker"):
        assert {one["name"] for one in container(tree("prefect"), "Deployment", name)["env"]} <= known


def source_of(package: str, pattern: str) -> str:
    """The text of files of an installed package."""
    spec = find_spec(package)
    assert spec and spec.origin
    return "\n".join(one.read_text(encoding="utf-8") for one in sorted(Path(spec.origin).parent.glob(pattern)))


def test_the_work_pool_is_the_one_that_the_flow_is_deployed_to() -> None:
    told = yaml.safe_load((ADDONS / "prefect/prefect.yaml").read_text(encoding="utf-8"))
    [deployment] = told["deployments"]
    worker = pod_of(tree("prefect"), "Deployment", "prefect-worker")
    assert f"--pool={deployment['work_pool']['name']}" in worker["containers"][0]["args"]
    assert deployment["work_pool"]["name"] in worker["initContainers"][0]["command"]
    file, function = deployment["entrypoint"].split(":")
    assert f"def {function}(" in (ROOT / "solutions" / file).read_text(encoding="utf-8")
    mounted = {mount["mountPath"] for mount in job()["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert all(f"/{Path(folder).parts[1]}" in mounted for folder in deployment["parameters"].values())
    images = [one["image"] for pods in rules.pods(tree("dask")) for one in pods.containers]
    assert {*images, TEMPLATE["variables"]["properties"]["image"]["default"]} == {installing.PIPELINE}


# Week 6's files on the cluster.


def test_prometheus_gets_the_rules_that_the_lab_checks() -> None:
    lab = ROOT / "solutions/lab6_monitoring"
    made = {one["kind"]: one for one in monitoring.documents(ROOT / "solutions") if monitoring.is_custom(one)}
    groups = made["PrometheusRule"]["spec"]["groups"]
    assert groups == yaml.safe_load((lab / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for group in groups:
        for rule in group["rules"]:
            promql_parser.parse(rule["expr"])
    [endpoint] = made["ServiceMonitor"]["spec"]["endpoints"]
    [relabelling] = endpoint["relabelings"]
    assert f'job="{relabelling["replacement"]}"' in (lab / "rules.yml").read_text(encoding="utf-8")
    service: list[Document] = json.loads(_rendered(ROOT / "solutions/lab3_kubernetes/overlays/kind"))
    found = at(service, "Service", "ml-api")
    assert rules.matches(made["ServiceMonitor"]["spec"]["selector"]["matchLabels"], found["metadata"]["labels"])
    assert endpoint["port"] in {port["name"] for port in found["spec"]["ports"]}
    assert made["ServiceMonitor"]["spec"]["namespaceSelector"]["matchNames"] == [found["metadata"]["namespace"]]


def test_an_expression_that_does_not_parse_is_found() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum by (job) (rate(http_requests_total[5m])")


def test_alertmanager_and_grafana_get_the_labs_files() -> None:
    lab = ROOT / "solutions/lab6_monitoring"
    made = {one["metadata"]["name"]: one for one in monitoring.documents(ROOT / "solutions")}
    values = yaml.safe_load((ADDONS / "monitoring/values.yaml").read_text(encoding="utf-8"))
    spec = values["alertmanager"]["alertmanagerSpec"]
    routes = made[spec["configSecret"]]["stringData"]
    assert routes == {"alertmanager.yaml": (lab / "alertmanager.yml").read_text(encoding="utf-8")}
    # The receivers are at 127.0.0.1, so who listens there is in the same pod.
    [container], [volume] = spec["containers"], spec["volumes"]
    assert set(re.findall(r"http://([^/]+)/", routes["alertmanager.yaml"])) == {"127.0.0.1:9099"}
    assert container["command"][-1] == f"/webhook/{next(iter(made[volume['configMap']['name']]['data']))}"
    sidecar = values["grafana"]["sidecar"]
    board = made["house-prices"]
    assert board["metadata"]["labels"][sidecar["dashboards"]["label"]] == sidecar["dashboards"]["labelValue"]
    printed = json.loads(board["data"]["house-prices.json"])
    assert {panel["datasource"]["uid"] for panel in printed["panels"]} == {sidecar["datasources"]["uid"]}
    for panel in printed["panels"]:
        promql_parser.parse(panel["targets"][0]["expr"].replace("$__rate_interval", "5m"))


# The commands.


class Told(Kubectl):
    """A kubectl that keeps Secrets in memory, and what it was asked."""

    secrets: dict[str, dict[str, str]]
    asked: list[tuple[str, ...]]

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 600) -> str:
        TOLD.asked.append(arguments)
        if arguments[0] == "create" and stdin:
            made = json.loads(stdin)
            TOLD.secrets[made["metadata"]["name"]] = made["stringData"]
        listed = [{"metadata": {"name": name}, "data": data} for name, data in TOLD.secrets.items()]
        return json.dumps({"items": listed}) if arguments[0] == "get" else ""


TOLD = Told(Path("none"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    object.__setattr__(TOLD, "secrets", {})
    object.__setattr__(TOLD, "asked", [])
    monkeypatch.setattr(installing, "Kubectl", Told)
    monkeypatch.setattr(Cluster, "kubectl", TOLD)
    monkeypatch.setattr(installing, "rendered", lambda folder: json.loads(_rendered(folder)))
    return TOLD


def test_a_missing_password_stops_the_deployment_in_words(told: Told) -> None:
    with pytest.raises(installing.AddOnError, match=r"Secret `mlflow` with `admin-password`, `flask-key` is not in"):
        installing.lay(Cluster("kind", Path("none")), "mlflow", "solutions")
    assert {one[0] for one in told.asked} == {"get"}, "nothing is changed"


def test_passwords_are_made_once_at_random_and_not_printed(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster("kind", Path("none"))
    for name in ("mlflow", "monitoring", "prefect-postgres"):
        installing.make_secrets(cluster, name)
        assert {secret: tuple(sorted(told.secrets[secret])) for secret in installing.needed_secrets(name)} == (
            installing.needed_secrets(name)
        )
    values = [value for secret in told.secrets.values() for value in secret.values() if value != "admin"]
    assert len({*values}) == len(values) and min(map(len, values)) >= 20
    printed = capsys.readouterr().out
    assert "made: the Secret `store`" in printed and not any(value in printed for value in values)
    before = copy.deepcopy(told.secrets)
    installing.make_secrets(cluster, "mlflow")
    assert told.secrets == before, "what is there stays"
    installing.lay(cluster, "mlflow", "solutions")
    assert ("rollout", "status", "statefulset/postgres", "--timeout=600s") in told.asked


def test_half_a_secret_is_not_guessed(told: Told) -> None:
    told.secrets["store"] = {"access-key": "…"}
    told.secrets |= {"mlflow": {"admin-password": "…", "flask-key": "…"}, "postgres": {"password": "…"}}
    with pytest.raises(installing.AddOnError, match="the Secret `store` has no `secret-key`"):
        installing.make_secrets(Cluster("kind", Path("none")), "mlflow")


def told_of(name: str) -> list[str]:
    """The cells of an add-on in the table of k8s/README.md."""
    guide = (ROOT / "k8s/README.md").read_text(encoding="utf-8")
    [line] = [one for one in guide.splitlines() if one.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", installing.ADD_ONS)
def test_the_table_says_what_an_add_on_asks_for(name: str) -> None:
    add_on = installing.ADD_ONS[name]
    lasting = [one for one in tree(add_on.tree) if one["kind"] not in ("CronJob", "Job")] if add_on.tree else []
    asked = [one["resources"]["requests"]["memory"] for pods in rules.pods(lasting) for one in pods.spec["containers"]]
    if name == "elastic":  # of kinds that the rules do not know
        asked = [
            one["requests"]["memory"] for one in installing.references(lasting, "resources") if "cpu" in one["requests"]
        ]
    _, _, memory, chart, needs = told_of(name)
    if add_on.chart:
        command = installing.install_command("helm", add_on.chart, add_on.namespace)
        values = yaml.safe_load(Path(command[command.index("--values") + 1]).read_text(encoding="utf-8"))
        found = installing.references(values, "requests")
        asked += [one["memory"] for one in found if "memory" in one]
        assert re.fullmatch(r"\d+\.\d+\.\d+", command[command.index("--version") + 1])
        assert chart == f"{add_on.chart.name.rpartition('/')[2]} {add_on.chart.version}" and "Helm" in needs
    assert memory.startswith(f"{sum(map(rules.mebibytes, asked)):.0f} Mi")


def test_versions_are_those_of_the_packages_that_we_lock() -> None:
    lock = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    images = " ".join(one["image"] for pods in rules.pods(everything()) for one in pods.containers)
    assert f"mlflow:v{lock['mlflow']}-full" in images and f"prefect:{lock['prefect']}-" in images


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["addon", "mlflow", "--postgres"], "there is no cluster"),
        (["secrets", "nothing"], "invalid choice: 'nothing'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], words: str, tmp_path: Path) -> None:
    import os

    outside = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "KUBECONFIG": ""}
    done = subprocess.run(
        [sys.executable, "-m", "k8s", *arguments], cwd=ROOT, env=outside, capture_output=True, text=True, check=False
    )
    assert done.returncode and words in done.stderr, done.stderr
