"""A Dockerfile of a stranger's, and the image it makes: what they try, and what they get."""

import os
from pathlib import Path

import pytest

from skylab.containers.builder import Failed


def test_a_step_sees_neither_the_cloud_nor_the_users_home_and_cannot_write_to_the_machine(works, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t")

    works.build(
        f"FROM python\nRUN cat {secret} {Path.home()}/.bashrc; echo x > /etc/of-an-image; "
        "echo 1 > /proc/sys/kernel/panic; mknod /dev/sda b 8 0; mount -t tmpfs none /mnt; true"
    )

    said = "\n".join(works.said)
    assert "s3cr3t" not in said and not os.path.exists("/etc/of-an-image")
    assert "/proc/sys/kernel/panic: Read-only file system" in said or "panic: Permission denied" in said
    assert "mknod: " in said and "mount: " in said


@pytest.mark.parametrize(
    "trick",
    [
        "mv /var /v && ln -s {victim} /var",
        "rm -rf /etc/passwd && ln -s {victim}/file /etc/passwd",
        "rm -rf /home && ln -s {victim} /home",
        "mkdir -p /opt && ln -s {victim} /opt/x",
        "rm -rf /tmp/../srv && ln -s {victim} /srv",
    ],
)
def test_links_in_layers_lead_nowhere_outside(works, tmp_path, trick):
    """The image's own root is a stranger's: what is mounted, copied or written below it stays in it."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("untouched")
    (works.folder / "f").write_text("evil")

    try:
        image = works.build(
            f"FROM python\nRUN {trick.format(victim=victim)}\nCOPY f /srv/f\nCOPY f /var/f\nCOPY f /opt/x/f\n"
            "RUN echo e > /home/file"
        )
        works.run(image, "echo e > /var/file; echo e > /etc/passwd; echo e > /home/file; id; ls -l /var/ /srv/")
    except Failed:
        pass

    assert (victim / "file").read_text() == "untouched" and os.listdir(victim) == ["file"]


def test_a_program_cannot_change_its_images_layers(works):
    image = works.build("FROM python\nRUN echo first > /state")
    every = [path for path in works.layers.folder.rglob("*") if not path.is_symlink()]
    layers = {path: path.stat().st_mtime_ns for path in every}

    works.run(image, "echo x > /state; rm -rf /usr/local/bin /state /srv; chmod 777 /etc 2>/dev/null; true")

    assert layers == {path: path.stat().st_mtime_ns for path in layers}
