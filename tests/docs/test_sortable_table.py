"""A click on a heading of the table of all methods sorts it, in a browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "_static" / "sortable.js"

PAGE = """
<div class="sortable"><table><thead><tr><th>method</th><th>recall</th></tr></thead><tbody>
<tr><td>a</td><td>0.77 [0.70, 0.83]</td></tr><tr><td>c</td><td>1,161</td></tr><tr><td>b</td><td>0.1; failed</td></tr>
</tbody></table></div>
<script src="sortable.js"></script><script>
addEventListener("load", () => {
  const [method, recall] = document.querySelectorAll("button");
  const order = () => [...document.querySelectorAll("tbody tr")].map((row) => row.cells[0].textContent).join("");
  document.title = [recall, recall, method].map((heading) => { heading.click(); return order(); }).join(" ");
});
</script>
"""


def test_a_column_is_sorted_by_its_first_number_or_its_text(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: install the package chromium")
    shutil.copy(SCRIPT, tmp_path)
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    called = subprocess.run(
        [*words, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()], capture_output=True, text=True, check=True
    )
    assert re.findall("<title>(.*)</title>", called.stdout) == ["cab bac cba"]
    assert 'aria-sort="descending"><button>method' in called.stdout
