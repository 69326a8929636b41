"""HCL: arguments and blocks with their places, as Terraform takes them; the rest is refused in words."""

from __future__ import annotations

import pytest

from labkit.documents.hcl_file import read_hcl
from labkit.documents.hcl_scan import MAX_TOKENS
from labkit.documents.nodes import Empty, Expression, Refused

TEXT = """\
# Copyright
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
  backend "s3" {}
}

resource "aws_eks_cluster" "main" {
  name  = "ex-${var.name}"
  count = var.create && !var.external ? 1 : 0 // one or none
  ports = [80, -1, 2.5e1, "x", true, null, var.port]
  tags = {
    "kubernetes.io/${var.name}" = "owned"
    (local.key)                 = "y"
    plain : "say \\"hi\\" $${not_this}\\u00e9"
  }
  text = <<-EOT
    hello {
      "unbalanced
  EOT
  lifecycle {
    ignore_changes = [tags["x"],
      name]
  }
  /* a remark,
     on two lines */
}

output "x" { value = 1 }
"""

# What Terraform takes, and what the value of `a` is then.
TAKEN = {
    "a = (1 +\n  2)\n": "${(1 +\n  2)}",
    "a = merge(\n  var.x,\n  { b = 1 }, # c\n)\n": "${merge(\n  var.x,\n  { b = 1 }, # c\n)}",
    "a = x ? {\n  b = 1\n} : {}\n": "${x ? {\n  b = 1\n} : {}}",
    "a = [for k, v in x : k if v]\n": "${[for k, v in x : k if v]}",
    "a = { for k, v in x : k => v... }\n": "${{ for k, v in x : k => v... }}",
    "a = x.*.id\n": "${x.*.id}",
    'a = x[*].y["z"].0\n': '${x[*].y["z"].0}',
    "a = provider::aws::arn(x)\n": "${provider::aws::arn(x)}",
    'a = "%{ if x ~}y%{ else }z%{ endif }"\n': "%{ if x ~}y%{ else }z%{ endif }",
    'a = "${~ x ~}"\n': "${~ x ~}",
    'a = "${"${x}"}"\n': '${"${x}"}',
    "a = 1 + 2\n\n# c\nb = 1\n": "${1 + 2}",
    "a = -x\n": "${-x}",
    "a = <<E\nE\nb = 1\n": "",
    "a = <<E\n ${x}\nE\n": " ${x}\n",
    "a = [ # c\n  1, # d\n  2,\n]\n": [1, 2],
    "a = {\n  b = 1, c = 2\n  d = 3 }\n": {"b": 1, "c": 2, "d": 3},
    "a = []\r\nb = 1\r\n": [],
    "a = 1 /* x */\n": 1,
    "a = 1e3": 1000.0,
    "for = 1\nin = 2\na = null\n": None,
}


def test_a_body_is_plain_values() -> None:
    assert read_hcl(TEXT).plain() == {
        "terraform": [
            {
                "required_providers": [{"aws": {"source": "hashicorp/aws", "version": "~> 6.0"}}],
                "backend": [{"s3": {}}],
            }
        ],
        "resource": [
            {
                "aws_eks_cluster": {
                    "main": {
                        "name": "ex-${var.name}",
                        "count": "${var.create && !var.external ? 1 : 0}",
                        "ports": [80, -1, 25.0, "x", True, None, "${var.port}"],
                        "tags": {
                            "kubernetes.io/${var.name}": "owned",
                            "${(local.key)}": "y",
                            "plain": 'say "hi" ${not_this}é',
                        },
                        "text": 'hello {\n  "unbalanced\n',
                        "lifecycle": [{"ignore_changes": ['${tags["x"]}', "${name}"]}],
                    }
                }
            }
        ],
        "output": [{"x": {"value": 1}}],
    }


def test_everything_has_its_place() -> None:
    body = read_hcl(TEXT)
    assert [(block.words, block.body.line) for block in body.blocks] == [
        (("terraform",), 2),
        (("resource", "aws_eks_cluster", "main"), 9),
        (("output", "x"), 30),
    ]
    main = body.blocks[1].body
    assert isinstance(main.value, dict)
    places = {key: (node.line, node.column) for key, node in main.value.items()}
    assert places == {
        "name": (10, 3),
        "count": (11, 3),
        "ports": (12, 3),
        "tags": (13, 3),
        "text": (18, 3),
        "lifecycle": (22, 3),
    }
    tags, ports = main.value["tags"].value, main.value["ports"].value
    assert isinstance(tags, dict) and isinstance(ports, list)
    assert [node.line for node in tags.values()] == [14, 15, 16]
    assert [node.column for node in ports] == [12, 16, 20, 27, 32, 38, 44]
    ignored = main.blocks[0].body.value
    assert isinstance(ignored, dict) and isinstance(ignored["ignore_changes"].value, list)
    assert [node.line for node in ignored["ignore_changes"].value] == [23, 24]


