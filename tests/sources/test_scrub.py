"""Nothing secret in a snapshot, and nothing that changes a result."""

import json

import pytest

from preflight.sources.saved.scrub import scrub_object
from preflight.sources.text.yaml_reading import YamlProblem, load_documents

VALUES = """
eventTailer:
  workloadOverrides:
    containers:
    - name: event-tailer
      image: rancher/harvester-eventrouter:v0.3.2
      env: [{name: A, value: hush}]
driverLocation: http://10.0.0.1/hush
rancherMonitoring: {enabled: true, password: hush}
kube-state-metrics: {metricLabelsAllowlist: [nodes=*], x: hush}
grafana: {adminPassword: hush}
"""


@pytest.mark.parametrize(
    "obj",
    [
        {"kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "hush"}}, "data": {"a": "hush"}},
        {"kind": "Addon", "metadata": {"name": "a"}, "spec": {"valuesContent": VALUES}},
        {"kind": "Addon", "metadata": {"name": "a"}, "spec": {"valuesContent": {"a": "hush"}}},
        {"kind": "Addon", "metadata": {"name": "a"}, "spec": {"valuesContent": "a: [hush"}},
        {"kind": "CloudInit", "metadata": {"name": "c"}, "spec": {"contents": "a: hush\npath: /etc/x/ifcfg-eth0\n"}},
        {"kind": "Setting", "metadata": {"name": "additional-ca"}, "value": "hush", "default": "hush"},
        {"kind": "Setting", "metadata": {"name": "backup-target"},
         "value": json.dumps({"type": "s3", "accessKeyId": "hush", "secretAccessKey": "hush"})},
        {"kind": "Setting", "metadata": {"name": "http-proxy"}, "value": '{"httpProxy":"http://u:hush@p:3128"}'},
        {"kind": "Pod", "spec": {"containers": [{"env": [{"name": "A", "value": "hush"}]}]}},
        {"kind": "Pod", "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hush"}}},
        {"kind": "Pod", "spec": {"containers": [{"args": ["--token=hush", "-p", "password: hush"]}]}},
        {"kind": "Event", "message": 'Get "https://u:hush@registry/v2?token=hush&x=1": denied'},
        {"kind": "Event", "message": "Authorization: Bearer hushhushhush"},
        {"kind": "NodeFiles", "files": {"configs/oem/90_custom.yaml": "token: hush\npasswd: 'hush'\nhostname: n1\n"}},
        {"kind": "Pod", "spec": {"containers": [{"args": ["--password", "hush"], "command": ["run", "hush"]}]}},
        {"kind": "DaemonSet", "spec": {"template": {"spec": {"containers": [{"args": ["--x", "hush"]}]}}}},
        {"kind": "Setting", "apiVersion": "harvesterhci.io/v1beta1", "metadata": {"name": "new"}, "value": "hush"},
        {"kind": "Event", "message": "ran helm --set-password hush and --token 'hush'"},
        {"kind": "Version", "spec": {"isoURL": "https://hush@host/x.iso?X-Amz-Signature=hush&X-Amz-Date=hush"}},
        {"kind": "X", "spec": {"agentToken": "hush", "kubeconfig": "hush"}},
        {"kind": "X", "spec": {"key": "-----BEGIN RSA PRIVATE KEY-----\nhush\n-----END RSA PRIVATE KEY-----"}},
    ],
)  # fmt: skip
def test_secrets_go(obj):
    assert "hush" in json.dumps(obj)
    scrubbed = scrub_object(obj)
    assert "hush" not in json.dumps(scrubbed)
    assert scrub_object(scrubbed) == scrubbed


DECLARED = (
    "eventTailer.workloadOverrides.containers.image",
    "rancherMonitoring.enabled",
    "grafana.adminPassword",
    "kube-state-metrics.metricLabelsAllowlist",
    "driverLocation.deeper",
    "absent.x",
)


