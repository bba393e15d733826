"""From a request to an operation and back.

signed for which service → signature proved → operation found → input parsed and validated → allowed → operation
← answer projected to its shape, or the error in the protocol's words: the only place that catches everything
"""

import asyncio
import hashlib
import inspect
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from botocore.model import OperationModel

from skylab.compute.environments import Environments
from skylab.gateway import actions, browsers, encoded, forwarded, identity, local
from skylab.gateway.audit import Audit, Seen
from skylab.gateway.authorisation import Authorisation
from skylab.gateway.body import read
from skylab.gateway.identity import Origin
from skylab.gateway.routes import Routes, to_path_style, unsigned_service
from skylab.gateway.service import Service
from skylab.gateway.uses import Uses
from skylab.kernel.clock import Clock, Ids
from skylab.kernel.store import Store
from skylab.services.call import Call, Principal
from skylab.services.s3 import posting
from skylab.services.s3.posted import answered
from skylab.settings import Settings
from skylab.wire.chunked import verified
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import service_model
from skylab.wire.protocols import Protocol, protocol
from skylab.wire.validate import validate

log = logging.getLogger(__name__)


class Gateway:
    def __init__(
        self,
        services: list[Service],
        store: Store,
        clock: Clock,
        ids: Ids,
        settings: Settings,
        connect: Callable[[str, str, Principal], Any],
        assume: Callable[..., Any],
        audit: Audit,
        fallback: Any = None,
        environments: Environments | None = None,
    ) -> None:
        self.services, self.routes = services, Routes(services)
        self.store, self.clock, self.ids, self.settings = store, clock, ids, settings
        self.connect, self.assume, self.audit, self.fallback = connect, assume, audit, fallback
        self.environments = environments
        self.authorisation = Authorisation(store, {service.name: service.access for service in services})
        self.vault = next(service.part["vault"] for service in services if service.name == "sts")
        self.uses = Uses(store)
        self.pool = ThreadPoolExecutor(32, thread_name_prefix="operation")

    async def handle(self, request: HttpRequest, origin: Origin | None = None) -> HttpResponse:
        """Answers any request; raises only ConnectionResetError, when the client left in the middle of its body.

        origin: of a call from inside; what came over a socket has none.
        """
        request_id = request_uuid(self.ids)
        try:
            return await self._handled(request, request_id, origin)
        except ConnectionResetError:
            raise
        except Exception:
            log.exception("%s %s", request.method, request.path[:256])
            words = protocol(service_model(spoken(request)), request)
            return words.refuse(None, unknown_failure(), request_id, request)

    async def _handled(self, request: HttpRequest, request_id: str, origin: Origin | None) -> HttpResponse:
        if request.path.startswith("/_skylab/"):
            return await local.answer(self, request)
        signed = self.routes.signed_for(request)
        name, region = signed or (unsigned_service(request), self.settings.region)
        service = self.routes.service(name, request)
        if service is None:
            return await self._elsewhere(request, name, region, request_id)
        if browsers.asks(service, request):
            return browsers.preflight(self.store, service, request, request_id)
        exchange = Exchange(self, service, region, request_id, origin)
        response = await exchange.run(request)
        await self.audit.record(exchange.seen, response)
        return browsers.shown(self.store, service, request, response)

    async def _elsewhere(self, request: HttpRequest, name: str, region: str, request_id: str) -> HttpResponse:
        """A service that is not ours: identity is checked here, then the fallback answers."""
        seen = Seen(request, name, region, request_id)
        answer = await self._forwarded(request, seen)
        await asyncio.get_running_loop().run_in_executor(self.pool, forwarded.understand, seen, answer)
        await self.audit.record(seen, answer)
        return answer

    async def _forwarded(self, request: HttpRequest, seen: Seen) -> HttpResponse:
        name = seen.service
        model = service_model("ec2" if name == "ec2" else spoken(request))
        words = protocol(model, request)
        try:
            request.body = body = await read(request, self.settings.max_body_bytes)
            hashed = hashlib.sha256(body).hexdigest()
            caller = identity.authenticate(self.store, request, self.clock.now(), hashed)
            if caller.signature is None:
                raise identity.unsigned()
            seen.principal = caller.principal
            needs = await asyncio.get_running_loop().run_in_executor(self.pool, actions.needs, name, request)
            call = self.call(name, seen.region, caller.principal, request, seen.request_id)
            encoded.demand(self.authorisation, self.vault, call, needs)
            if self.fallback is None:
                raise AwsError("NotImplemented", f"{name} is not one of Skylab's own services", 501)
            answer: HttpResponse = await self.fallback.forward(request, name, seen.region)
            return answer
        except AwsError as error:
            seen.error = identity.refused_in(model.resolved_protocol, error)
            return words.refuse(None, seen.error, seen.request_id, request)

    def call(
        self, service: Service | str, region: str, principal: Principal, request: HttpRequest, request_id: str
    ) -> Call:
        """service: ours, or the name of one that is not."""
        return Call(
            store=self.store,
            ids=self.ids,
            settings=self.settings,
            service=service if isinstance(service, str) else service.name,
            account=principal.account,
            region=region,
            now=self.clock.now(),
            principal=principal,
            request_id=request_id,
            http=request,
            part={} if isinstance(service, str) else service.part,
            connect=self.connect,
            judge=self.authorisation.demand,
            become=self.assume,
        )