def test_what_is_computed_is_told_from_what_is_written() -> None:
    body = read_hcl('a = var.x\nb = "${x}"\nc = "x"\nd = <<E\n${x}\nE\ne = "$${x}"\n').value
    assert isinstance(body, dict)
    assert {key: isinstance(node.value, Expression) for key, node in body.items()} == {
        "a": True,
        "b": True,
        "c": False,
        "d": True,
        "e": False,
    }


@pytest.mark.parametrize("text", TAKEN)
def test_what_terraform_takes(text: str) -> None:
    assert read_hcl(text).plain()["a"] == TAKEN[text]


@pytest.mark.parametrize(
    ("text", "line", "column", "why"),
    [
        ("a = 1\na = 2\n", 2, 1, "`a` stands twice in one block, first in line 1"),
        ("a = []\na {\n}\n", 2, 1, "`a` is an argument in line 1 and a block here"),
        ("a {\n}\na = 1\n", 3, 1, "`a` stands twice"),
        ('a = {\n  b = 1\n  "b" = 2\n}\n', 3, 3, "the key `b` stands twice, first in line 2"),
        ("a = 1 b = 2\n", 1, 7, "a second argument in one line"),
        ("a = 1 + 2 b = 2\n", 1, 11, "a second argument in one line"),
        ("a = 1 +\n  2\n", 1, 8, "the line ends inside an expression"),
        ("a = x ?\n  1 : 2\n", 1, 8, "the line ends inside an expression"),
        ("a = {\n  b = 1 +\n  2\n}\n", 2, 10, "the line ends inside an expression"),
        ('a "b"\n{\n}\n', 2, 1, "the `{` of a block stands in another line than its name"),
        ("a { b = 1\n}\n", 1, 5, "an argument in the line of the `{`"),
        ("a {\n  b = 1 }\n", 2, 3, "an argument in the line of the `}`"),
        ("a { b {} }\n", 1, 5, "a block in one line holds one argument only"),
        ("a = { b = 1 c = 2 }\n", 1, 13, "two elements with nothing between them"),
        ("a = 'x'\n", 1, 5, "`'` is no quote in HCL"),
        ('a = "x\nb = 1\n', 1, 5, "a text that is not closed in its line"),
        ('a = "x', 1, 5, 'the `"` that begins here is not closed'),
        ('a = "${x\n', 1, 6, "the `${` that begins here is not closed"),
        ('a = "\\d"\n', 1, 5, "the unknown escape `\\d`"),
        ('a = "\\u0000"\n', 1, 5, "a NUL character stands in the text"),
        ('a = "\\ud800"\n', 1, 5, "U+D800 stands in the text"),
        ("a = <<E\nx\n", 1, 5, "the here-document `E` is not closed"),
        ("/* x\n", 1, 1, "a comment that is not closed"),
        ("a {\n", 1, 3, "the `{` that begins here is not closed"),
        ("}\n", 1, 1, "`}` closes nothing"),
        ("a = [\n}\n", 2, 1, "`}` cannot close the `[` of line 1"),
        ("a = [\n  1\n  2\n]\n", 3, 3, "`2` is not expected here"),
        ("a : 1\n", 1, 3, "`:` is not expected here"),
        ("a =\n", 1, 4, "the line ends where something more is wanted"),
        ('region "eu"\nzone = 1\n', 2, 1, "`zone` is not expected here"),
        ("a", 1, 2, "the file ends in the middle of something"),
        ("a = 1;\n", 1, 6, "`;` is not expected here"),
        (f"a = {'9' * 30}\n", 1, 5, "a number that is too large"),
        ("a = 1e999\n", 1, 5, "a number that is too large"),
        ('a "b" "c" "d" "e" {}\n', 1, 1, "a block with more than 3 labels"),
        ('a "${b}" {}\n', 1, 3, "a label with something put in"),
        ("a = \x00\n", 1, 5, "a NUL character"),
        (f"a = {'[' * 60}\n", 1, 55, "more than 50 levels stand in one another"),
        (f"a = {'1 + ' * MAX_TOKENS}1\n", 1, 15999, f"more than {MAX_TOKENS:,} words and signs"),
    ],
)
def test_what_is_refused_is_said_with_its_place(text: str, line: int, column: int, why: str) -> None:
    with pytest.raises(Refused) as caught:
        read_hcl(text)
    assert why in caught.value.why
    assert caught.value.line == line
    assert caught.value.column == column or "words and signs" in why


@pytest.mark.parametrize(
    ("text", "why"), [("", "is empty"), ("\n \n", "is empty"), ("# x\n// y\n/* z */\n", "nothing but comments")]
)
def test_an_empty_file_is_said_to_be_empty(text: str, why: str) -> None:
    with pytest.raises(Empty, match=why):
        read_hcl(text)


def test_a_file_has_a_largest_size() -> None:
    with pytest.raises(Refused, match="at most 65,536 are read as HCL"):
        read_hcl(f'a = "{"x" * 65_536}"\n')
