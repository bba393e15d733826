import os
import shutil

import pytest
from compute.programs import run

from skylab.compute.processes import Image, Launch, LocalProcesses
from skylab.containers.bases import PATH
from skylab.containers.builder import Builder, Terms
from skylab.containers.layers import Layers, name


@pytest.fixture(scope="session")
def based(tmp_path_factory):
    """Layers with the base that every image begins from: making it takes seconds."""
    folder = tmp_path_factory.mktemp("images")
    made = LocalProcesses(folder / "builds")
    if reason := made.unsandboxed:
        pytest.skip(reason)
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text("FROM python")
    Builder(Layers(folder), made, Terms(lambda name: None, lambda line: None, {})).build(
        context, context / "Dockerfile"
    )
    return folder


class Works:
    """Builds in a folder, and runs programs of what was built."""

    def __init__(self, folder, layers, runs):
        self.folder, self.layers, self.processes, self.said = folder, layers, runs, []

    def build(self, dockerfile, known=None, target="", **args):
        (self.folder / "Dockerfile").write_text(dockerfile)
        self.said = []
        terms = Terms((known or {}).get, self.said.append, args, target=target)
        return Builder(self.layers, self.processes, terms).build(self.folder, self.folder / "Dockerfile")

    def run(self, image, script, id="run", **more):

        told = Image(str(self.layers.folder), [name(layer) for layer in image.layers])
        env = {"PATH": PATH} | image.env
        ending, said = run(self.processes, Launch(["sh", "-c", script], env, image.workdir, image=told, **more), id)
        self.processes.forget(id)
        return ending.exit_code, said


@pytest.fixture
def works(tmp_path, based, sandboxed):
    shutil.copytree(based / "layers", tmp_path / "images" / "layers", symlinks=True, copy_function=os.link)
    folder = tmp_path / "context"
    folder.mkdir()
    return Works(folder, Layers(tmp_path / "images"), sandboxed)
