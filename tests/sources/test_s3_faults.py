"""S3 servers that break off, say too little, say something else, fail for a while, or say nothing at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.config import Settings
from datacat.errors import CatalogError, DatacatError, LocationError
from datacat.sources.conditional import conditional_put
from datacat.sources.listing import listed
from datacat.sources.location import Location, filesystem
from datacat.sources.reading import read_bytes, read_many
from datacat.tables import Tables
from datacat.testing.servers import Answer, Fault, Request, faulty
from datacat.testing.staging import corpus
from datacat.versions.share import Share

PAGE = b"<html><body><p>Welcome! Log in.</p></body></html>"
IMPATIENT = Settings(threads=1, s3_timeout_s=1)


def written(answer: Answer, *, body: bytes | None = None, without: tuple[str, ...] = ()) -> bytes:
    """An answer as it goes over the line, with another body than it announces, and without some headers."""
    status, headers, whole = answer
    kept = {"Content-Length": str(len(whole))} | headers
    lines = [f"{name}: {value}" for name, value in kept.items() if name.lower() not in without]
    head = "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "Connection: close", "", ""])
    return head.encode() + (whole if body is None else body)


def half(request: Request) -> Answer | bytes:
    answer = request.forward(request.headers)
    is_body = request.method == "GET" and len(answer[2]) > 1
    return written(answer, body=answer[2][: len(answer[2]) // 2]) if is_body else answer


def bare(request: Request) -> bytes:
    unsaid = ("etag", "last-modified", "date", "content-length", "content-range")
    return written(request.forward(request.headers), without=unsaid)


def page(request: Request) -> Answer:
    return 200, {"Content-Type": "text/html"}, b"" if request.method == "HEAD" else PAGE


def cut_listing(request: Request) -> Answer:
    status, headers, body = request.forward(request.headers)
    return status, headers, body[: len(body) // 2] if "list-type" in request.path else body


def failing(request: Request) -> Answer:
    return 500, {}, b""


def redirecting(request: Request) -> Answer:
    return 301, {"Location": "http://127.0.0.1:9/elsewhere"}, b""


def breaking(request: Request) -> None:
    return None


FAULTS = [half, bare, page, cut_listing, failing, redirecting, breaking]


@pytest.fixture
def silent() -> Iterator[Fault]:
    """Never answers, until the test is over."""
    over = threading.Event()

    def fault(request: Request) -> None:
        over.wait(60)

    yield fault
    over.set()


@pytest.fixture
def lake(s3: Location) -> Location:
    place = s3.child("lake/a.json")
    filesystem(place, Settings()).pipe_file(place.path, b"0123456789")
    return place


def through(address: str) -> Settings:
    return Settings(threads=1, s3_timeout_s=1, s3_endpoint=address)


@pytest.mark.parametrize("fault", [half, bare, page, failing, redirecting, breaking])
def test_an_object_comes_whole_or_not_at_all(lake: Location, s3_address: str, fault: Fault) -> None:
    with faulty(s3_address, fault) as address:
        with pytest.raises(LocationError) as caught:
            read_bytes(lake.uri, through(address))
        (_, found), *_ = read_many([lake.uri, lake.uri], through(address))
    assert caught.value.where == lake.uri
    assert isinstance(found, LocationError)


@pytest.mark.parametrize("fault", [half, page, cut_listing, failing, breaking])
def test_a_listing_comes_whole_or_not_at_all(lake: Location, s3_address: str, fault: Fault) -> None:
    with faulty(s3_address, fault) as address, pytest.raises(LocationError, match="cannot be listed"):
        listed(lake.parent, through(address))


def test_a_silent_server_is_waited_for_as_long_as_the_settings_say(
    lake: Location, s3_address: str, silent: Fault
) -> None:
    with (
        faulty(s3_address, silent) as address,
        pytest.raises(LocationError, match="was silent for 1 seconds"),
    ):
        read_bytes(lake.uri, through(address))


def test_a_server_that_fails_for_a_while_is_asked_again(lake: Location, s3_address: str) -> None:
    asked: list[str] = []

    def fault(request: Request) -> Answer | bytes:
        asked.append(request.path)
        if len(asked) == 1:
            return 503, {}, b""
        return half(request) if len(asked) == 3 else request.forward(request.headers)

    with faulty(s3_address, fault) as address:
        assert read_bytes(lake.uri, through(address), end=10) == b"0123456789"
        assert read_bytes(lake.uri, through(address), end=10) == b"0123456789"
    assert len(asked) == 4


def test_another_part_than_was_asked_for_is_refused(lake: Location, s3_address: str) -> None:
    def whole(request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "range"}
        return request.forward(headers)

    with faulty(s3_address, whole) as address, pytest.raises(LocationError, match="with the whole object"):
        read_bytes(lake.uri, through(address), start=5, end=8)


def lost(which: Callable[[Request], bool]) -> tuple[Fault, list[str]]:
    """Loses the first answer of those that are meant, once the server has done what was asked."""
    seen: list[str] = []

    def fault(request: Request) -> Answer | None:
        answer = request.forward(request.headers)
        if which(request) and not seen:
            seen.append(request.path)
            return None
        return answer

    return fault, seen


def test_a_conditional_write_whose_answer_got_lost_is_known_for_ours(lake: Location, s3_address: str) -> None:
    fault, seen = lost(lambda request: request.method == "PUT")
    place = lake.parent.child("new")
    with faulty(s3_address, fault) as address:
        etag = conditional_put(place, b"mine", settings=through(address), IfNoneMatch="*")
    assert etag == filesystem(place, Settings()).info(place.path)["ETag"]
    assert len(seen) == 1
    assert conditional_put(place, b"another's", settings=IMPATIENT, IfNoneMatch="*") is None
    assert conditional_put(place, b"newer", settings=IMPATIENT, IfMatch='"0"') is None


def test_a_bucket_that_is_not_there_is_said_to_be_missing(s3: Location) -> None:
    nowhere = Location.parse("s3://no-such-bucket-here/cat")
    with pytest.raises(LocationError, match="bucket does not exist"):
        Catalog.init(nowhere.uri)
    with pytest.raises(OSError, match="bucket does not exist"):
        conditional_put(nowhere, b"mine", settings=IMPATIENT, IfNoneMatch="*")


def test_who_writes_at_the_same_moment_is_asked_again(lake: Location, s3_address: str) -> None:
    busy = [409, 409]
    error = b"<Error><Code>ConditionalRequestConflict</Code></Error>"

    def conflict(request: Request) -> Answer:
        if request.method == "PUT" and busy:
            return busy.pop(), {"Content-Type": "application/xml"}, error
        return request.forward(request.headers)

    place = lake.parent.child("busy")
    with faulty(s3_address, conflict) as address:
        assert conditional_put(place, b"mine", settings=through(address), IfNoneMatch="*")
    assert filesystem(place, Settings()).cat_file(place.path) == b"mine"


def test_a_bundle_whose_answer_got_lost_was_sent(lake: Location, s3_address: str, tmp_path: Path) -> None:
    fault, _ = lost(lambda request: request.method == "PUT")
    (tmp_path / "bundle").write_bytes(b"refs")
    with faulty(s3_address, fault) as address:
        share = Share(lake.parent.child("share"), through(address))
        assert share.replace(tmp_path / "bundle", expected=None) == share.etag()


def test_making_a_catalog_whose_answer_got_lost_is_no_conflict(s3: Location, s3_address: str) -> None:
    fault, seen = lost(lambda request: request.method == "PUT" and "_delta_log" in request.path)
    with faulty(s3_address, fault) as address:
        Tables.create(s3, through(address), author="ada")
    assert (len(seen), Tables.open(s3, IMPATIENT).state().number) == (1, 0)


def _of_rust(fault: Fault) -> Fault:
    """The fault for delta-rs alone."""

    def chosen(request: Request) -> Answer | bytes | None:
        agent = next((value for name, value in request.headers.items() if name.lower() == "user-agent"), "")
        return request.forward(request.headers) if "boto" in agent.lower() else fault(request)

    return chosen


@pytest.mark.parametrize("fault", [half, bare, page, failing, breaking])
def test_what_delta_rs_meets_is_one_error_in_one_line(s3: Location, s3_address: str, fault: Fault) -> None:
    Tables.create(s3, IMPATIENT, author="ada")
    with (
        faulty(s3_address, _of_rust(fault)) as address,
        pytest.raises(CatalogError, match="cannot be read") as caught,
    ):
        Tables.open(s3, through(address)).state()
    assert "\n" not in caught.value.what
    assert "\x1b" not in caught.value.what


@pytest.mark.parametrize("fault", FAULTS)
def test_a_commit_through_a_bad_line_is_whole_or_nothing(
    s3: Location, s3_address: str, tmp_path: Path, fault: Fault
) -> None:
    """The line goes bad once the catalog is open; on a good one the same ingest succeeds."""
    Tables.create(s3, IMPATIENT, author="ada")
    is_bad: list[int] = []

    def later(request: Request) -> Answer | bytes | None:
        return fault(request) if is_bad else request.forward(request.headers)

    with faulty(s3_address, later) as address:
        tables = Tables.open(s3, through(address))
        is_bad.append(1)
        with pytest.raises(DatacatError):
            corpus(tables, folder=tmp_path)
    corpus(Tables.open(s3, IMPATIENT), folder=tmp_path)
    assert [item.text for item in Catalog.open(s3.uri).doctor() if item.severity == "error"] == []
