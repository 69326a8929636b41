"""A sample of the wrong answers that files alone give away, on a real cluster: it sees them broken, too.

Each is applied over the one before, in one namespace, and judged by one check of `lab check 3 --live`. That the
reference is seen right by the same checks, `test_cluster_lab3.py` shows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from k8s import clusters, live, system
from k8s.kubectl import KubectlError
from k8s.trial import Trial, trial
from k8s.waiting import GaveUpError, until
from labkit.checks import CheckFailed
from labkit.course.catalog import load_catalog
from labkit.course.labtoml import PATIENCE
from labkit.course.mutants import load_mutants, write_submission

ROOT = Path(__file__).resolve().parents[2]
KUBECONFIG = os.environ.get("MLOPS_LAB_CLUSTER")
IMAGE = os.environ.get("IMAGE")
MUTANTS = {mutant.name: mutant for mutant in load_mutants(ROOT, load_catalog(ROOT).lab("3"))}

pytestmark = [
    pytest.mark.skipif(
        not (KUBECONFIG and IMAGE), reason="no cluster was named: `make cluster-up`, then `make live-kubernetes`"
    ),
    pytest.mark.skipif("MLOPS_LAB_TRACK" in os.environ, reason="these are changes of the solution"),
]


@pytest.fixture(scope="module")
def site() -> Iterator[Trial]:
    assert KUBECONFIG is not None
    assert IMAGE is not None
    os.environ["KUBECONFIG"] = KUBECONFIG
    # By its full name it has no other one, and nothing is rolled out only to see that the smoke test fails.
    with trial(clusters.current(), live.another_name(IMAGE), ROOT / "solutions") as one:
        live.begin(one, seconds=300)
        yield one


@pytest.mark.parametrize(
    ("name", "check", "says"),
    [
        ("3.2_selector_matches_nothing", live.the_service_leads_to_the_pods, "its selector finds 0 pods"),
        ("3.2_target_port_of_another_name", live.the_service_leads_to_the_pods, "an answer of http://ml-api/readyz"),
        ("3.4_budget_that_blocks_every_drain", live.the_budget_lets_one_pod_go_at_a_time, "disruptionsAllowed 0"),
        ("3.4_everybody_gets_in", live.a_stranger_does_not_get_in, "it got in"),
        ("3.4_no_dns", live.a_stranger_does_not_get_in, "DNS"),
        ("3.4_target_of_another_name", live.the_autoscaler_reads_the_load, "AbleToScale False"),
        ("3.6_smoke_test_by_the_proxy", live.a_good_image_is_rolled_out, "rolled back"),
        ("3.1_mount_without_a_volume", None, "volumeMounts"),
        ("3.1_root", None, "runAsNonRoot"),
        ("3.3_config_map_without_hash", live.another_setting_makes_new_pods, "INFO"),
    ],
)
def test_a_wrong_answer_is_seen_broken(
    site: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, check: live.Check | None, says: str
) -> None:
    """Where no check is named, the cluster does not take it, or makes no pod of it."""
    write_submission(MUTANTS[name], tmp_path / system.LAB)
    wrong = replace(site, track=tmp_path)
    monkeypatch.setenv(PATIENCE, "1")  # what never comes need not be waited for
    try:
        with pytest.raises((CheckFailed, KubectlError, GaveUpError)) as refused:
            _see(wrong, check)
    except live.Skip as skip:
        pytest.skip(str(skip))
    assert says in str(refused.value)


def _see(wrong: Trial, check: live.Check | None) -> None:
    """Raise what a check says of it, or what the cluster does.

    `apply` waits for pods. What is no pod follows when it does: the EndpointSlice its Service, the proxy on each node
    the slice, the network its policy. Until then the tree before answers, so a check that is content is asked again.
    """
    wrong.apply()
    if check is not None:
        until("the cluster follows the change", lambda: _is_broken(wrong, check), 20)


def _is_broken(wrong: Trial, check: live.Check) -> bool:
    """False where a check is content; else it raises."""
    check(wrong)
    return False
