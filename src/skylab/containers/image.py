"""An image: layers, and what its programs are told; as an OCI manifest, which a registry keeps.

https://github.com/opencontainers/image-spec/blob/main/manifest.md The config lies in the manifest itself, as the
descriptor's `data`; the layers are folders of ours, so their media type is our own.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.skylab.image.layer.v1"
WHOLE = "skylab.whole"  # label: it brings a system of its own
BASE = "skylab.base"  # label: the image of AWS whose programs stand behind it


class NoImage(Exception):
    """What is not the manifest of an image of ours; the text says why."""


@dataclass(frozen=True)
class Image:
    """layers: digests, the lowest first. env: variables. workdir: a path. labels: names and values."""

    layers: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    workdir: str = "/"
    user: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    ports: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return WHOLE in self.labels

    def manifest(self, sizes: dict[str, int]) -> str:
        """sizes: bytes of the layers."""
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Env": [f"{key}={value}" for key, value in self.env.items()],
                "Entrypoint": self.entrypoint,
                "Cmd": self.command,
                "WorkingDir": self.workdir,
                "User": self.user,
                "Labels": self.labels,
                "ExposedPorts": self.ports,
            },
            "rootfs": {"type": "layers", "diff_ids": self.layers},
        }
        text = json.dumps(config, sort_keys=True).encode()
        described = {"mediaType": CONFIG, "digest": digest(text), "size": len(text)}
        layers = [{"mediaType": LAYER, "digest": layer, "size": sizes[layer]} for layer in self.layers]
        inside = described | {"data": base64.b64encode(text).decode()}
        return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": inside, "layers": layers})


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read(manifest: str) -> Image:
    """Raises NoImage."""
    try:
        found = json.loads(manifest)
        text = base64.b64decode(found["config"]["data"], validate=True)
        config = json.loads(text)["config"]
        layers = [layer["digest"] for layer in found["layers"]]
        env = dict(each.split("=", 1) for each in config.get("Env") or [])
        entrypoint, command = config.get("Entrypoint") or [], config.get("Cmd") or []
        labels, ports = config.get("Labels") or {}, config.get("ExposedPorts") or {}
        workdir, user = config.get("WorkingDir") or "/", config.get("User") or ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoImage("The manifest is not one that `skylab image build` makes.") from None
    if found["config"].get("digest") != digest(text):
        raise NoImage("The manifest's config is not what its digest says.")
    if not all(isinstance(word, str) for word in (*entrypoint, *command, *layers, *labels.values(), workdir, user)):
        raise NoImage("The manifest's config has what is not text.")
    return Image(layers, env, entrypoint, command, workdir, user, labels, ports)
