"""CloudWatch Logs: groups are documents, streams and events are rows of kernel/journal."""

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Missing
from skylab.services.logs.events import Events
from skylab.services.logs.groups import Groups
from skylab.services.logs.retention import Retention
from skylab.services.logs.search import Search
from skylab.services.logs.streams import Streams
from skylab.services.logs.tags import Tags
from skylab.wire.errors import AwsError

NAME = "logs"
RESOURCES = [Groups, Streams, Events, Search, Tags]
WORK = {"retention": Retention}
INVALID = "InvalidParameterException"


def _missing(key: Key) -> AwsError:
    return AwsError("ResourceNotFoundException", f"The specified log {key.type} does not exist.")


def _exists(key: Key) -> AwsError:
    return AwsError("ResourceAlreadyExistsException", f"The specified log {key.type} already exists")


ERRORS = {Missing: _missing, Exists: _exists}
