"""What a principal's policies are: gathered from the store, compiled, and kept until an IAM document changes.

Whether they still hold is one number, which the store raises in the same transaction as any change (migration 4): the
call after an acknowledged change sees it, in whichever process it arrives.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock

from skylab.kernel.store import Store, Transaction
from skylab.policy.document import Policy, parse
from skylab.services.call import Principal
from skylab.services.iam.effective import Effective, Text, document, effective

KEPT = 4096  # compiled documents, principals
ALL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


@dataclass(frozen=True)
class Granted:
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)  # of the user or role


class Grants:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._compiled = lru_cache(KEPT)(parse)
        self._granted: OrderedDict[tuple[str, ...], tuple[int, Granted]] = OrderedDict()
        self._lock = Lock()

    def of(self, who: Principal) -> Granted:
        generation, key = self.generation(), _key(who)
        with self._lock:
            kept = self._granted.get(key)
        if kept is None or kept[0] != generation:
            kept = generation, self._gathered(who)
            with self._lock:
                self._granted[key] = kept
                if len(self._granted) > KEPT:
                    self._granted.popitem(last=False)
        return kept[1]

    def generation(self) -> int:
        row = self.store.look("select number from generation where name = 'iam'")
        assert row  # a migration wrote it
        number: int = row[0]
        return number

    def compiled(self, text: str, source: str = "") -> Policy:
        return self._compiled(text, source)

    def _gathered(self, who: Principal) -> Granted:
        with self.store.reading() as tx:
            found = _effective(tx, who)
            session = _session(tx, who)
        return Granted(
            self._all(found.policies),
            self._all([found.boundary])[0] if found.boundary else None,
            None if session is None else self._all(session),
            found.tags,
        )

    def _all(self, texts: Iterable[Text]) -> tuple[Policy, ...]:
        return tuple(self._compiled(document, arn) for arn, document in texts)


def _key(who: Principal) -> tuple[str, ...]:
    """All that the policies of a principal depend on, beside the documents."""
    session = who.session
    if session is None:
        return (who.type, who.role or who.arn)
    return (who.type, who.role or who.arn, session.issuer.arn, repr(session.policies), repr(session.policy_arns))


def _effective(tx: Transaction, who: Principal) -> Effective:
    issuer = who.session.issuer.arn if who.session and who.type == "FederatedUser" else ""
    arn = who.role or issuer or who.arn
    if arn.endswith(":root"):
        return Effective((("", ALL),)) if issuer else Effective()
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if arn.split(":")[2:3] != ["iam"] or kind not in ("user", "role"):
        return Effective()
    return effective(tx, arn.split(":")[4], "user" if kind == "user" else "role", name.rpartition("/")[2])


def _session(tx: Transaction, who: Principal) -> list[Text] | None:
    """A federated user has what its session's policies allow, and so nothing without one."""
    session = who.session
    if session is None or not (session.narrowed or who.type == "FederatedUser"):
        return None
    managed = [document(tx, who.account, arn) for arn in session.policy_arns or ()]
    return [*(("", text) for text in session.policies or ()), *managed]
