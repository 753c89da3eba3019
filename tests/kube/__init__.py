"""A Kubernetes API server for tests, with Harvester's webhook and the controllers that move its Addons.

It speaks real HTTP on 127.0.0.1, from a thread of its own, so code under test is called as usual:

    from tests.kube.fixtures import kube_server as kube_server   # or put it into a conftest

    def test_it(kube_server, tmp_path):
        server = kube_server([*objects], page_size=2, controllers=True)
        run(["check", "--kubeconfig", str(server.kubeconfig(tmp_path))])
        assert server.objects("jobs", "batch") == []
        assert ("DELETE", "/api/v1/…") not in [request[:2] for request in server.requests]

Where things are:

- `server`: KubeServer, all that a test says to the server. `put` and `remove` bypass every rule; clients do not.
- Time: `server.clock` is the server's clock. It starts at a fixed moment and moves one second per request.
- `resources`: what is served; `server.kinds.remove("longhorn.io")` takes a group away.
- `writes`, `garbage`, `listing`, `watching`, `jobs`, `errors`: what a real API server does and says.
- `admission`: the Addon and Upgrade webhooks; append callables to `server.admission`.
- `rbac`: `server.allow = rules_of(manifests)`, then look at `server.used` to see which rules were needed.
- `faults`: `server.faults.on(Fail(429), path=r"/pods", times=2)`, and resets, stalls, truncated bodies, hooks.
- `controllers`: with `controllers=True`, what Harvester, helm-controller and the Job controller would do. Each
  request first runs one step of them, `server.tick()` runs more; `server.controllers.outcomes` decides how Jobs end.
- `pods`: kubelets behind the proxy, pods that a client creates, logs.
- `server.kmock` is the kmock handler underneath: `server.kmock["get /path"] << 418` overrides everything.
- `client`: a raw client over the kubernetes package. `realapi`: the same tests against a real kube-apiserver.

kubectl sends no token over plain HTTP: give it a server with `tls=True`.

Lists carry what real ones carry, which is less than one hopes: items of built-in kinds have no apiVersion and kind.
Bodies are gzipped whenever a client asks; a real server does so only from 128 KiB on.
"""

from .controllers import Outcome
from .faults import Call, Drip, Fail, Garbage, Reset, Stall, Truncate
from .rbac import rules_of
from .server import Denial, KubeServer, Recorded, Review

__all__ = [
    "Call",
    "Denial",
    "Drip",
    "Fail",
    "Garbage",
    "KubeServer",
    "Outcome",
    "Recorded",
    "Reset",
    "Review",
    "Stall",
    "Truncate",
    "rules_of",
]