def test_what_checks_declare_of_helm_values_stays():
    scrubbed = scrub_object({"kind": "Addon", "spec": {"valuesContent": VALUES, "enabled": True}}, DECLARED)
    (values,) = load_documents(scrubbed["spec"]["valuesContent"].encode())
    assert (
        values["eventTailer"]["workloadOverrides"]["containers"][0]["image"] == "rancher/harvester-eventrouter:v0.3.2"
    )
    assert values["rancherMonitoring"] == {"enabled": True}
    assert values["kube-state-metrics"] == {"metricLabelsAllowlist": ["nodes=*"]}
    assert values["driverLocation"] == values["grafana"]["adminPassword"] == "***"
    assert "absent" not in values
    assert list(
        load_documents(
            scrub_object({"kind": "Addon", "spec": {"valuesContent": VALUES}})["spec"]["valuesContent"].encode()
        )
    ) == [{}]
    assert scrubbed["spec"]["enabled"] is True


def test_of_a_cloud_init_the_lines_with_a_declared_word_stay():
    obj = {"kind": "CloudInit", "spec": {"contents": "a: hush\npath: /etc/x/ifcfg-eth0\n"}}
    assert scrub_object(obj, ["ifcfg-"])["spec"]["contents"] == "path: /etc/x/ifcfg-eth0"
    assert scrub_object(obj)["spec"]["contents"] == ""


def test_what_is_taken_away_is_seen_to_have_been_there():
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "hush", "other": "stays"}
    scrubbed = scrub_object({"kind": "Pod", "metadata": {"annotations": annotations}})
    assert scrubbed["metadata"]["annotations"] == {**dict.fromkeys(annotations, "***"), "other": "stays"}
    secret = scrub_object({"kind": "Secret", "metadata": {"annotations": {"a": "hush"}}})
    assert secret["metadata"]["annotations"] == {"a": "***"}


def test_what_is_unreadable_stays_unreadable():
    scrubbed = scrub_object({"kind": "Addon", "spec": {"valuesContent": "a: [1"}})
    with pytest.raises(YamlProblem):
        list(load_documents(scrubbed["spec"]["valuesContent"].encode()))
    assert scrub_object({"kind": "Addon", "spec": {"valuesContent": 3}})["spec"]["valuesContent"] == 3


def test_the_backup_target_keeps_what_its_check_reads():
    value = {"type": "s3", "endpoint": "https://x", "accessKeyId": "a", "refreshIntervalInSeconds": 0}
    setting = {"kind": "Setting", "metadata": {"name": "backup-target"}, "value": json.dumps(value)}
    assert json.loads(scrub_object(setting, ["backup-target"])["value"]) == value | {"accessKeyId": "***"}


@pytest.mark.parametrize(
    "text",
    ["secretName: x is fine", "monkey: see", "tokens 3", "", "{not json", "[1, 2]",
     "Back-off pulling image \"rancher/keycloak:v1\"", "couldn't find key in ConfigMap a/b"],
)  # fmt: skip
def test_plain_texts_stay(text):
    assert scrub_object({"kind": "Event", "message": text})["message"] in (text, "secretName: *** is fine")


def test_of_a_command_line_the_declared_words_stay():
    line = ["server", "--max=3600s", "--image", "x/y:1", "--password", "hush", "--image"]
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "a", "args": line}]}}
    (kept,) = scrub_object(pod, ["--max=", "--image"])["spec"]["containers"]
    assert kept == {"name": "a", "args": ["***", "--max=3600s", "--image", "x/y:1", "***", "***", "--image"]}


def test_only_a_setting_that_is_asked_for_by_name_keeps_its_value():
    setting = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Setting", "metadata": {"name": "a"}, "value": "1"}
    assert scrub_object(setting, ["a"]) == setting
    assert scrub_object(setting, ["b"])["value"] == "***"
    assert scrub_object({**setting, "value": ""})["value"] == ""
    longhorn = {**setting, "apiVersion": "longhorn.io/v1beta2"}
    assert scrub_object(longhorn) == longhorn
