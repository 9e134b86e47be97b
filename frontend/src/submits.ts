// Choices that show another page at once. Without script there is a button beside them; with a keyboard, Enter.
const CHOOSING = /^(Arrow|Home|End|Page)|^.$/;

/** Arrows go past every choice on the way to the wanted one: each would lead to another page. */
export function startSubmits(): void {
  const passing = new WeakSet<HTMLSelectElement>();
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLSelectElement) || !field.matches("[data-submits]")) {
      return;
    }
    if (event.key === "Enter" && passing.has(field)) {
      event.preventDefault();
      field.form?.requestSubmit();
    } else if (CHOOSING.test(event.key) && !event.altKey && event.key !== " ") {
      passing.add(field);
      showButton(field);
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (event.target instanceof HTMLSelectElement) {
      passing.delete(event.target);
    }
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.matches("[data-submits]") && !passing.has(field)) {
      field.form?.requestSubmit();
    }
  });
}

/** The button that is there without script, for who chooses by keyboard. */
function showButton(field: HTMLSelectElement): void {
  const button = field.form?.querySelector<HTMLElement>("[data-no-script]");
  if (button != null) {
    button.hidden = false;
  }
}
