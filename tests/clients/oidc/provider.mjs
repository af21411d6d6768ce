// node provider.mjs PORT CERTIFICATE KEY REDIRECT_URI: a certified OpenID provider with one client
// and pages of its own to sign in; whoever types NAME is NAME@example.com, verified.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

const [port, certificate, key, redirect] = process.argv.slice(2);
const provider = new Provider(`https://localhost:${port}`, {
  clients: [
    {
      client_id: "llmtrack",
      client_secret: "a secret of forty characters or even more",
      redirect_uris: [redirect],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["for tests"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
  }),
});
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback())
  .listen(port, "127.0.0.1", () => console.log("ready"));
