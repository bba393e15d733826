"""Whose turn it is: variants share the traffic by weight, evenly interleaved and without chance.

Smooth weighted round robin, as nginx does it: each time every variant gains its weight, and the richest pays the sum.
"""

from skylab.kernel.key import Key


class Turns:
    def __init__(self) -> None:
        self._credit: dict[Key, dict[str, float]] = {}

    def next(self, endpoint: Key, weights: dict[str, float]) -> str | None:
        """The variant that is next; None when none has a weight above 0."""
        weights = {variant: weight for variant, weight in weights.items() if weight > 0}
        if len(weights) < 2:
            return next(iter(weights), None)
        before = self._credit.get(endpoint, {})
        credit = {variant: before.get(variant, 0.0) + weight for variant, weight in weights.items()}
        chosen = max(credit, key=lambda variant: credit[variant])
        credit[chosen] -= sum(weights.values())
        self._credit[endpoint] = credit
        return chosen
