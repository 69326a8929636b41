"""How the checks of 2.8 read a Dockerfile: as Docker does, whatever text comes in, and in little time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab2_judges import citizen_rules, image_rules, package_rules, start_rules
from lab2_judges.command import read_start
from lab2_judges.context import Simulation, commands
from lab2_judges.dockerfile import DockerfileError, pairs, read_instructions, read_recipe
from lab2_judges.packages import HOME, overlap, reaching
from lab2_judges.patterns import PatternError, is_ignored, matches, read_ignore

from labkit.checking.expect import CheckFailed
from labkit.course.catalog import load_catalog
from labkit.course.check_functions import needs_of_mutant, read_checks
from labkit.course.marks import reference
from labkit.course.mutants import Mutant, apply_mutant, load_mutants

ROOT = Path(__file__).resolve().parents[1]
SOLUTION = ROOT / "solutions" / "lab2_service"
DOCKERFILE = reference((SOLUTION / "Dockerfile").read_text(encoding="utf-8"), "Dockerfile")
IGNORE = reference((SOLUTION / ".dockerignore").read_text(encoding="utf-8"), ".dockerignore")
LAB = load_catalog(ROOT).lab("lab2_service")
CHECKS = read_checks(ROOT, LAB)
ONLY_LIVE = [one for one in load_mutants(ROOT, LAB) if "docker" in needs_of_mutant(one, CHECKS)]
JUDGES = (
    image_rules.judge_base,
    image_rules.judge_copies,
    image_rules.judge_service_files,
    lambda plan: image_rules.judge_unwanted(plan, ("secret", "history", "work")),
    image_rules.judge_no_secret_values,
    package_rules.judge_lock,
    package_rules.judge_no_build_tools,
    start_rules.judge_user,
    start_rules.judge_start,
    start_rules.judge_server,
    citizen_rules.judge_health,
    citizen_rules.judge_models,
    citizen_rules.judge_labels,
)


def verdicts(dockerfile: str, ignore: str = IGNORE) -> list[str]:
    """The messages of all checks that fail; any other exception is a bug of ours."""
    try:
        plan = image_rules.read_plan({"Dockerfile": dockerfile, ".dockerignore": ignore}, ROOT, np.random.default_rng())
    except (DockerfileError, PatternError) as error:
        return [str(error)]
    found = []
    for judge in JUDGES:
        try:
            judge(plan)
        except CheckFailed as failed:
            found.append(str(failed))
    return found


def test_lines_are_put_together_as_docker_does() -> None:
    text = "# escape=`\nFROM a `\n# a comment in between\n\n  AS b\nRUN one `\n two\nLABEL x=1\n"
    read = [(one.name, " ".join(one.rest.split()), one.line) for one in read_instructions(text)]
    assert read == [("FROM", "a AS b", 2), ("RUN", "one two", 6), ("LABEL", "x=1", 8)]


def test_here_documents_belong_to_their_instruction() -> None:
    one = read_instructions("RUN <<A <<-'B'\nFROM no\nA\n\tUSER no\n\tB\nUSER me")
    assert [instruction.name for instruction in one] == ["RUN", "USER"]
    assert one[0].bodies == ("FROM no", "\tUSER no")
    with pytest.raises(DockerfileError, match="has no end"):
        read_instructions("RUN <<EOF\nnever")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no `FROM`"),
        ("RUN true", "before the first `FROM`"),
        ("FROM", "nothing stands after"),
        ("FROM ${NONE}", "has no image"),
        ("FROM a b", "needs an image"),
        ("FROM a\nRUNN x", "line 2: `RUNN` is no instruction"),
        ("ARG A=" + "x" * 999 + "\n" + "ARG A=$A$A\n" * 30 + "FROM a", "characters"),
        ("\n" * 3_000, "lines"),
    ],
)
def test_what_docker_refuses_is_named(text: str, why: str) -> None:
    with pytest.raises(DockerfileError, match=why):
        read_recipe(text)


def test_an_argument_holds_where_docker_lets_it_hold() -> None:
    text = "ARG A=1\nARG B=2\nFROM i:$A AS one\nARG A\nENV E=$A$B\nFROM one\nENV F=${E}${A:-no}${B:+yes}\\$A"
    recipe = read_recipe(text, {"A": "9"})
    assert recipe.stages[0].base == "i:9"
    assert recipe.final.environment["E"] == "9"
    assert recipe.final.environment["F"] == "99$A"
    assert recipe.base == "i:9"


def test_pairs_are_read_in_both_forms() -> None:
    assert pairs("a=1 b='2 3' c") == [("a", "1"), ("b", "2 3"), ("c", "")]
    assert pairs("path /a b") == [("path", "/a b")]
    assert pairs("a='open") == [("a", "'open")]


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("**/b", "b", True),
        ("**/b", "x/a/b", True),
        ("a/**/b", "a/b", True),
        ("a/**", "a/b/c", True),
        ("a*c", "abbc", True),
        ("a*c", "ab/c", False),
        ("[^a]?", "bb", True),
        ("[a-c].py", "b.py", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
    ],
)
def test_patterns_mean_what_they_mean_to_docker(pattern: str, path: str, wanted: bool) -> None:
    assert matches(pattern, path) is wanted


def test_the_last_rule_that_fits_decides_and_folders_count() -> None:
    rules = read_ignore("\ufeff# all\n*\n!/labs/./x\nlabs/x/*.key\n\n")
    ignored = [path for path in ("a", "labs/x/a.py", "labs/x/a.key", "labs/y/a.py") if is_ignored(path, rules)]
    assert ignored == ["a", "labs/x/a.key", "labs/y/a.py"]
    for wrong in ("!", "[a", "a\\", "x" * 999, "*\n" * 999):
        with pytest.raises(PatternError):
            read_ignore(wrong)


def test_no_pattern_takes_long() -> None:
    started = time.monotonic()
    rules = read_ignore("\n".join(["*a" * 40, "**/?*" * 30, "[^x]*" * 40, "!" + "*?" * 90] * 5))
    for length in range(0, 120, 10):
        is_ignored("a" * length + "/" + "ab" * 30, rules)
    assert time.monotonic() - started < 5


def test_files_are_followed_through_stages() -> None:
    text = (
        "FROM a AS one\nWORKDIR /w\nCOPY x/ .\nCOPY f g/\nRUN rm -rf /w/s* && cp /w/k /w/z/\n"
        'FROM a\nCOPY --from=0 /w /out\nCOPY ["f", "h"]\nCOPY f x/k /two/\nCOPY none /n\n'
    )
    simulation = Simulation(read_recipe(text), ["f", "x/k", "x/s.key", "x/d/e", "i"], read_ignore("i"))
    assert simulation.image.files == {
        "/out/k": "x/k", "/out/d/e": "x/d/e", "/out/g/f": "f", "/out/z/k": "x/k", "/h": "f", "/two/f": "f",
        "/two/k": "x/k",
    }  # fmt: skip
    assert [(one.line, one.source) for one in simulation.missing()] == [(10, "none")]


def test_commands_of_a_script() -> None:
    assert commands("A=1 B=2 x 'y z' && (u; v) | w\nexec q") == [
        ["x", "y z"], ["u"], ["v"], ["w"], ["exec", "q"],
    ]  # fmt: skip
    assert commands("it's open && b") == [["it's", "open"], ["b"]]


@pytest.mark.parametrize(
    ("run", "place"),
    [
        ("RUN pip install x", "/usr/local"),
        ("RUN /v/bin/pip install x", "/v"),
        ("RUN /v/bin/python -m pip --no-cache-dir install x", "/v"),
        ("RUN pip --python /v/bin/python install x", "/v"),
        ("RUN pip install --target=/t x", "/t"),
        ("RUN pip install --user x", HOME),
        ("WORKDIR /w\nRUN . v/bin/activate && pip install x", "/w/v"),
        ("ENV PATH=/v/bin:$PATH\nRUN pip install x", "/v"),
        ("ENV VIRTUAL_ENV=/v\nRUN uv pip install x", "/v"),
        ("RUN uv pip install --system x", "/usr/local"),
        ("RUN uv pip sync -p /v/bin/python x.txt", "/v"),
    ],
)
def test_where_an_install_goes(run: str, place: str) -> None:
    simulation = Simulation(read_recipe(f"FROM a\n{run}"), [], [])
    assert [install.place for install in reaching(simulation)] == [place]


def test_only_what_is_carried_over_reaches_the_image() -> None:
    text = "FROM a AS b\nRUN pip install --target /t x && pip install y\nFROM a\nCOPY --from=b {} /p"
    assert [one.names for one in reaching(Simulation(read_recipe(text.format("/t/x")), [], []))] == [["x"]]
    assert [one.names for one in reaching(Simulation(read_recipe(text.format("/usr/local")), [], []))] == [["y"]]
    assert overlap("/opt/venv", "/opt/venv/lib") and not overlap("/opt/venv", "/opt/venv2")


@pytest.mark.parametrize(
    ("lines", "words", "is_server"),
    [
        ('ENTRYPOINT ["a"]\nCMD ["b"]', ["a", "b"], True),
        ('CMD ["tini", "-s", "TERM", "--", "a", "b"]', ["a", "b"], True),
        ('CMD ["env", "X=1", "a"]', ["a"], True),
        ('CMD ["sh", "-ec", "x; exec a b"]', ["a", "b"], True),
        ('CMD ["sh", "-c", "a b"]', ["a", "b"], False),
        ("CMD exec a b", ["a", "b"], True),
        ("CMD a b", ["a", "b"], False),
        ('ENTRYPOINT ["a"]\nCMD b', ["a"], False),
        ("CMD ['a']", ["[a]"], False),
    ],
)
def test_what_the_container_starts(lines: str, words: list[str], is_server: bool) -> None:
    start = read_start(read_recipe(f"FROM a\n{lines}"))
    assert (start.words, not start.problem) == (words, is_server)


def test_the_solution_passes_with_any_draw() -> None:
    for _ in range(3):
        assert verdicts(DOCKERFILE) == []


DISTROLESS = """
ARG BASE=gcr.io/distroless/python3-debian12@sha256:0123
FROM debian:12.12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv=3.11.* python3-pip=23.*
ARG TRACK=labs
WORKDIR /w
COPY requirements-serve.lock requirements-train.lock ./
RUN python3 -m pip install --require-hashes --target=/packages -r requirements-serve.lock
COPY shared/mlops_lab mlops_lab
COPY solutions/lab1_models lab1_models
COPY $TRACK/lab2_service lab2_service
RUN python3 -m pip install --break-system-packages -r requirements-train.lock
RUN python3 -m lab2_service.training --out models

