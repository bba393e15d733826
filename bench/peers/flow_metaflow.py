"""Ten empty steps in a row, as Metaflow runs them: python flow_metaflow.py run"""

from metaflow import FlowSpec, step


class Empty(FlowSpec):
    @step
    def start(self) -> None:
        self.next(self.s1)

    @step
    def s1(self) -> None:
        self.next(self.s2)

    @step
    def s2(self) -> None:
        self.next(self.s3)

    @step
    def s3(self) -> None:
        self.next(self.s4)

    @step
    def s4(self) -> None:
        self.next(self.s5)

    @step
    def s5(self) -> None:
        self.next(self.s6)

    @step
    def s6(self) -> None:
        self.next(self.s7)

    @step
    def s7(self) -> None:
        self.next(self.s8)

    @step
    def s8(self) -> None:
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    Empty()
