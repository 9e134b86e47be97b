// Every page's script: what is here only makes pages handier. Reading, and every form but the security key's, work without.
import htmx from "htmx.org";
import { startClipboard } from "./clipboard";
import { startDialog } from "./dialog";
import { startKeygen } from "./keygen/opening";
import { startSecrets } from "./secrets";
import { startStrength } from "./strength";
import { startSubmits } from "./submits";
import { startWebauthn } from "./webauthn";

/** Shows what works with JavaScript only, and hides what is needed only without it. */
function showScripted(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-script]")) {
    element.hidden = false;
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-no-script]")) {
    element.hidden = true;
  }
}

function startToasts(): void {
  const toast = document.querySelector<HTMLElement>("[data-toast]");
  if (toast !== null) {
    window.setTimeout(() => toast.remove(), 8_000);
  }
}

/** An enrolment link carries its token behind the `#`, which browsers send to nobody. */
function takeFragment(): void {
  const field = document.querySelector<HTMLInputElement>("[data-from-fragment]");
  const found = new URLSearchParams(location.hash.slice(1)).get(field?.dataset["fromFragment"] ?? "");
  if (field !== null && found !== null) {
    field.value = found;
    history.replaceState(null, "", location.pathname + location.search);
  }
}

showScripted(document);
document.addEventListener("htmx:load", (event) => showScripted(event.target as ParentNode));
startToasts();
takeFragment();
startClipboard();
startKeygen();
startSecrets();
startStrength();
startSubmits();
startWebauthn();
startDialog(htmx);
