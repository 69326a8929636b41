"""The checks of lab 3: one idea each. What they judge with is in `lab3_judges`."""

from __future__ import annotations

from functools import cache

import pytest
from lab3_judges import (
    clusters,
    metrics,
    policy,
    rendering,
    rights,
    rollouts,
    routes,
    scaling,
    settings,
    terraform_rules,
    workload,
)
from lab3_judges.facts import VPC
from lab3_judges.infra import Infra
from lab3_judges.scenes import Scenes
from lab3_judges.schema import judge_schema

from labkit.checks import exercise

# 3.1 a Deployment


@pytest.fixture(scope="module")
def deployment(documents):
    """The Deployment as it is written."""
    return documents.yaml("base/deployment.yaml").one(kind="Deployment")


@exercise("3.1")
def test_kubernetes_takes_the_deployment(deployment):
    """Kubernetes 1.35 to 1.37 take the Deployment: each field, quantity and word is known, each mount has a volume."""
    judge_schema(deployment)
    workload.judge_pod(deployment)


@exercise("3.1")
def test_the_selector_selects_the_pods(deployment):
    """Deployment and container are named `ml-api`, the port `http` is 8000, and the selector selects the pods."""
    workload.judge_names(deployment)


@exercise("3.1")
def test_the_start_may_take_its_time(deployment):
    """A startup probe asks a route of the service, and gives the start 30 s or more."""
    workload.judge_startup(deployment)


@exercise("3.1")
def test_liveness_asks_what_a_restart_can_mend(deployment):
    """Liveness asks `/livez`, waits 2 s or more for an answer, and restarts after 3 failures or more."""
    workload.judge_liveness(deployment)


@exercise("3.1")
def test_readiness_asks_for_the_models(deployment):
    """Readiness asks `/readyz`, every 10 s or more often."""
    workload.judge_readiness(deployment)


@exercise("3.1")
def test_the_memory_fits_the_model(deployment):
    """Request and limit of memory fit what was measured, with a quarter left over, and no more than 2 GiB."""
    workload.judge_memory(deployment)


@exercise("3.1")
def test_threads_and_cpu_agree(deployment):
    """There is a CPU request; a limit, if any, is half a core or more; OMP_NUM_THREADS is no more than it allows."""
    workload.judge_cpu(deployment)


@exercise("3.1")
def test_the_pod_has_no_rights(deployment):
    """The pod passes Pod Security's level `restricted`: nothing of it is root, gains rights, or is part of the node."""
    rights.judge_rights(deployment)


@exercise("3.1")
def test_the_root_file_system_is_read_only(deployment):
    """The root file system of each container is read-only."""
    rights.judge_read_only(deployment)


@exercise("3.1")
def test_the_pod_has_no_key_to_the_cluster(deployment):
    """No token for the API of the cluster is mounted."""
    rights.judge_token(deployment)


@exercise("3.1")
def test_an_update_takes_no_pod_away_too_early(deployment):
    """A rolling update takes no old pod away before a new one is ready, and can go on."""
    workload.judge_update(deployment)


@exercise("3.1")
def test_a_stop_loses_no_request(deployment):
    """A stop waits 5 s for the proxies and has 10 s for the requests in flight, all within the grace period."""
    workload.judge_stop(deployment)


@exercise("3.1")
def test_the_pods_spread_over_nodes(deployment):
    """The pods spread over nodes, without stopping an update."""
    workload.judge_spread(deployment)


# 3.2 Service and Ingress


@pytest.fixture(scope="module")
def service(documents):
    """The Service as it is written."""
    return documents.yaml("base/service.yaml").one(kind="Service")


@pytest.fixture(scope="module")
def way_in(documents):
    """The Ingress or the HTTPRoute as it is written."""
    return routes.way_in(documents)


@exercise("3.2")
def test_kubernetes_takes_service_and_ingress(documents):
    """Kubernetes 1.35 to 1.37 take both files: they know each field and each word in them."""
    for file in ("base/service.yaml", "base/ingress.yaml"):
        for document in documents.yaml(file):
            judge_schema(document)


@exercise("3.2")
def test_the_service_finds_the_pods(service, deployment):
    """The Service `ml-api` has an address for the pods of the Deployment that are ready, for the cluster only."""
    routes.judge_selector(service, deployment)


@exercise("3.2")
def test_the_service_leads_to_the_port_of_the_container(service, deployment):
    """Port 80 of the Service, named `http`, leads to the port of the container."""
    routes.judge_ports(service, deployment)


