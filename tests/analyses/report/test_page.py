"""The report: one file that works offline, and what a reader can do with it in a real browser."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lissnas.errors import LissnasError
from lissnas_analyses.cli import app
from lissnas_analyses.cli.results.report import report
from lissnas_analyses.report.explorer import explorer
from lissnas_benchmarks.benchmark import Benchmark


@pytest.fixture(scope="module")
def results(reproduced: Path) -> Path:
    return reproduced


@pytest.fixture(scope="module")
def page(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    report(results, out=path)
    return path


@pytest.fixture(scope="module")
def explored(results: Path) -> dict[str, Any]:
    found = explorer(results)
    assert found is not None
    return found


def test_the_page_loads_nothing_from_the_network(page: Path) -> None:
    text = page.read_text()
    assert "src=http" not in text.replace('"', "").replace("'", "")
    assert '<link rel="icon" href="data:,">' in text
    assert len(text) < 5e6


def test_the_first_screen_says_which_method_keeps_most_and_at_what_cost(page: Path) -> None:
    first = page.read_text().split("<main>")[0]
    assert "On nas-bench-graph-proteins, " in first
    assert " keeps the largest share of the top 1 %: " in first
    assert re.search(r'<th scope="row">lissnas</th><td>(<b>)?0\.\d\d', first)
    assert '<details class="glossary">' in first
    assert 'data-meaning="score of 2,021 graph neural networks' in first, "a benchmark's name explains itself"


def test_findings_are_on_the_page(page: Path) -> None:
    assert "A neighbor of a top-1 % network is in the top 1 % with probability" in page.read_text()


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LissnasError, match="no results in"):
        report(tmp_path, out=tmp_path / "report.html")
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(LissnasError, match="not a folder of results"):
        report(tmp_path, out=tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(("name", "content"), [("map.parquet", b"PAR1"), ("rounds.parquet", b""), ("optima.svg", None)])
def test_damaged_results_are_refused_with_the_way_out(
    results: Path, tmp_path: Path, name: str, content: bytes | None
) -> None:
    folder = shutil.copytree(results, tmp_path / "results")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(LissnasError, match=r"results: the results are damaged .*; make them again"):
        report(folder, out=tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_figure_has_its_caption_and_buttons_for_all_its_tables(page: Path, results: Path) -> None:
    text = page.read_text()
    assert 'alt="nas-bench-graph-proteins: a neighbor of a top-1 % network is in the top 1 % ' in text
    assert "<figcaption><p>nas-bench-graph-proteins, test accuracy. Exact over all pairs" in text
    for numbers in results.glob("*.csv"):
        assert f'data-name="{numbers.name}">' in text


def without_map(results: Path, folder: Path) -> Path:
    """Copy results without their map, like those of an analysis that draws none."""
    shutil.copytree(results, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].remove("map.parquet")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "map.parquet").unlink()
    return folder


def test_sections_of_the_same_benchmark_have_their_folders_in_the_heading(results: Path, tmp_path: Path) -> None:
    folders = [without_map(results, tmp_path / name) for name in ("first", "second")]
    report(tmp_path, out=tmp_path / "report.html")
    headings = re.findall('<section id="(.*?)"><h2>(.*?)</h2>', (tmp_path / "report.html").read_text())
    assert [name for _anchor, name in headings] == [f"nas-bench-graph-proteins: {one}" for one in folders]
    assert len({anchor for anchor, _name in headings}) == 2


def test_listed_neighbors_are_the_best_ones_with_their_scores(explored: dict[str, Any], proteins: Benchmark) -> None:
    space = proteins.space
    for place in (0, len(explored["x"]) // 2):
        rows = space.read([explored["architecture"][place]])
        neighbors = space.index(space.neighbors(rows)[0])
        best = np.sort(proteins.report[neighbors])[::-1][:12]
        led, places, scores = (explored["neighbors"][name][place] for name in ("edit", "place", "score"))
        np.testing.assert_allclose(scores, best, rtol=1e-4)
        assert explored["degrees"][place] == len(neighbors)
        for which, other, score in zip(led, places, scores, strict=True):
            assert explored["neighbors"]["edits"][which]
            if other >= 0:
                assert space.index(space.read([explored["architecture"][other]]))[0] in neighbors
                assert score == explored["columns"]["test accuracy (%)"][other]


def test_the_last_round_has_the_networks_that_the_method_keeps(explored: dict[str, Any], results: Path) -> None:
    import polars as pl

    kept = pl.read_parquet(results / "map.parquet")["pocket of lissnas"].is_not_null().to_numpy()
    last = explored["methods"]["lissnas"][-1]
    assert last["members"] == np.flatnonzero(kept).tolist()
    assert last["size"] == len(last["members"])


def test_a_map_without_its_benchmark_has_no_explorer(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lissnas_analyses.report.explorer.is_ready", lambda name: False)
    assert explorer(results) is None


# In a browser


@pytest.fixture(scope="module")
def browser(page: Path) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium: install the packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"),
        *("disable-background-networking", "disable-component-update", "window-size=1200,1400"),
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        running.get(page.as_uri())
        _until(lambda: running.find_element("tag name", "body").get_attribute("data-ready") == "yes")
        yield running
    finally:
        running.quit()


def _until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _count(browser: Any) -> int:
    words = browser.find_element("css selector", ".count").text.split()
    return int(words[0].replace(",", ""))


def _chosen(browser: Any) -> str:
    return str(browser.find_element("css selector", ".architecture").text)


def test_the_page_loads_without_browser_errors(browser: Any) -> None:
    assert browser.get_log("browser") == []
    assert browser.find_element("css selector", "figure img").size["height"] > 50


def test_only_the_scripts_of_the_page_run(browser: Any) -> None:
    inject = (
        'document.body.insertAdjacentHTML(\'beforeend\', \'<b id="x" tabindex="0" onfocus="window.ran = 1">x</b>\')'
    )
    browser.execute_script(inject + "; document.getElementById('x').focus()")
    assert browser.execute_script("const ran = window.ran; document.getElementById('x').remove(); return ran") is None
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def test_the_explorer_takes_its_place_before_it_is_drawn(browser: Any) -> None:
    heights = """
        const explorer = document.querySelector('.explorer'), after = explorer.getBoundingClientRect().height;
        const empty = explorer.cloneNode(false);
        empty.innerHTML = '<p class="loading">Loading the map ...</p>';
        explorer.after(empty);
        const before = empty.getBoundingClientRect().height;
        empty.remove();
        return [before, after];
    """
    before, after = browser.execute_script(heights)
    assert before == pytest.approx(after, rel=0.15)


def test_a_table_that_is_wider_than_the_screen_says_that_it_scrolls(browser: Any) -> None:
    hint, pane = (browser.find_element("css selector", f".first {part}") for part in (".hint", ".scroll"))
    assert not hint.is_displayed()
    narrow = {"width": 220, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    _until(hint.is_displayed)
    assert "more" in pane.get_attribute("class")
    browser.execute_script("arguments[0].scrollLeft = 1000", pane)
    _until(lambda: "more" not in pane.get_attribute("class"))
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    _until(lambda: not hint.is_displayed())


def test_a_filter_reaches_the_panel_and_its_neighbors(browser: Any) -> None:
    operation = browser.find_elements("css selector", ".controls select")[2]
    names = browser.execute_script("return [...arguments[0].options].map(option => option.value)", operation)
    choose = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
    browser.execute_script(choose, operation, names[1])
    heading = browser.find_element("css selector", ".facts h3").text
    assert "that pass the filters" in heading
    assert heading.split(" of ")[1].split()[0] == f"{_count(browser):,}"
    assert len(browser.find_elements("css selector", ".scroll td button")) == len(
        browser.find_elements("css selector", ".facts .scroll tbody tr")
    )
    browser.execute_script(choose, operation, "any")
    assert "on the map" in browser.find_element("css selector", ".facts h3").text


def test_a_filter_changes_the_count(browser: Any) -> None:
    before = _count(browser)
    slider = browser.find_elements("css selector", ".explorer input[type=range]")[0]
    script = "arguments[0].value = {}; arguments[0].dispatchEvent(new Event('input'))"
    middle = "(Number(arguments[0].min) + Number(arguments[0].max)) / 2"
    browser.execute_script(script.format(middle), slider)
    assert 0 < _count(browser) < before
    assert float(browser.find_element("css selector", ".controls output").text) == pytest.approx(
        float(slider.get_property("value")), rel=1e-3
    )
    browser.execute_script(script.format("arguments[0].min"), slider)
    assert _count(browser) == before


def test_a_click_on_the_map_selects_a_network(browser: Any, explored: dict[str, Any]) -> None:
    from selenium.webdriver import ActionChains

    before = _chosen(browser)
    canvas = browser.find_element("css selector", ".plot canvas")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    width, height = canvas.size["width"], canvas.size["height"]
    for across in np.linspace(-0.3, 0.2, 40):
        for down in (-0.2, -0.1, 0.05, 0.15):
            move = ActionChains(browser, duration=0)
            move.move_to_element_with_offset(canvas, int(across * width), int(down * height)).click().perform()
            if _chosen(browser) != before:
                assert _chosen(browser) in explored["architecture"]
                return
    pytest.fail("no click hit a network")


def test_a_neighbor_and_the_arrow_keys_select_networks_too(browser: Any) -> None:
    before = _chosen(browser)
    browser.execute_script("arguments[0].click()", browser.find_element("css selector", ".scroll td button"))
    neighbor = _chosen(browser)
    assert neighbor != before
    pictures = browser.find_elements("css selector", ".facts svg")
    assert len(pictures) == 2
    assert any(picture.find_elements("css selector", ".changed") for picture in pictures)
    browser.find_element("css selector", ".details").send_keys("\ue015")  # arrow down: the next worse network
    assert len(browser.find_elements("css selector", ".facts svg")) == 1
    assert _chosen(browser) != neighbor


def test_the_keyboard_focus_stays_while_keys_select_networks(browser: Any) -> None:
    from selenium.webdriver import ActionChains, Keys

    def focused() -> str:
        return str(browser.execute_script("return document.activeElement.textContent"))

    worse = browser.find_elements("css selector", ".pager button")[1]
    browser.execute_script("arguments[0].focus()", worse)
    for _press in range(2):
        before = _chosen(browser)
        ActionChains(browser).send_keys(Keys.ENTER).perform()
        assert _chosen(browser) != before
        assert focused() == "Worse"
    browser.execute_script("arguments[0].focus()", browser.find_element("css selector", ".scroll td button"))
    before = _chosen(browser)
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert _chosen(browser) != before
    assert browser.execute_script("return document.activeElement.className") == "details"


def test_open_details_stay_open_for_the_next_network(browser: Any) -> None:
    browser.execute_script("arguments[0].click()", browser.find_element("css selector", ".facts summary"))
    browser.execute_script("arguments[0].click()", browser.find_elements("css selector", ".pager button")[0])
    assert browser.find_element("css selector", ".facts details").get_attribute("open")


def test_a_tap_selects_the_network_under_it(browser: Any, explored: dict[str, Any]) -> None:
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    canvas = browser.find_element("css selector", ".plot canvas")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    before = _chosen(browser)
    box = browser.execute_script("return arguments[0].getBoundingClientRect()", canvas)
    for across, down in ((0.4, 0.5), (0.55, 0.6), (0.5, 0.3), (0.3, 0.4), (0.6, 0.4)):
        point = {"x": box["x"] + across * box["width"], "y": box["y"] + down * box["height"]}
        for kind, points in (("touchStart", [point]), ("touchEnd", [])):
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        time.sleep(0.5)
        if _chosen(browser) != before:
            assert _chosen(browser) in explored["architecture"]
            break
    else:
        pytest.fail("no tap hit a network")
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_keys_open_enlarge_and_close_a_figure(browser: Any) -> None:
    from selenium.webdriver import ActionChains, Keys

    browser.execute_script("arguments[0].focus()", browser.find_element("css selector", "button.zoom"))
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    pane, image = (browser.find_element("css selector", f"#zoom {part}") for part in ("div", "div img"))
    _until(lambda: 0 < image.size["width"] <= pane.size["width"] and image.size["height"] <= pane.size["height"])
    whole = image.size["width"]
    ActionChains(browser).send_keys(Keys.TAB, Keys.ENTER).perform()  # from "Close" to "Larger"
    assert image.size["width"] > 1.4 * whole
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert browser.execute_script("return document.activeElement.className") == "zoom"


def test_both_maps_zoom_to_the_selected_network_and_back(browser: Any) -> None:
    def pictures() -> list[str]:
        time.sleep(0.3)
        return [
            str(browser.execute_script("return arguments[0].toDataURL()", canvas))
            for canvas in browser.find_elements("css selector", ".explorer:first-of-type .plot canvas")
        ]

    into, _out, whole = browser.find_elements("css selector", ".play ~ button")[:3]
    before = pictures()
    browser.execute_script("arguments[0].click()", into)
    zoomed = pictures()
    assert all(now != then for now, then in zip(zoomed, before, strict=True))
    operation = browser.find_elements("css selector", ".controls select")[2]
    choose = "arguments[0].selectedIndex = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
    for option in (1, 0):  # a filter and back again
        browser.execute_script(choose, operation, option)
    assert pictures() == zoomed
    browser.execute_script("arguments[0].click()", whole)
    assert pictures() == before


def test_the_page_fits_a_phone_without_horizontal_scrolling(browser: Any) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    drawn = "return [...document.querySelectorAll('.zoom img')].map(image => image.offsetWidth)"
    widths = browser.execute_script(drawn)
    assert min(widths) > 500, "labels keep their size: a figure scrolls in its frame"
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_playing_reaches_the_last_round(browser: Any) -> None:
    button = browser.find_element("css selector", ".play")
    browser.execute_script("arguments[0].click()", button)
    assert "before the first round" in browser.find_element("css selector", ".map p").text
    _until(lambda: button.text == "Play")
    for caption in browser.find_elements("css selector", ".map p"):
        words = caption.text.split()
        assert words[words.index("round") + 1] == words[words.index("of") + 1].rstrip(":")


def test_the_command_writes_the_same_page(
    tmp_path: Path, page: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.app(["report", str(results.parent), "--out", str(tmp_path / "r.html")], exit_on_error=False)
    assert "1 folder of results" in capsys.readouterr().out
    assert (tmp_path / "r.html").read_bytes() == page.read_bytes()
