"""Marks: starters are made from solutions, and a mark that is not one is an error with file and line."""

from __future__ import annotations

import textwrap

import pytest

from labkit.course.marks import MarkError, can_be_marked, focus, open_todos, parse, reference, solution_parts, starter

TITLES = {"1.1": "Split by time", "1.2": "Build the model"}

SOLUTION = textwrap.dedent(
    '''
    """House prices."""

    #~ import pandas as pd


    def split(sales):
        """Split."""
        # solution 1.1
        flips = sales[sales.id.duplicated()]
        #~ # Which houses are sold twice?
        return flips
        # end solution


    # solution 1.2
    def build():
        return 1
    # end solution


    def tail():
        for x in range(3):
            # solution 1.1
            print(x)
            # end solution
    '''
).lstrip()

STARTER = textwrap.dedent(
    '''
    """House prices."""

    import pandas as pd


    def split(sales):
        """Split."""
        # TODO 1.1: Split by time
        # Which houses are sold twice?
        raise NotImplementedError


    # TODO 1.2: Build the model


    def tail():
        for x in range(3):
            # TODO 1.1: Split by time
            raise NotImplementedError
    '''
).lstrip()


def test_a_starter_has_holes_where_the_solution_was() -> None:
    assert starter(SOLUTION, "house.py", TITLES) == STARTER


def test_a_starter_may_have_some_exercises_solved() -> None:
    text = starter(SOLUTION, "house.py", TITLES, ["1.1"])
    assert "flips = sales" in text and "TODO 1.2" in text and "TODO 1.1" not in text
    stand_in = "# solution 1.1\nA = 1\n# end solution\n#~ A = 0\nB = 2\n#~ C = 3\n"
    assert starter(stand_in, "a.py", TITLES, ["1.1"]) == "A = 1\nB = 2\nC = 3\n"
    assert starter(stand_in, "a.py", TITLES) == "# TODO 1.1: Split by time\nA = 0\nB = 2\nC = 3\n"


def test_the_reference_has_no_marks_and_nothing_of_the_starter() -> None:
    text = reference(SOLUTION, "house.py")
    assert "solution" not in text
    assert "#~" not in text
    assert "    return flips\n" in text
    assert "def build():\n    return 1\n" in text


def test_parts_are_the_blocks_of_each_exercise() -> None:
    first = "    flips = sales[sales.id.duplicated()]\n    return flips\n"
    assert solution_parts(SOLUTION) == {"1.1": [first, "        print(x)\n"], "1.2": ["def build():\n    return 1\n"]}


def test_focus_shows_one_exercise_alone() -> None:
    lines = focus(SOLUTION, "house.py", "1.2", TITLES)
    assert [line for line, mine in lines if mine] == ["def build():", "    return 1"]
    assert "flips" not in "\n".join(line for line, _ in lines)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("app.js", "  // solution 1.1\n  f();\n  // end solution\n", "  // TODO 1.1: Split by time\n"),
        ("a.html", "<!-- solution 1.1 -->\n<p>\n<!-- end solution -->\n", "<!-- TODO 1.1: Split by time -->\n"),
        ("a.html", "  <!--~ <b>write</b> -->\n", "  <b>write</b>\n"),
        ("app.js", "//~ let x;\n", "let x;\n"),
        ("Dockerfile", "  # solution 1.1\n  RUN x\n  # end solution\n", "  # TODO 1.1: Split by time\n"),
        (
            "a.yaml",
            "a:\n  # solution 1.1\n  b: 1\n  #~ b: 0\n  # end solution\n",
            "a:\n  # TODO 1.1: Split by time\n  b: 0\n",
        ),
        ("a.yml", "- a\n# solution 1.1\n- b\n# end solution\n", "- a\n# TODO 1.1: Split by time\n"),
        ("a.tf", "a {\n  // solution 1.1\n  b = 1\n  // end solution\n}\n", "a {\n  // TODO 1.1: Split by time\n}\n"),
        ("a.tf", "# solution 1.1\nb = 1\n//~ b = 2\n# end solution\n", "# TODO 1.1: Split by time\nb = 2\n"),
        ("a.toml", "[a]\n# solution 1.1\nb = 1\n# end solution\n", "[a]\n# TODO 1.1: Split by time\n"),
        ("Dockerfile", "FROM a\n#~ USER root\n", "FROM a\nUSER root\n"),
        ("a.json", '{"a": "# solution 1.1"}\n', '{"a": "# solution 1.1"}\n'),
        ("a.py", "#~\nx = 1\n", "\nx = 1\n"),
        ("a.py", "x = 1\r\n# solution 1.1\r\ny = 2\r\n# end solution\r\n", "x = 1\n# TODO 1.1: Split by time\n"),
        ("a.py", "x = 1", "x = 1\n"),
        ("a.py", "", ""),
        ("a.py", "x = '\x0c'\n", "x = '\x0c'\n"),
    ],
)
def test_every_kind_of_comment(name: str, text: str, wanted: str) -> None:
    assert starter(text, name, TITLES) == wanted


