/** Shows what works with JavaScript only, and hides what is needed only without it. */
export function showScripted(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-script]")) {
    element.hidden = false;
  }
  for (const element of root.querySelectorAll<HTMLElement>("[data-no-script]")) {
    element.hidden = true;
  }
}
