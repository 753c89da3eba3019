"""What an upgrade waits for before it touches the system: its log, the image, the repository, the preload of each node.

Rule: upgrade_controller.go, image_controller.go, upgrade_repo.go, common.go (v1.4.0 to v1.9.0-rc6). The image is a
VirtualMachineImage of harvester-system (imported by CDI from 1.7 on, by a backing image's data source before); the
repository a machine (up to 1.6) or a Deployment, whose pods carry the upgrade's label and the component `repo`; the
preload a Plan of cattle-system, of which the system upgrade controller makes one Job a node.
"""

from __future__ import annotations

from collections.abc import Callable

from preflight.api import (
    JsonObject,
    condition,
    human_duration,
    kubectl,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
    text_at,
    time_at,
    value_at,
)

from ._phases import Step
from ._sight import IMAGES, JOBS, LOGS, PLANS, PODS, SYSTEM, Looks, Seen, Sight, Wait
from ._workloads import Doing, full_name, job_ended, newest, pod_doing, quoted

LOG, IMAGE, REPOSITORY, PRELOAD = "waits-for-log", "waits-for-image", "waits-for-repository", "waits-for-preload"
CONTROLLER = "waits-for-controller"
PLAN_LABEL, NODE_LABEL = "upgrade.cattle.io/plan", "upgrade.cattle.io/node"


def pod_wait(sight: Sight, pod: JsonObject, cause: str, what: str = "") -> Seen:
    """Look at one pod of the upgrade."""
    doing = pod_doing(pod, sight.now, sight.warning(pod))
    place, namespace = full_name(pod), namespace_of(pod)
    node = text_at(pod, "spec.nodeName")
    wait = Wait(
        cause,
        f"{what}pod {place}, which {doing.words}",
        ref_of(pod),
        doing.stuck,
        "Cure what keeps the pod from running; the upgrade then goes on by itself",
        (kubectl("describe pod {} -n {}", name_of(pod), namespace),),
        {"pod": (place,), **({"node": (node,)} if node else {})},
        time_at(pod, "metadata.creationTimestamp"),
    )
    return Seen(f"pod {place}: {doing.words}", wait)


def look_at_log(sight: Sight) -> Looks:
    """Yield the pods that collect the upgrade's log, and what the UpgradeLog says."""
    logs = [log for log in sight.own(LOGS)] or [
        one for one in sight.read(LOGS) if name_of(one).startswith(sight.run.name)
    ]
    for pod in sight.read(PODS):
        if f"{sight.run.name}-upgradelog" in name_of(pod) and text_at(pod, "status.phase") != "Succeeded":
            yield pod_wait(sight, pod, LOG, "its log: ")
    for log in logs:
        waiting = [entry for entry in _conditions(log) if entry[1] != "True"]
        words = ", ".join(f"{kind} {status}{f' ({said})' if said else ''}" for kind, status, said in waiting)
        wait = Wait(
            LOG,
            f"UpgradeLog {full_name(log)}" + (f": {words}" if words else ""),
            ref_of(log),
            False,
            "Get what collects the log running, or stop the Upgrade and create it again without a log",
            (kubectl("get pods -n harvester-system -l {}", f"harvesterhci.io/upgradeLog={name_of(log)}"),),
        )
        yield Seen(f"UpgradeLog {full_name(log)}: {words or 'nothing is open'}", wait)


def _conditions(obj: JsonObject) -> list[tuple[str, str, str]]:
    found = value_at(obj, "status.conditions")
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return [
        (text_at(one, "type"), text_at(one, "status"), quoted(text_at(one, "message") or text_at(one, "reason")))
        for one in entries
    ]


def look_at_image(sight: Sight) -> Looks:
    """Yield the pods that import the upgrade's image, and the image."""
    images = _images(sight)
    imported = [image for image in images if (condition(image, "Imported") or {}).get("status") == "True"]
    for pod in sight.read(PODS) if len(imported) < max(len(images), 1) else ():
        if _imports(pod, images) and text_at(pod, "status.phase") != "Succeeded":
            yield pod_wait(sight, pod, IMAGE, f"{_image_words(images)}, and its importer: ")
    for image in images:
        entry = condition(image, "Imported") or {}
        said = quoted(text_at(entry, "message") or text_at(entry, "reason"))
        progress = value_at(image, "status.progress")
        state = text_at(entry, "status") or "without condition Imported"
        words = f"Imported {state}, {progress or 0} %" + (f" ({said})" if said else "")
        failed = state == "False" or bool(value_at(image, "status.failed"))
        wait = Wait(
            IMAGE,
            f"VirtualMachineImage {full_name(image)}: {words}",
            ref_of(image),
            failed,
            "Cure what keeps the image from being imported (its address, its checksum, the storage it goes to)",
            (kubectl("describe virtualmachineimages.harvesterhci.io {} -n {}", name_of(image), namespace_of(image)),),
        )
        yield Seen(f"VirtualMachineImage {full_name(image)}: {words}", wait if state != "True" else None)
    if not images and not sight.unread:
        yield Seen("VirtualMachineImage: there is none of this upgrade")


def _images(sight: Sight) -> list[JsonObject]:
    run = sight.run
    named = text_at(run.obj, "status.isoImageID" if run.is_plan else "status.imageID") or text_at(run.obj, "spec.image")
    return [one for one in sight.read(IMAGES) if full_name(one) == named] or sight.own(IMAGES)


def _image_words(images: list[JsonObject]) -> str:
    return f"VirtualMachineImage {full_name(images[0])}" if images else "its image"


