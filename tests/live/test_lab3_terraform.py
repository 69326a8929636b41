"""The Terraform of 3.7 planned, applied and destroyed, against a stand-in for AWS on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_lab.processes import serve

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solutions" / "lab3_kubernetes" / "terraform"
MIRROR = "TF_PLUGINS"
"""The environment variable with the folder of a provider mirror; `/opt/tf-plugins` where it is not set."""
SERVICES = ("eks", "ec2", "iam", "ecr", "sts", "s3", "budgets")
VARIABLES = {
    "owner": "test",
    "github_repository": "someone/lab",
    "alarm_email": "someone@example.com",
    "api_cidrs": '["203.0.113.0/24"]',
}
# What moto does not know is planned, and not applied.
UNKNOWN = (
    ("aws_eks_addon", "pod_identity"),
    ("aws_eks_addon", "network"),
    ("aws_eks_pod_identity_association", "ml_api"),
    ("aws_budgets_budget", "monthly"),
)


def mirror() -> Path:
    """The folder of the AWS provider."""
    return Path(os.environ.get(MIRROR, "/opt/tf-plugins"))


pytestmark = [
    pytest.mark.skipif(os.environ.get("MLOPS_LAB_LIVE") != "1", reason="`make test-live` runs it"),
    pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on this machine"),
    pytest.mark.skipif(
        not (mirror() / "registry.terraform.io" / "hashicorp" / "aws").is_dir(),
        reason=f"there is no mirror of the AWS provider: `terraform providers mirror`, then {MIRROR}=folder",
    ),
]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[str]:
    """The address of moto's AWS."""
    environment = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    command = [str(ROOT / ".venv" / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", "{port}"]
    with serve(command, health="/moto-api/", env=environment, cwd=tmp_path, timeout=240) as server:
        yield server.url


def overlay(url: str, *, apply: bool) -> str:
    """What the test adds: a state in a file, moto's address, and what moto needs."""
    addresses = "\n".join(f'    {name} = "{url}"' for name in SERVICES)
    unknown = "".join(f'resource "{kind}" "{name}" {{\n  count = 0\n}}\n' for kind, name in UNKNOWN) if apply else ""
    return f"""
terraform {{
  backend "local" {{}}
}}
provider "aws" {{
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  endpoints {{
{addresses}
  }}
}}
{unknown}"""


def run(folder: Path, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run Terraform; return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    variables = {f"TF_VAR_{name}": value for name, value in VARIABLES.items()}
    done = subprocess.run(
        ["terraform", *words, "-no-color"],
        cwd=folder,
        env={**kept, **variables, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert done.returncode in codes, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(1800)
def test_it_is_planned_applied_and_destroyed(aws: str, tmp_path: Path) -> None:
    folder = tmp_path / "terraform"
    shutil.copytree(SOLUTION, folder)
    extra = folder / "moto_override.tf"
    extra.write_text(overlay(aws, apply=False), encoding="utf-8")
    run(folder, "init", "-input=false", f"-plugin-dir={mirror()}")
    assert run(folder, "validate").strip() == "Success! The configuration is valid."
    planned = run(folder, "plan", "-input=false")
    assert all(f"{kind}.{name} will be created" in planned for kind, name in UNKNOWN)

    extra.write_text(overlay(aws, apply=True), encoding="utf-8")
    applied = run(folder, "apply", "-input=false", "-auto-approve")
    made = run(folder, "state", "list").split()
    assert "Apply complete!" in applied and "aws_eks_cluster.main" in made and "aws_ecr_repository.ml_api" in made

    destroyed = run(folder, "destroy", "-input=false", "-auto-approve")
    assert "Destroy complete!" in destroyed
    assert run(folder, "state", "list").split() == []


@pytest.mark.timeout(120)
def test_it_is_written_as_terraform_writes_it() -> None:
    run(SOLUTION, "fmt", "-check", "-diff")
