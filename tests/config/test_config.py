"""The configuration: the documented file, the environment over it, and every refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest

from orchestrator.config import (
    BackendConfig,
    Config,
    WebhookConfig,
    exposure,
    load_config,
)
from orchestrator.errors import ConfigInvalid, Fault
from orchestrator.paths.mappings import PathMapping

DOCUMENTED = """\
data_dir: "./data"
log_dir: "./logs"

backends:
  - id: node1
    name: "Beast (5090)"
    host: "192.168.1.100"
    port: 8188
    enabled: true
    capabilities: ["flux", "sdxl"]
    max_concurrent_jobs: 2
"""
SHIPPED = Path(__file__).parents[2] / "config.yaml"
BACKEND = "backends:\n  - {id: a, name: A, host: gpu1"

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a configuration from text."""

    def from_text(text: str, environ: Mapping[str, str] | None = None) -> Config:
        file = tmp_path / "config.yaml"
        file.write_text(text, encoding="utf-8")
        return load_config(file, environ or {})

    return from_text


@pytest.fixture
def faults(load: Load) -> Callable[..., dict[str, str]]:
    """The messages by key of a configuration that is refused."""

    def of_text(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        with pytest.raises(ConfigInvalid) as refused:
            load(text, environ)
        return {fault.path: fault.message for fault in refused.value.faults}

    return of_text


Faults = Callable[..., dict[str, str]]


class TestDocumentedFile:
    def test_the_printed_example_works_as_printed(self, load: Load, tmp_path: Path) -> None:
        """The file of the API document is a valid configuration, with these values."""
        assert load(DOCUMENTED) == Config(
            data_dir=tmp_path / "data",
            log_dir=tmp_path / "logs",
            workflows_dir=tmp_path / "workflows",
            backends=(
                BackendConfig(
                    id="node1",
                    name="Beast (5090)",
                    host="192.168.1.100",
                    port=8188,
                    enabled=True,
                    capabilities=("flux", "sdxl"),
                    max_concurrent_jobs=2,
                ),
            ),
        )

    def test_the_shipped_file_says_the_defaults(self) -> None:
        """config.yaml starts the service out of the box, and differs from no file in nothing."""
        shipped = load_config(SHIPPED, {})
        none = load_config(None, {})

        folder = SHIPPED.parent
        assert shipped == attrs.evolve(
            none,
            data_dir=folder / "data",
            log_dir=folder / "logs",
            workflows_dir=folder / "workflows",
        )

    def test_the_shipped_file_shows_every_key(self) -> None:
        """Whoever opens config.yaml sees every key, also of backends, mappings, webhooks."""
        text = SHIPPED.read_text(encoding="utf-8")
        classes = (Config, BackendConfig, PathMapping, WebhookConfig)
        keys = {a.name for c in classes for a in attrs.fields(c)}

        assert {key for key in keys if f"{key}:" not in text} == set()

    def test_the_commented_examples_are_valid(self, load: Load) -> None:
        """Taking the comment signs off config.yaml's examples gives a working file."""
        text = SHIPPED.read_text(encoding="utf-8")
        keys = "backends|roots|path_mappings|webhooks"
        text = re.sub(rf"^({keys}): \[\]$", "", text, flags=re.MULTILINE)
        text = re.sub(rf"^# (?=({keys}|webhook_secret):|  )", "", text, flags=re.MULTILINE)
        config = load(text)

        assert config.backends == load(DOCUMENTED).backends
        assert config.roots == (Path("/mnt/Mandalore/Projects"),)
        assert config.path_mappings == (
            PathMapping(
                "mandalore", "Project share", "W:\\", "/mnt/Mandalore", "/Volumes/Mandalore"
            ),
        )
        secret = "sixteen letters or more"
        assert config.webhooks == (WebhookConfig("http://192.168.1.20:9000/jobs", secret),)
        assert config.webhook_secret == secret

    def test_no_file_is_a_valid_configuration(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Without a file the service has no backend and keeps its data in the working folder."""
        monkeypatch.chdir(tmp_path)
        config = load_config(None, {})

        assert (config.host, config.port, config.backends) == ("127.0.0.1", 9820, ())
        assert config.data_dir == tmp_path / "data"

    @pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff# a Windows editor\n"])
    def test_an_empty_file_is_no_fault(self, load: Load, text: str) -> None:
        """A file in which all is commented out says nothing, and that is allowed."""
        assert load(text).port == 9820


class TestValues:
    def test_paths_stand_below_the_file_and_home_is_expanded(
        self, load: Load, tmp_path: Path
    ) -> None:
        """`./x` is beside the file, `~` is the home folder, absolute paths stay."""
        config = load('data_dir: "~/dc"\nlog_dir: /var/log/dc\nworkflows_dir: ../w\nroots: ["r"]\n')

        assert config.data_dir == Path.home() / "dc"
        assert config.log_dir == Path("/var/log/dc")
        assert config.workflows_dir == tmp_path / "../w"
        assert config.roots == (tmp_path / "r",)

    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("gpu1", "http://gpu1:8188"),
            ("192.168.1.100", "http://192.168.1.100:8188"),
            ("fe80::1", "http://[fe80::1]:8188"),
        ],
    )
    def test_url_brackets_ipv6(self, host: str, url: str) -> None:
        """A backend's URL has no trailing slash, and brackets around an IPv6 address."""
        assert BackendConfig(id="a", name="A", host=host).url == url

    def test_path_mappings_are_read(self, load: Load) -> None:
        """A mapping may leave systems out."""
        config = load("path_mappings:\n  - {id: m, windows: 'W:\\', linux: /mnt/M}\n")

        assert config.path_mappings == (PathMapping("m", windows="W:\\", linux="/mnt/M"),)

    @pytest.mark.parametrize(
        ("line", "key"),
        [
            ("port: '9820'", "port"),
            ("port: 9820.0", "port"),
            ("port: true", "port"),
            ("port: -1", "port"),
            ("port: 65536", "port"),
            ("port:", "port"),
            ("host: http://127.0.0.1", "host"),
            ("host: 192.168.1", "host"),
            ("host: ''", "host"),
            ("host: 'a b'", "host"),
            ("data_dir: ''", "data_dir"),
            ("data_dir: 5", "data_dir"),
            ("data_dir: 'W:\\x'", "data_dir"),
            ("data_dir: '~nobody-of-that-name/x'", "data_dir"),
            ("roots: /mnt", "roots"),
            ("roots: [1]", "roots[0]"),
            ("cors_origins: '*'", "cors_origins"),
            ("cors_origins: ['http://a/']", "cors_origins[0]"),
            ("cors_origins: ['a:5173']", "cors_origins[0]"),
            ("backends: {}", "backends"),
            ("backends: [5]", "backends[0]"),
            ("backends:", "backends"),
            (BACKEND + ", port: 0}", "backends[0].port"),
            (BACKEND + ", port: 65536}", "backends[0].port"),
            (BACKEND + ", max_concurrent_jobs: 0}", "backends[0].max_concurrent_jobs"),
            (BACKEND + ", max_concurrent_jobs: 65}", "backends[0].max_concurrent_jobs"),
            (BACKEND + ", enabled: 1}", "backends[0].enabled"),
            (BACKEND + ", capabilities: flux}", "backends[0].capabilities"),
            (BACKEND + ", capabilities: [flux, 1]}", "backends[0].capabilities[1]"),
            ("backends: [{id: a/b, name: A, host: h}]", "backends[0].id"),
            ("backends: [{id: 1, name: A, host: h}]", "backends[0].id"),
            ("backends: [{id: a, name: ' ', host: h}]", "backends[0].name"),
            ("backends: [{id: a, name: A, host: '[::1]'}]", "backends[0].host"),
            ("backends: [{id: a, name: A}]", "backends[0].host"),
            ("path_mappings: [{id: m, linux: mnt}]", "path_mappings[0].linux"),
            ("path_mappings: [{id: m, windows: 'W:x'}]", "path_mappings[0].windows"),
            ("path_mappings: [{id: ''}]", "path_mappings[0].id"),
            ("path_mappings: [{id: m, enabled: 'yes'}]", "path_mappings[0].enabled"),
            ("path_mappings: [{id: m}, {id: m}]", "path_mappings[1].id"),
            ("webhooks: {}", "webhooks"),
            ("webhooks: [http://a/]", "webhooks[0]"),
            ("webhooks: [{}]", "webhooks[0].url"),
            ("webhooks: [{url: a}]", "webhooks[0].url"),
            ("webhooks: [{url: 'ftp://a/'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://u:p@a/'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://u@a/'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://a/#b'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://a:0/'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://127.1/'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://[::1'}]", "webhooks[0].url"),
            ("webhooks: [{url: 'http://a/', secret: short}]", "webhooks[0].secret"),
            ("webhooks: [{url: 'http://a/', secret: 1234567890123456}]", "webhooks[0].secret"),
            ("webhooks: [{url: 'http://a/', events: failed}]", "webhooks[0].events"),
            ("webhooks: [{url: 'http://a/', events: [failed, done]}]", "webhooks[0].events[1]"),
            ("webhooks: [{url: 'http://a/', events: [[]]}]", "webhooks[0].events[0]"),
            ("webhooks: [{url: 'http://a/'}, {url: 'http://a/'}]", "webhooks[1].url"),
            ("webhook_secret: short", "webhook_secret"),
            ("webhook_secret: [a]", "webhook_secret"),
        ],
    )
    def test_a_wrong_value_is_told_with_its_key(self, faults: Faults, line: str, key: str) -> None:
        """One fault, at the key where it stands, that says what was expected."""
        found = faults(line)

        assert list(found) == [key]
        assert found[key].startswith("expected ")

    def test_a_fault_says_what_came_and_where(self, faults: Faults) -> None:
        """Expected, got, and the line in the file."""
        assert faults("# a\nport: '9820'\n") == {
            "port": "expected a whole number from 0 to 65535, got '9820' (line 2)"
        }

    def test_a_faulty_secret_is_not_told(self, faults: Faults) -> None:
        """Messages end up in tickets and logs."""
        found = faults("webhook_secret: hunter2\nwebhooks: [{url: 'http://a/', secret: hunter2}]\n")

        assert set(found) == {"webhook_secret", "webhooks[0].secret"}
        assert "hunter2" not in str(found)

    def test_secrets_are_not_shown(self, load: Load) -> None:
        """Not even when somebody prints the configuration."""
        secret = "sixteen letters, or so"
        text = f"webhook_secret: '{secret}'\nwebhooks: [{{url: 'http://a/', secret: '{secret}'}}]\n"
        config = load(text)

        assert config.webhook_secret == secret
        assert secret not in repr(config)

    def test_a_webhook_may_be_in_the_local_network(self, load: Load) -> None:
        """Whoever writes config.yaml may say so; all ends are told unless it says otherwise."""
        (found,) = load("webhooks: [{url: 'http://[fd00::1]:9000/a?b=c', secret: null}]\n").webhooks

        assert (found.url, found.secret) == ("http://[fd00::1]:9000/a?b=c", None)
        assert found.events == ("succeeded", "failed", "cancelled")

    def test_all_faults_are_told_at_once(self, faults: Faults) -> None:
        """Nobody has to start the service five times to find five faults."""
        found = faults(
            "port: x\nhost: 0.0.0.0\nprot: 1\n"
            "backends:\n  - {id: a, name: A, host: h}\n  - {id: a, name: A, port: no, hots: 1}\n"
        )

        assert set(found) == {
            "port",
            "host",
            "prot",
            "backends[1].id",
            "backends[1].port",
            "backends[1].host",
            "backends[1].hots",
        }

    def test_an_unknown_key_is_refused_with_a_guess(self, faults: Faults) -> None:
        """A mistyped key would otherwise be ignored in silence."""
        assert "did you mean `port`?" in faults("prot: 1")["prot"]
        assert "known keys: host, port" in faults("zzz: 1")["zzz"]

    def test_a_backend_id_is_unique(self, faults: Faults) -> None:
        """Jobs are told apart by backend id."""
        found = faults("backends: [{id: a, name: A, host: h}, {id: a, name: B, host: i}]")

        assert "backends[0] has 'a' too" in found["backends[1].id"]


class TestExposure:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "render-01"])
    def test_the_network_needs_roots(self, load: Load, faults: Faults, host: str) -> None:
        """Whoever lets other computers in must say which folders they may use."""
        line = f"host: '{host}'\n"

        assert "`roots` must name the folders" in faults(line)["host"]
        assert load(line + "roots: [/mnt/p]").host == host

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    def test_loopback_needs_none(self, load: Load, host: str) -> None:
        """Only programs of this computer get there."""
        assert load(f"host: '{host}'").host == host

    def test_the_rule_is_there_for_the_command_line_too(self) -> None:
        """A host given elsewhere is held to the same rule."""
        fault = exposure("0.0.0.0", [])

        assert isinstance(fault, Fault)
        assert fault.path == "host"
        assert exposure("0.0.0.0", ["/mnt"]) is None


