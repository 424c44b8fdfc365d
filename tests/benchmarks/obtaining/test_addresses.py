"""The addresses of `lissnas data get`: their form, and the checksums and lengths that were published or measured.

No address is called: the tests run without a network.
"""

import re
from urllib.parse import urlsplit

import pytest
from lissnas_benchmarks.adapter import OfficialFile, TableAdapter
from lissnas_benchmarks.catalog import ADAPTERS

HOSTS = {
    "raw.githubusercontent.com": r"/[\w.-]+/[\w.-]+/HEAD/[\w./-]+",
    "storage.googleapis.com": r"/nasbench/nasbench_\w+\.tfrecord",
    "huggingface.co": r"/datasets/ThunderStruct/NASBench/resolve/main/[\w.-]+\.pkl",
    "ndownloader.figshare.com": r"/files/\d+",
    "pde-xd.s3.amazonaws.com": r"/NATS-tss-[\w.-]+",
}
"""The hosts, and the form of a path of each."""

MEASURED = {
    "NAS-RobBench-201_html.json": ("b3dc99b96324de07b1dd9f3c39830fe0f82aae7fbd1b20eb0a6885cabd4f2388", 2_580_686),
    "mini-bench-arch-cell-accs.pd": ("bda800741eea1512fab0ed771f19c8fde06c266db3bbf4690ab5921f621877fe", 2_257_579),
    "robustness_targets.csv": ("1aafefcad84cebfb2eda6ee734a5f49baa18746bb57e5d63ac4fb96f5dec984f", 4_143_565),
    "nasbench_full.tfrecord": ("3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c", None),
    "nasbench_only108.tfrecord": ("4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1", None),
    "dataset.parquet": ("d3ce4198e31564486b7194ba28507bea3867cb16a2587d68d82e3b62cfff4cce", 3_119_939),
}
"""The SHA-256 and the length of files that were at hand, or whose authors publish the SHA-256."""


def _files() -> list[OfficialFile]:
    adapters = [ADAPTERS.find(name) for name in ADAPTERS.builtin]
    forms = [form.file for adapter in adapters if isinstance(adapter, TableAdapter) for form in adapter.forms]
    return [file for adapter in adapters for file in adapter.files] + forms


@pytest.mark.parametrize("file", [file for file in _files() if file.url], ids=lambda file: file.name)
def test_an_address_is_encrypted_and_ends_in_its_file(file: OfficialFile) -> None:
    address = urlsplit(str(file.url))
    assert (address.scheme, address.query, address.fragment) == ("https", "", "")
    assert re.fullmatch(HOSTS[address.hostname or ""], address.path)
    if "figshare" not in str(file.url):  # there a number names the file
        assert address.path.endswith(f"/{file.name}")


def test_what_has_an_address_is_said_to_be_downloaded() -> None:
    for name in ADAPTERS.builtin:
        adapter = ADAPTERS.find(name)
        has_address = bool(adapter.files) and all(file.url for file in adapter.files)
        assert (adapter.remedy.count(f"'lissnas data get {name}'") == 1) == has_address, name


def test_checksums_and_lengths_are_those_that_were_published_or_measured() -> None:
    stated = {file.name: (file.sha256, file.size) for file in _files() if file.sha256 and file.url}
    assert stated == MEASURED
    assert all(file.sha256 for file in _files() if file.size)
