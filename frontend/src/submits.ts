// Choices that show another page at once. Without script there is a button beside them.
export function startSubmits(): void {
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.matches("[data-submits]")) {
      field.form?.requestSubmit();
    }
  });
}
