"""What tests of several algorithms do: write records, train in this process, ask, read the metrics of a log."""

import json
import struct

import numpy
import pytest

from skylab.images.algorithms import catalogue, recordio
from skylab.images.algorithms.records import _framed
from skylab.images.environment import Environment
from skylab.images.failures import ClientError
from skylab.images.folders import Folders
from skylab.images.predicting import Request
from skylab.services.sagemaker.jobs.joblogs import _value


def _entry(number, tensor):
    return _framed(number, _framed(1, b"values") + _framed(2, _framed(2, tensor)))


def _tensor(values, keys=None, width=None):
    packed = _framed(1, numpy.asarray(values, dtype="<f4").tobytes())
    if keys is None:
        return packed
    varints = b"".join(struct.pack("BB", key & 127 | 128, key >> 7) for key in map(int, keys))
    return packed + _framed(2, varints) + _framed(3, struct.pack("BB", width & 127 | 128, width >> 7))


def records_of(features, labels=None):
    """recordio-protobuf of an array or of a sparse matrix (of fewer than 16,384 columns)."""
    bodies = []
    for number in range(features.shape[0]):
        row = features[number]
        tensor = _tensor(row.data, row.indices, row.shape[-1]) if hasattr(row, "indices") else _tensor(row)
        label = b"" if labels is None else _entry(2, _tensor([labels[number]]))
        bodies.append(_entry(1, tensor) + label)
    return recordio.written(bodies)


def final_metrics(log, definitions):
    """As the platform finds them: the last value of each."""
    import regex

    found = {}
    for definition in definitions:
        pattern = regex.compile(definition["Regex"])
        for line in log.splitlines():
            if (value := _value(pattern, line)) is not None:
                found[definition["Name"]] = value
    return found


def trained(job, family, capsys):
    """The log. Without a process of its own: imports take longer than training."""
    catalogue.train(family, Environment(Folders(job.base)))
    return capsys.readouterr().out


def refused(job, family):
    with pytest.raises(ClientError) as caught:
        catalogue.train(family, Environment(Folders(job.base)))
    return caught.value.text


def asked(job, family, body, content_type="text/csv", accept="application/json"):
    model = catalogue.load(family, job.base / "model")
    return json.loads(model.predict(Request({"content-type": content_type, "accept": accept}, body)).body)