@exercise("3.2")
def test_every_path_gets_to_the_service(way_in):
    """Each path of lab 2's service gets to the Service as it is, under any host. Which controller, it leaves open."""
    routes.judge_paths(way_in)
    routes.judge_any_controller(way_in)


@exercise("3.2")
def test_a_route_has_its_gateway(documents, way_in):
    """An HTTPRoute, where one is used, names a Gateway of the same file that listens to any host."""
    routes.judge_gateway(way_in, list(documents.yaml("base/ingress.yaml")))


# 3.3 settings


@pytest.fixture(scope="module")
def rendered_base(submitted, documents):
    """What the base renders to, or why it does not."""
    return rendering.render(submitted, documents, "base")


@pytest.fixture(scope="module")
def base(rendered_base):
    """What the base renders to."""
    if rendered_base.problem:
        pytest.skip("nothing is rendered: see the check that renders it")
    return rendered_base


@exercise("3.3")
def test_the_base_is_rendered(rendered_base, documents):
    """`kubectl kustomize base` renders it, without a warning, with every file of the base."""
    rendering.judge_rendered(rendered_base)
    settings.judge_complete(documents.yaml("base/kustomization.yaml")[0])


@exercise("3.3")
def test_kubernetes_takes_the_base(base):
    """Kubernetes 1.35 to 1.37 take each object that is rendered."""
    for one in base.objects:
        judge_schema(one)


@exercise("3.3")
def test_each_object_has_the_label_and_no_selector_changes(base, deployment):
    """Each object has the label `app.kubernetes.io/part-of: mlops-lab`; the Deployment's selector stays as it is."""
    settings.judge_labels(base, deployment)


@exercise("3.3")
def test_another_setting_is_another_name(base):
    """The ConfigMap `ml-api-settings` is generated, with a hash in its name, and the container refers to it."""
    settings.judge_generated(base)


@exercise("3.3")
def test_the_settings_are_what_the_service_reads(base):
    """MODELS, LOG_LEVEL and MAX_BODY are set, to what the service can read, and nothing that it does not read."""
    settings.judge_values(base)


@exercise("3.3")
def test_the_settings_reach_the_container(base):
    """Each setting gets into the container under its name, and nothing else sets it."""
    settings.judge_reach(base)


@exercise("3.3")
def test_nothing_secret_is_in_the_tree(base, documents):
    """No Secret is in the tree; the container takes `ml-api-secrets` from the cluster, if it is there."""
    settings.judge_secrets(base, documents.yaml("base/kustomization.yaml")[0])


# 3.4 how many, and who with whom


@pytest.fixture(scope="module")
def hpa(documents):
    """The HorizontalPodAutoscaler as it is written."""
    return documents.yaml("base/hpa.yaml").one(kind="HorizontalPodAutoscaler")


@pytest.fixture(scope="module")
def policies(documents, deployment):
    """The network policies as they are written."""
    found = documents.yaml("base/networkpolicy.yaml").all(kind="NetworkPolicy")
    return policy.Policies(
        list(found) or [documents.yaml("base/networkpolicy.yaml").one(kind="NetworkPolicy")], deployment
    )


@exercise("3.4")
def test_kubernetes_takes_the_three_files(documents):
    """Kubernetes 1.35 to 1.37 take the three files: they know each field and each word in them."""
    for file in ("base/hpa.yaml", "base/pdb.yaml", "base/networkpolicy.yaml"):
        for document in documents.yaml(file):
            judge_schema(document)


@exercise("3.4")
def test_the_autoscaler_has_its_target_to_itself(hpa, deployment, documents):
    """The HPA `ml-api` scales the Deployment, and nothing else sets its replicas."""
    scaling.judge_name(hpa)
    scaling.judge_target(hpa, deployment)
    for kustomization in documents.yaml("base/kustomization.yaml"):
        scaling.judge_no_count(kustomization)


@exercise("3.4")
def test_the_autoscaler_has_bounds(hpa):
    """There are 2 to 6 pods."""
    scaling.judge_bounds(hpa, range(2, 3), range(6, 7))


@exercise("3.4")
def test_the_autoscaler_looks_at_the_cpu(hpa, deployment):
    """The HPA looks at CPU alone: 40 to 90 % of a request that is there."""
    scaling.judge_metric(hpa, deployment)


