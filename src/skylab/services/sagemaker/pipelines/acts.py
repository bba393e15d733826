"""What a step does to the world, as the pipeline's role: begin, end, stop. Each may be done again after a kill.

The name of a step's job is in its record before the call is made, so a repeat finds its own job and makes no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from skylab.compute.world import World
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.pipelines import caching, failures, names, records
from skylab.services.sagemaker.pipelines.calls import Caller
from skylab.services.sagemaker.pipelines.clients import Clients
from skylab.services.sagemaker.pipelines.failures import Failed
from skylab.services.sagemaker.pipelines.language import conditions
from skylab.services.sagemaker.pipelines.language.arguments import typed
from skylab.services.sagemaker.pipelines.language.conditions import Incomparable
from skylab.services.sagemaker.pipelines.language.evaluate import Scope, Unresolved
from skylab.services.sagemaker.pipelines.language.kinds import KINDS
from skylab.services.sagemaker.pipelines.language.steps import Step
from skylab.services.sagemaker.pipelines.run import Run
from skylab.services.sagemaker.pipelines.run import variables as execution_variables

Doc = dict[str, Any]


@dataclass(frozen=True)
class Act:
    world: World
    clients: Clients
    run: Run
    step: Step
    now: datetime

    # -- what the executor asks for

    def begin(self) -> None:
        acts = {"Condition": self._condition, "Fail": self._fail, "Callback": self._callback, "Lambda": self._lambda}
        self._done(acts.get(self.step.type, self._create))

    def end(self) -> None:
        self._done(self._collect)

    def stop(self) -> None:
        """A callback's consumer is told, and the execution waits for its answer; so it does for a function."""
        if self.step.type in KINDS:
            self._done(self._stop)
        elif self.step.type == "Callback":
            self._done(self._tell)

    def expire(self) -> None:
        self._done(self._expired)

    # -- how

    def _done(self, act: Callable[[Doc], None]) -> None:
        doc = dict(self.run.steps[self.step.name])
        try:
            act(doc)
        except Failed as problem:
            self._give_in(problem)
        except (Unresolved, Incomparable) as problem:
            self._give_in(Failed(f"ClientError: {problem}"))

    def _give_in(self, failed: Failed) -> None:
        self._write(lambda tx, doc: self._failed(tx, doc, failed))

    def _failed(self, tx: Transaction, doc: Doc, failed: Failed) -> None:
        arn, new = self.run.doc["PipelineExecutionArn"], self.world.ids.new
        failures.settle(tx, self.run.key, arn, self.step, doc, failed, new, self.now, self._stopping(tx))

    def _stopping(self, tx: Transaction) -> bool:
        return bool(tx.get(self.run.key)["PipelineExecutionStatus"] == "Stopping")

    def _write(self, change: Callable[[Transaction, Doc], None]) -> None:
        """Changes the step's record, unless it has ended meanwhile."""
        with self.world.store.writing() as tx:
            doc = tx.get(names.beside(self.run.key, names.STEP, self.step.name))
            if doc["StepStatus"] not in records.ENDED:
                change(tx, doc)

    def _succeed(self, metadata: Doc, properties: Any) -> None:
        def change(tx: Transaction, doc: Doc) -> None:
            doc["Metadata"] |= metadata
            records.succeed(tx, self.run.key, doc, properties, self.now)
            if doc["_"].get("signature"):
                caching.remember(tx, self.run.key, self.run.doc, doc, self.now)

        self._write(change)

    @property
    def _caller(self) -> Caller:
        return Caller(self.world, self.clients, self.run, self.step, self.now)

    def _scope(self, **variables: str) -> Scope:
        values, known = self.run.doc["_"]["parameters"], execution_variables(self.run.doc, self.now) | variables
        return Scope(self.run.definition.known, values, known, self._properties, self._caller.read_object)

    def _properties(self, step: str) -> Any:
        with self.world.store.reading() as tx:
            found = tx.find(names.beside(self.run.key, names.PROPERTIES, step))
        return found["shown"] if found else {}

    # -- what the executor does itself

    def _condition(self, doc: Doc) -> None:
        value = self._scope().value
        outcome = str(all(conditions.holds(each, value) for each in self.step.arguments["Conditions"]))
        self._succeed({"Condition": {"Outcome": outcome}}, {"Outcome": outcome})

    def _fail(self, doc: Doc) -> None:
        message = str(self._scope().value(self.step.arguments.get("ErrorMessage", "")))

        def change(tx: Transaction, doc: Doc) -> None:
            doc["Metadata"] = {"Fail": {"ErrorMessage": message}}
            records.end(tx, self.run.key, doc, "Failed", self.now, message)

        self._write(change)

    # -- SageMaker's own

    def _create(self, doc: Doc) -> None:
        kind, caller = KINDS[self.step.type], self._caller
        name = caller.name(self._scope, doc["_"]["job"])
        found = caller.made(name)
        if found is None:
            if self._given_up():
                return
            variables = {kind.name: name} if kind.name in ("TrainingJobName", "ProcessingJobName") else {}
            arguments = self._arguments(self._scope(**variables))
            if self._cached(arguments):
                return
            found = caller.create(name, arguments, doc["_"]["job"])
        arn = found
        if not kind.status:
            self._succeed({kind.metadata: {"Arn": arn}}, caller.describe(arn if kind.key == "model-package" else name))
            return

        def change(tx: Transaction, doc: Doc) -> None:
            doc |= {"StepStatus": "Executing", "Metadata": {kind.metadata: {"Arn": arn}}}
            doc["_"]["name"] = name
            records.put(tx, self.run.key, doc, self.now)

        self._write(change)
        caller.prepare_next()

    def _arguments(self, scope: Scope) -> Doc:
        try:
            made: Doc = typed(KINDS[self.step.type].input, scope.value(dict(self.step.arguments)))
        except ValueError as problem:
            raise Failed(f"ClientError: the arguments of step {self.step.name} have a wrong type: {problem}") from None
        return made

    def _given_up(self) -> bool:
        """The execution was stopped before the call: it is not made."""
        with self.world.store.reading() as tx:
            if not self._stopping(tx):
                return False
        self._write(lambda tx, doc: records.end(tx, self.run.key, doc, "Stopped", self.now))
        return True

    def _cached(self, arguments: Doc) -> bool:
        hit = [False]

        def change(tx: Transaction, doc: Doc) -> None:
            doc["_"]["signature"] = caching.signature(self.step, arguments)
            hit[0] = caching.reuse(tx, self.run.key, self.run.doc, self.step, doc, self.now)
            if not hit[0]:
                records.put(tx, self.run.key, doc, self.now)

        self._write(change)
        return hit[0]

    def _collect(self, doc: Doc) -> None:
        kind = KINDS[self.step.type]
        shown = self._caller.describe(doc["_"]["name"])
        status = shown[kind.status]
        if status == "Completed":
            self._succeed({}, shown)
        elif status == "Stopped":
            self._write(lambda tx, doc: records.end(tx, self.run.key, doc, "Stopped", self.now))
        else:
            raise failures.of_job(self.step.type, shown.get("FailureReason", ""))

    def _stop(self, doc: Doc) -> None:
        kind = KINDS[self.step.type]
        with suppress(ClientError):  # it has ended meanwhile, and is seen to
            getattr(self._caller.client("sagemaker"), xform_name(kind.stop))(**{kind.name: doc["_"]["name"]})
        self._stopped()

    def _stopped(self) -> None:
        def change(tx: Transaction, doc: Doc) -> None:
            doc["StepStatus"] = "Stopping"
            records.put(tx, self.run.key, doc, self.now)

        self._write(change)

    # -- other services

    def _callback(self, doc: Doc) -> None:
        """The token is written down before it is sent; after a kill it is sent once more, and is the same."""
        if self._given_up():
            return
        queue, token = str(self._scope().value(self.step.target)), doc["_"]["job"]

        def change(tx: Transaction, doc: Doc) -> None:
            doc["Metadata"] = {"Callback": {"CallbackToken": token, "SqsQueueUrl": queue, "OutputParameters": []}}
            doc["_"] |= {"token": token, "outputs": dict(self.step.outputs)}
            records.put(tx, self.run.key, doc, self.now)
            key = self.run.key._replace(type=names.CALLBACK, name=token)
            if tx.find(key) is None:
                told = {"execution": self.run.doc["PipelineExecutionArn"], "step": self.step.name}
                tx.create(key, told, self.now)

        self._write(change)
        self._caller.send(queue, self._message(token, "Executing"))
        self._write(lambda tx, doc: records.put(tx, self.run.key, doc | {"StepStatus": "Executing"}, self.now))

    def _message(self, token: str, status: str) -> str:
        arguments = self._scope().value(dict(self.step.arguments))
        arn = self.run.doc["PipelineExecutionArn"]
        return json.dumps({"token": token, "pipelineExecutionArn": arn, "status": status, "arguments": arguments})

    def _tell(self, doc: Doc) -> None:
        told = doc["Metadata"]["Callback"]
        self._caller.send(told["SqsQueueUrl"], self._message(told["CallbackToken"], "Stopping"))
        self._stopped()

    def _expired(self, doc: Doc) -> None:
        raise Failed("ClientError: No answer to the callback token came within 7 days.")

    def _lambda(self, doc: Doc) -> None:
        if self._given_up():
            return
        scope = self._scope()
        function = str(scope.value(self.step.target))
        answer = self._caller.invoke(function, scope.value(dict(self.step.arguments)))
        if missing := self.step.outputs.keys() - answer.keys():
            raise Failed(f"ClientError: The Lambda function did not return the output [{min(missing)}].")
        shown = {name: records.output(type, answer[name]) for name, type in self.step.outputs.items()}
        listed = [{"Name": name, "Value": str(value)} for name, value in shown.items()]
        self._succeed({"Lambda": {"Arn": function, "OutputParameters": listed}}, {"OutputParameters": shown})
