"""An OpenID provider on a socket that says what a test wants, true or not."""

import base64
import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey
from yarl import URL

from tests.conftest import NOW_MS

CLIENT_ID, CLIENT_SECRET = "llmtrack at acme", "s3cret/with:signs"


@dataclass
class BentProvider:
    """`claims` and `metadata` replace what it would say; a None takes it out."""

    issuer: str = ""
    ca_file: Path = Path()
    key: Key = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    algorithm: str = "RS256"
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    published: list[Any] | None = None
    token: object = None
    """Instead of a signed one."""
    asked_for_keys: int = 0
    now_s: int = NOW_MS // 1000
    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By code: nonce and challenge."""

    def leave(self, location: str, **more: str) -> dict[str, str]:
        """What the browser brings back from where we have sent it."""
        query = URL(location).query
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code {len(self.answers)}"
        self.answers[code] = (query["nonce"], query["code_challenge"])
        return {"state": query["state"], "code": code, **more}

    def signed(self, nonce: str) -> object:
        said = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "subject-1",
            "nonce": nonce,
            "iat": self.now_s,
            "exp": self.now_s + 300,
            "email": "alice@example.com",
            "email_verified": True,
            **self.claims,
        }
        payload = json.dumps({name: value for name, value in said.items() if value is not None})
        header = {"alg": self.algorithm, "kid": self.key.kid, **self.header}
        return jws.serialize_compact(header, payload, self.key, algorithms=[self.algorithm])

    async def get_metadata(self, _: web.Request) -> web.Response:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **self.metadata,
        }
        return web.json_response({name: value for name, value in said.items() if value is not None})

    async def get_keys(self, _: web.Request) -> web.Response:
        self.asked_for_keys += 1
        keys = [self.key.as_dict(private=False)] if self.published is None else self.published
        return web.json_response({"keys": keys})

    async def post_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        login = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        assert [unquote(part) for part in login.split(":")] == [CLIENT_ID, CLIENT_SECRET]
        nonce, challenge = self.answers.pop(str(form["code"]), ("", ""))
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if challenge != base64.urlsafe_b64encode(digest).decode().rstrip("="):
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = self.token or self.signed(nonce)
        return web.json_response({"access_token": "opaque", "id_token": token})

    async def get_userinfo(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer opaque"
        return web.json_response(self.userinfo)


@asynccontextmanager
async def bent_provider(directory: Path) -> AsyncIterator[BentProvider]:
    """Behind TLS, as every provider is."""
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    provider = BentProvider(ca_file=directory / "provider-ca.pem")
    authority.cert_pem.write_to_path(str(provider.ca_file))
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.get_metadata)
    app.router.add_get("/jwks", provider.get_keys)
    app.router.add_post("/token", provider.post_token)
    app.router.add_get("/userinfo", provider.get_userinfo)
    server = TestServer(app, host="localhost", scheme="https")
    await server.start_server(ssl=tls, access_log=None)
    provider.issuer = f"https://localhost:{server.port}"
    yield provider
    await server.close()


def another_key(kind: str = "RSA", kid: str = "first") -> Key:
    if kind == "EC":
        return ECKey.generate_key("P-256", {"kid": kid})
    return RSAKey.generate_key(2048, {"kid": kid})
