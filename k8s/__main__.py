"""The commands of the Makefile: python -m k8s up|deploy|smoke|down."""

from __future__ import annotations

import argparse
import subprocess
import sys

from k8s import clusters, system
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
                system.deploy(clusters.current(), "labs" if asked.mine else "solutions", asked.image)
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
    except (clusters.ClusterError, system.ServiceError, KubectlError) as error:
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


if __name__ == "__main__":
    sys.exit(main())
