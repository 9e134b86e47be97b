// Security keys: asks the browser, puts its answer into the form, and sends the form on. Judges nothing.
interface Described {
  id: string;
  type: PublicKeyCredentialType;
  transports?: AuthenticatorTransport[];
}

interface Options {
  challenge: string;
  user?: { id: string; name: string; displayName: string };
  excludeCredentials?: Described[];
  allowCredentials?: Described[];
}

function bytesOf(text: string): ArrayBuffer {
  const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
  return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0)).buffer as ArrayBuffer;
}

function textOf(bytes: ArrayBuffer | null | undefined): string | undefined {
  if (!bytes) {
    return undefined;
  }
  const letters = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function described(list: Described[] | undefined): PublicKeyCredentialDescriptor[] {
  return (list ?? []).map((one) => ({ ...one, id: bytesOf(one.id) }));
}

/** What the server takes: a PublicKeyCredential as JSON (WebAuthn level 3, 5.1). */
function written(found: PublicKeyCredential): string {
  const answer = found.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
  return JSON.stringify({
    id: found.id,
    rawId: textOf(found.rawId),
    type: found.type,
    authenticatorAttachment: found.authenticatorAttachment ?? undefined,
    clientExtensionResults: found.getClientExtensionResults(),
    response: {
      clientDataJSON: textOf(answer.clientDataJSON),
      attestationObject: textOf(answer.attestationObject),
      transports: answer.getTransports?.(),
      authenticatorData: textOf(answer.attestationObject ? undefined : answer.authenticatorData),
      signature: textOf(answer.signature),
      userHandle: textOf(answer.userHandle),
    },
  });
}

async function optionsFrom(url: string): Promise<Options> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  const headers = { "X-CSRF-Token": token, "Content-Type": "application/x-www-form-urlencoded" };
  const answer = await fetch(url, { method: "POST", headers, credentials: "same-origin" });
  const found = (await answer.json()) as Options & { detail?: string };
  if (!answer.ok) {
    throw new Error(found.detail ?? "The console refused.");
  }
  return found;
}

async function asked(form: HTMLFormElement): Promise<string> {
  if (form.dataset["origin"] !== undefined && form.dataset["origin"] !== location.origin) {
    throw new Error(`Security keys are bound to ${form.dataset["origin"]}: open the console there.`);
  }
  if (!("PublicKeyCredential" in window)) {
    throw new Error("This browser, or this address without TLS, has no security keys.");
  }
  const options = await optionsFrom(form.dataset["options"] ?? "");
  const challenge = bytesOf(options.challenge);
  const found =
    form.dataset["webauthn"] === "create"
      ? await navigator.credentials.create({
          publicKey: {
            ...(options as unknown as PublicKeyCredentialCreationOptions),
            challenge,
            user: { ...options.user!, id: bytesOf(options.user!.id) },
            excludeCredentials: described(options.excludeCredentials),
          },
        })
      : await navigator.credentials.get({
          publicKey: {
            ...(options as unknown as PublicKeyCredentialRequestOptions),
            challenge,
            allowCredentials: described(options.allowCredentials),
          },
        });
  if (!(found instanceof PublicKeyCredential)) {
    throw new Error("The security key did not answer.");
  }
  return written(found);
}

function wordsFor(error: unknown): string {
  if (error instanceof DOMException) {
    return error.name === "InvalidStateError"
      ? "This security key is set up already."
      : "Nothing was shown, or it took too long. Try again.";
  }
  return error instanceof Error ? error.message : "The security key did not answer.";
}

export function startWebauthn(): void {
  // Before htmx, which listens on the form itself.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      const field = form.querySelector<HTMLInputElement>("input[name=w_answer]");
      if (form.dataset["webauthn"] === undefined || field === null || field.value !== "") {
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      const wrong = form.querySelector<HTMLElement>("[data-webauthn-wrong]");
      const submitter = event.submitter;
      asked(form)
        .then((answer) => {
          field.value = answer;
          form.requestSubmit(submitter);
          field.value = "";
        })
        .catch((error: unknown) => {
          if (wrong !== null) {
            wrong.textContent = wordsFor(error);
            wrong.hidden = false;
          }
        });
    },
    true,
  );
}
