"""Reads HCL, the language of Terraform: attributes and blocks with their places.

python-hcl2's grammar says what belongs together. Where it lets pass what Terraform refuses (two attributes in one line,
an expression that goes on in the next one), this module refuses it.
"""

from __future__ import annotations

import bisect
import math
import re

import hcl2
from hcl2.parser import parser
from lark import Token, Tree
from lark.exceptions import LarkError, UnexpectedInput

from labkit.documents.bounds import bounded, hidden_character, nothing_but_comments, position
from labkit.documents.hcl_scan import Scanner
from labkit.documents.nodes import Block, Expression, Node, Refused, Scalar

MAX_BYTES = 64 * 1024
"""Largest file that is read; see also `hcl_scan.MAX_TOKENS`."""
MAX_LABELS = 3

_ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|(\$\$\{|%%\{)")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_SHAPES = "an argument is `name = value`, a block is `name {` and lines up to its `}`"
_NAME = re.compile(r"\s*[\w-]+")

Branch = Tree[Token]


def get_ready() -> None:
    """Load the grammar. The first time ever takes two seconds; python-hcl2 keeps it beside itself, then it is 60 ms."""
    parser()


def read_hcl(text: str) -> Node:
    """The body of a file. Raises `Refused`."""
    return _Reader(bounded(text, "HCL", MAX_BYTES)).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.scan = Scanner(text).run()

    def read(self) -> Node:
        try:
            tree = hcl2.parses_to_tree(self.scan.masked)
        except UnexpectedInput as error:
            raise self._unexpected(error) from None
        except LarkError as error:
            raise Refused(str(error).partition("\n")[0]) from None
        body = self._body(_branches(tree)[0], 0, Node({}, 1, 1))
        if not body.value:
            raise nothing_but_comments("HCL")
        return body

    def _body(self, tree: Branch, depth: int, node: Node) -> Node:
        """Fill `node` with what stands in a body; `depth` is how many brackets are around it."""
        blocks: list[Block] = []
        known: set[str] = set()
        end = -1
        for item in _branches(tree):
            if item.data not in ("attribute", "block"):
                continue
            if end >= 0 and not self._parted(end, item.meta.start_pos):
                raise self._refused(
                    "a second argument in one line", item, "each argument and each block has its own line"
                )
            end = self._end(item)
            if item.data == "block":
                blocks.append(self._block(item, depth, node, known))
            else:
                self._attribute(item, depth, node)
        node.blocks = tuple(blocks)
        return node

    def _attribute(self, item: Branch, depth: int, node: Node) -> None:
        name, expression = _branches(item)
        key = self._source(name)
        there = _map(node)
        if key in there:
            first = there[key].line
            raise self._refused(
                f"`{key}` stands twice in one block, first in line {first}", item, "keep one of the two"
            )
        there[key] = self._value(expression, depth, item)

    def _block(self, item: Branch, depth: int, node: Node, known: set[str]) -> Block:
        """A block; `known` are the types of those before it in the same body."""
        *named, tree = [branch for branch in _branches(item) if branch.data != "new_line_or_comment"]
        self._has_block_shape(item, tree)
        words = tuple(self._label(one) for one in named)
        if len(words) > 1 + MAX_LABELS:
            raise self._refused(f"a block with more than {MAX_LABELS} labels", item, "look for a missing `{` or `=`")
        body = self._body(tree, depth + 1, self._node({}, item))
        there = _map(node)
        if words[0] in there and words[0] not in known:
            why = f"`{words[0]}` is an argument in line {there[words[0]].line} and a block here"
            raise self._refused(why, item, "keep one of the two")
        known.add(words[0])
        same = there.setdefault(words[0], self._node([], item))
        assert isinstance(same.value, list)
        labelled = body
        for label in reversed(words[1:]):
            labelled = self._node({label: labelled}, item)
        same.value.append(labelled)
        return Block(words, body)

    def _has_block_shape(self, item: Branch, body: Branch) -> None:
        """Terraform wants the `{` in the block's own line, and lines of their own for what stands in it."""
        brace = next(one for one in item.children if isinstance(one, Token) and one.type == "LBRACE")
        if self._parted(item.meta.start_pos, brace.start_pos or 0):
            raise self._refused(
                "the `{` of a block stands in another line than its name", brace, "put both in one line"
            )
        inside = [one for one in _branches(body) if one.data in ("attribute", "block")]
        if not inside:
            return
        open_end, close_start = brace.start_pos or 0, self._end(item) - 1
        single = not self._parted(open_end, close_start)
        if single and (len(inside) > 1 or inside[0].data == "block"):
            raise self._refused(
                "a block in one line holds one argument only", inside[-1], "give each argument its own line"
            )
        if not single and not self._parted(open_end, inside[0].meta.start_pos):
            raise self._refused("an argument in the line of the `{`", inside[0], "begin it in the next line")
        if not single and not self._parted(self._end(inside[-1]), close_start):
            raise self._refused("an argument in the line of the `}`", inside[-1], "put the `}` in the next line")

    def _label(self, tree: Branch) -> str:
        if tree.data != "string":
            return self._source(tree)
        text = self._text(tree)
        if isinstance(text, Expression):
            raise self._refused("a label with something put in", tree, "a label is plain text")
        return text

    def _value(self, tree: Branch, depth: int, item: Branch) -> Node:
        """The value of an attribute or of an element, with the place of its name."""
        self._stays_in_line(tree, depth)
        node = self._node(None, item)
        inner = _only_branch(tree) if tree.data == "expr_term" else tree
        if inner.data == "object":
            node.value = {}
            self._object(inner, depth + 1, node)
        elif inner.data == "tuple":
            parts = [one for one in _branches(inner) if one.data != "new_line_or_comment"]
            node.value = [self._value(one, depth + 1, one) for one in parts]
        else:
            node.value = self._scalar(inner)
        return node

    def _object(self, tree: Branch, depth: int, node: Node) -> None:
        parted = True
        there = _map(node)
        for item in tree.children:
            if isinstance(item, Token) or item.data == "new_line_or_comment":
                parted = parted or isinstance(item, Tree) or item.type == "COMMA"
                continue
            if not parted:
                raise self._refused(
                    "two elements with nothing between them", item, "put a comma or a line end between them"
                )
            parted = False
            name, expression = _branches(item)
            key = self._key(name)
            if key in there:
                first = there[key].line
                raise self._refused(
                    f"the key `{key[:60]}` stands twice, first in line {first}", item, "keep one of the two"
                )
            there[key] = self._value(expression, depth, item)

    def _key(self, tree: Branch) -> str:
        """A key of an object: a name, a text, or an expression as it is written."""
        inner = _branches(tree)[0]
        inner = _only_branch(inner) if inner.data == "expr_term" else inner
        if inner.data in ("identifier", "keyword", "literal_value"):
            return self._source(inner)
        value = self._scalar(inner)
        return value if isinstance(value, str) else self._source(inner)

    def _scalar(self, tree: Branch) -> Scalar:
        if tree.data == "string":
            return self._text(tree)
        source = self._source(tree)
        if tree.data == "literal_value":
            return _WORDS[source]
        if tree.data in ("int_lit", "float_lit") or (tree.data == "unary_op" and re.fullmatch(r"-[\d.eE+-]+", source)):
            return self._number(source, tree)
        return Expression(f"${{{source}}}")

    def _number(self, source: str, tree: Branch) -> int | float:
        if len(source) <= 100:
            number = float(source) if re.search(r"[.eE]", source) else int(source)
            if math.isfinite(number) and abs(number) < 2**63:
                return number
        raise self._refused("a number that is too large", tree, "write it with fewer digits")

    def _text(self, tree: Branch) -> str:
        """A text without its quotes and escapes, or a here-document; as it is written where something is put in."""
        begin = tree.meta.start_pos
        about = self.scan.texts[begin]
        if about.is_heredoc:
            return _heredoc(self.text[begin : about.end], is_template=about.is_template)
        written = self.text[begin + 1 : about.end - 1]
        if about.is_template:
            return Expression(written)
        text = _ESCAPES.sub(lambda found: self._unescaped(found, tree), written)
        if hidden := hidden_character(text.replace("\r", "")):
            raise self._refused(f"{hidden[0]} stands in the text", tree, "write it without the escape")
        return text

    def _unescaped(self, found: re.Match[str], tree: Branch) -> str:
        code = found[1] or found[2]
        if code and int(code, 16) < 0x110000:
            return chr(int(code, 16))
        if found[4]:
            return found[4][1:]
        if found[3] not in _SIMPLE:
            raise self._refused(f"the unknown escape `{found[0]}`", tree, r"write `\\` for one backslash")
        return _SIMPLE[found[3]]

    def _stays_in_line(self, tree: Branch, depth: int) -> None:
        """An expression goes on in the next line only inside brackets."""
        breaks = self.scan.breaks.get(depth, [])
        place = bisect.bisect_left(breaks, tree.meta.start_pos)
        if place < len(breaks) and breaks[place] < self._end(tree):
            line, column = position(self.text, breaks[place])
            raise Refused("the line ends inside an expression", line, column, help="put `(` and `)` around it")

    def _parted(self, start: int, end: int) -> bool:
        """Whether a line ends between two places."""
        return "\n" in self.text[start:end]

    def _end(self, tree: Branch) -> int:
        """Where a branch ends; the grammar adds the line ends and comments behind an operation to it."""
        begin = int(tree.meta.start_pos)
        return begin + len(self.scan.masked[begin : tree.meta.end_pos].rstrip())

    def _source(self, tree: Branch) -> str:
        return self.text[tree.meta.start_pos : self._end(tree)]

    def _node(self, value: Scalar | dict[str, Node] | list[Node], item: Branch) -> Node:
        return Node(value, item.meta.line, item.meta.column)

    def _refused(self, why: str, item: Branch | Token, help: str) -> Refused:
        at = item if isinstance(item, Token) else item.meta
        return Refused(why, at.line or 1, at.column or 1, help=help)

    def _unexpected(self, error: UnexpectedInput) -> Refused:
        """A refusal in words for what the grammar did not expect."""
        place = error.pos_in_stream
        while place is not None and self.text[place : place + 1] in (" ", "\t"):
            place += 1  # some signs begin with the space before them
        if place is None or place >= len(self.text):
            place = len(self.text.rstrip())
            return Refused("the file ends in the middle of something", *position(self.text, place), help=_SHAPES)
        sign = self.text[place]
        if sign == "\n":
            why, help = "the line ends where something more is wanted", _SHAPES
        elif sign == "'":
            why, help = "`'` is no quote in HCL", 'put a text in `"`'
        else:
            found = _NAME.match(self.text, place)
            why = f"`{found[0].strip()[:40] if found else sign}` is not expected here"
            help = f"look at the line above, too: {_SHAPES}, and items of a list have commas between them"
        line, column = position(self.text, place)
        return Refused(why, line, column, help=help)


def _heredoc(written: str, *, is_template: bool) -> str:
    """The lines of a here-document; with `<<-` without the indentation that they share."""
    lines = written.split("\n")[1:-1]
    if written.startswith("<<-"):
        indents = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
        lines = [line[min(indents, default=0) :] for line in lines]
    text = "".join(f"{line}\n" for line in lines)
    return Expression(text) if is_template else text


def _branches(tree: Branch) -> list[Branch]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _only_branch(tree: Branch) -> Branch:
    """What an expression is, if it is one thing without brackets around it."""
    return tree.children[0] if len(tree.children) == 1 and isinstance(tree.children[0], Tree) else tree


def _map(node: Node) -> dict[str, Node]:
    assert isinstance(node.value, dict)
    return node.value
