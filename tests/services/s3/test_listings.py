"""Listings: order, groups, pages; and that a page costs its own length."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = ["a", "a/", "a/b", "a/c/d", "b", "b/c", "z\U0001f600", "z\uffff", "é", "~"]


@pytest.fixture
def filled(s3):
    for key in KEYS:
        s3.put_object(Bucket="box", Key=key)
    return s3


def names(page):
    contents = [one["Key"] for one in page.get("Contents", [])]
    return contents, [one["Prefix"] for one in page.get("CommonPrefixes", [])]


def test_keys_are_in_the_order_of_their_bytes(filled):
    assert names(filled.list_objects_v2(Bucket="box"))[0] == sorted(KEYS, key=str.encode)


def test_a_delimiter_groups(filled):
    page = filled.list_objects_v2(Bucket="box", Delimiter="/")

    assert names(page) == (sorted(["a", "b", "~", "é", "z\U0001f600", "z\uffff"], key=str.encode), ["a/", "b/"])
    assert page["KeyCount"] == 8
    assert names(filled.list_objects_v2(Bucket="box", Delimiter="/", Prefix="a/")) == (["a/", "a/b"], ["a/c/"])


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_together_are_the_whole(filled, operation, delimiter, size):
    whole = getattr(filled, operation)(Bucket="box", Delimiter=delimiter)
    pager = filled.get_paginator(operation)
    pages = list(pager.paginate(Bucket="box", Delimiter=delimiter, PaginationConfig={"PageSize": size}))

    for member in ("Contents", "Versions", "CommonPrefixes"):
        assert list(itertools.chain(*(page.get(member, []) for page in pages))) == whole.get(member, [])


@given(
    keys=st.sets(st.text("ab/\U0010ffff", min_size=1, max_size=5), max_size=12),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "b", "b/"]),
    size=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_listing_is_what_a_sorted_scan_would_give(lone, s3, keys, prefix, delimiter, size):
    for one in s3.list_objects_v2(Bucket="box").get("Contents", []):
        s3.delete_object(Bucket="box", Key=one["Key"])
    for key in keys:
        s3.put_object(Bucket="box", Key=key)

    expected = []
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            name = key[: end + len(delimiter)] if end >= 0 else key
            if name not in expected or end < 0:
                expected.append(name)
    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation).paginate(
            Bucket="box", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
        )
        found = [name for page in pages for name in sorted(itertools.chain(*names(page)), key=str.encode)]
        assert sorted(found, key=str.encode) == sorted(expected, key=str.encode)
        assert all(len(list(itertools.chain(*names(page)))) <= size for page in pages)


def test_a_page_goes_on_where_it_was_though_its_key_is_gone(filled):
    first = filled.list_objects_v2(Bucket="box", MaxKeys=2)
    filled.delete_object(Bucket="box", Key=first["Contents"][-1]["Key"])
    filled.put_object(Bucket="box", Key="A")

    second = filled.list_objects_v2(Bucket="box", MaxKeys=2, ContinuationToken=first["NextContinuationToken"])

    assert names(second)[0] == sorted(KEYS, key=str.encode)[2:4]


def test_start_after_owner_and_counts(filled, refused):
    page = filled.list_objects_v2(Bucket="box", StartAfter="a/b", MaxKeys=1, FetchOwner=True)

    assert names(page)[0] == ["a/c/d"] and page["IsTruncated"] and page["Contents"][0]["Owner"]["ID"]
    assert "Owner" not in filled.list_objects_v2(Bucket="box")["Contents"][0]
    assert not filled.list_objects_v2(Bucket="box", MaxKeys=0)["IsTruncated"]
    assert refused(filled.list_objects_v2, Bucket="box", ContinuationToken="x") == ("InvalidArgument", 400)
    assert refused(filled.list_objects_v2, Bucket="box", MaxKeys=-1) == ("InvalidArgument", 400)


def test_versions_go_on_though_the_page_before_was_deleted(s3):
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    for n in range(7):
        s3.put_object(Bucket="box", Key="k", Body=str(n).encode())
        s3.put_object(Bucket="box", Key=f"l{n}")
    s3.delete_object(Bucket="box", Key="k")

    for page in s3.get_paginator("list_object_versions").paginate(Bucket="box", PaginationConfig={"PageSize": 3}):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket="box", Key=one["Key"], VersionId=one["VersionId"])

    s3.delete_bucket(Bucket="box")


def test_a_page_seeks_over_groups_instead_of_reading_them(lone, s3):
    rows = [("box", f"{n % 5}/{n:05}", 1, "null", 1, n, 0, '""', 0, "{}") for n in range(20_000)]
    with lone.part["objects"].writing() as db:
        db.executemany(
            "insert into version (bucket, key, seq, name, latest, body, size, etag, modified, meta)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows,
        )  # fmt: skip
        steps = 0

        def count():
            nonlocal steps
            steps += 1
            return 0

    with lone.part["objects"].reading() as db:
        db.set_progress_handler(count, 100)
    try:
        page = lone.perform("ListObjectsV2", {"Bucket": "box", "Delimiter": "/"})
    finally:
        with lone.part["objects"].reading() as db:
            db.set_progress_handler(None, 0)

    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["0/", "1/", "2/", "3/", "4/"]
    assert steps < 20  # hundreds of instructions of SQLite's machine: five seeks, not 20,000 rows
