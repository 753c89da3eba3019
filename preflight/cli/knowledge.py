"""`knowledge`: what is known of releases and of their faults, where from and of when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from preflight.check import Check
from preflight.cli.catalogue import versions_of
from preflight.cli.naming import called_as
from preflight.cli.options import config_option, output_option, plugin_option
from preflight.cli.output import print_text
from preflight.cli.request import request_from
from preflight.flow import knowledge_in_use, registered_checks
from preflight.knowledge.judging import TAG
from preflight.releases import Knowledge, Release
from preflight.values.foreign_text import visible


@click.command()
@output_option("table", "json", "yaml")
@config_option
@plugin_option
def knowledge(**params: Any) -> None:
    """Print what is known: releases, known issues, their date and source. --knowledge FILE adds to it."""
    settings = request_from(params).settings
    known = knowledge_in_use(settings)
    advisories = [check for check in registered_checks(settings) if TAG in check.tags]
    if params["output"] == "table":
        print_text(visible("\n".join(_table(known, advisories)), keep_newlines=True))
        return
    document = knowledge_dict(known, advisories)
    if params["output"] == "json":
        print_text(json.dumps(document, indent=2))
    else:
        import yaml

        print_text(yaml.safe_dump(document, sort_keys=False))


def knowledge_dict(known: Knowledge, advisories: list[Check]) -> dict[str, Any]:
    """Describe the knowledge as data."""
    return {
        "date": known.date or None,
        "sources": list(known.sources),
        "releases": {release.name: _release_dict(release) for release in known.releases},
        "advisories": [
            {
                "id": check.id,
                "title": check.title,
                "worst": check.worst.value,
                "from": check.from_versions or None,
                "to": check.to_versions or None,
                "causes": list(check.causes),
                "source": check.docs or None,
                "package": check.origin,
            }
            for check in advisories
        ],
    }


def _release_dict(release: Release) -> dict[str, Any]:
    return {
        "minimum": release.minimum or None,
        "documented": release.documented or None,
        "better": release.better or None,
        "dataOf": release.inherited or release.name,
        "kubernetes": release.kubernetes or None,
        "rancher": release.rancher or None,
        "longhorn": release.longhorn or None,
        "kubevirt": release.kubevirt or None,
        "cdi": release.cdi or None,
        "imageGiB": release.image_gib or None,
        "workingGiB": release.working_gib or None,
        "managedCharts": list(release.managed_charts),
        "addons": {
            name: {"chart": addon.chart or None, "version": addon.version or None, "patched": addon.patched or None}
            for name, addon in release.addons.items()
        },
    }


def _table(known: Knowledge, advisories: list[Check]) -> Iterator[str]:
    from tabulate import tabulate

    yield f"Knowledge of {known.date or 'no date'}: {', '.join(known.sources) or 'no source'}"
    yield ""
    headers = ["RELEASE", "FROM", "KUBERNETES", "RANCHER", "LONGHORN", "KUBEVIRT", "NOTE"]
    rows = [
        [
            release.name,
            release.minimum,
            release.kubernetes,
            release.rancher,
            release.longhorn,
            release.kubevirt,
            f"data of {release.inherited}" if release.inherited else release.better and f"prefer {release.better}",
        ]
        for release in known.releases
    ]
    yield tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True)
    yield ""
    issues = [[check.id, check.worst.value, versions_of(check), check.origin] for check in advisories]
    yield tabulate(issues, headers=["KNOWN ISSUE", "WORST", "APPLIES TO", "PACKAGE OR FILE"], tablefmt="plain")
    yield ""
    yield f"More on one: {called_as()} explain ID. How to add one: docs/knowledge.md"