def _imports(pod: JsonObject, images: list[JsonObject]) -> bool:
    """Say whether a pod imports the upgrade's image: CDI's in harvester-system, or Longhorn's for that very image."""
    name = name_of(pod)
    if namespace_of(pod) == SYSTEM and name.startswith(("importer-", "cdi-upload-")):
        return True
    marks = [mark for image in images for mark in (name_of(image), text_at(image, "metadata.uid")) if mark]
    return name.startswith("backing-image-ds-") and any(mark in name for mark in marks)


def look_at_repository(sight: Sight) -> Looks:
    """Yield the pods that serve the upgrade's repository."""
    name = sight.run.name
    begins = (f"upgrade-repo-{name}", f"{name}-repo", f"virt-launcher-upgrade-repo-{name}")
    in_system = [pod for pod in sight.read(PODS) if namespace_of(pod) == SYSTEM]
    pods = sight.own(PODS, "repo") or [pod for pod in in_system if name_of(pod).startswith(begins)]
    for pod in pods:
        if text_at(pod, "status.phase") != "Succeeded":
            yield pod_wait(sight, pod, REPOSITORY, "the repository of the new version: ")
    if not pods and not sight.unread:
        yield Seen("repository: it has no pod")


def look_at_preload(sight: Sight) -> Looks:
    """Yield the Jobs that load the new images, node by node."""
    plans = [plan for plan in sight.own(PLANS) if not name_of(plan).endswith(("-cleanup", "cluster-upgrade"))]
    for plan in plans:
        of_plan = [job for job in sight.read(JOBS) if labels_of(job).get(PLAN_LABEL) == name_of(plan)]
        yield from (job_wait(sight, job, PRELOAD, _on(job)) for job in of_plan if job_ended(job) != "Complete")
        yield Seen(
            f"Plan {full_name(plan)}: {len(of_plan)} Jobs, {sum(job_ended(one) == 'Complete' for one in of_plan)} done"
        )
        if not of_plan and JOBS not in sight.unread:
            yield _nobody_acts(sight, plan)
    if not plans and not sight.unread:
        yield Seen("Plan: there is none of this upgrade")


def _on(job: JsonObject) -> str:
    node = str(labels_of(job).get(NODE_LABEL) or "")
    return f"the images of node {node}: " if node else ""


def _nobody_acts(sight: Sight, plan: JsonObject) -> Seen:
    created = time_at(plan, "metadata.creationTimestamp")
    age = sight.now - created if created else None
    old = age is not None and age.total_seconds() > 600
    words = f"Plan {full_name(plan)}, of which no Job was made" + (f" in {human_duration(age)}" if age else "")
    hint = "Look at the system upgrade controller, which makes the Jobs of a Plan; restarting it is safe"
    deployment = "deployment/system-upgrade-controller"
    commands = (
        kubectl("logs -n cattle-system {} --tail=50", deployment),
        kubectl("rollout restart -n cattle-system {}", deployment),
    )
    return Seen(words, Wait(CONTROLLER, words, ref_of(plan), old, hint, commands, since=created))


def job_wait(sight: Sight, job: JsonObject, cause: str, what: str = "") -> Seen:
    """Look at one Job of the upgrade that has not completed, by its newest pod."""
    doing, pod = job_doing(sight, job)
    place = full_name(job)
    node = str(labels_of(job).get(NODE_LABEL) or labels_of(job).get("harvesterhci.io/node") or "")
    node = node or (text_at(pod, "spec.nodeName") if pod else "")
    command = (
        kubectl("logs -n {} {} --tail=50", namespace_of(pod), name_of(pod))
        if pod is not None and text_at(pod, "status.phase") != "Pending"
        else kubectl("describe job {} -n {}", name_of(job), namespace_of(job))
    )
    wait = Wait(
        cause,
        f"{what}Job {place}, {doing.words}",
        ref_of(job),
        doing.stuck,
        "Read what the Job says, and cure what it waits for or fails on",
        (command,),
        {
            **({"pod": (full_name(pod),)} if pod else {}),
            **({"node": (node,)} if node else {}),
        },
        time_at(job, "metadata.creationTimestamp"),
    )
    return Seen(f"Job {place}, {doing.words}", wait)


def job_doing(sight: Sight, job: JsonObject) -> tuple[Doing, JsonObject | None]:
    """Say how a Job is doing, and return its newest pod."""
    pod, end, failed = newest(sight.pods_of(job)), job_ended(job), value_at(job, "status.failed") or 0
    if end.startswith("Failed"):
        return Doing(f"which has {end[:1].lower()}{end[1:]}", stuck=True), pod
    event = sight.warning(job)
    if pod is None:
        if PODS in sight.unread:
            return Doing("whose pods could not be read", stuck=bool(failed)), None
        tries = f"which failed {failed} times and has no pod now" if failed else "which has no pod"
        return Doing(tries + (f" ({event})" if event else ""), stuck=bool(failed or event)), None
    doing = pod_doing(pod, sight.now, sight.warning(pod))
    tries = f"which failed {failed} times; " if failed else "whose "
    words = f"{tries}{'its newest ' if failed else ''}pod {name_of(pod)} {doing.words}"
    return Doing(words, stuck=doing.stuck or bool(failed)), pod


LOOKS: dict[Step, Callable[[Sight], Looks]] = {
    Step.LOGGING: look_at_log,
    Step.IMAGE: look_at_image,
    Step.REPOSITORY: look_at_repository,
    Step.PRELOAD: look_at_preload,
}
