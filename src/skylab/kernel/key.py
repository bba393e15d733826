"""What names one resource in the store; its ARN, as AWS writes it, is only a member of its document."""

from typing import NamedTuple


class Key(NamedTuple):
    """Account and region are empty where AWS has one name space for all (a bucket has neither, a role no region)."""

    account: str
    region: str
    service: str
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.account}:{self.region}:{self.service}:{self.type}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        return cls(*text.split(":", 4))
