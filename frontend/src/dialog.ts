// The dialogue: shown when a part of a page was loaded into it, closed by Escape, by its cross, by Cancel.
import type htmxType from "htmx.org";

/** Where a panel that must be kept track of leads when it is closed: the list behind it has changed. */
function leave(dialog: HTMLDialogElement, body: HTMLElement): void {
  const done = body.querySelector<HTMLElement>("[data-done]")?.dataset["done"];
  body.replaceChildren();
  if (done !== undefined) {
    location.assign(done);
  } else if (dialog.open) {
    dialog.close();
  }
}

export function startDialog(htmx: typeof htmxType): void {
  const dialog = document.querySelector<HTMLDialogElement>("#dialog");
  const body = document.querySelector<HTMLElement>("#dialog-body");
  if (dialog === null || body === null) {
    return;
  }
  htmx.on("htmx:afterSwap", (event) => {
    if (event.target !== body) {
      return;
    }
    const heading = body.querySelector("h1");
    dialog.setAttribute("aria-label", heading?.textContent?.trim() ?? "Dialogue");
    dialog.classList.toggle("wide", body.querySelector(".wide-panel") !== null);
    if (!dialog.open) {
      dialog.showModal();
    }
    const first = body.querySelector<HTMLElement>("[aria-invalid=true], [autofocus], input:not([type=hidden]), button");
    first?.focus();
  });
  // What comes back for a search or a form may be a page of its own (a problem, a lost session): say it, never swallow it.
  htmx.on("htmx:sendError", () => {
    body.textContent = "The console does not answer. Is it still running?";
    if (!dialog.open) {
      dialog.showModal();
    }
  });
  dialog.addEventListener("close", () => leave(dialog, body));
  dialog.addEventListener("click", (event) => {
    const closing = (event.target as Element).closest("[data-dialog-close]");
    if (closing !== null) {
      event.preventDefault();
      dialog.close();
    }
  });
}
