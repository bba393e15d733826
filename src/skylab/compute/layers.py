"""The files of an image, over the system: folders of what each step of its build has added, changed and removed.

The view (view.py) is made as for any program, and is trusted. Then an overlay of the layers lies over its root, with
its mounts in their places again, each under an overlay of its own where a layer has something below it. The layers are
a stranger's: nothing is opened or made by a path that leads through them before they are the root; a link of theirs
where a mount should be makes the mount fail, and the program is not run.

What the program writes goes to its own folder and ends with it; while an image is built, it is the next layer.
Imported by the runner: the standard library's quick modules only.
"""

import os
from typing import TYPE_CHECKING

from skylab.compute import linux

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MASKED = ("sys", "sysrq-trigger", "irq", "bus", "fs")  # of /proc: root without capabilities may write to some of them


def over(view: str, launch: "dict[str, Any]", folder: str) -> str:
    """The root of the program: view, under the layers. folder is the run's own. Raises OSError."""
    image, root, works = launch["image"], f"{folder}/image", _works(folder, launch["image"])
    upper = image["upper"] or f"{folder}/scratch/upper"
    os.makedirs(root, exist_ok=True)
    os.chdir(image["folder"])  # the names of layers are short, and the kernel takes no more than a page
    mounts = list(_mounts(view))
    own = ["", *(path for path in mounts if _overlaid(path, view, launch))]
    for path in own:  # all of them first: an overlay's folders are not to be changed behind its back
        _upper(view + path, upper + path)
    _overlay(root, view, "", image, upper, f"{works}/0")
    for number, path in enumerate(mounts, 1):
        if path in own:
            _overlay(root + path, view + path, path, image, upper + path, f"{works}/{number}")
        else:
            bound = linux.libc.mount(os.fsencode(view + path), os.fsencode(root + path), None, linux.BIND, None)
            linux.must(bound, path)
    if image["upper"]:
        _mask(root)
        with open(f"{works}/made", "w") as file:  # folders of the layer that are there only to mount on
            file.writelines(f"{path}\n" for path in own[1:])
    os.chdir("/")
    return root


def _works(folder: str, image: "dict[str, Any]") -> str:
    """What the kernel works in has to lie on the file system of what it writes."""
    works = f"{image['upper']}.work" if image["upper"] else f"{folder}/work"
    os.makedirs(works)
    return works


def _overlay(target: str, lowest: str, path: str, image: "dict[str, Any]", upper: str, work: str) -> None:
    os.mkdir(work)
    layers = [f"{layer}{path}" for layer in reversed(image["layers"]) if _folder(f"{layer}{path}")]
    linux.overlay(target, [*layers, lowest], upper, work)


def _upper(lowest: str, upper: str) -> None:
    """upper, as open as what it covers: an overlay's root has the rights of its uppermost folder."""
    if not os.path.isdir(upper):
        os.makedirs(upper)
        os.chmod(upper, os.stat(lowest).st_mode & 0o7777)


def _folder(path: str) -> bool:
    """Whether path is a folder, and no part of it a link."""
    parts = path.split("/")
    every = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return os.path.isdir(path) and not any(os.path.islink(each) for each in every)


def _overlaid(path: str, view: str, launch: "dict[str, Any]") -> bool:
    image, own = launch["image"], (*launch["writes"], "/opt/ml", "/tmp", "/var/tmp")
    if path.startswith(("/proc", "/dev", "/sys")) or path in own or not os.path.isdir(view + path):
        return False
    return bool(image["upper"]) or any(_folder(f"{layer}{path}") for layer in image["layers"])


def _mounts(view: str) -> "Iterator[str]":
    """Below view, each after the one that it lies in."""
    with open("/proc/self/mountinfo") as file:
        for line in file:
            path = line.split()[4].encode().decode("unicode_escape").encode("latin-1").decode()
            if path.startswith(f"{view}/"):
                yield path.removeprefix(view)


def _mask(root: str) -> None:
    for name in MASKED:
        if os.path.exists(path := f"{root}/proc/{name}"):
            linux.bind(path, path)
            linux.restrict(path, linux.ATTR_RDONLY)
