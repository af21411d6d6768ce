// Passkeys: a button with data-passkey="get" or "create" asks the server (data-options) what to
// ask the authenticator, puts its answer into the field data-into of its form, and sends that.
(() => {
  "use strict";

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

  function readOptions(options) {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const list of [options.allowCredentials, options.excludeCredentials]) {
      for (const each of list ?? []) each.id = bytes(each.id);
    }
    return options;
  }

  function answerOf(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  }

  function reasonOf(error) {
    if (error.name === "InvalidStateError") return "This device already has a passkey for your account.";
    if (error.name === "NotAllowedError") return "No passkey was used: it was cancelled, took too long, or there is none.";
    if (error.name === "SecurityError") return "The browser refuses passkeys at this address.";
    return error.message;
  }

  async function use(button) {
    const { passkey, options, into } = button.dataset;
    const answer = await fetch(options, { method: "POST", body: new URLSearchParams() });
    const isOptions = answer.headers.get("Content-Type")?.startsWith("application/json");
    if (!answer.ok || !isOptions) throw new Error("This page is too old. Load it again.");
    const publicKey = readOptions(await answer.json());
    const credential = await navigator.credentials[passkey]({ publicKey });
    const form = button.form;
    form.elements[into].value = answerOf(credential);
    // Whatever else the form wants is not wanted now.
    form.submit();
  }

  function prepare(box) {
    const missing = box.parentElement.querySelector("[data-passkey-missing]");
    const { origin } = box.dataset;
    if (location.origin !== origin) {
      missing.textContent = `A passkey works at ${origin} only. Open this page there.`;
    } else if (!window.PublicKeyCredential) {
      missing.textContent = "This browser has no passkeys.";
    } else {
      missing.hidden = true;
      box.hidden = false;
    }
  }

  document.querySelectorAll("[data-passkey-box]").forEach(prepare);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-passkey]");
    if (!button) return;
    const problem = button.closest("[data-passkey-box]").querySelector("[role=alert]");
    problem.hidden = true;
    button.disabled = true;
    try {
      await use(button);
    } catch (error) {
      problem.textContent = reasonOf(error);
      problem.hidden = false;
      button.disabled = false;
    }
  });
})();