class Exchange:
    """One request to one of our services."""

    def __init__(self, gateway: Gateway, service: Service, region: str, request_id: str, origin: Origin | None) -> None:
        self.gateway, self.service, self.region = gateway, service, region
        self.request_id, self.origin = request_id, origin
        self.seen: Seen

    async def run(self, request: HttpRequest) -> HttpResponse:
        words = protocol(self.service.model, request)
        seen = self.seen = Seen(request, self.service.signs_as, self.region, self.request_id, self.service.model)
        operation: OperationModel | None = None
        try:
            if self.service.signs_as == "s3":
                if posting.is_form(request):
                    return await self._posted(words, request)
                caller, request = self._proved_s3(request)
                seen.request, seen.principal = request, caller.principal
                operation = seen.operation = words.operation(request)
                if not operation.has_streaming_input:
                    request.body = await read(request, self.gateway.settings.max_body_bytes)
            else:
                caller = await self._proved(request)
                if caller.signature is None and not _open(words, request):
                    raise identity.unsigned()
                seen.principal = caller.principal
                operation = seen.operation = words.operation(request)
        except AwsError as error:
            seen.error = identity.refused_in(self._protocol, error)
            return words.refuse(operation, seen.error, self.request_id, request)
        return await self._performed(words, operation, caller.principal, request)

    @property
    def _protocol(self) -> str:
        return str(self.service.model.resolved_protocol)

    async def _proved(self, request: HttpRequest) -> identity.Caller:
        request.body = body = await read(request, self.gateway.settings.max_body_bytes)
        hashed = hashlib.sha256(body).hexdigest()
        return identity.authenticate(self.gateway.store, request, self.gateway.clock.now(), hashed, self.origin)

    def _proved_s3(self, request: HttpRequest) -> tuple[identity.Caller, HttpRequest]:
        """Who asks S3 without a signature is anonymous: a bucket's policy may let everybody in."""
        caller = identity.authenticate(self.gateway.store, request, self.gateway.clock.now(), None, self.origin)
        body = verified(request.body, request, caller.signature, caller.key)
        request = to_path_style(request)
        request.body = body
        return caller, request

    async def _posted(self, words: Protocol, request: HttpRequest) -> HttpResponse:
        """A browser's upload: its form is proved instead of its request, and put instead of it. Raises AwsError."""
        addressed, now = to_path_style(request), self.gateway.clock.now()
        form = await posting.read(request)
        caller = identity.authenticate_form(self.gateway.store, form.fields, now)
        if caller.signature:
            self.region = caller.signature.region
        put = posting.as_put(addressed, form, now)
        seen = self.seen
        seen.request, seen.principal, seen.operation = put, caller.principal, words.operation(put)
        response = await self._performed(words, seen.operation, caller.principal, put)
        return answered(request, addressed.path.strip("/"), form.fields, response)

    async def _performed(
        self, words: Protocol, operation: OperationModel, principal: Principal, request: HttpRequest
    ) -> HttpResponse:
        try:
            call = self.gateway.call(self.service, self.region, principal, request, self.request_id)
            parameters = self.seen.parameters = words.parse(operation, request)
            result = self.seen.result = await self._result(call, parameters, operation)
            return words.answer(operation, result or {}, self.request_id)
        except ConnectionResetError:
            raise
        except Exception as problem:
            error = self.service.worded(problem)
            if error is None:
                log.exception("%s.%s", self.service.name, operation.name)
                error = unknown_failure()
            self.seen.error = identity.refused_in(self._protocol, error)
            return words.refuse(operation, self.seen.error, self.request_id, request)

    async def _result(self, call: Call, parameters: dict[str, Any], operation: OperationModel) -> Any:
        authorisation = self.gateway.authorisation
        handler = self.service.operations.get(operation.name)
        if handler is None:
            authorisation.allowed(call, f"{self.service.access.prefix}:{operation.name}")
            raise AwsError("NotImplemented", f"{operation.name} is not implemented here", 501)
        self.service.check(parameters)
        validate(operation.input_shape, parameters, self.service.invalid)
        if self.gateway.uses.due(call):
            await asyncio.get_running_loop().run_in_executor(self.gateway.pool, self.gateway.uses.note, call)
        if not inspect.iscoroutinefunction(handler):
            perform = partial(self._allowed_and_done, handler, call, parameters, operation)
            return await asyncio.get_running_loop().run_in_executor(self.gateway.pool, perform)
        authorisation.authorise(call, operation.name, parameters)
        try:
            return await handler(call, parameters)
        except AwsError as error:
            raise authorisation.withheld(call, parameters, error) from None

    def _allowed_and_done(
        self, handler: Callable[..., Any], call: Call, parameters: dict[str, Any], operation: OperationModel
    ) -> Any:
        """In a thread of the pool: what an access table looks up may take longer than the event loop should wait."""
        self.gateway.authorisation.authorise(call, operation.name, parameters)
        try:
            return handler(call, parameters)
        except AwsError as error:
            raise self.gateway.authorisation.withheld(call, parameters, error) from None


def _open(words: Protocol, request: HttpRequest) -> bool:
    """Whether it asks for an operation that AWS's model has unsigned, as AssumeRoleWithWebIdentity."""
    try:
        return bool(words.operation(request).auth_type == "none")
    except AwsError:
        return False


def spoken(request: HttpRequest) -> str:
    """A service that speaks as the caller of one we do not know expects to be answered."""
    if "x-amz-target" in request.headers:
        return "logs"
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return "sts" if form else "sagemaker-runtime"


def unknown_failure() -> AwsError:
    return AwsError("InternalFailure", "The request processing has failed because of an unknown error.", 500)


def request_uuid(ids: Ids) -> str:
    digits = (ids.new() + ids.new() + ids.new())[:32]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
