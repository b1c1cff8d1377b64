"""A server that speaks the part of Modal's protocol which calls a deployed function.

It is built on the SDK's own definitions of the messages, and asked by the SDK itself.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import cbor2
from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from grpclib.encoding.base import StatusDetailsCodecBase
from grpclib.encoding.proto import ProtoCodec
from grpclib.server import Server, Stream
from modal_proto import api_pb2 as api

CALL = "fc-01ABC"
Answering = Callable[[Stream[Any, Any]], Awaitable[None]]
Step = Any
"""A message to answer with, a status or error to fail with, or what to do with the stream."""

_SERVICE = "/modal.client.ModalClient/"
_MESSAGES: dict[str, tuple[type[Any], type[Any]]] = {
    "FunctionGet": (api.FunctionGetRequest, api.FunctionGetResponse),
    "FunctionGetById": (api.FunctionGetByIdRequest, api.FunctionGetByIdResponse),
    "FunctionMap": (api.FunctionMapRequest, api.FunctionMapResponse),
    "FunctionGetOutputs": (api.FunctionGetOutputsRequest, api.FunctionGetOutputsResponse),
    "BlobGet": (api.BlobGetRequest, api.BlobGetResponse),
}


@dataclass
class FunctionServer:
    """What it does, call by call; the last step repeats, and without any all goes well."""

    steps: dict[str, Sequence[Step]]
    port: int = 0
    asked: list[tuple[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.asked]

    def requests(self, name: str) -> list[Any]:
        return [request for each, request in self.asked if each == name]

    def __mapping__(self) -> dict[str, Handler]:
        return {
            _SERVICE + name: Handler(self._answering(name), Cardinality.UNARY_UNARY, *messages)
            for name, messages in _MESSAGES.items()
        }

    def _answering(self, name: str) -> Answering:
        async def answer(stream: Stream[Any, Any]) -> None:
            self.asked.append((name, await stream.recv_message()))
            self.metadata.append(
                {key: str(value) for key, value in (stream.metadata or {}).items()}
            )
            steps = self.steps.get(name) or [_GOOD[name]]
            await _do(steps[min(len(self.requests(name)), len(steps)) - 1], stream)

        return answer


async def _do(step: Step, stream: Stream[Any, Any]) -> None:
    if isinstance(step, Status):
        raise GRPCError(step, "canary in what the server says")
    if isinstance(step, GRPCError):
        raise step
    if callable(step):
        await step(stream)
    else:
        await stream.send_message(step)


@asynccontextmanager
async def function_server(**steps: Sequence[Step]) -> AsyncIterator[FunctionServer]:
    """A server that carries out these steps, each list by the name of its procedure."""
    served = FunctionServer(steps)
    server = Server([served], codec=ProtoCodec(), status_details_codec=DetailsAsModalPacksThem())
    listening = socket.create_server(("127.0.0.1", 0))
    served.port = listening.getsockname()[1]
    await server.start(sock=listening)
    try:
        yield served
    finally:
        server.close()
        await server.wait_closed()


class DetailsAsModalPacksThem(StatusDetailsCodecBase):
    """What a server adds to an error, for its client."""

    def encode(self, status: Status, message: str | None, details: Any) -> bytes:
        packed = api.RPCStatus(code=status.value, message=message or "")
        for detail in details or ():
            packed.details.add().Pack(detail, type_url_prefix="type.modal.com/")
        return bytes(packed.SerializeToString())

    def decode(self, status: Status, message: str | None, data: bytes) -> Any:
        raise AssertionError("a server reads none")


def throttles(seconds: int) -> GRPCError:
    """Asks for patience, as Modal does."""
    patience = api.RPCRetryPolicy(retry_after_secs=seconds)
    return GRPCError(Status.RESOURCE_EXHAUSTED, "busy", [patience])


async def hangs(_: Stream[Any, Any]) -> None:
    await asyncio.sleep(30)


async def breaks_off(stream: Stream[Any, Any]) -> None:
    await stream.cancel()


def unfinished() -> Step:
    return api.FunctionGetOutputsResponse(num_unfinished_inputs=1)


def expired() -> Step:
    return api.FunctionGetOutputsResponse(num_unfinished_inputs=0)


def returns(value: object) -> Step:
    """The function's result, as data."""
    return raw_result(cbor2.dumps(value), api.DATA_FORMAT_CBOR)


def raw_result(data: bytes, data_format: int) -> Step:
    result = api.GenericResult(status=api.GenericResult.GENERIC_STATUS_SUCCESS, data=data)
    return _output(result, data_format)


def returns_blob(blob_id: str) -> Step:
    """The function's result, to be fetched elsewhere: Modal's way with more than 2 MiB."""
    success = api.GenericResult.GENERIC_STATUS_SUCCESS
    result = api.GenericResult(status=success, data_blob_id=blob_id)
    return _output(result, api.DATA_FORMAT_CBOR)


def ends(status: int, data: bytes = b"", data_format: int = api.DATA_FORMAT_CBOR) -> Step:
    """No result."""
    result = api.GenericResult(exception="canary in what the function raised", data=data)
    result.status = status  # type: ignore[assignment] # plain numbers make shorter tables
    return _output(result, data_format)


def _output(result: api.GenericResult, data_format: int) -> Step:
    item = api.FunctionGetOutputsItem(result=result)
    item.data_format = data_format  # type: ignore[assignment] # as above
    return api.FunctionGetOutputsResponse(outputs=[item])


_HANDLE = api.FunctionHandleMetadata(
    function_name="generate_image",
    function_type=api.Function.FUNCTION_TYPE_FUNCTION,
    supported_input_formats=[api.DATA_FORMAT_PICKLE, api.DATA_FORMAT_CBOR],
    supported_output_formats=[api.DATA_FORMAT_PICKLE, api.DATA_FORMAT_CBOR],
)
_DEPLOYED = api.FunctionData(
    ranked_functions=[api.FunctionData.RankedFunction(function=api.Function())]
)
_GOOD: dict[str, Step] = {
    "FunctionGet": api.FunctionGetResponse(
        function_id="fu-1", handle_metadata=_HANDLE, function=_DEPLOYED
    ),
    "FunctionGetById": api.FunctionGetByIdResponse(handle_metadata=_HANDLE, function=_DEPLOYED),
    "FunctionMap": api.FunctionMapResponse(
        function_call_id=CALL,
        pipelined_inputs=[api.FunctionPutInputsResponseItem(input_id="in-1", input_jwt="jwt")],
    ),
    "FunctionGetOutputs": unfinished(),
}
