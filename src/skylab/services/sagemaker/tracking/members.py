"""Which components belong to which trials, and which job a component is about: rows, so that both ways are quick."""

from __future__ import annotations

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tracking.entities import COMPONENT, TRIAL


def join(tx: Transaction, trial: Key, component: Key) -> None:
    tx.db.execute("insert or ignore into trial_member values (?, ?, ?, ?)", (*trial[:2], trial.name, component.name))


def leave(tx: Transaction, trial: Key, component: Key) -> bool:
    gone = tx.db.execute(
        "delete from trial_member where (account, region, trial, component) = (?, ?, ?, ?)",
        (*trial[:2], trial.name, component.name),
    )
    return gone.rowcount > 0


def components(tx: Transaction, trial: Key) -> list[Key]:
    rows = tx.db.execute(
        "select component from trial_member where (account, region, trial) = (?, ?, ?) order by component",
        (*trial[:2], trial.name),
    )
    return [trial._replace(type=COMPONENT, name=name) for (name,) in rows]


def trials(tx: Transaction, component: Key) -> list[Key]:
    rows = tx.db.execute(
        "select trial from trial_member where (account, region, component) = (?, ?, ?) order by trial",
        (*component[:2], component.name),
    )
    return [component._replace(type=TRIAL, name=name) for (name,) in rows]


def all_trials(tx: Transaction, account: str, region: str) -> dict[str, list[str]]:
    """The trials of every component that is in one, by the names of their keys."""
    found: dict[str, list[str]] = {}
    rows = tx.db.execute(
        "select component, trial from trial_member where (account, region) = (?, ?) order by trial", (account, region)
    )
    for component, trial in rows:
        found.setdefault(component, []).append(trial)
    return found


def about(tx: Transaction, component: Key, source: str) -> None:
    tx.db.execute(
        "insert or ignore into component_source values (?, ?, ?, ?)", (*component[:2], source.lower(), component.name)
    )


def of_source(tx: Transaction, account: str, region: str, source: str) -> list[Key]:
    rows = tx.db.execute(
        "select component from component_source where (account, region, source) = (?, ?, ?) order by component",
        (account, region, source.lower()),
    )
    return [Key(account, region, "sagemaker", COMPONENT, name) for (name,) in rows]


def forget(tx: Transaction, component: Key) -> None:
    tx.db.execute(
        "delete from component_source where (account, region, component) = (?, ?, ?)", (*component[:2], component.name)
    )