@exercise("3.4")
def test_the_budget_lets_a_node_be_emptied(documents, deployment, hpa):
    """The budget `ml-api` is for these pods: with as few of them as the HPA leaves, one may go and one stays."""
    budget = documents.yaml("base/pdb.yaml").one(kind="PodDisruptionBudget")
    scaling.judge_name(budget)
    scaling.judge_budget(budget, deployment, scaling.smallest(hpa))


@exercise("3.4")
def test_the_policy_is_for_the_pods(policies):
    """The network policy selects the pods of the Deployment, in both directions."""
    policies.judge_chosen()


@exercise("3.4")
def test_who_has_to_get_in_gets_in(policies):
    """The ingress controller and Prometheus get to the port of the container."""
    policy.judge_entrance(policies)


@exercise("3.4")
def test_nobody_else_gets_in(policies, rng):
    """Nobody else gets in, and they get to no other port."""
    policy.judge_closed_entrance(policies, rng)


@exercise("3.4")
def test_the_pods_get_to_dns_and_the_registry(policies):
    """The pods get to the DNS of the cluster, over UDP and TCP, and to the model registry."""
    policy.judge_exit(policies)


@exercise("3.4")
def test_the_pods_get_nowhere_else(policies, rng):
    """The pods get nowhere else."""
    policy.judge_closed_exit(policies, rng)


# 3.5 overlays

OVERLAYS = pytest.mark.parametrize("overlay", ["kind", "eks"])


@pytest.fixture(scope="module")
def render(submitted, documents):
    """Returns what an overlay renders to, or why it does not."""
    return cache(lambda name: rendering.render(submitted, documents, f"overlays/{name}"))


@pytest.fixture(scope="module")
def overlays(render):
    """Returns what an overlay renders to."""

    def rendered(name):
        if render(name).problem:
            pytest.skip("nothing is rendered: see the check that renders it")
        return render(name)

    return rendered


@exercise("3.5")
@OVERLAYS
def test_the_overlay_is_rendered(render, overlay):
    """`kubectl kustomize` renders each overlay, without a warning."""
    rendering.judge_rendered(render(overlay))


@exercise("3.5")
@OVERLAYS
def test_kubernetes_takes_the_overlay(overlays, overlay):
    """Kubernetes 1.35 to 1.37 take each object that is rendered."""
    clusters.judge_schemas(overlays(overlay))


@exercise("3.5")
@OVERLAYS
def test_everything_is_in_the_namespace(overlays, overlay):
    """Everything is in the namespace `ml-api`, and that is rendered, too."""
    clusters.judge_namespace(overlays(overlay))


@exercise("3.5")
@OVERLAYS
def test_the_patches_break_nothing(overlays, overlay, deployment, documents):
    """What holds for Deployment, Service, way in, settings, labels and secrets of the base still holds."""
    clusters.judge_fit(overlays(overlay), deployment, documents.yaml(f"overlays/{overlay}/kustomization.yaml")[0])


@exercise("3.5")
@OVERLAYS
def test_the_fence_still_stands(overlays, overlay, rng):
    """The network policy still lets through who has to get through, and nobody else."""
    clusters.judge_fence(overlays(overlay), rng, VPC if overlay == "eks" else "")


@exercise("3.5")
def test_kind_has_one_pod_or_a_few(overlays):
    """On kind there are 1 to 3 pods, and the budget lets the only one go."""
    clusters.judge_pods(overlays("kind"), range(1, 2), range(3, 4))


@exercise("3.5")
def test_kind_runs_the_image_that_was_built_here(overlays):
    """kind runs `mlops-lab/lab2-service:labs`, and nobody tries to pull it."""
    clusters.judge_local_image(overlays("kind"))


@exercise("3.5")
def test_the_way_in_on_kind_is_traefik(overlays):
    """On kind, `traefik` serves the way in."""
    clusters.judge_class(overlays("kind"), "traefik")


@exercise("3.5")
def test_eks_has_three_pods_or_more(overlays):
    """On EKS there are 3 pods or more, up to 20, and the budget lets one go."""
    clusters.judge_pods(overlays("eks"), range(3, 7), range(6, 21))


@exercise("3.5")
def test_the_pods_spread_over_zones(overlays):
    """On EKS, the pods spread over zones, and over nodes as well."""
    clusters.judge_zones(overlays("eks"))


