// Secrets leave the page with the person: nothing of them is there when somebody comes back by the back button.
export function startSecrets(): void {
  window.addEventListener("pagehide", () => {
    for (const element of document.querySelectorAll<HTMLElement>("[data-secret]")) {
      if (element instanceof HTMLTextAreaElement) {
        element.value = "";
      }
      element.textContent = "";
    }
    for (const field of document.querySelectorAll<HTMLInputElement>("input[type=password], input[name^=w_], input[name=uri]")) {
      if (field.name !== "w_csrf") {
        field.value = "";
      }
    }
  });
  // A page kept whole by the browser is asked for anew: it may be another person's by now.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      location.reload();
    }
  });
}
