"""The commands of the Makefile: python -m k8s up|deploy|smoke|secrets|addon|down."""

from __future__ import annotations

import argparse
import subprocess
import sys

from k8s import clusters, installing, system
from k8s.kubectl import KubectlError
from k8s.offline.building import BuildError
from k8s.offline.cluster import CannotError
from k8s.waiting import GaveUpError

# Exit statuses. 1 is any other error, and 2 a wrong option.
CANNOT = 3  # this machine lacks something
GAVE_UP = 4  # it did not come about in time


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m k8s", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="make a cluster, or what of it does not run yet")
    up.add_argument(
        "--offline", action="store_true", help="built from source, for machines that reach no image registry"
    )
    build = commands.add_parser("build", help="build the programs of the offline cluster, and start nothing")
    build.add_argument("--jobs", type=int, default=2, help="how many compilers run at once")
    deploy = commands.add_parser("deploy", help="build the image of the service, and roll it out")
    deploy.add_argument("--mine", action="store_true", help="your own labs/, and not the solutions")
    deploy.add_argument("--image", help="an image that the cluster can get, in place of one that is built here")
    deploy.add_argument(
        "--metrics", action="store_true", help="the service as week 6 makes it, with /metrics and a line per prediction"
    )
    for command, words in (
        ("secrets", "make the passwords of an add-on"),
        ("addon", "apply an add-on, and wait for it"),
    ):
        one = commands.add_parser(command, help=words)
        one.add_argument("name", choices=[name for name in installing.ADD_ONS if name != "prefect-postgres"])
        one.add_argument("--postgres", action="store_true", help="prefect on PostgreSQL, and not on SQLite")
    one.add_argument("--mine", action="store_true", help="your own labs/, and not the solutions")
    one.add_argument("--no-image", action="store_true", help="build no image: the cluster gets it by itself")
    image = commands.add_parser(
        "image", help="build the image of the service, load it into the cluster, print its name"
    )
    image.add_argument("--mine", action="store_true", help="your own labs/, and not the solutions")
    commands.add_parser("smoke", help="ask the service as a user would, through Ingress and Service")
    commands.add_parser("down", help="remove the cluster; what was built stays")
    kubectl = commands.add_parser("kubectl", help="run kubectl on that cluster: kubectl get pods", add_help=False)
    kubectl.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("kubeconfig", help="print which cluster the other commands mean")
    return made


def main() -> int:
    asked = parser().parse_args()
    try:
        match asked.command:
            case "up":
                clusters.up(offline=asked.offline)
            case "build":
                clusters.build(asked.jobs)
            case "deploy":
                _deploy(asked)
            case "secrets":
                installing.make_secrets(clusters.current(), _name(asked))
            case "addon":
                track = "labs" if asked.mine else "solutions"
                installing.lay(clusters.current(), _name(asked), track, with_image=not asked.no_image)
            case "image":
                name = system.build_image("labs" if asked.mine else "solutions")
                clusters.current().load(name)
                print(name)
            case "smoke":
                system.smoke(clusters.current())
            case "down":
                clusters.down()
            case "kubectl":
                return subprocess.run(clusters.current().kubectl.command(*asked.arguments), check=False).returncode
            case "kubeconfig":
                print(clusters.current().kubeconfig)
    except (clusters.ClusterError, system.ServiceError, installing.AddOnError, KubectlError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (BuildError, CannotError, system.NoEngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return CANNOT
    except GaveUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return GAVE_UP
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
        print(f"error: `{' '.join(map(str, error.cmd))}` failed\n{words[-2000:]}", file=sys.stderr)
        return 1
    return 0


def _deploy(asked: argparse.Namespace) -> None:
    cluster, track, image = clusters.current(), "labs" if asked.mine else "solutions", asked.image
    if asked.metrics and image is None:
        image = installing.build_service_with_metrics(track)
        cluster.load(image)
    system.deploy(cluster, track, image)


def _name(asked: argparse.Namespace) -> str:
    if asked.postgres and asked.name != "prefect":
        raise installing.AddOnError(f"`--postgres` belongs to `prefect`, and not to `{asked.name}`")
    return f"{asked.name}-postgres" if asked.postgres else str(asked.name)


if __name__ == "__main__":
    sys.exit(main())
