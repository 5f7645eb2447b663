"""The page in a real browser: what is drawn, what is clicked and typed, what is asked of the server, and that no other host is asked for anything."""

import re
from urllib.parse import urlsplit

import numpy as np
import pytest

from sarcodec.raster.geotiff import read_array
from viewer.chromium import CHROMIUM, Chromium
from viewer.conftest import served

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]
READY = "document.querySelectorAll('#kinds input').length > 0"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def page(browser, pair):
    """A server, and a browser that shows it."""
    with served(*pair) as server:
        browser.open(server.url)
        browser.until(READY)
        browser.until("[...document.querySelectorAll('#map canvas')].some(c => c.width)")
        browser.quiet(1)
        yield server, browser


@pytest.fixture(autouse=True)
def no_stranger_was_asked(browser):
    yield
    hosts = {urlsplit(url).hostname for url in browser.requests if not url.startswith(("data:", "about:", "blob:"))}
    assert hosts <= {"127.0.0.1"}
    assert browser.errors == []


def tiles(browser):
    """(kind, band, side, x, y) of all tiles that were asked for."""
    found = (re.search(r"/tiles/(\w+)/(\d+)/(\d+)/(\d+)/(\d+)$", url) for url in browser.requests)
    return [(one[1], *map(int, one.groups()[1:])) for one in found if one]


def drawn(browser):
    """Shares of the map's dots that are drawn, and that are coloured (not grey)."""
    return browser.value(
        """(() => { const all = [...document.querySelectorAll('#map canvas')].filter(c => c.width);
        let seen = 0, coloured = 0, count = 0;
        for (const c of all) { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; count += d.length / 4;
          for (let i = 0; i < d.length; i += 4) { if (d[i + 3]) { seen++; if (Math.abs(d[i] - d[i + 2]) > 20) coloured++ } } }
        return [seen / count, coloured / count] })()"""
    )


def press(browser, key):
    browser.key(key)
    browser.quiet()


def test_the_whole_scene_is_drawn_of_few_tiles(page):
    server, browser = page
    asked = tiles(browser)
    assert asked and {one[:3] for one in asked} == {("decoded", 1, 2)}, asked
    assert len(asked) == len(set(asked)) <= 6  # 700 x 1100 pixels in cells of 2 x 2: 3 x 2 tiles
    seen, coloured = drawn(browser)
    assert 0.2 < seen < 1 and coloured < 0.05  # the corner of nodata is blue
    assert browser.value("document.title") == f"{server.shown.about['name']} \u2013 sarcodec"


def test_zoom_and_pan_ask_for_tiles_and_what_is_known_is_not_asked_again(page):
    _, browser = page
    press(browser, "f")
    before = len(tiles(browser))
    browser.value("document.querySelector('#map').focus()")
    press(browser, "+")
    closer = tiles(browser)[before:]
    assert closer and {one[2] for one in closer} == {1}
    before = len(tiles(browser))
    for _ in range(3):
        press(browser, "ArrowRight")
    browser.quiet(1)
    panned = tiles(browser)[before:]
    assert {one[2] for one in panned} <= {1} and not set(panned) & set(closer)
    before = len(tiles(browser))
    press(browser, "f")
    assert tiles(browser)[before:] == []


def test_a_stretch_is_painted_without_a_request(page):
    _, browser = page
    press(browser, "d")
    before = len(browser.requests)
    mean = "(() => { const c = [...document.querySelectorAll('#map canvas')].find(c => c.width); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let s = 0, n = 0; for (let i = 0; i < d.length; i += 4) if (d[i + 3]) { s += d[i]; n++ } return s / n })()"
    dark = browser.value(mean)
    browser.value(
        "(() => { const e = document.querySelector('#high'); e.value = Number(document.querySelector('#low').value) + 2; e.dispatchEvent(new Event('change')) })()"
    )
    browser.quiet()
    assert browser.value(mean) > dark + 20
    press(browser, "a")
    assert len(browser.requests) == before
    low, high = (float(browser.value(f"document.querySelector('#{name}').value")) for name in ("low", "high"))
    assert -1 < low < high < 80 and high - low > 5


def test_band_and_kind_by_key_and_by_click(page):
    _, browser = page
    press(browser, "2")
    assert ("decoded", 2) in {one[:2] for one in tiles(browser)}
    browser.click(*browser.middle("#kinds label:has(input[value=error])"))
    browser.quiet()
    assert browser.value("document.querySelector('#kinds input:checked').value") == "error"
    assert ("error", 2) in {one[:2] for one in tiles(browser)}
    press(browser, "a")
    assert drawn(browser)[1] > 0.02 and 0.05 < float(browser.value("document.querySelector('#reach').value")) < 3
    press(browser, "r")
    assert ("ratio", 2) in {one[:2] for one in tiles(browser)}
    press(browser, "1")
    press(browser, "d")
    assert browser.value("document.querySelector('#bands input:checked').value") == "0"


def test_the_swipe_shows_both(page, tmp_path):
    """Its border is dragged, and moved by keys; on its left is the original."""
    _, browser = page
    press(browser, "s")
    assert {"original", "decoded"} <= {one[0] for one in tiles(browser)}
    assert browser.value("getComputedStyle(document.querySelector('#swipe')).display") != "none"
    x, y = browser.middle("#swipe")
    browser.drag((x, y), (x + 150, y))
    now = float(browser.value("document.querySelector('#swipe').getAttribute('aria-valuenow')"))
    assert now == pytest.approx(50 + 100 * 150 / browser.value("document.querySelector('#picture').offsetWidth"), abs=1)
    browser.value("document.querySelector('#swipe').focus()")
    press(browser, "Home")
    only_decoded = browser.picture(tmp_path / "a.png")
    for _ in range(25):
        browser.key(".")
    browser.quiet()
    assert browser.value("document.querySelector('#swipe').getAttribute('aria-valuenow')") == "100"
    assert browser.picture(tmp_path / "b.png") != only_decoded
    press(browser, "d")