@pytest.mark.parametrize("sign", ["# {}", "// {}", "<!-- {} -->"])
@pytest.mark.parametrize(
    ("lines", "line", "why"),
    [
        (["solution 1.1", "solution 1.2", "end solution"], 2, "nested"),
        (["solution 1.1"], 1, "has no `end solution`"),
        (["end solution"], 1, "without a `solution` mark"),
        (["solution 1.1", "end solution", "end solution"], 3, "without a `solution` mark"),
        (["solution 1.3", "end solution"], 1, "no exercise `1.3`"),
        (["solution", "end solution"], 1, "broken mark"),
        (["Solution 1.1", "end solution"], 1, "broken mark"),
        (["solution 1.1:", "end solution"], 1, "broken mark"),
        (["solution 1,1", "end solution"], 1, "broken mark"),
        (["solution 1.1 title", "end solution"], 1, "broken mark"),
        (["solution 1.1", "end  solution"], 2, "broken mark"),
        (["solution 1.1", "end solution 1.1"], 2, "broken mark"),
        (["solution 1.1", "endsolution"], 2, "broken mark"),
        (["solution 1.1", "end-solution"], 2, "broken mark"),
        (["x", "solution 1.1", "  end solution"], 3, "broken mark"),
    ],
)
def test_a_wrong_mark_names_file_and_line(sign: str, lines: list[str], line: int, why: str) -> None:
    text = "\n".join(sign.format(line) for line in lines)
    with pytest.raises(MarkError, match=rf"^lab/house\.py:{line}: .*{why}"):
        parse(text, "lab/house.py", TITLES)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("    # solution 1.1\n# end solution\n", 2, "indented like the mark of line 1"),
        ("# solution 1.1\n\t# end solution\n", 2, "indented like the mark of line 1"),
        ("# solution 1.1\n// end solution\n", 2, "same kind of comment"),
        ("<!-- solution 1.1\n<!-- end solution -->\n", 1, "belong together"),
        ("#solution 1.1\n# end solution\n", 1, "broken mark"),
        ("#~import os\n", 1, "broken mark"),
    ],
)
def test_a_mark_of_another_shape_is_an_error(text: str, line: int, why: str) -> None:
    with pytest.raises(MarkError, match=rf"^a\.py:{line}: .*{why}"):
        parse(text, "a.py", TITLES)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "a.yaml",
            "a: 1\n// solution 1.1\n// end solution\n",
            "`//` begins no comment in this kind of file: .* with `#`",
        ),
        ("b/a.yml", "a: 1\n<!--~ x -->\n", "`<!--` begins no comment"),
        ("a.toml", "a = 1\n//~ b = 1\n", "`//` begins no comment"),
        ("docker/Dockerfile", "FROM a\n// solution 1.1\n// end solution\n", "`//` begins no comment"),
        (
            "a.tf",
            "a = 1\n<!-- solution 1.1 -->\n<!-- end solution -->\n",
            "`<!--` begins no comment .* with `#` or `//`",
        ),
        ("a.json", "{\n# solution 1.1\n# end solution\n}\n", "JSON has no comments, so it cannot hold the mark `# sol"),
        ("a.json", "{\n  //~ 1\n}\n", "JSON has no comments"),
    ],
)
def test_a_mark_must_be_a_comment_of_its_file(name: str, text: str, why: str) -> None:
    with pytest.raises(MarkError, match=rf"^{name}:2: {why}"):
        starter(text, name, TITLES)


def test_some_files_can_hold_no_mark() -> None:
    assert [can_be_marked(name) for name in ("a.json", "b/package.JSON")] == [False, False]
    assert all(can_be_marked(name) for name in ("a.yaml", "a.tf", "Dockerfile", "a.py", "a.unknown"))


def test_an_unknown_exercise_suggests_the_nearest() -> None:
    with pytest.raises(MarkError, match=r"Did you mean `1\.2`\?"):
        starter("# solution 1.22\n# end solution\n", "a.py", TITLES)


@pytest.mark.parametrize(
    "text", ["# the solution 1.1 is here", "# solution of the puzzle", "# solutions are below", "x = '# solution 1.1'"]
)
def test_other_comments_are_no_marks(text: str) -> None:
    assert starter(f"{text}\n", "a.py", TITLES) == f"{text}\n"


def test_open_todos_are_found_with_their_lines() -> None:
    assert open_todos(STARTER) == {"1.1": 8, "1.2": 13}
    assert open_todos("<!-- TODO 2.10: x -->\n  // TODO 2.1\n# todo 2.2: no\n# TODO later\n") == {"2.10": 1, "2.1": 2}
    assert open_todos("x = '\u2028'\n#TODO 1.1: x\n") == {"1.1": 2}


def test_a_starter_with_code_of_its_own_needs_no_error() -> None:
    text = "def f():\n    # solution 1.1\n    return 1\n    #~ return 0\n    # end solution\n"
    assert starter(text, "a.py", {"1.1": "One"}) == "def f():\n    # TODO 1.1: One\n    return 0\n"


def test_a_formatter_may_put_a_space_into_a_mark() -> None:
    text = "# solution 1.1\nx = 1\n# ~ x = 0\n# end solution\n"
    assert starter(text, "a.py", {"1.1": "One"}) == "# TODO 1.1: One\nx = 0\n"
    assert reference(text, "a.py") == "x = 1\n"