class TestYaml:
    @pytest.mark.parametrize(
        ("text", "place", "problem"),
        [
            ("a: 1\n b: 2\n", "line 2, column 3", "mapping values are not allowed"),
            ("backends:\n\t- id: a\n", "line 2, column 1", "a tab; indent with spaces"),
            ("roots: [\n", "line 2, column 1", "did not find expected node content"),
            ("# é\nname: \x01\n", "line 2, column 7", "control characters are not allowed"),
            ("a: !!python/name:os.system 1\n", "line 1, column 4", "could not determine"),
            ("port: 1\n---\nport: 2\n", "line 2, column 1", "another document"),
        ],
    )
    def test_syntax_errors_have_line_and_column(
        self, faults: Faults, text: str, place: str, problem: str
    ) -> None:
        """An editor can jump to the place."""
        message = faults(text)[""]

        assert message.startswith(place + ": ")
        assert problem in message

    @pytest.mark.parametrize("text", ["- 1\n", "text\n", "5\n"])
    def test_a_document_that_is_no_mapping_is_refused(self, faults: Faults, text: str) -> None:
        """There are keys at the top, or nothing."""
        assert "expected keys and values" in faults(text)[""]

    def test_a_key_given_twice_is_refused(self, faults: Faults) -> None:
        """YAML would take the last one in silence."""
        found = faults("port: 1\nport: 2\n" + BACKEND + ", host: h}\n")

        assert found == {
            "port": "line 2: the key was already given in line 1",
            "backends[0].host": "line 4: the key was already given in line 4",
        }

    @pytest.mark.parametrize("text", ["9820: 1\n", "? [a]\n: 1\n", "<<: {port: 1}\n"])
    def test_a_key_that_is_no_text_is_refused(self, faults: Faults, text: str) -> None:
        """Keys are words."""
        assert "a key that is not plain text" in faults(text)[""]

    def test_aliases_are_refused(self, faults: Faults) -> None:
        """They are how a small file becomes a huge one."""
        assert "an alias" in faults("roots: &r [a]\ncors_origins: *r\n")["cors_origins"]

    def test_a_file_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        """A file that was asked for must exist; there is no silent default."""
        with pytest.raises(ConfigInvalid) as refused:
            load_config(tmp_path / "none.yaml", {})

        assert refused.value.source == str(tmp_path / "none.yaml")
        assert "No such file" in str(refused.value)

    def test_a_file_in_another_encoding_is_told(self, tmp_path: Path) -> None:
        """UTF-8 is expected; the faulty byte is named."""
        file = tmp_path / "config.yaml"
        file.write_bytes("name: é".encode("latin-1"))
        with pytest.raises(ConfigInvalid) as refused:
            load_config(file, {})

        assert "expected UTF-8, got the byte 0xe9" in str(refused.value)


