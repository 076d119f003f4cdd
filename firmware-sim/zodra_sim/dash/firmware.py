"""The device: a file that survives a power cut, a challenge of its own, and the classic verbs."""

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import httpx2

from zodra_sim.errors import ActRefused

TIMEOUT_S: Final = 10.0
NAMESPACE: Final = "com.amazon.dash.replenishment."
SCOPE: Final = "dash:replenish"


class CallRefused(ActRefused):
    """The service answered something else than 200."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the service answered {status}: {text[:500]}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Memory:
    """What the device keeps in its flash."""

    service: str
    """For example `https://zodra.example`."""
    client_id: str
    redirect_uri: str
    model: str
    serial: str
    is_test: bool = False
    verifier: str = ""
    """Of the login under way; the code challenge is made from it, and it never leaves."""
    access_token: str = ""
    refresh_token: str = ""

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read the flash. Raises `ActRefused` if there is nothing usable in it."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError) as fault:
            raise ActRefused(f"{file} holds no device; begin with `login`: {fault}") from fault

    def write(self, file: Path) -> None:
        """Write the flash: its tokens are for this user's eyes only."""
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(file)


class Firmware:
    """One device. It refreshes its token when a call is refused, once, as firmware does."""

    def __init__(self, memory: Memory, file: Path | None = None) -> None:
        self.memory = memory
        self._file = file
        self._client = httpx2.Client(timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def login_address(self, state: str = "") -> str:
        """Begin a login: give the address that the companion app opens for the household."""
        self._keep(verifier=secrets.token_urlsafe(48))
        digest = hashlib.sha256(self.memory.verifier.encode()).digest()
        device: dict[str, str | bool] = {
            "device_model": self.memory.model,
            "serial": self.memory.serial,
        }
        if self.memory.is_test:
            device["is_test_device"] = True
        query = {
            "response_type": "code",
            "client_id": self.memory.client_id,
            "redirect_uri": self.memory.redirect_uri,
            "scope": SCOPE,
            "scope_data": json.dumps({SCOPE: device}),
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if state:
            query["state"] = state
        return f"{self.memory.service}/oauth/authorize?{urlencode(query)}"

    def redeem(self, code: str) -> None:
        """End the login with the code that the app handed over; only this device can."""
        self._take_tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.memory.redirect_uri,
            code_verifier=self.memory.verifier,
        )

    def refresh(self) -> None:
        """Exchange the refresh token."""
        self._take_tokens(grant_type="refresh_token", refresh_token=self.memory.refresh_token)

    def replenish(self, slot: str, event: str = "") -> dict[str, Any]:
        """Say that a slot wants replenishment; `event` names the call, so that a repeat is none."""
        headers = {"Idempotency-Key": event} if event else {}
        return self._call(
            "POST", f"/replenish/{quote(slot, safe='')}", "Replenish", headers=headers
        )

    def slot_status(self, slot: str, **status: float | str) -> dict[str, Any]:
        """Say what is left in a slot."""
        return self._call("POST", f"/slotStatus/{quote(slot, safe='')}", "SlotStatus", body=status)

    def device_status(self, active: str) -> dict[str, Any]:
        """Say that the device is in use."""
        return self._call(
            "POST", "/deviceStatus", "DeviceStatus", body={"mostRecentlyActiveDate": active}
        )

    def subscriptions(self, version: str = "2.0") -> dict[str, Any]:
        """Ask which slots have a product."""
        return self._call("GET", "/subscriptionInfo", "SubscriptionInfo", result=version)

    def order_info(self, event_instance_id: str) -> dict[str, Any]:
        """Ask how an order stands."""
        path = f"/getOrderInfo/{quote(event_instance_id, safe='')}"
        return self._call("GET", path, "OrderInfo")

    def cancel_tests(self, slot: str = "") -> dict[str, Any]:
        """End test orders, of one slot or of all."""
        path = f"/testOrders/slots/{quote(slot, safe='')}" if slot else "/testOrders"
        return self._call("DELETE", path, "CancelTestOrders")

    def deregister(self) -> None:
        """Leave the household."""
        self._call("DELETE", "/registration", "Deregister", sent="2.0")
        self._keep(access_token="", refresh_token="", verifier="")

    def _call(
        self,
        method: str,
        path: str,
        name: str,
        *,
        sent: str = "1.0",
        result: str = "1.0",
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        said = {
            "x-amzn-type-version": f"{NAMESPACE}Drs{name}Input@{sent}",
            "x-amzn-accept-type": f"{NAMESPACE}Drs{name}Result@{result}",
            **(headers or {}),
        }
        answer = self._send(method, path, said, body)
        if answer.status_code == 400 and "token" in answer.text and self.memory.refresh_token:
            # The classic service has one status for all that is wrong, so the words decide.
            self.refresh()
            answer = self._send(method, path, said, body)
        if answer.status_code != 200:
            raise CallRefused(answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None
    ) -> httpx2.Response:
        if not self.memory.access_token:
            raise ActRefused("the device is not logged in; `login` and `redeem` first")
        try:
            return self._client.request(
                method,
                f"{self.memory.service}/dash{path}",
                json=body,
                headers={**headers, "Authorization": f"Bearer {self.memory.access_token}"},
            )
        except httpx2.HTTPError as fault:
            raise ActRefused(f"the service cannot be reached: {fault}") from fault

    def _take_tokens(self, **parameters: str) -> None:
        try:
            answer = self._client.post(
                f"{self.memory.service}/oauth/token",
                data={"client_id": self.memory.client_id, **parameters},
            )
        except httpx2.HTTPError as fault:
            raise ActRefused(f"the service cannot be reached: {fault}") from fault
        if answer.status_code != 200:
            raise CallRefused(answer.status_code, answer.text)
        tokens = answer.json()
        self._keep(
            access_token=tokens["access_token"],
            refresh_token=tokens["refresh_token"],
            verifier="",
        )

    def _keep(self, **changed: str) -> None:
        # On flash before it is used: a refresh token counts once.
        self.memory = Memory(**{**asdict(self.memory), **changed})
        if self._file is not None:
            self.memory.write(self._file)
