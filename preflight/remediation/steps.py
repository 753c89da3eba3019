"""Carry out one step: save the object, rehearse the write, write, write that down, wait."""

from __future__ import annotations

from collections.abc import Callable

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import Writer
from preflight.inventory import JsonObject
from preflight.remediation.answers import explain, unreachable
from preflight.remediation.bodies import change_for, fresh
from preflight.remediation.interrupts import uninterrupted
from preflight.remediation.journal import DONE, FAILED, NOT_CONVERGED, STARTED, WRITTEN, Journal, state_of
from preflight.remediation.plan import Action, Step, Target, Until
from preflight.remediation.wait import Clock, wait_for

GONE_ALREADY = "it was gone already"


class Failure(Exception):
    """A step did not work out; the text says why, to the user."""


class ServerGone(Failure):
    """The server does not answer: there is no use in trying the other repairs."""


class StepRunner:
    """Carries out steps and remembers how they went."""

    def __init__(
        self,
        writer: Writer,
        journal: Journal,
        clock: Clock,
        timeout: float,
        *,
        progress: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._clock = clock
        self._progress, self._say = progress, say
        self._timeout = timeout
        self._rehearsed: set[int] = set()
        self._saved: dict[int, JsonObject] = {}
        """What was read or made for each step: files may have been exchanged by the time they are needed."""
        self.failed: set[int] = set()
        """Repairs that are given up."""
        self.messages: list[str] = []
        self.wrote = False
        """Whether anything may have been changed."""

    def give_up(self, step: Step, failure: Failure) -> None:
        """End the repair a step belongs to."""
        self.failed.add(step.repair)
        entry = self._journal.entry(step)
        told = f"step {step.number}, {step.action.value} {step.target.words}: {failure}"
        if step.action is Action.CREATE and entry["backup"] and self.wrote:
            told += f". Create it by hand: kubectl create -f {self._journal.path.parent / entry['backup']}"
        self.messages.append(told)
        unsent = entry["state"] in ("planned", FAILED)
        with uninterrupted():
            self._journal.note(step, FAILED if unsent else entry["state"], message=str(failure))

    def save(self, step: Step) -> None:
        """Save the object as it is now. Raises Failure when it is not what the plan was made for."""
        if step.action is Action.CREATE:
            self._saved[step.number] = fresh(self._base(step), step.body)
            self._journal.entry(step).update(self._journal.save(self._saved[step.number], step.number))
            self._journal.write()
            return
        found = self._read(step.target)
        if found is None:
            if step.goal.until is Until.GONE and not step.target.resource_version:
                return  # an earlier step may well have taken it along
            raise Failure("it is gone since the plan was made; run fix again")
        self._compare(step, found)
        entry = self._journal.entry(step)
        self._saved[step.number] = found
        entry.update(self._journal.save(found, step.number), before=state_of(found))
        for other in step.also:
            along = self._read(other)
            if along is not None:
                entry["also"].append({**self._journal.save(along, step.number), **state_of(along)})
        self._journal.write()

    def adopt(self, step: Step, saved: JsonObject) -> None:
        """Take over what an earlier run saved for a step."""
        self._saved[step.number] = saved

    def rehearse(self, step: Step) -> None:
        """Let the server try the write without keeping it. Raises Failure."""
        try:
            self._send(step, self._subject(step), dry_run=True)
        except ApiError as error:
            raise _failure(error) from None
        self._rehearsed.add(step.number)

    def write(self, step: Step) -> None:
        """Write, and write down that it was. Raises Failure, RemediationError when the journal cannot be written."""
        with uninterrupted():
            try:
                subject = self._subject(step)
            except Failure:
                if step.goal.until is Until.GONE and self._absent(step):
                    self._journal.note(step, WRITTEN, message=GONE_ALREADY)
                    return
                raise
            if step.number not in self._rehearsed:
                self.rehearse(step)
            self._journal.note(step, STARTED)
            self._send_for_good(step, subject)

    def _send_for_good(self, step: Step, subject: JsonObject) -> None:
        self.wrote = True
        try:
            after = self._send(step, subject, dry_run=False)
        except ApiError as error:
            if error.status == 404 and step.goal.until is Until.GONE:
                self._journal.note(step, WRITTEN, message=GONE_ALREADY)
                return
            if 400 <= error.status < 500:
                self._journal.note(step, FAILED, message=explain(error))
            raise _failure(error) from None
        self._journal.note(step, WRITTEN, after=state_of(after) if after else None)

    def wait(self, step: Step, between: Callable[[], None]) -> str:
        """Wait for the step's goal and say how it went. Raises Failure when it is not reached."""
        seen = wait_for(
            step.goal,
            self._writer,
            self._clock,
            timeout=self._timeout,
            progress=self._progress,
            told=lambda text: self._say(f"step {step.number}: {text}"),
            between=between,
        )
        with uninterrupted():
            if not seen.reached:
                self._journal.note(step, NOT_CONVERGED, message=seen.words)
                kind = ServerGone if seen.unreachable else Failure
                raise kind(f"done, but it did not come to what was waited for ({step.goal.words}): {seen.words}")
            self._journal.note(step, DONE, settled=self._settled(step))
        return seen.words or step.goal.words or "done"

    # -- one object ----------------------------------------------------------------------------------------------

    def _send(self, step: Step, subject: JsonObject, *, dry_run: bool) -> JsonObject | None:
        match step.action:
            case Action.DELETE:
                self._writer.delete(subject, dry_run=dry_run)
                return None
            case Action.CREATE:
                return self._writer.create(subject, dry_run=dry_run)
            case Action.UPDATE:
                return self._writer.patch(subject, change_for(step, subject), dry_run=dry_run)
            case Action.UPDATE_STATUS:
                return self._writer.patch(subject, change_for(step, subject), status=True, dry_run=dry_run)

    def _subject(self, step: Step) -> JsonObject:
        """Return what to send, or the object in the state that the write is held to."""
        saved = self._saved.get(step.number)
        if saved is not None and (step.action is Action.CREATE or step.target.resource_version):
            return saved
        found = self._read(step.target)
        if found is None:
            raise Failure("it is gone since the plan was made")
        self._compare(step, found)
        return found

    def _base(self, step: Step) -> JsonObject:
        if step.base is not None:
            return step.base
        target = step.target
        for number, saved in self._saved.items():
            entry = self._journal.document["steps"][number - 1]["object"]
            if (entry["kind"], entry["namespace"], entry["name"]) == (target.kind, target.namespace, target.name):
                return saved
        raise Failure("the object to create it from was not saved")

    def _read(self, target: Target) -> JsonObject | None:
        try:
            return self._writer.get(target.api_version, target.kind, target.namespace, target.name)
        except ApiError as error:
            raise _failure(error) from None

    def _absent(self, step: Step) -> bool:
        found = self._read(step.target)
        return found is None or (found.get("metadata") or {}).get("uid") != step.target.uid

    def _compare(self, step: Step, found: JsonObject) -> None:
        target, now = step.target, state_of(found)
        if not target.uid:
            raise Failure("its uid is not known, so it cannot be told from another object of that name")
        if now["uid"] != target.uid:
            raise Failure("it was deleted and created again since the plan was made; run fix again")
        if target.resource_version and now["resourceVersion"] != target.resource_version:
            raise Failure("it was changed since the plan was made; run fix again")

    def _settled(self, step: Step) -> dict[str, object] | None:
        try:
            found = self._read(step.target)
        except Failure:
            return None
        return state_of(found) if found else None


def _failure(error: ApiError) -> Failure:
    return (ServerGone if unreachable(error) else Failure)(explain(error))
