"""Checks supernets on the GPU of this machine, in at most 12 minutes; without a GPU in a small form on the processor.

.venv/bin/python tests/gpu/check.py [--small] [--out FOLDER] [NAME ...]

Prints pass, fail or "not here" for each check, with its measurements, and writes them to FOLDER/DEVICE.json (by default
docs/measured/gpu). A check that the file has already is not repeated, so a stopped program continues; delete the file
to check again. In the small form sizes are smaller, blocks are captured and not compiled, and speeds are not judged.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partialmethod
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lissnas.spaces.published.shufflenetv2 import shufflenetv2_chain
from lissnas.supernet.images.decoding.augmentations import Augmentation
from lissnas.supernet.images.image_batches import ImagesInMemory, LabeledBatch
from lissnas.supernet.images.image_files import DeviceWork, ImageFileSettings
from lissnas.supernet.images.image_folder import folder_source
from lissnas.supernet.networks.chain_network import ChainNetwork
from lissnas.supernet.networks.supernet import compile_fixed_parts
from lissnas.supernet.networks.weights import set_dropout
from lissnas.supernet.scoring.supernet_evaluator import SupernetEvaluator
from lissnas.supernet.training.forward_pass import forward_pass
from lissnas.supernet.training.logs.progress import Progress
from lissnas.supernet.training.path_samplers import UniformPathSampler
from lissnas.supernet.training.training_loop import train_supernet
from lissnas.supernet.training.training_recipe import Precision, TrainingRecipe
from lissnas_analyses.cli.app import app
from profiling import profiled_work
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
ROOT = Path(__file__).parents[2]

Found = tuple[bool | None, dict[str, Any]]
"""Whether a check passed, None if it cannot run here; and its measurements."""


class Check:
    """The sizes of the checks, and the checks."""

    def __init__(self, small: bool) -> None:
        self.small = small
        self.size, self.batch, self.steps = (32, 4, 3) if small else (224, 128, 30)

    def network(self, seed: int = 0) -> ChainNetwork:
        return ChainNetwork(shufflenetv2_chain(size=self.size), np.random.default_rng(seed), affine=False)

    def images(self, count: int) -> ImagesInMemory:
        rng = torch.Generator().manual_seed(0)
        pixels = torch.randn(count, 3, self.size, self.size, generator=rng)
        return ImagesInMemory(pixels, torch.randint(1000, (count,), generator=rng))

    def recipe(self, **changed: Any) -> TrainingRecipe:
        own = TrainingRecipe(self.steps, self.batch, self.batch, learning_rate=0.01, precision="float32")
        return replace(own, **({"channels_last": False, "compiled": False} | changed))

    def stages(self) -> Found:
        """(a) Every stage of the recipe "digits"."""
        few = ["training.steps=20", "loop.steps_per_round=5", "loop.max_rounds=1", "search.evaluations=21"]
        few += ["retraining.steps=20", "loop.mean_sample_size=5"] + (["training.compiled=false"] if self.small else [])
        changes = [word for change in few for word in ("--set", change)]
        with tempfile.TemporaryDirectory() as folder:
            codes = {}
            for stage in ("shrink", "search", "retrain"):
                first = ["digits", *changes] if stage == "shrink" else []
                words = ["supernet", stage, *first, "--out", f"{folder}/run", "--device", DEVICE.type]
                codes[stage] = app(words, exit_on_error=False)
        return not any(codes.values()), codes

    def agreement(self) -> Found:
        """(b) Six paths, and the gradients of one step: this device against the processor."""
        limits = {"float32, TF32 off": 1e-3, "float32, TF32 on": 0.02, "bfloat16": 0.05}
        batch = self.images(8)
        paths = self.network().space.sample(6, np.random.default_rng(0)).tolist()
        cpu = torch.device("cpu")
        expected = self._outputs_and_gradients(paths, batch, cpu, "float32")
        expected_blocks = self._outputs_of_blocks(cpu, "float32")
        errors, judged = {}, []
        for name, limit in limits.items():
            precision: Precision = "bfloat16" if name == "bfloat16" else "float32"
            with _tf32("TF32 on" in name):
                found = self._outputs_and_gradients(paths, batch, DEVICE, precision)
                blocks = self._outputs_of_blocks(DEVICE, precision)
            *outputs, gradients = map(_difference, found, expected)
            of_blocks = max(map(_difference, blocks, expected_blocks))
            errors |= {f"{name}: outputs": max(outputs), f"{name}: gradients": gradients, f"{name}: blocks": of_blocks}
            judged.append(of_blocks <= limit)
        # Sixty layers of an untrained network amplify rounding, so complete networks are judged in 32 bits alone.
        return all(judged) and max(
            errors[f"float32, TF32 off: {of}"] for of in ("outputs", "gradients")
        ) <= 0.01, errors

    @torch.no_grad()
    def _outputs_of_blocks(self, device: torch.device, precision: Precision) -> list[Tensor]:
        """Return the output of every block on random features."""
        network, rng = self.network().to(device).eval(), torch.Generator().manual_seed(0)
        outputs: list[Tensor] = []
        for layer, (channels, size) in zip(network.layers, network.chain.shapes, strict=False):
            features = torch.randn(2, channels, size, size, generator=rng).to(device)
            outputs += [_of_block(block, features, precision).cpu() for block in layer.children()]
        return outputs

    def _outputs_and_gradients(
        self, paths: Sequence[list[int]], batch: ImagesInMemory, device: torch.device, precision: Precision
    ) -> list[Tensor]:
        network = self.network().to(device).train()
        set_dropout(network, 0.0)
        images, labels = batch.images.to(device), batch.labels.to(device)
        outputs = [forward_pass(network, images, path, precision, channels_last=False) for path in paths]
        cross_entropy(outputs[0], labels).backward()
        gradients = [weights.grad.flatten() for weights in network.parameters() if weights.grad is not None]
        return [each.detach().cpu() for each in (*outputs, torch.cat(gradients))]

    def speed(self) -> Found:
        """(c) Images per second with switching paths, beside the plain step; bfloat16 against float32."""
        speeds: dict[str, float] = {}
        ratios: dict[str, float] = {}
        for compiled in (False,) if self.small else (False, True):
            for precision in ("float32", "bfloat16"):
                for channels_last in (False, True):
                    name = f"{precision} {'NHWC' if channels_last else 'NCHW'} {'compiled' if compiled else 'eager'}"
                    changed = {"precision": precision, "channels_last": channels_last, "compiled": compiled}
                    ours, plain = self._step_seconds(self.recipe(**changed))
                    speeds[name], ratios[f"{name}, of the plain step"] = self.batch / ours, plain / ours
        gain = speeds["bfloat16 NHWC eager"] / speeds["float32 NCHW eager"]
        found = {**speeds, **ratios, "bfloat16 NHWC over float32 NCHW": gain}
        return (None if self.small else min(ratios.values()) >= 0.95 and gain >= 1.5), found

    def _step_seconds(self, recipe: TrainingRecipe) -> tuple[float, float]:
        """Return the median seconds of a step of `train_supernet`, and of the same step written plainly, in turn."""
        plain = self.network().to(DEVICE).train()
        if recipe.channels_last:
            plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if recipe.compiled:
            compile_fixed_parts(plain)
        optimizer = torch.optim.SGD(plain.parameters(), 0.01, momentum=0.9, weight_decay=4e-5)
        source = self.images(2 * self.batch)
        batches = cycle(source.split(self.batch))
        seconds: tuple[list[float], list[float]] = ([], [])
        began = time.perf_counter()

        def step_plainly(progress: Progress) -> None:
            nonlocal began
            _wait()
            middle = time.perf_counter()
            images, labels = (values.to(DEVICE, non_blocking=True) for values in next(batches))
            path = progress.rows[0].tolist()
            loss = cross_entropy(forward_pass(plain, images, path, recipe.precision, recipe.channels_last), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss.item()
            _wait()
            end = time.perf_counter()
            seconds[0].append(middle - began)
            seconds[1].append(end - middle)
            began = time.perf_counter()

        warm = 1 if self.small else 100  # every block is met once, with its compilation
        self._train(self.network(), replace(recipe, steps=recipe.steps + warm), source, step_plainly)
        ours, theirs = (float(np.median(each[warm:])) for each in seconds)
        return ours, theirs

    def _train(
        self,
        network: ChainNetwork,
        recipe: TrainingRecipe,
        source: Any,
        report: Callable[[Progress], None],
        folder: Path | None = None,
        save_every: int = 1000,
    ) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            train_supernet(
                network, source, UniformPathSampler(network.space), recipe, np.random.default_rng(1),
                folder or Path(temporary), device=DEVICE.type, report=report, save_every=save_every,
            )  # fmt: skip

    def profile(self) -> Found:
        """(d) Share of the time in which the GPU computes, and synchronizations, in training and in scoring."""
        if not GPU:
            return None, {}
        steps, network = 10, self.network()
        recipe = self.recipe(steps=steps, precision="bfloat16", channels_last=True)
        images = self.images(4 * self.batch)
        training = profiled_work(lambda: self._train(network, recipe, images, lambda progress: None))
        batches = images.split(self.batch)
        pixels = [batch for batch, _labels in batches[:2]]
        evaluator = SupernetEvaluator(network, pixels, batches, precision="bfloat16", channels_last=True)
        rows = network.space.sample(32, np.random.default_rng(0))
        evaluator(rows[:16])  # copies the images to the device, and lets cuDNN choose its convolutions
        scoring = profiled_work(lambda: evaluator(rows[16:]))
        found = {
            "busy share, with the start": training[0],
            "synchronizations per step": training[1] / steps,
            "scoring: busy share": scoring[0],
            "scoring: synchronizations for 16 paths": scoring[1],
        }
        return training[1] / steps <= 2 and scoring[1] <= 4, found

    def loading(self) -> Found:
        """(e) JPEG files through worker processes and the device, beside images in memory."""
        from PIL import Image

        count, workers = (40, (0, 1)) if self.small else (4000, (8, 16))
        with tempfile.TemporaryDirectory() as temporary:
            folder, rng = Path(temporary), np.random.default_rng(0)
            for number in range(count):
                place = folder / ("train" if number >= count // 4 else "validation") / f"class-{number % 2}"
                place.mkdir(parents=True, exist_ok=True)
                coarse = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
                coarse.resize((500, 400)).save(place / f"{number}.jpg", quality=90)
            recipe = self.recipe(precision="bfloat16", channels_last=True, steps=min(self.steps, 20))
            speeds = {"in memory": self._images_per_second(recipe, self.images(2 * self.batch))}
            works: tuple[DeviceWork, ...] = ("nothing", "augmentation", "decoding")
            for processes, work in product(workers, works):
                settings = ImageFileSettings(
                    Augmentation(size=self.size), held_out_per_class=2, workers=processes, on_device=work
                )
                source = folder_source(folder / "train", folder / "validation", folder / f"run-{processes}", settings)
                name = f"{processes} workers, on the device: {work}"
                speeds[name] = self._images_per_second(recipe, source.train)
        best = max(speed for name, speed in speeds.items() if name != "in memory")
        speeds["share of the speed in memory"] = best / speeds["in memory"]
        return (None if self.small else best >= 0.9 * speeds["in memory"]), speeds

    def _images_per_second(self, recipe: TrainingRecipe, source: Any) -> float:
        """Return the speed over all steps but the first ones, which start the workers."""
        times: list[float] = []
        self._train(self.network(), recipe, source, lambda progress: times.append(time.perf_counter()))
        return (len(times) - 2) * self.batch / (times[-1] - times[1])

    def scoring(self) -> Found:
        """(f) Scoring paths one by one and together; from a memory map, pinned memory, and pixels on the device."""
        count, paths = (20, 4) if self.small else (2000, 16)
        network = self.network().to(DEVICE)
        rows = network.space.sample(paths + 1, np.random.default_rng(0))
        seconds: dict[str, float] = {}
        scores: list[list[float]] = []
        with tempfile.TemporaryDirectory() as folder:
            mapped = np.memmap(f"{folder}/pixels", np.uint8, "w+", shape=(count, 3, self.size, self.size))
            mapped[:] = np.random.default_rng(0).integers(0, 256, mapped.shape, dtype=np.uint8)
            sources = {"memory map": torch.from_numpy(mapped)}
            if GPU:
                sources["pinned memory"] = sources["memory map"].pin_memory()
            labels = torch.from_numpy(np.random.default_rng(1).integers(0, 2, count))
            network.classifier.weight.data[2:] -= 1  # two classes remain, so scores differ
            for name, pixels in sources.items():
                batches: list[LabeledBatch] = list(zip(pixels.split(200), labels.split(200), strict=True))
                recalibration = [images for images, _classes in batches[:2]]
                for copies, resident_bytes in (("copied", 0), ("on the device", 1 << 40)):
                    for how, at_once in (("one by one", 1), ("together", paths)):
                        evaluator = SupernetEvaluator(
                            network, recalibration, batches, precision="bfloat16", channels_last=True,
                            paths_at_once=at_once, resident_bytes=resident_bytes,
                        )  # fmt: skip
                        evaluator(rows[:1])
                        _wait()
                        began = time.perf_counter()
                        scores.append(evaluator(rows[1:]).tolist())
                        seconds[f"seconds of a path, {name}, {copies}, {how}"] = (time.perf_counter() - began) / paths
        return len(set(scores[0])) > 1 and all(each == scores[0] for each in scores), seconds

    def compilation(self) -> Found:
        """(g) Compile time, and recompilations over random paths."""
        network = self.network().to(DEVICE).train()
        counters = torch._dynamo.utils.counters["stats"]
        batch = torch.randn(self.batch, 3, self.size, self.size, device=DEVICE)
        with _captured_only(self.small):
            compile_fixed_parts(network)
            began = time.perf_counter()
            for choice in range(4):
                network(batch, [choice] * network.space.genes).sum().backward()
            _wait()
            compiling, before = time.perf_counter() - began, counters["unique_graphs"]
            paths = 5 if self.small else 200
            for path in network.space.sample(paths, np.random.default_rng(0)).tolist():
                network(batch, path).sum().backward()
        again = counters["unique_graphs"] - before
        return again == 0, {"seconds to compile": compiling, "graphs": before, f"recompilations, {paths} paths": again}

    def resuming(self) -> Found:
        """(h) A supernet that is killed and resumed."""
        steps, kill_after, save_every = (6, 4, 3) if self.small else (300, 170, 100)
        with tempfile.TemporaryDirectory() as folder:
            killed = self._child(folder, steps, kill_after, save_every)
            resumed = self._child(folder, steps, 0, save_every)
            last = max(Path(folder).glob("step-*.pt")).stem
        first = resumed.stdout.split()[:1]
        found = {"killed": killed.returncode, "resumed at step": int(first[0]) if first else -1, "last": last}
        passed = killed.returncode == -signal.SIGKILL and resumed.returncode == 0 and last == f"step-{steps:010d}"
        return passed and found["resumed at step"] == kill_after // save_every * save_every + 1, found

    def _child(self, folder: str, steps: int, kill_after: int, save_every: int) -> subprocess.CompletedProcess[str]:
        words = ["--small"] if self.small else []
        numbers = map(str, (steps, kill_after, save_every))
        program = [sys.executable, __file__, *words, "--child", folder, *numbers]
        return subprocess.run(program, check=False, capture_output=True, text=True)

    def train_and_die(self, folder: Path, steps: int, kill_after: int, save_every: int) -> None:
        """Train in this process, which prints the first step and kills itself after one, unless it is 0."""
        first = True

        def report(progress: Progress) -> None:
            nonlocal first
            if first:
                print(progress.step, flush=True)
            first = False
            if progress.step == kill_after:
                os.kill(os.getpid(), signal.SIGKILL)

        self._train(self.network(), self.recipe(steps=steps), self.images(4 * self.batch), report, folder, save_every)


NAMES = ("stages", "agreement", "speed", "profile", "loading", "scoring", "compilation", "resuming")


def _of_block(block: nn.Module, features: Tensor, precision: Precision) -> Tensor:
    return forward_pass(lambda images, _path: block(images), features, [], precision, channels_last=False)


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def _wait() -> None:
    if GPU:
        torch.cuda.synchronize()


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


@contextmanager
def _captured_only(small: bool) -> Iterator[None]:
    """In the small form run the captured graphs as they are, because compiling them would take minutes."""
    before = nn.Module.compile
    if small:
        nn.Module.compile = partialmethod(before, backend="eager")  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.compile = before  # type: ignore[method-assign]


def main() -> int:
    """Run the checks that the file lacks; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"checks: {', '.join(NAMES)}; by default all")
    parser.add_argument("--small", action="store_true", help="small sizes; the default without a GPU")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/measured/gpu")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    check = Check(options.small or not GPU)
    if options.child:
        check.train_and_die(Path(options.child[0]), *map(int, options.child[1:]))
        return 0
    device = torch.cuda.get_device_name() if GPU else "processor"
    file = options.out / f"{re.sub(r'[^a-z0-9]+', '-', device.lower())}{'-small' if check.small else ''}.json"
    results = json.loads(file.read_text()) if file.exists() else {"device": device, "torch": torch.__version__}
    for name in options.names or NAMES:
        if name not in results:
            began = time.monotonic()
            try:
                passed, found = getattr(check, name)()
            except Exception as error:  # the next checks run, whatever fails here
                passed, found = False, {"error": f"{type(error).__name__}: {error}"}
            verdict = {True: "pass", False: "fail", None: "not here"}[passed]
            results[name] = {"verdict": verdict, "seconds": time.monotonic() - began, **found}
            options.out.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(results, indent=2) + "\n")
        print(f"{name}: {json.dumps(results[name])}", flush=True)
    return int(any(results[name]["verdict"] == "fail" for name in options.names or NAMES))


if __name__ == "__main__":
    sys.exit(main())
