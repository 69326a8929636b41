"""The checks of lab 3: one idea each. What they judge with is in `lab3_judges`."""

from __future__ import annotations

import pytest
from lab3_judges import rollouts, routes, workload
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
    """Kubernetes 1.35 to 1.37 take the Deployment: they know each field, each quantity and each word in it."""
    judge_schema(deployment)


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
    """Nothing runs as root, gains rights, has capabilities, is part of the node, or may make every system call."""
    workload.judge_rights(deployment)


@exercise("3.1")
def test_the_root_file_system_is_read_only(deployment):
    """The root file system of each container is read-only."""
    workload.judge_read_only(deployment)


@exercise("3.1")
def test_the_pod_has_no_key_to_the_cluster(deployment):
    """No token for the API of the cluster is mounted."""
    workload.judge_token(deployment)


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
    """The Service is named `ml-api`, selects the pods of the Deployment, and is for the cluster only."""
    routes.judge_selector(service, deployment)


@exercise("3.2")
def test_the_service_leads_to_the_port_of_the_container(service, deployment):
    """Port 80 of the Service, named `http`, leads to the port of the container."""
    routes.judge_ports(service, deployment)


@exercise("3.2")
def test_every_path_gets_to_the_service(way_in):
    """Each path of lab 2's service gets to the Service as it is, under any host."""
    routes.judge_paths(way_in)


@exercise("3.2")
def test_a_route_has_its_gateway(documents, way_in):
    """An HTTPRoute, where one is used, names a Gateway of the same file."""
    routes.judge_gateway(way_in, list(documents.yaml("base/ingress.yaml")))


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
    """`smoke_test` asks `/readyz` through the Service."""
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
