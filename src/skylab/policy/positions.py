"""Where the statements stand in a policy's text, as the simulator's MatchedStatements show it.

AWS counts lines from 1, and gives the column behind a brace, from 1: the example of
https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html
"""

import json
import re
from typing import NamedTuple

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]')
OF_POLICY = 1  # how deep the policy's own members lie


class Position(NamedTuple):
    line: int
    column: int


def spans(text: str) -> list[tuple[Position, Position]]:
    """Of each statement, in order. text: a policy's, parsed before."""
    found, depth, start, inside, statements, last = [], 0, 0, 0, False, ""
    for token in TOKEN.finditer(text):
        sign = token[0]
        if sign in "{[":
            depth += 1
            if statements and sign == "{" and not inside:
                start, inside = token.end(), depth
        elif sign in "}]":
            if inside == depth:
                found.append((_position(text, start), _position(text, token.end())))
                inside = 0
            depth -= 1
        elif sign == ":" and depth == OF_POLICY:
            statements = json.loads(last) == "Statement"
        last = sign
    return found


def _position(text: str, behind: int) -> Position:
    line_start = text.rfind("\n", 0, behind) + 1
    return Position(text.count("\n", 0, behind) + 1, behind - line_start + 1)