@exercise("3.5")
def test_the_pods_on_eks_have_an_account(overlays):
    """On EKS, the pods run under the account `ml-api`, which is rendered, too."""
    clusters.judge_account(overlays("eks"))


@exercise("3.5")
def test_eks_runs_a_version_from_ecr(overlays):
    """EKS runs an image `ml-api` of ECR, with a version or a digest."""
    clusters.judge_registry_image(overlays("eks"))


@exercise("3.5")
def test_the_load_balancer_gets_through(overlays):
    """On EKS, `alb` serves the way in: it sends to the pods themselves, asks `/readyz`, and the policy lets it in."""
    clusters.judge_class(overlays("eks"), "alb")
    clusters.judge_load_balancer(overlays("eks"))


# 3.6 rollout


@pytest.fixture(scope="module")
def scenes(new_lab, module_rng):
    """Rollouts in many namespaces of the stand-in at once; each check judges some of them."""
    return Scenes(lambda: new_lab("3.6"), module_rng)


@exercise("3.6")
def test_a_new_image_is_rolled_out(scenes, doors):
    """The new image is set and waited for, and each step is told."""
    rollouts.judge_done(scenes, doors["kubernetes"])


@exercise("3.6")
def test_nothing_but_the_image_changes(scenes, doors):
    """The other containers, the replicas and all else in the Deployment stay as they are."""
    rollouts.judge_nothing_else_changes(scenes, doors["kubernetes"])


@exercise("3.6")
def test_a_rollout_is_waited_for(scenes, doors):
    """The smoke test begins when all pods are new, the old ones are gone, and all of them serve."""
    rollouts.judge_complete_first(scenes, doors["kubernetes"])


@exercise("3.6")
def test_the_smoke_test_goes_through_the_service(scenes, doors):
    """`smoke_test` asks `/readyz` of a ready pod to which the Service leads, and fails where it leads to none."""
    rollouts.judge_through_the_service(scenes, doors["kubernetes"])


@exercise("3.6")
def test_another_smoke_test_takes_its_place(scenes, doors):
    """What is given as `smoke` is called once, with the namespace, when the rollout is complete."""
    rollouts.judge_own_smoke_test(scenes, doors["kubernetes"])


@exercise("3.6")
def test_a_bad_smoke_test_goes_back(scenes, doors):
    """Whatever the smoke test raises, the previous image serves again, and the reason tells of it."""
    rollouts.judge_bad_smoke_test(scenes, doors["kubernetes"])


@exercise("3.6")
def test_a_stuck_rollout_goes_back_at_once(scenes, doors):
    """Where Kubernetes says that the rollout is stuck, the previous image is set again at once, and waited for."""
    rollouts.judge_stuck(scenes, doors["kubernetes"])


@exercise("3.6")
def test_the_reason_is_what_the_pods_say(scenes, doors):
    """The reason has what the new pods say: a crash loop, an image that is not there, no node that has room."""
    rollouts.judge_reason(scenes, doors["kubernetes"])


@exercise("3.6")
def test_the_timeout_ends_the_wait(scenes, doors):
    """What is not complete after `timeout` seconds is set back, and not earlier."""
    rollouts.judge_timeout(scenes, doors["kubernetes"])


@exercise("3.6")
def test_going_back_may_be_stuck(scenes, doors):
    """Where the previous image does not become ready either, the outcome is `stuck`."""
    rollouts.judge_no_way_back(scenes, doors["kubernetes"])


@exercise("3.6")
def test_another_change_is_no_reason_to_stop(scenes, doors):
    """Where something else changes at the same time, such as the replicas, the image is set all the same."""
    rollouts.judge_conflict(scenes, doors["kubernetes"])


@exercise("3.6")
def test_nobody_is_overwritten(scenes, doors):
    """Where someone else sets another image, at any time, it is left alone."""
    rollouts.judge_superseded(scenes, doors["kubernetes"])


@exercise("3.6")
def test_an_interruption_is_not_the_end(scenes, doors):
    """An API that is away for a moment, or a watch that ends, does not end the wait."""
    rollouts.judge_interrupted(scenes, doors["kubernetes"])


@exercise("3.6")
def test_history_has_each_revision(scenes, doors):
    """`history` has the revisions of this Deployment, the newest first, with their images and pods."""
    rollouts.judge_history(scenes, doors["kubernetes"])


# 3.7 Terraform


@pytest.fixture(scope="module")
def infra(documents):
    """All Terraform files as one configuration."""
    return Infra(documents)


