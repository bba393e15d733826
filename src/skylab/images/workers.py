"""The threads that predict, and hand their answers to the event loop that writes them."""

import asyncio
import queue
import sys
import threading
import traceback
from typing import TYPE_CHECKING, cast

from skylab.images.predicting import Answer, Model, Refused, Request

if TYPE_CHECKING:
    from skylab.images.server import Connection


class Workers:
    """To be made on the loop; the threads end with the process."""

    def __init__(self, model: Model, count: int) -> None:
        self.model = model
        self.waiting: queue.SimpleQueue[tuple[Request, Connection]] = queue.SimpleQueue()
        self.loop = asyncio.get_running_loop()
        for number in range(count):
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True).start()

    def predict(self, request: Request, connection: "Connection") -> None:
        if self.model.quick(request):
            connection.answer(answered(self.model, request))
        else:
            self.waiting.put((request, connection))

    def _work(self) -> None:
        while True:
            request, connection = self.waiting.get()
            answer = answered(self.model, request)
            if isinstance(answer.body, bytes):
                self.loop.call_soon_threadsafe(connection.answer, answer)
            else:
                self._stream(answer, connection)

    def _stream(self, answer: Answer, connection: "Connection") -> None:
        """Piece by piece, waiting while the caller's buffer is full; a failure cuts the connection, as it must."""
        tell = self.loop.call_soon_threadsafe
        tell(connection.begin, answer)
        try:
            for piece in cast("list[bytes]", answer.body):
                connection.room.acquire()
                connection.writable.wait()
                if connection.closed:
                    return
                tell(connection.piece, piece)
        except (Exception, SystemExit):
            traceback.print_exc()
            tell(connection.abort)
        else:
            tell(connection.end)


def answered(model: Model, request: Request) -> Answer:
    """The edge: whatever a model raises becomes an answer, and its traceback a part of the log."""
    try:
        return model.predict(request)
    except Refused as refused:
        print(f"{refused.status}: {refused.message}", file=sys.stderr, flush=True)
        return Answer(refused.message.encode(), status=refused.status)
    except (Exception, SystemExit) as error:  # a script that exits must not take a worker along
        traceback.print_exc()
        return Answer(f"{type(error).__name__}: {error}".encode(), status=500)
