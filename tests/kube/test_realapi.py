"""How a control plane is started and driven, shown on stand-ins for the binaries: those are seldom at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.kube.fixtures import real_control_plane, real_server  # noqa: F401
from tests.kube.realapi import ControlPlane, RealServer, control_plane
from tests.kube.test_controllers import ADDON, CHART, INSTALL, addon, status

ROOT = Path(__file__).resolve().parent.parent.parent

ETCD = "#!{python}\nimport signal\nsignal.pause()\n"
APISERVER = """#!{python}
import pathlib, shutil, signal, sys, threading
sys.path.insert(0, {root!r})
from tests.kube import KubeServer
flags = dict(flag.lstrip("-").split("=", 1) for flag in sys.argv[1:])
token, user, *_ = pathlib.Path(flags["token-auth-file"]).read_text().split(",")
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with KubeServer(token=token, user=user, port=int(flags["secure-port"]), tls=True) as server:
    certs = pathlib.Path(flags["cert-dir"])
    certs.mkdir()
    shutil.copy(server.certificates.ca, certs / "apiserver.crt")
    stop.wait()
"""


def program(path: Path, text: str) -> None:
    path.write_text(text.format(python=sys.executable, root=str(ROOT)), encoding="utf-8")
    path.chmod(0o700)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    program(folder / "etcd", ETCD)
    program(folder / "kube-apiserver", APISERVER)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(folder))
    return folder


def test_a_control_plane_is_started_filled_driven_and_emptied(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "plane").mkdir()
    planes = control_plane(tmp_path / "plane")
    plane = next(planes)
    with RealServer(plane) as server:
        server.put(addon())
        server.tick(4)
        found, chart = server.object(*ADDON), server.object(*CHART)
        assert found is not None
        assert chart is not None
        assert found["status"]["status"] == "AddonDeploySuccessful"
        assert found["metadata"]["uid"] != addon()["metadata"]["uid"]
        assert chart["metadata"]["ownerReferences"][0]["uid"] == found["metadata"]["uid"]
        crds = server.objects("customresourcedefinitions", "apiextensions.k8s.io")
        assert "addons.harvesterhci.io" in [crd["metadata"]["name"] for crd in crds]
    with RealServer(plane, controllers=True) as server:
        assert server.object(*ADDON) is None
        assert server.object(*INSTALL) is None
        server.put(addon())
        server.wait_for(lambda server: status(server) == "AddonDeploySuccessful")
    with pytest.raises(StopIteration):
        next(planes)


def test_a_program_that_ends_at_once_is_an_error_with_its_log(assets: Path, tmp_path: Path) -> None:
    program(assets / "kube-apiserver", "#!{python}\nimport sys\nsys.exit('unknown flag: --secure-port')\n")
    with pytest.raises(RuntimeError, match="unknown flag: --secure-port"):
        ControlPlane(assets, tmp_path).__enter__()


def test_a_missing_program_is_an_error_and_not_a_skip(assets: Path, tmp_path: Path) -> None:
    (assets / "etcd").unlink()
    with pytest.raises(pytest.fail.Exception, match="no etcd in it"):
        next(control_plane(tmp_path))


def test_without_the_variable_the_test_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="KUBEBUILDER_ASSETS is not set"):
        next(control_plane(tmp_path))