@exercise("3.7")
def test_every_name_leads_somewhere(infra):
    """Each variable, local value, resource and data source that is used is declared."""
    terraform_rules.judge_references(infra)


@exercise("3.7")
def test_the_state_is_kept_safe(infra):
    """The state lies in S3, encrypted and locked, and no key is in the code, or made by it."""
    terraform_rules.judge_state(infra)


@exercise("3.7")
def test_each_resource_says_whose_it_is(infra):
    """Each resource gets the tags `project`, `owner` and `managed-by`."""
    terraform_rules.judge_tags(infra)


@exercise("3.7")
def test_each_variable_has_a_type_and_says_what_it_is(infra):
    """Each variable has a type and a description; `api_cidrs` is a list or set of texts without a default."""
    terraform_rules.judge_variables(infra)


@exercise("3.7")
def test_the_cluster_is_of_a_version_that_was_checked(infra):
    """The cluster is of a version for which the manifests are checked, 1.35 to 1.37."""
    terraform_rules.judge_version(infra)


@exercise("3.7")
def test_the_api_is_not_open_to_the_world(infra):
    """The API of the cluster is reached from inside, and from `api_cidrs` at most."""
    terraform_rules.judge_endpoint(infra)


@exercise("3.7")
def test_the_nodes_stand_apart(infra):
    """Two nodes or more stand in private subnets, and keep their rights as long as they are there."""
    terraform_rules.judge_nodes(infra)


@exercise("3.7")
def test_a_node_may_do_what_a_node_does(infra):
    """The node role joins the cluster, gives addresses and pulls images, and nothing else."""
    terraform_rules.judge_node_rights(infra)


@exercise("3.7")
def test_network_policies_are_enforced(infra):
    """The add-on `vpc-cni` is told to enforce network policies."""
    terraform_rules.judge_enforced(infra)


@exercise("3.7")
def test_a_tag_means_one_image(infra):
    """A tag is never another image, images are scanned and expire, and `destroy` removes them."""
    terraform_rules.judge_registry(infra)


@exercise("3.7")
def test_the_models_are_kept_safe(infra):
    """The bucket of models is encrypted, private and versioned, and `destroy` removes it."""
    terraform_rules.judge_bucket(infra)


@exercise("3.7")
def test_only_the_main_branch_becomes_ci(infra):
    """Only the main branch of `github_repository` becomes `ci`, with a token for AWS."""
    terraform_rules.judge_github(infra)


@exercise("3.7")
def test_no_policy_says_star(infra):
    """Each policy names its actions and resources; `ci` may push and look, the service may read, and nothing else."""
    terraform_rules.judge_rights(infra)


@exercise("3.7")
def test_pods_get_a_role_of_their_own(infra):
    """The pods of the service, and no others, get their role by Pod Identity."""
    terraform_rules.judge_pods(infra)


@exercise("3.7")
def test_an_alarm_goes_off_before_the_bill(infra):
    """The budget of a month is `monthly_budget_usd`, and someone hears of it at 100 percent or earlier."""
    terraform_rules.judge_budget(infra)


# 3.8 metrics


@exercise("3.8")
def test_kubernetes_takes_metrics_server(documents):
    """Kubernetes 1.35 to 1.37 take each object of `metrics.yaml`."""
    for one in documents.yaml("metrics.yaml"):
        judge_schema(one)
    workload.judge_pod(metrics.named(documents, "Deployment", "metrics-server"))


@exercise("3.8")
def test_it_may_only_read(documents):
    """metrics-server may read the figures of kubelets, pods and nodes, and nothing else."""
    metrics.judge_rights(metrics.named(documents, "ClusterRole", "metrics-server"))
    metrics.judge_bindings(documents)


@exercise("3.8")
def test_it_runs_under_its_account(documents):
    """In `kube-system`, under its account: a fixed version, figures of 10 to 30 s, a place for its certificate."""
    metrics.judge_server(metrics.named(documents, "Deployment", "metrics-server"))


@exercise("3.8")
def test_the_api_leads_to_it(documents):
    """`v1beta1.metrics.k8s.io` leads to the Service, and the Service to the port on which the server listens."""
    server = metrics.named(documents, "Deployment", "metrics-server")
    service = metrics.named(documents, "Service", "metrics-server")
    metrics.judge_way(server, service, metrics.named(documents, "APIService", "v1beta1.metrics.k8s.io"))
