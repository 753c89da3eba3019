"""The benchmark: what the tool takes, beside what cannot be done without, at three sizes."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import click
from tabulate import tabulate

from tests.bench.bundle import write_bundle
from tests.bench.cluster import Size, cluster
from tests.bench.measure import Series, alternate, python
from tests.command import ROOT, environment

BUDGET_MIB = 400
BUDGET_RATIO = 1.5
VERDICTS = (0, 3, 4)
CALLS = 200
PARSE = "unzip and parse with libyaml (a)"
TARGET = ("--to", "v1.4.1", "-o", "json")


@contextmanager
def serving(size: Size) -> Iterator[str]:
    """Serve a cluster from another process; gives its address."""
    process = subprocess.Popen(
        python("-m", "tests.bench.server", *map(str, astuple(size))),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


def startup(runs: int) -> tuple[list[list[str]], list[str]]:
    """Measure the start of short commands. CPU time decides: on a busy machine the wall clock counts others' work."""
    found = alternate(
        {
            "python -c 'import click'": python("-c", "import click"),
            "--version": python("-m", "preflight", "--version"),
            "--help": python("-m", "preflight", "--help"),
            "check --source demo": python("-m", "preflight", "check", "--source", "demo"),
        },
        runs,
        fine=VERDICTS,
    )
    base, *others = found.values()
    budgets = {"--version": 2, "--help": 2, "check --source demo": 5}
    rows = [[base.name, base.spread("cpu", 1000, 0), base.spread("wall", 1000, 0), "1", ""]]
    for series in others:
        ratio = series.cpu / base.cpu
        verdict = "met" if ratio <= budgets[series.name] else "MISSED"
        rows.append(
            [
                series.name,
                series.spread("cpu", 1000, 0),
                series.spread("wall", 1000, 0),
                f"{ratio:.2f}",
                f"≤ {budgets[series.name]}: {verdict}",
            ]
        )
    return rows, ["command", "CPU ms (median / min / max)", "wall ms (same)", "× import click", "budget"]


def reading(sizes: list[tuple[str, Size]], runs: int, folder: Path) -> tuple[list[list[str]], list[str]]:
    """Measure reading and judging whole clusters."""
    rows: list[list[str]] = []
    parsing = 0.0
    """Seconds per object of (a) for bundles: measured at the smallest size only, since the largest would take minutes
    and gigabytes."""
    for label, size in sizes:
        bundle = folder / f"supportbundle_bench_{label}.zip"
        write_bundle(size, bundle)
        objects = sum(len(kind) for kind in cluster(size).values())
        with serving(size) as server:
            live = alternate(
                {
                    "fetch and json.loads (a)": python("-m", "tests.bench.child", "fetch-json", server),
                    "fetch and msgspec, all fields": python("-m", "tests.bench.child", "fetch-msgspec", server),
                    "check, live": python("-m", "preflight", "check", "--server", server, "--token", "x", *TARGET),
                },
                runs,
                fine=VERDICTS,
            )
        commands = {PARSE: python("-m", "tests.bench.child", "parse-bundle", str(bundle))} if not rows else {}
        commands["check, support bundle"] = python("-m", "preflight", "check", "--source", str(bundle), *TARGET)
        offline = alternate(commands, min(runs, 3), fine=VERDICTS)
        base = next(iter(live.values())).wall
        rows += [_row(label, objects, series, base) for series in live.values()]
        parsing = offline[PARSE].wall / objects if PARSE in offline else parsing
        rows += [_row(label, objects, series, parsing * objects) for series in offline.values()]
    heads = ["size", "objects", "what", "wall s (median / min / max)", "CPU s (same)", "× (a)", "peak MiB", "µs/object"]
    return rows, [*heads, "budget"]


def _row(label: str, objects: int, series: Series, base: float) -> list[str]:
    ratio = series.wall / base
    budget = ""
    if series.name.startswith("check"):
        kept = ratio <= BUDGET_RATIO and series.peak_mib < BUDGET_MIB
        budget = f"≤ {BUDGET_RATIO}, < {BUDGET_MIB} MiB: {'met' if kept else 'MISSED'}"
    return [
        label,
        f"{objects:,}",
        series.name,
        series.spread("wall"),
        series.spread("cpu"),
        f"{ratio:.2f}",
        f"{series.peak_mib:.0f}",
        f"{series.wall / objects * 1e6:.0f}",
        budget,
    ]


def per_object(size: Size, runs: int) -> str:
    """Measure one request per object, and say what that would come to."""
    with serving(size) as server:
        found = alternate(
            {
                "nothing": python("-c", "import tests.bench.child"),
                "calls": python("-m", "tests.bench.child", "one-by-one", server),
            },
            runs,
        )
    each = max(0.0, found["calls"].wall - found["nothing"].wall) / CALLS
    volumes, replicas = Size.target().volumes, Size.target().volumes * 3
    return (
        f"(c) One call per object, as check.sh makes them with kubectl: {each * 1000:.1f} ms each (median of {runs} runs "
        f"of {CALLS} calls, each on a connection of its own; kubectl's own start, some 50 ms, not counted, no TLS). "
        f"Extrapolated, not measured: {volumes + replicas:,} volumes and replicas of the target size would take "
        f"{each * (volumes + replicas):.0f} s, with kubectl's start {(each + 0.05) * (volumes + replicas) / 60:.0f} min."
    )


def machine() -> str:
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs, load {load}"


@click.command()
@click.option("--runs", default=5, show_default=True, help="Runs of each command that reads a cluster.")
@click.option("--startup-runs", default=21, show_default=True, help="Runs of each short command.")
@click.option("--parts", default="1,4,16", show_default=True, help="Sizes, in sixteenths of the target size.")
@click.option("--format", "table", default="pipe", show_default=True, help="A table format of tabulate.")
def main(runs: int, startup_runs: int, parts: str, table: str) -> None:
    """Measure start-up, reading over HTTP and reading a bundle, and print the tables."""
    sizes = [(f"{part}×", Size.target(float(part) / 16)) for part in parts.split(",")]
    click.echo(f"{machine()}\n\n## Start-up\n")
    _table(startup(startup_runs), table)
    click.echo("\n## Reading and judging a cluster\n")
    for label, size in sizes:
        counts = (
            f"{size.nodes} nodes, {size.pods:,} pods, {size.vms:,} VMs, {size.volumes:,} volumes, {size.jobs:,} Jobs"
        )
        click.echo(f"- {label}: {counts}")
    click.echo()
    with tempfile.TemporaryDirectory() as folder:
        _table(reading(sizes, runs, Path(folder)), table)
    click.echo(f"\n{per_object(sizes[0][1], runs)}\n\nLoad at the end: {machine()}")


def _table(content: tuple[list[list[str]], list[str]], table: str) -> None:
    rows, headers = content
    click.echo(tabulate(rows, headers=headers, tablefmt=table, disable_numparse=True))


if __name__ == "__main__":
    main()
