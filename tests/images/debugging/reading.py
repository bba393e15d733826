"""What lies in a folder of tensors, read by its index files."""

import json

from skylab.images.debugging import records


def values(folder):
    """{(step, mode, name): value}"""
    found = {}
    for path in sorted((folder / "index").rglob("*.json")):
        index = json.loads(path.read_text())
        events = (folder / index["meta"]["event_file_name"]).read_bytes()
        for each in index["tensor_payload"]:
            saved = records.decode(events[each["start_idx"] : each["start_idx"] + each["length"]])
            assert saved.name == each["tensorname"] and saved.mode == index["meta"]["mode"]
            found[saved.step, saved.mode, saved.name] = saved.value
    return found
