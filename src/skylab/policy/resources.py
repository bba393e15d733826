"""The Resource element: ARNs with wildcards, compared segment by segment, with variables in the last.

An ARN of fewer than six segments is completed with *; a variable before the fifth colon stands for nothing.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

from skylab.kernel.wildcard import like
from skylab.policy.patterns import Patterns, patterns, wild
from skylab.policy.variables import Context, Template, masked, template

SEGMENTS = 6


@dataclass(frozen=True, slots=True)
class Resources:
    whole: Patterns  # no wildcard before the fifth colon: a comparison of the whole text is one of each segment
    segmented: tuple[tuple[str, ...], ...]
    variable: tuple[tuple[tuple[str, ...], Template], ...]  # five segments, and the sixth

    def match(self, arn: str, context: Context) -> bool:
        if self.whole.match(arn):
            return True
        if not self.segmented and not self.variable:
            return False
        segments = arn.split(":", SEGMENTS - 1)
        return any(alike(pattern, segments) for pattern in self.segmented) or any(
            alike(head, segments[:-1]) and last.like(segments[-1], context) for head, last in self.variable
        )

    @property
    def keys(self) -> list[str]:
        """The variables, as they are written."""
        return [key for _, last in self.variable for key in last.keys]


def alike(pattern: tuple[str, ...], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        sign == "*" or sign == segment or (wild(sign) and like(sign, segment))
        for sign, segment in zip(pattern, segments, strict=True)
    )


def resources(texts: Iterable[str], variables: bool) -> Resources:
    """variables: the policy's version knows them."""
    whole, segmented, variable = [], [], []
    for text in texts:
        if variables and template(text):
            if (end := _fifth_colon(text)) is not None and (last := template(text[end + 1 :])):
                variable.append((tuple(text[:end].split(":")), last))
        elif not text.startswith("arn:"):
            whole.append(text)
        else:
            segments = completed(text)
            if any(map(wild, segments[:-1])):
                segmented.append(tuple(segments))
            else:
                whole.append(":".join(segments))
    return Resources(patterns(whole), tuple(segmented), tuple(variable))


def completed(text: str) -> list[str]:
    segments = text.split(":", SEGMENTS - 1)
    return segments + ["*"] * (SEGMENTS - len(segments))


def _fifth_colon(text: str) -> int | None:
    """None where there is none, or a variable comes before it."""
    bare, at = masked(text), -1
    for _ in range(SEGMENTS - 1):
        if (at := bare.find(":", at + 1)) < 0:
            return None
    return None if "\0" in bare[:at] else at
