"""`--help` in groups: the options of a command under the subject they are about."""

from __future__ import annotations

import click

READ, CHECKS, OUTPUT, REPAIR, CLUSTER, OTHER = (
    "What to read",
    "What to check",
    "Output",
    "Repair",
    "Cluster",
    "Other options",
)
_SUBJECTS = {
    READ: "source from to expect-version now",
    CHECKS: "select skip require via ask-server probe-nodes probe-image no-plugins knowledge",
    OUTPUT: "output report fail-on show baseline watch logs publish color quiet verbose",
    REPAIR: "apply yes only strategy force remediate wait backup-dir resume from-report during-upgrade accept-journal",
    CLUSTER: "kubeconfig context all-contexts cluster user as as-group server token certificate-authority "
    "insecure-skip-tls-verify request-timeout timeout",
}
SUBJECT = {f"--{flag}": subject for subject, flags in _SUBJECTS.items() for flag in flags.split()}
"""Long flag → the subject it stands under, for every command that has it."""


class Grouped(click.Command):
    """A command with so many options that its help lists them by subject."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each subject that has options."""
        sections: dict[str, list[tuple[str, str]]] = {subject: [] for subject in (*_SUBJECTS, OTHER)}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                subject = next((SUBJECT[flag] for flag in param.opts if flag in SUBJECT), OTHER)
                sections[subject].append(record)
        for subject, records in sections.items():
            if records:
                with formatter.section(subject):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say by what else an option can be given."""
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(
            "Options are read from variables too, HARVESTER_PREFLIGHT_<OPTION>, and from `defaults` of a configuration file."
        )
