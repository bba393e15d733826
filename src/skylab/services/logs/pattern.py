"""Filter patterns of CloudWatch Logs, as a function of a message.

Terms (ERROR "with blanks" -not ?either ?or) are here, JSON selectors in selector.py. Patterns over fields ([a, b, c])
and regular expressions (%...%) are refused.
"""

import re
from collections.abc import Callable

from skylab.services.logs.selector import BadPattern, selector

__all__ = ["BadPattern", "matcher"]

TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')


def matcher(pattern: str) -> Callable[[str], bool]:
    """Raises BadPattern, which says what is wrong or not supported."""
    text = pattern.strip()
    if text.startswith("{"):
        return selector(text)
    if text.startswith("["):
        raise BadPattern("Invalid filter pattern: patterns over space-delimited fields are not supported.")
    return _terms(text)


def _terms(text: str) -> Callable[[str], bool]:
    terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
    at = 0
    while at < len(text):
        if not (match := TERM.match(text, at)):
            raise BadPattern("Invalid filter pattern: unbalanced quotes.")
        sign, quoted, plain = match.groups()
        if plain is not None and not re.fullmatch(r"\w+", plain):
            raise BadPattern(f"Invalid character(s) in term '{plain}'")
        terms[sign].append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        at = match.end()
    all_of, none_of, any_of = terms[""], terms["-"], terms["?"]
    if any_of and (all_of or none_of):
        # AWS's page on the syntax says no more than that such a mixture does not mean what it seems to.
        raise BadPattern("Invalid filter pattern: ?terms cannot be mixed with other terms.")
    return lambda message: (
        all(term in message for term in all_of)
        and not any(term in message for term in none_of)
        and (not any_of or any(term in message for term in any_of))
    )
