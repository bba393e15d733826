"""sgd with momentum, adam and rmsprop, on the weights of many models at once, each with its own learning rate."""

from typing import Any

import numpy

EPSILON = 1e-8


class Optimizer:
    """name: sgd, adam or rmsprop. momentum is sgd's; first and second are the decays of adam, and second of rmsprop."""

    def __init__(self, name: str, momentum: float, first: float, second: float) -> None:
        self.name, self.momentum, self.first, self.second = name, momentum, first, second
        self.steps = 0
        self.moved: dict[str, Any] = {}
        self.squared: dict[str, Any] = {}

    def step(self, parameters: dict[str, Any], slopes: dict[str, Any], rates: dict[str, Any]) -> None:
        """Moves each of parameters in place."""
        self.steps += 1
        for name, slope in slopes.items():
            parameters[name] -= rates[name] * self._direction(name, slope)

    def _direction(self, name: str, slope: Any) -> Any:
        if self.name == "sgd":
            self.moved[name] = self.momentum * self.moved.get(name, 0.0) + slope
            return self.moved[name]
        squared = self.squared.get(name, 0.0)
        self.squared[name] = self.second * squared + (1 - self.second) * slope**2
        if self.name == "rmsprop":
            return slope / (numpy.sqrt(self.squared[name]) + EPSILON)
        self.moved[name] = self.first * self.moved.get(name, 0.0) + (1 - self.first) * slope
        moved = self.moved[name] / (1 - self.first**self.steps)
        return moved / (numpy.sqrt(self.squared[name] / (1 - self.second**self.steps)) + EPSILON)
