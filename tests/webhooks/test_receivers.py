"""Which addresses a job's end is told to, and which a job may not name."""

from __future__ import annotations

import pytest

from orchestrator.config import WebhookConfig
from orchestrator.errors import WebhookNotPermitted
from orchestrator.webhooks import receivers as receivers_module
from orchestrator.webhooks.receivers import Receivers, shown
from tests.webhooks.names import Book

LOCAL = "http://192.168.1.20:9000/jobs"
SECRET = "a secret of sixteen letters"
OTHER = "another secret of some letters"


@pytest.fixture
def book() -> Book:
    """A name server."""
    return Book(
        {
            "hooks.example": ["93.184.216.34"],
            "inside.example": ["10.0.0.7"],
            "both.example": ["93.184.216.34", "127.0.0.1"],
            "xn--bcher-kva.example": ["93.184.216.34"],
            "16843009": ["1.1.1.1"],
        }
    )


@pytest.fixture
def receivers(book: Book) -> Receivers:
    """Config.yaml names one address in the local network."""
    configs = [WebhookConfig(LOCAL, OTHER, ("failed",))]
    return Receivers.of(configs, SECRET, book)


class TestAddressesFor:
    async def test_those_of_the_configuration(self, receivers: Receivers, book: Book) -> None:
        """Every job is told to them; nothing is looked up for that."""
        assert await receivers.addresses_for(None) == (LOCAL,)
        assert book.asked == []

    async def test_a_public_address_comes_on_top(self, receivers: Receivers) -> None:
        """Of this job alone."""
        url = "https://hooks.example/a?key=1"

        assert await receivers.addresses_for(url) == (LOCAL, url)

    async def test_a_configured_one_is_not_told_twice(self, receivers: Receivers) -> None:
        """However it is spelled; and it may be private, since config.yaml says so."""
        assert await receivers.addresses_for("HTTP://192.168.1.20:9000/jobs") == (LOCAL,)

    async def test_a_name_of_any_script(self, receivers: Receivers) -> None:
        """It is kept as it goes over the wire."""
        found = await receivers.addresses_for("https://bücher.example/ü")

        assert found[1] == "https://xn--bcher-kva.example/%C3%BC"

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/",
            "http://127.0.0.1:8188/prompt",
            "http://192.168.1.20:9000/other",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fe80::1%25eth0]/",
            "https://inside.example/",
            "https://both.example/",
        ],
    )
    async def test_a_private_address_is_refused(self, receivers: Receivers, url: str) -> None:
        """Jobs must not make the service talk to what only it can reach."""
        with pytest.raises(WebhookNotPermitted, match="an address that is not public"):
            await receivers.addresses_for(url)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hooks.example",
            "//hooks.example/",
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "unix:///var/run/docker.sock",
            "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
            "javascript:alert(1)",
            "http://",
            "http:///path",
            "http://user@hooks.example/",
            "http://user:pass@hooks.example/",
            "http://hooks.example@127.0.0.1/",
            "http://hooks.example/#part",
            "http://hooks.example:0/",
            "http://hooks.example:99999/",
            "http://hooks.example:x/",
            "http://127.1/",
            "http://2130706433/",
            "http://16843009/",
            "http://hooks.example\\@127.0.0.1/",
            "http://hooks.example/a\r\nX-Evil: 1",
            "http://hooks.example/\0",
            "http://[::1",
            "https://hooks.example/" + "a" * 2000,
        ],
    )
    async def test_what_is_no_plain_web_address_is_refused(
        self, receivers: Receivers, book: Book, url: str
    ) -> None:
        """Other schemes, user names, odd numbers, control characters: before any look-up."""
        with pytest.raises(WebhookNotPermitted, match="it is not an http:// or https:// address"):
            await receivers.addresses_for(url)
        assert book.asked == []

    async def test_an_unknown_name_is_refused(self, receivers: Receivers) -> None:
        """A mistyped name is told now, not an hour after the job."""
        with pytest.raises(WebhookNotPermitted, match=r"nobody\.example is not found: Name or"):
            await receivers.addresses_for("https://nobody.example/")

    async def test_a_name_server_that_hangs(
        self, receivers: Receivers, book: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The submission does not wait for ever."""
        monkeypatch.setattr(receivers_module, "LOOKUP_SECONDS", 0.01)
        book.hangs = True

        with pytest.raises(WebhookNotPermitted, match=r"was not found within 0\.01 s"):
            await receivers.addresses_for("https://hooks.example/")

    async def test_the_refusal_keeps_the_path_to_itself(self, receivers: Receivers) -> None:
        """Answers are logged, and a path may be as good as a password."""
        with pytest.raises(WebhookNotPermitted) as refused:
            await receivers.addresses_for("https://inside.example/T0001/s3cret")

        assert refused.value.code == "webhook.not_permitted"
        assert "s3cret" not in f"{refused.value}{refused.value.detail()}"


class TestReceiver:
    def test_a_configured_one(self, receivers: Receivers) -> None:
        """Has its own secret and ends, and may be anywhere."""
        found = receivers.receiver(LOCAL)

        assert (found.secret, found.trusted) == (OTHER, True)
        assert found.events == {"failed"}

    def test_one_that_a_job_names(self, receivers: Receivers) -> None:
        """Has the common secret, is told of every end, and is watched."""
        found = receivers.receiver("https://hooks.example/a")

        assert (found.secret, found.trusted) == (SECRET, False)
        assert found.events == {"succeeded", "failed", "cancelled"}

    def test_one_that_was_taken_out_of_the_configuration(self, book: Book) -> None:
        """A private address is not told any more, whatever old jobs say."""
        with pytest.raises(WebhookNotPermitted, match="not public"):
            Receivers.of([], None, book).receiver(LOCAL)

    def test_secrets_do_not_stand_in_logs(self, receivers: Receivers) -> None:
        """Nor in tracebacks."""
        assert OTHER not in repr(receivers.receiver(LOCAL))
        assert SECRET not in repr(receivers.receiver("https://hooks.example/a"))

    def test_one_without_its_own_secret(self, book: Book) -> None:
        """Gets the common one."""
        assert Receivers.of([WebhookConfig(LOCAL)], SECRET, book).receiver(LOCAL).secret == SECRET


class TestShown:
    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("https://hooks.example", "https://hooks.example"),
            ("https://hooks.example:9000/a/b", "https://hooks.example:9000/..."),
            ("https://hooks.example/?key=1", "https://hooks.example/..."),
            ("https://u:p@hooks.example/a", "https://hooks.example/..."),
            ("https://u:p@hooks.example", "https://hooks.example"),
            ("http://[::1", "?"),
            ("nonsense", "?"),
            ("", "?"),
        ],
    )
    def test_only_what_says_where(self, url: str, told: str) -> None:
        """Never a password, a path or a query."""
        assert shown(url) == told
