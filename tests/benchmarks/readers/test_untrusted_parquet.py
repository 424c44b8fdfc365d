"""Parquet files that nobody vouches for: one that would end the process is an error like any other."""

import base64
import subprocess
import sys
import zlib
from pathlib import Path

import polars as pl
import pytest
from lissnas.spaces.published.cell201 import cell201
from lissnas_benchmarks.errors import BenchmarkFileError
from lissnas_benchmarks.predictor_file import read_predictor
from lissnas_benchmarks.readers import untrusted_parquet
from lissnas_benchmarks.readers.untrusted_parquet import scan_untrusted_parquet

ENDS_THE_PROCESS = (
    "c-oy+y>Ht_6hBe2#27*0qCSE|H3$SOIIs{=)F%a@4r3>c6WOth1hyO`z?mPGB8pV`A=@zockEE0|3J~LK!<i~_aal!q3F==9o(@%"
    "wstAdcO)fysGA@Mg7-duzxUo9rEPVmgj4tyZnZIs5kkv96#vQPzC&n~KuI)*GALTfM+{0PFv5#CU%+R00jF^~TSLq2G=gUnXtqL_"
    "`3^!1C~SgBo+F$Rswll6@N<1zH;(ajj^%z#a6c#V&+_b*NWj>}?E)=s#u#~Cukx{kKAke=|3v7Uh!Q>iZT0aVtJB!z0+RnS@8Wr3"
    "38e-81EOhxOSF@sUi1ymFII}Bu%fRL@SvAW>nftKpyuU*X5?QZv>lWGeFoE8dGFSTjKoYiuUW)5Y)Tn2jX6Dko@&v2;eAH9Xd1-K"
    "tb2i*x~C<~#Mi5_JIg)8#~cc!mkfp$BKbUpbt+;;Xx~e@j^pDr9K#Y59|6MiAph4WBF{y^h+~DU(8_<yWZ&%=xz93qk^4N2KSKH6"
    "li9aBhW!5=1NUVH^W0A%;H$apn`g{@pTQjBeob<0p5=Z?F2aaf{B?C_=izSC(|X2`@UNI6T`Lt8)*bq4j6px{#Cm9YpsJp_7VaH&"
    "WgGlQN7TNds)uphCTzDukcaf8()=}*Lf@n6Z8eUku1z&s>kp_uf*8;sue-Nn9SpasZ8^+8qW+Dm^J{Vb$Ew<;A&;oFySw#V-@D)I"
    "mIvegHAULr+mhNZI^)gGx<})~`qn~#ZiKfH;@>%hKIq<wc-CVUh4w3{vnn9<KJ5?oyHqE;)xrMWp^Es7)%QG`c>EX1Q_*zXA@Rkg"
    "ToAnx(G0OEdP8DaBIx}Wpq6R{QFE+dXnSJw$*DLre7CPb*z|%xq)vR|8Gs_{G;d_}sZ6g8sDT}7OCTB}N9zGh1%eDi2k?UUNkAa{"
    "L~QzQU`z^^2;vKKCH@8W(7Oa~2bML(kK`GJNi5HpJcWjOhBokmA#JHqRm$a3y<CtRic(S(r7S^2_z8*4vMkqXB}u8%DFp7=fQ-`#"
    "z&n9Uhjl6*K#jd2aR-+sHzJ30khXKwGh71<R$qg#$YxW6*|$QdPyn+eiId3$@pGE1m1X`~rB<%ipsXt5x3(RNxLz(XI`MmseIqwE"
    "T(9rgIr(Pkrj%Pg2>O<utDA}>ALwP%)aANqHe|h25$g>iDMVJPrYW0sV(5x|Luh3YiXL>9g5O2>pZOPxAaoW"
)
"""A table of 1.6 kB with one number of a page's header changed: Polars 2.1 asks for two exabytes. Found by fuzzing."""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.parquet"
    path.write_bytes(zlib.decompress(base64.b85decode(ENDS_THE_PROCESS)))
    return path


def test_a_file_that_ends_the_process_is_refused(damaged: Path) -> None:
    command = "import polars, sys; polars.read_parquet(sys.argv[1])"
    alone = subprocess.run([sys.executable, "-c", command, str(damaged)], capture_output=True, check=False)
    assert alone.returncode != 0
    with pytest.raises((BenchmarkFileError, pl.exceptions.PolarsError), match=r"damaged|parquet"):
        scan_untrusted_parquet(damaged).collect()


def test_scores_in_such_a_file_are_refused_by_its_name(damaged: Path) -> None:
    with pytest.raises(BenchmarkFileError, match=r"damaged\.parquet"):
        read_predictor(str(damaged), cell201())


def test_a_file_of_too_many_rows_is_refused_before_its_columns_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.parquet"
    pl.DataFrame({"a": pl.repeat(1, 1000, eager=True)}).write_parquet(path)
    monkeypatch.setattr(untrusted_parquet, "_MAX_ROWS", 999)
    with pytest.raises(BenchmarkFileError, match=r"long\.parquet: it has 1,000 rows, and at most 999 are read"):
        scan_untrusted_parquet(path)


def test_the_path_is_no_pattern(tmp_path: Path) -> None:
    for name, value in (("t1.parquet", 1), ("t[1].parquet", 2)):
        pl.DataFrame({"a": [value]}).write_parquet(tmp_path / name)
    assert scan_untrusted_parquet(tmp_path / "t[1].parquet").collect()["a"].to_list() == [2]
