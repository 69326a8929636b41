"""A course of one lab whose exercises are files: YAML, HCL, TOML, a Dockerfile, and a module with a YAML beside it."""

from __future__ import annotations

from pathlib import Path

from tests.labkit.toy import write

from labkit.course.starters import sync

LAB_TOML = """
number = 1
name = "files"
title = "Files"
minutes = 10

[[exercise]]
id = "1.1"
title = "Two replicas"
file = "base/deployment.yaml"
minutes = 5
hints = ["Count.", "`replicas: 2`"]

[[exercise]]
id = "1.2"
title = "A region"
file = "main.tf"
minutes = 5
hints = ["An argument is `name = value`."]

[[exercise]]
id = "1.3"
title = "A port"
file = "config.toml"
minutes = 5
hints = ["Which port is free?"]

[[exercise]]
id = "1.4"
title = "No root"
file = "Dockerfile"
minutes = 5
hints = ["`USER`"]

[[exercise]]
id = "1.5"
title = "The same port twice"
file = "answer.py"
also = ["base/service.yaml"]
minutes = 5
hints = ["Read both files."]
"""

SOLUTIONS = {
    "base/deployment.yaml": """
        # What runs.
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: house-price
        spec:
          # solution 1.1
          replicas: 2
          #~ replicas: 0
          # end solution
          template:
            spec:
              containers:
                - name: api
                  # solution 1.1
                  image: registry.example/house-price:1.0
                  # end solution
        """,
    "main.tf": """
        # Where it runs.
        provider "aws" {
          // solution 1.2
          region = var.region
          // end solution
        }

        variable "region" {
          # solution 1.2
          default = "eu-central-1"
          # end solution
        }
        """,
    "config.toml": """
        title = "x"

        [server]
        # solution 1.3
        port = 8080
        # end solution
        """,
    "Dockerfile": """
        FROM python:3.11-slim
        # solution 1.4
        USER 10001
        # end solution
        """,
    "answer.py": '''
        """The port."""


        def port():
            """Return the port."""
            # solution 1.5
            return 80
            # end solution
        ''',
    "base/service.yaml": """
        kind: Service
        spec:
          ports:
            # solution 1.5
            - port: 80
            # end solution
        """,
    "__init__.py": "",
}

CHECKS = '''
import re

from labkit.checks import exercise, expect, fail


@exercise("1.1")
def test_replicas(documents):
    """The deployment has two replicas or more."""
    deployment = documents.yaml("base/deployment.yaml").one(kind="Deployment")
    replicas = deployment.get("spec", "replicas")
    if replicas is None:
        fail(expected="`spec` has `replicas`", found="none", where=deployment["spec"])
    expect.that(replicas.of(int) >= 2, expected="2 or more", found=replicas, where=replicas)


@exercise("1.1")
def test_images(documents):
    """Each container has an image with a version."""
    deployment = documents.yaml("base/deployment.yaml").one(kind="Deployment")
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        image = container["image"]
        expect.that(":" in image.of(str), expected="a version", found=image.value, where=image)


@exercise("1.2")
def test_region(documents):
    """The region is a variable with a default."""
    body = documents.hcl("main.tf")
    region = body.block("provider", "aws")["region"]
    expect.that(region.value == "${var.region}", expected="`var.region`", found=region.value, where=region)
    default = body.block("variable", "region")["default"]
    expect.that(default.of(str).startswith("eu-"), expected="a region of the EU", found=default.value, where=default)


@exercise("1.3")
def test_port(documents):
    """The server listens on a port above 1023."""
    port = documents.toml("config.toml")["server"]["port"]
    expect.that(port.of(int) > 1023, expected="above 1023", found=port.value, where=port)


@exercise("1.4")
def test_user(submitted):
    """The image does not run as root."""
    users = re.findall(r"^USER (.+)$", submitted["Dockerfile"], re.M)
    expect.that(users and users[-1] != "root", expected="a user", found=str(users))


@exercise("1.5")
def test_ports(lab, documents):
    """The function and the service say the same port."""
    port = documents.yaml("base/service.yaml").one(kind="Service")["spec"]["ports"][0]["port"]
    expect.close(lab.answer.port(), port.of(int), "the port")
'''

MUTANTS = {
    "1.1_one_replica.edit": """
        # exercise: 1.1
        # file: base/deployment.yaml
        # caught by: test_replicas
        # misconception: one is enough
        # says: 2 or more

        <<<<<<<
          replicas: 2
        =======
          replicas: 1
        >>>>>>>
        """,
    "1.1_no_version.yaml": """
        # exercise: 1.1
        # file: base/deployment.yaml
        # caught by: test_images
        # misconception: the newest image is the right one
        kind: Deployment
        spec:
          replicas: 2
          template:
            spec:
              containers:
                - image: house-price
        """,
    "1.2_other_region.tf": """
        // exercise: 1.2
        // file: main.tf
        // caught by: test_region
        // misconception: any region will do
        provider "aws" {
          region = var.region
        }
        variable "region" {
          default = "us-east-1"
        }
        """,
    "1.3_low_port.edit": """
        # exercise: 1.3
        # file: config.toml
        # caught by: test_port
        # misconception: 80 is free for everybody

        <<<<<<<
        port = 8080
        =======
        port = 80
        >>>>>>>
        """,
    "1.4_root.Dockerfile": """
        # exercise: 1.4
        # file: Dockerfile
        # caught by: test_user
        # misconception: root is needed
        FROM python:3.11-slim
        USER root
        """,
    "1.5_other_port.edit": """
        # exercise: 1.5
        # file: base/service.yaml
        # caught by: test_ports
        # misconception: the two need not agree

        <<<<<<<
            - port: 80
        =======
            - port: 81
        >>>>>>>
        """,
}


def make_course(root: Path) -> Path:
    """Write the course below `root`, with untouched starters; return it."""
    write(root / "pyproject.toml", "[project]\nname = 'toy'\n")
    write(root / "weeks" / "week1_files" / "lab.toml", LAB_TOML)
    write(root / "weeks" / "week1_files" / "README.md", "# Files\n")
    write(root / "tests" / "labs" / "test_lab1_files.py", CHECKS)
    write(root / "tests" / "labs" / "pytest.ini", "[pytest]\n")
    for name, text in SOLUTIONS.items():
        write(root / "solutions" / "lab1_files" / name, text)
    for name, text in MUTANTS.items():
        write(root / "tests" / "mutants" / "lab1_files" / name, text)
    sync(root)
    return root