FROM $BASE
ARG TRACK=labs
COPY --from=build /packages /packages
COPY --from=build /w/models /models
COPY shared/mlops_lab/*.py /srv/mlops_lab/
COPY $TRACK/lab2_service /srv/lab2_service
COPY <<END /srv/health.py
import sys, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8000/livez", timeout=2)
except OSError as error:
    sys.exit(str(error))
END
ENV PYTHONPATH=/srv/:/packages MODELS_DIR=/models OMP_NUM_THREADS=1
USER nonroot:nonroot
HEALTHCHECK CMD ["python3", "/srv/health.py"]
CMD ["-m", "uvicorn", "--factory", "lab2_service.app:create_app", "--host", "0.0.0.0"]
ARG REVISION
LABEL org.opencontainers.image.title="lab 2" org.opencontainers.image.revision="${REVISION}"
"""


def test_an_image_without_a_shell_and_with_here_documents_passes() -> None:
    assert verdicts(DISTROLESS) == []


@pytest.mark.parametrize("mutant", ONLY_LIVE, ids=lambda mutant: mutant.name)
def test_what_is_left_to_the_engine_cannot_be_caught_without_it(mutant: Mutant) -> None:
    assert mutant.file == "Dockerfile"
    assert verdicts(apply_mutant(DOCKERFILE, mutant)) == []


@pytest.mark.parametrize(
    "code",
    [
        "try: urllib.request.urlopen('http://localhost:8000/livez')\nexcept Exception: raise SystemExit(1)",
        "import http.client as h; c=h.HTTPConnection('127.0.0.1', 8000); c.request('GET','/livez'); "
        "assert c.getresponse().status == 200",
        "from urllib.request import urlretrieve as ask; ask('http://127.0.0.1:8000/readyz', '/dev/null')",
    ],
)
def test_health_checks_that_can_fail_are_accepted(code: str) -> None:
    old = next(line for line in DOCKERFILE.splitlines() if "urlopen" in line)
    new = "    CMD " + json.dumps(["python", "-c", code])
    assert verdicts(DOCKERFILE.replace(old, new)) == []


LINES = [line for line in DOCKERFILE.splitlines() if line]
PIECES = st.one_of(
    st.sampled_from(LINES),
    st.sampled_from(["RUN", "COPY . /", "COPY --from=9 / /", "ADD http://x/y /", "ENTRYPOINT []", "CMD [", "USER $X"]),
    st.sampled_from(
        ["COPY --from=models", "HEALTHCHECK NONE", "ENV =", "LABEL", "EXPOSE", "RUN pip install -r", "ARG"]
    ),
    st.text(alphabet="FROMUNCPY \\\"'`$[]{}()<>=:/*?!-.ab1\t\n", max_size=40),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=40), st.text(alphabet="*?[]!/\\ab.#\n", max_size=60))
def test_no_text_breaks_the_checks(lines: list[str], ignore: str) -> None:
    assert all(isinstance(message, str) for message in verdicts("\n".join(lines), ignore))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_change_of_the_solution_breaks_the_checks(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        lines[place : place + data.draw(st.integers(0, 2))] = [data.draw(PIECES)]
    verdicts("\n".join(lines))
