"""s3fs: a file system on a bucket, whole files, parts of files and listings."""

import os

import s3fs

fs = s3fs.S3FileSystem(asynchronous=False)
fs.mkdir("s3fs-box")
body = os.urandom(12 * 2**20 + 7)
with fs.open("s3fs-box/deep/er/large.bin", "wb", block_size=5 * 2**20) as file:  # several parts
    file.write(body)
fs.pipe("s3fs-box/deep/small.txt", b"small")

assert fs.info("s3fs-box/deep/er/large.bin")["size"] == len(body)
with fs.open("s3fs-box/deep/er/large.bin", "rb", block_size=2**20) as file:
    file.seek(6 * 2**20)
    assert file.read(1000) == body[6 * 2**20 : 6 * 2**20 + 1000]
assert fs.cat("s3fs-box/deep/er/large.bin") == body
assert fs.find("s3fs-box") == ["s3fs-box/deep/er/large.bin", "s3fs-box/deep/small.txt"]
assert sorted(fs.ls("s3fs-box/deep", detail=False)) == ["s3fs-box/deep/er", "s3fs-box/deep/small.txt"]
assert fs.glob("s3fs-box/**/*.txt") == ["s3fs-box/deep/small.txt"]
fs.mv("s3fs-box/deep/small.txt", "s3fs-box/moved.txt")
assert not fs.exists("s3fs-box/deep/small.txt") and fs.cat("s3fs-box/moved.txt") == b"small"
try:
    fs.cat("s3fs-box/nothing")
except FileNotFoundError:
    print("missing=FileNotFoundError")
fs.rm("s3fs-box", recursive=True)
print("exists=", fs.exists("s3fs-box"))
