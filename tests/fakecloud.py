"""A server around a fake cloud, for tests of the process around it: `python fakecloud.py ROOT PORT [broken|toonew]`."""

import json
import os
import sys
from pathlib import Path

from skylab.kernel.migrations import TooNew
from skylab.root import Refused
from skylab.server import serve
from skylab.settings import Settings

CREDENTIALS = {"AccessKeyId": "AKIA", "SecretAccessKey": "it's", "SessionToken": "t/+=", "Account": "1", "RoleArn": "r"}
ANSWERS = {
    "SageMaker.ListTrainingJobs": {"TrainingJobSummaries": [{"TrainingJobName": "churn-1"}]},
    "SageMaker.ListEndpoints": {"Endpoints": [{"EndpointName": "churn", "EndpointStatus": "InService"}]},
    "Logs_20140328.DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/a"}, {"logGroupName": "/aws/b"}]},
    "Logs_20140328.FilterLogEvents": {
        "events": [{"eventId": "1", "timestamp": 1_700_000_000_000, "logStreamName": "s", "message": "epoch [1]\n"}]
    },
}


class FakeCloud:
    def __init__(self, root, settings):
        if "toonew" in sys.argv:
            raise TooNew("state of version 9; this Skylab knows 1")
        (root / "state.db").touch()
        (root / "credentials.json").write_text(json.dumps(CREDENTIALS | {"Region": settings.region}))

    async def app(self, scope, receive, send):
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen = {"scheme": scope["scheme"], "path": scope["path"], "host": headers["host"], "pid": os.getpid()}
        answer = ANSWERS.get(headers.get("x-amz-target"), seen)
        await send({"type": "http.response.start", "status": 500 if "broken" in sys.argv else 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def start(self):
        print("started", flush=True)

    def stop(self):
        print("stopped", flush=True)


if __name__ == "__main__":
    path, port = Path(sys.argv[1]), int(sys.argv[2])
    try:
        serve(path, Settings(port=port), lambda url: print("ready", url, flush=True), FakeCloud)
    except Refused as error:
        print("refused", error, flush=True)
        sys.exit(2)
