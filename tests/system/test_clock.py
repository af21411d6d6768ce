"""A wall clock that jumps: nothing fails, nothing is counted twice, sessions end in time."""

import json
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar

from .conftest import PASSWORD, Appliance
from .injection import Faults, Injection

EVENT = {"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def post(appliance: Appliance, key: str, call: str) -> tuple[int, dict[str, object]]:
    return appliance.post(
        json.dumps(EVENT | {"feature": call}).encode(), {"x-api-key": key, "Idempotency-Key": call}
    )


def test_events_are_counted_once_whatever_the_clock_does(
    appliance: Appliance, injection: Injection
) -> None:
    key = appliance.create_key()["key"]
    appliance.start()
    for number, clock_ms in enumerate((0, -HOUR_MS, 40 * DAY_MS, -40 * DAY_MS, 0)):
        injection.set(Faults(clock_ms=clock_ms))
        for attempt in range(2):
            status, body = post(appliance, key, f"call-{number}")
            assert status == 200, body
            assert body["duplicate"] is bool(attempt)
        time.sleep(0.1)
    # Known for as long as keys are kept, also after a jump there and back.
    assert post(appliance, key, "call-0")[1]["duplicate"] is True
    assert appliance.stop() == 0
    assert len(appliance.events()) == 5
    appliance.run("check", "db", "data")
    assert "Traceback" not in appliance.log


def test_a_session_ends_when_the_clock_says_so_and_the_server_goes_on(
    appliance: Appliance, injection: Injection
) -> None:
    appliance.start()
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=appliance.tls),
        urllib.request.HTTPCookieProcessor(CookieJar()),
    )

    def page() -> str:
        with opener.open(appliance.url + "/", timeout=30) as response:
            return str(response.url)

    form = f"email=alice%40example.com&password={PASSWORD.replace(' ', '+')}".encode()
    headers = {"Origin": appliance.url}
    request = urllib.request.Request(appliance.url + "/sign-in", form, headers)  # noqa: S310
    opener.open(request, timeout=30).close()
    assert "sign-in" not in page()
    injection.set(Faults(clock_ms=-HOUR_MS))
    assert "sign-in" not in page()
    injection.set(Faults(clock_ms=120 * DAY_MS))
    assert "sign-in" in page()
    assert "Traceback" not in appliance.log
