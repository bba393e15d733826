"""Whether a trail is logging: started, stopped, and how its deliveries went."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.cloudtrail import names

if TYPE_CHECKING:
    from skylab.shapes.cloudtrail import *


class Recording:
    def start_logging(self, call: Call, request: StartLoggingRequest) -> None:
        """From the next call on; what delivers is a task, which is written in the same transaction."""
        last = call.part["ledger"].last()
        with call.writing() as tx:
            doc = names.own(call, tx, request["Name"])
            if doc["_"]["logging"]:
                return
            key = names.key(doc["TrailARN"])
            status = doc["_"]["status"] | {"StartLoggingTime": call.now, "TimeLoggingStarted": shown(call.now)}
            doc["_"] |= {"logging": True, "status": status}
            tx.put(key, doc, call.now)
            if not tx.tasks(target=key):
                due = call.now + timedelta(seconds=call.settings.trail_delivery_seconds)
                begun = {"digest": {"start": call.now.replace(microsecond=0)}}
                more = begun if doc["LogFileValidationEnabled"] else {}
                tx.start("trail", key, due, id=call.ids.new(), cursor=last, **more)
        call.part["watch"].load(call.store)

    def stop_logging(self, call: Call, request: StopLoggingRequest) -> None:
        with call.writing() as tx:
            doc = names.own(call, tx, request["Name"])
            if not doc["_"]["logging"]:
                return
            status = doc["_"]["status"] | {"StopLoggingTime": call.now, "TimeLoggingStopped": shown(call.now)}
            doc["_"] |= {"logging": False, "status": status}
            tx.put(names.key(doc["TrailARN"]), doc, call.now)
        call.part["watch"].load(call.store)

    def get_trail_status(self, call: Call, request: GetTrailStatusRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = names.find(call, tx, request["Name"])
        return {"IsLogging": doc["_"]["logging"]} | doc["_"]["status"]


def shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
