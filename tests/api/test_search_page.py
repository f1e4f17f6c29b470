"""The search page in a real browser: what it shows once its scripts have run. Debian's chromium, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree.ElementTree import Element, TreeBuilder

import pytest

from datacat.catalog import Catalog
from tests.api.test_serve import served
from tests.catalog.turned import BOX, SHOWN, TEAMS

_CHROMIUM = shutil.which("chromium")
_EMPTY = {"br", "img", "input", "link", "meta"}
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="needs chromium")


class _Tree(HTMLParser):
    """A document as chromium writes it: all is closed but the elements that are always empty."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._made = TreeBuilder()
        self.feed(text)
        self.root = self._made.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._made.start(tag, {name: value or "" for name, value in attrs})
        if tag in _EMPTY:
            self._made.end(tag)

    def handle_endtag(self, tag: str) -> None:
        self._made.end(tag)

    def handle_data(self, data: str) -> None:
        self._made.data(data)


@pytest.fixture
def address(catalog: Catalog) -> Iterator[str]:
    with served(catalog) as running:
        yield running


def _shown(address: str, folder: Path, *, path: str = "", **asked: str) -> Element:
    """The body of a page, some virtual seconds after it was opened."""
    command = [str(_CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"]
    command += ["--virtual-time-budget=20000", "--dump-dom", f"{address}{path or '/?' + urlencode(asked)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    body = _Tree(done.stdout[done.stdout.index("<html") :].strip()).root.find("body")
    assert body is not None
    return body


def _texts(page: Element, path: str) -> list[str]:
    return [" ".join("".join(found.itertext()).split()) for found in page.findall(path)]


def test_a_plain_question_is_answered_in_tiers_with_its_reading(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, q="do we have any slate roofs?")
    assert _texts(page, ".//*[@class='understood']/a")[0] == "roof[material=slate]"
    assert _texts(page, ".//section/h2") == [
        "Labelled so",
        "Labelled with something related",
        "Not labelled, but looks so",
    ]
    assert _texts(page, ".//ul[@class='numbers']//b") == ["3", "2", "0"]
    assert _texts(page, ".//section[1]//ul[@aria-label='why it is here']/li")[0] == (
        "mapping/roofs: Roof[material=slate]"
    )


def test_a_bar_leads_to_the_assets_that_it_counts(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, q="roof[material=tile]")
    (bar,) = page.findall(".//details[summary='team']//a")
    narrowed = _shown(address, tmp_path, path=bar.attrib["href"])
    assert _texts(narrowed, ".//*[@class='understood']/a")[0] == "roof[material=tile team=mapping]"
    assert _texts(narrowed, ".//h1") == ["3 assets"]
    assert _texts(bar, "./small") == ["3"]


def test_a_class_of_the_first_page_leads_to_that_class_alone(address: str, tmp_path: Path) -> None:
    """A bare word would be the concept, where there is one."""
    (bar,) = _shown(address, tmp_path).findall(".//details[summary='class']//a")
    assert parse_qs(urlsplit(bar.attrib["href"]).query)["q"] == ['class:"Roof"']
    narrowed = _shown(address, tmp_path, path=bar.attrib["href"])
    assert _texts(narrowed, ".//h1") == [f"{_texts(bar, './small')[0]} assets"]


def test_the_name_of_an_attribute_leads_nowhere(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, q="roofs and their material")
    (item,) = [one for one in page.findall(".//ul[@class='words']/li") if "attribute" in _texts(one, ".")[0]]
    assert _texts(item, ".")[0].endswith("the name of an attribute, which the query does not use: material")
    assert item.findall(".//a") == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("team:mappin", "team:mapping"),
        ("roof[materail=slate]", "roof[material=slate]"),
        ("media:imge", "media:image"),
        ('class:"rofo"', 'class:"roof"'),
    ],
)
def test_the_nearest_name_of_anything_is_one_click_away(
    address: str, tmp_path: Path, *, typed: str, meant: str
) -> None:
    page = _shown(address, tmp_path, q=typed)
    assert _texts(page, ".//*[@role='alert']/p/a") == [meant, "Ask it as a plain question"]


def test_where_nothing_is_found_the_nearest_value_is_named(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, q="roof[material=slat]")
    assert _texts(page, ".//h1") == ["0 assets"]
    assert "slate" in _texts(page, ".//pre[@class='hint']")[0]


def test_marks_that_turn_text_round_are_seen_on_the_page(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, q="rofo\u202etxet")
    assert "\u202e" not in "".join(page.itertext())
    assert "\\u202e" in _texts(page, ".//main")[0]


def test_the_page_of_the_api_lists_paths_with_their_parameters(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, path="/docs")
    assert "GET /v1/search" in _texts(page, ".//h2")
    assert "SearchPage" in _texts(page, ".//code")
    assert {"document", "string or null"} <= set(_texts(page, ".//td"))


def test_a_mistake_is_shown_with_the_nearest_name_to_follow(address: str, tmp_path: Path) -> None:
    page = _shown(address, tmp_path, q="class:rofo <b>")
    assert page.findall(".//main//b") == []
    page = _shown(address, tmp_path, q="class:rofo")
    assert _texts(page, ".//*[@role='alert']/pre")[0].startswith("no class `rofo`")
    assert _texts(page, ".//*[@role='alert']/p/a") == ["class:roof", "Ask it as a plain question"]


def test_boxes_lie_on_their_picture_whichever_way_it_is_stored(tmp_path: Path) -> None:
    """Browsers turn pictures as their EXIF says."""
    made = Catalog.init(str(tmp_path / "turned"))
    for team in ("neutral", "neutral-stored", "shares-stored", "coco-stored"):
        TEAMS[team](tmp_path / team)
        made.ingest(str(tmp_path / team), team=team, name="x")
    with served(made) as running:
        page = _shown(running, tmp_path / "browser", q="thing[team!=coco-stored]")
        outlined = _shown(running, tmp_path / "browser", q="thing[team:coco-stored]")
    overlays = page.findall(".//li[@class='hit']//svg")
    assert {found.get("viewbox") for found in overlays} == {"0 0 120 160"}
    assert len(overlays) == 8
    for found in overlays:
        for rectangle in found.findall("rect"):
            sides = [float(rectangle.get(side, "")) for side in ("x", "y", "width", "height")]
            units = SHOWN * 2 if "scale(120 160)" in rectangle.get("transform", "") else (1,) * 4
            assert [side * unit for side, unit in zip(sides, units, strict=True)] == pytest.approx(BOX)
    assert len(page.findall(".//li[@class='hit']//svg/rect")) == 24
    outlines = [found.get("points", "") for found in outlined.findall(".//li[@class='hit']//svg/polygon")]
    assert [sorted(points.split()) for points in outlines] == [["16,32", "16,96", "56,32", "56,96"]] * 8