class TestEnvironment:
    def test_variables_win_over_the_file(self, load: Load) -> None:
        """Each variable replaces its whole key."""
        config = load(
            DOCUMENTED + "port: 1\ncors_origins: []\n",
            {
                "ORCHESTRATOR_PORT": "9900",
                "ORCHESTRATOR_COMFY_NODES": (
                    "gpu1, gpu2:8189,http://gpu3:8190/ ,[fe80::1]:8191,[::1],"
                ),
                "ORCHESTRATOR_CORS_ORIGINS": "http://a:5173, http://b:5173",
            },
        )

        assert config.port == 9900
        assert config.cors_origins == ("http://a:5173", "http://b:5173")
        assert [(b.id, b.name, b.url) for b in config.backends] == [
            ("node1", "gpu1", "http://gpu1:8188"),
            ("node2", "gpu2:8189", "http://gpu2:8189"),
            ("node3", "gpu3:8190", "http://gpu3:8190"),
            ("node4", "[fe80::1]:8191", "http://[fe80::1]:8191"),
            ("node5", "[::1]", "http://[::1]:8188"),
        ]

    def test_a_blank_variable_changes_nothing(self, load: Load) -> None:
        """`docker compose` passes variables that are not set as empty ones."""
        environ = {
            "ORCHESTRATOR_PORT": "",
            "ORCHESTRATOR_COMFY_NODES": " , ",
            "ORCHESTRATOR_CORS_ORIGINS": "",
        }

        assert load(DOCUMENTED, environ) == load(DOCUMENTED)

    @pytest.mark.parametrize("port", ["abc", "65536", "-1", "9820.0", "٩٨٢٠", "9" * 5000])
    def test_a_wrong_port_names_the_variable(self, port: str) -> None:
        """The source of the fault is the variable, not a file."""
        with pytest.raises(ConfigInvalid) as refused:
            load_config(None, {"ORCHESTRATOR_PORT": port})

        assert refused.value.source == "ORCHESTRATOR_PORT"
        assert [fault.path for fault in refused.value.faults] == ["port"]

    @pytest.mark.parametrize(
        ("address", "key"),
        [
            ("https://gpu", "backends[1]"),
            ("::1", "backends[1]"),
            ("gpu/path", "backends[1]"),
            ("user@gpu", "backends[1]"),
            ("[::1", "backends[1]"),
            ("gpu:", "backends[1].port"),
            ("gpu:99999", "backends[1].port"),
            ("gpu:x", "backends[1].port"),
            ("10.0.0", "backends[1].host"),
            ("[nonsense!]", "backends[1].host"),
        ],
    )
    def test_a_wrong_address_is_told_with_its_place(self, address: str, key: str) -> None:
        """The second of three addresses is at fault."""
        with pytest.raises(ConfigInvalid) as refused:
            load_config(None, {"ORCHESTRATOR_COMFY_NODES": f"gpu1,{address},gpu3"})

        assert refused.value.source == "ORCHESTRATOR_COMFY_NODES"
        assert [fault.path for fault in refused.value.faults] == [key]

    def test_faults_of_file_and_environment_come_together(self, faults: Faults, load: Load) -> None:
        """Each says where it comes from."""
        found = faults("host: 5\nport: 1\n", {"ORCHESTRATOR_PORT": "x"})

        assert found["host"].endswith("(line 1)")
        assert found["port"].endswith("(from ORCHESTRATOR_PORT)")

    def test_a_faulty_key_that_a_variable_replaces_does_no_harm(self, load: Load) -> None:
        """What is not used is not judged."""
        assert load("port: x\n", {"ORCHESTRATOR_PORT": "1"}).port == 1
