// The dialogue: shown when a part of a page was loaded into it, closed by Escape, by its cross, by Cancel.
import type htmxType from "htmx.org";
import { focusable, focusOn, isLost, placeOf, restore } from "./focus";
import { showScripted } from "./scripted";

const OWN_PANEL = "main > #panel";

interface Asked {
  target: Element;
  swapOverride: string;
  requestConfig: { elt: Element; verb: string; path: string };
}

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

/** Puts the focus where somebody goes on: on what must be mended, the first field, what does no harm, or the heading. */
function enter(body: HTMLElement): void {
  const all = focusable(body);
  const fields = all.filter((one) => one.matches("input, select, textarea") && !one.matches("[readonly]"));
  const chosen = (one: HTMLElement): boolean => !(one instanceof HTMLInputElement && one.type === "radio") || one.checked;
  const wanted =
    all.find((one) => one.getAttribute("aria-invalid") === "true") ??
    body.querySelector<HTMLElement>("[autofocus]") ??
    fields.find(chosen) ??
    all.find((one) => one.matches("[data-dialog-close]")) ??
    body.querySelector<HTMLElement>("h1") ??
    all[0];
  if (wanted !== undefined) {
    focusOn(wanted);
  }
}

/** Keeps Tab inside: at either end it goes on at the other. */
function turn(dialog: HTMLDialogElement, event: KeyboardEvent): void {
  const all = focusable(dialog);
  const [from, to] = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
  if (to !== undefined && (document.activeElement === from || isLost())) {
    event.preventDefault();
    to.focus();
  }
}

export function startDialog(htmx: typeof htmxType): void {
  const dialog = document.querySelector<HTMLDialogElement>("#dialog");
  const body = document.querySelector<HTMLElement>("#dialog-body");
  if (dialog === null || body === null) {
    return;
  }
  let opener: HTMLElement | null = null;
  let opened = { name: "", index: 0 };
  const open = (): void => {
    if (!dialog.open) {
      const active = document.activeElement;
      opener = active instanceof HTMLElement && active !== document.body ? active : opener;
      if (opener !== null) {
        opened = placeOf(opener, document.querySelector("main") ?? document);
      }
      dialog.showModal();
    }
  };
  // A page that is itself such a panel keeps it: a second one over it would have fields of the same names.
  htmx.on("htmx:beforeRequest", (event) => {
    const { target, requestConfig } = (event as CustomEvent<Asked>).detail;
    if (target === body && requestConfig.verb === "get" && requestConfig.elt.closest(OWN_PANEL) !== null) {
      event.preventDefault();
      location.assign(requestConfig.path);
    }
  });
  htmx.on("htmx:beforeSwap", (event) => {
    const { detail } = event as CustomEvent<Asked>;
    const own = detail.requestConfig.elt.closest(OWN_PANEL);
    if (detail.target === body && own !== null) {
      detail.target = own;
      detail.swapOverride = "outerHTML";
    }
  });
  htmx.on("htmx:afterSwap", (event) => {
    if (event.target instanceof HTMLElement && event.target.matches(OWN_PANEL)) {
      showScripted(event.target);
      enter(event.target);
    }
    if (event.target !== body) {
      return;
    }
    const heading = body.querySelector("h1");
    dialog.setAttribute("aria-label", heading?.textContent?.trim() ?? "Dialogue");
    dialog.classList.toggle("wide", body.querySelector(".wide-panel") !== null);
    showScripted(body);
    open();
    enter(body);
  });
  // What comes back for a search or a form may be a page of its own (a problem, a lost session): say it, never swallow it.
  htmx.on("htmx:sendError", () => {
    const words = document.createElement("p");
    words.setAttribute("role", "alert");
    words.textContent = "The console does not answer. Is it still running?";
    body.replaceChildren(words);
    dialog.setAttribute("aria-label", words.textContent);
    open();
    dialog.querySelector<HTMLElement>(".dialog-close button")?.focus();
  });
  dialog.addEventListener("close", () => {
    leave(dialog, body);
    // The browser gives the focus back itself, unless the list behind was read anew meanwhile.
    if (opener !== null && isLost()) {
      restore(opened, document.querySelector("main") ?? document.body);
    }
    opener = null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && dialog.open) {
      turn(dialog, event);
    }
  });
  dialog.addEventListener("click", (event) => {
    const closing = (event.target as Element).closest("[data-dialog-close]");
    if (closing !== null) {
      event.preventDefault();
      dialog.close();
    }
  });
}