def test_values_under_the_cursor_are_pixels(page, pair):
    server, browser = page
    press(browser, "x")
    box = browser.value(
        "(() => { const b = document.querySelector('#map').getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()"
    )
    browser.mouse("Moved", box[0] + box[2] / 2 - 20, box[1] + box[3] / 2 + 11)
    browser.until("document.querySelector('#values th:nth-child(2)')?.textContent === 'pixel'")
    words = browser.value("document.querySelector('#values p').textContent")
    row, col = map(int, re.fullmatch(r"Row (\d+), column (\d+)", words).groups())
    cells = browser.value("[...document.querySelectorAll('#values td:nth-child(2)')].map(cell => cell.textContent)")
    original = read_array(pair[1])[0][:, row, col]
    decoded = server.shown.values(row, col)["bands"]
    assert cells == [str(n) for band in range(2) for n in (decoded[band]["decoded"]["pixel"], original[band])]


def test_far_out_the_level_is_that_of_a_cell(page):
    server, browser = page
    press(browser, "f")
    box = browser.value(
        "(() => { const b = document.querySelector('#map').getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()"
    )
    before = len(browser.requests)
    browser.mouse("Moved", box[0] + box[2] / 2 + 30, box[1] + box[3] / 2)
    browser.until("/mean of 2 x 2/.test(document.querySelector('#values p').textContent)")
    row, col = map(int, re.findall(r"\d+", browser.value("document.querySelector('#values p').textContent"))[:2])
    level = browser.value("document.querySelector('#values td').textContent")
    assert float(level) == pytest.approx(server.shown.pyramid.at("decoded", 0, 2, row // 2, col // 2), abs=0.006)
    assert len(browser.requests) == before


def test_a_profile_is_drawn_with_the_mouse(page):
    _, browser = page
    press(browser, "f")
    browser.click(*browser.middle("#draw"))
    box = browser.value(
        "(() => { const b = document.querySelector('#map').getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()"
    )
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    browser.click(x - 100, y - 50)
    browser.click(x + 120, y + 80)
    browser.until("document.querySelectorAll('#profile polyline').length >= 2")
    assert re.search(
        r"decoded less original: mean \S+ dB, root mean square 0\.\d+ dB",
        browser.value("document.querySelector('#profile').textContent"),
    )
    places = [
        int(browser.value(f"document.querySelector('#line').elements.{name}.value"))
        for name in ("row0", "col0", "row1", "col1")
    ]
    assert np.ptp(places[::2]) == pytest.approx(260, abs=8) and np.ptp(places[1::2]) == pytest.approx(440, abs=8)
    assert browser.value("document.querySelector('#draw').getAttribute('aria-pressed')") == "false"


def test_a_profile_by_its_numbers(page):
    _, browser = page
    fields = ", ".join(
        f"line.{name}.value = {value}" for name, value in {"row0": 0, "col0": 0, "row1": 0, "col1": 50}.items()
    )
    browser.value(
        f"(() => {{ const line = document.querySelector('#line').elements; {fields}; document.querySelector('#line').requestSubmit() }})()"
    )
    browser.until("document.querySelector('#profile').textContent === 'No pixel on the line is valid.'")


def test_the_claims_are_there(page):
    server, browser = page
    words = browser.value("document.querySelector('#claims').textContent")
    said = server.shown.about["claims"]
    assert f"Written by {said['software']}" in words and f"{said['bands'][0]['rmse_db']:.2f}" in words


def test_the_address_brings_back_what_was_seen(page):
    server, browser = page
    browser.open("about:blank")
    browser.open(f"{server.url}#kind=error&band=2&row=300&col=500&side=1&reach=1.5")
    browser.until(READY)
    browser.quiet()
    assert browser.value("document.querySelector('#kinds input:checked').value") == "error"
    assert browser.value("document.querySelector('#reach').value") == "1.5"
    assert browser.value("new URLSearchParams(location.hash.slice(1)).get('row')") == "300"


@pytest.mark.parametrize("dark", [False, True])
def test_400_px_wide(page, dark):
    """Nothing is wider than the page, in both schemes; the scheme is another."""
    _, browser = page
    browser.resize(400, 800, dark)
    browser.quiet()
    assert browser.value("document.documentElement.scrollWidth") <= 400
    colour = browser.value("getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(22, 24, 28)" if dark else "rgb(255, 255, 255)")
    browser.resize(1280, 800)


def test_a_damaged_file_is_said(browser, pair, tmp_path):
    data = bytearray(pair[0].read_bytes())
    data[-3000:-2000] = bytes(1000)
    (tmp_path / "damaged.sarc").write_bytes(data)
    with served(tmp_path / "damaged.sarc") as server:
        browser.open(server.url)
        browser.until(READY)
        for key in "x2":
            browser.key(key)
        browser.until("/damaged/.test(document.querySelector('#status.wrong')?.textContent)")
    assert all("500" in error for error in browser.errors)
    browser.errors.clear()


def test_names_are_text_and_no_html(browser, pair, tmp_path):
    name = tmp_path / "<img src=x onerror=alert(1)>.sarc"
    name.write_bytes(pair[0].read_bytes())
    with served(name) as server:
        browser.open(server.url)
        browser.until(READY)
        assert browser.value("document.querySelector('h1').textContent") == name.name
        assert browser.value("document.querySelectorAll('img').length") == 0
        browser.quiet(0.3)  # a server that ends answers what is under way by errors, which the browser would tell
