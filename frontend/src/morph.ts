// Makes one piece of page like another in place: what is the same stays the very same node, with focus, selection and
// scroll. Knows nothing of events or the network.

/** Rows and lines are told apart by what they lead to, so that a new one above does not turn each into its neighbour. */
function keyOf(node: Node): string {
  if (!(node instanceof Element)) {
    return "";
  }
  if (node.id !== "") {
    return `#${node.id}`;
  }
  if (node.matches("tr, li")) {
    return node.querySelector("a[href]")?.getAttribute("href") ?? "";
  }
  return "";
}

/** Nodes by key, without those whose key is another's too: these are told apart by their place only. */
function keyed(nodes: Iterable<ChildNode>): Map<string, ChildNode> {
  const found = new Map<string, ChildNode>();
  const twice = new Set([""]);
  for (const node of nodes) {
    const key = keyOf(node);
    if (found.has(key)) {
      twice.add(key);
    }
    found.set(key, node);
  }
  for (const key of twice) {
    found.delete(key);
  }
  return found;
}

function takeAttributes(old: Element, fresh: Element): void {
  for (const { name } of [...old.attributes]) {
    // What somebody opened stays open.
    if (!fresh.hasAttribute(name) && !(name === "open" && old instanceof HTMLDetailsElement)) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
}

/** Makes `old` like `fresh`, whose nodes it takes where it has none of its own. */
export function morph(old: Element, fresh: Element): void {
  takeAttributes(old, fresh);
  const known = keyed(old.childNodes);
  const stays = keyed(fresh.childNodes);
  for (const [key, node] of known) {
    if (!stays.has(key)) {
      node.remove();
    }
  }
  const kept = new Set([...known].filter(([key]) => stays.has(key)).map(([, node]) => node));
  let place: ChildNode | null = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    const same = stays.has(key) ? (known.get(key) ?? null) : null;
    if (same !== null && same !== place) {
      old.insertBefore(same, place);
      place = same;
    }
    const fits = place !== null && place.nodeName === wanted.nodeName && (place === same || (same === null && !kept.has(place)));
    if (place !== null && fits) {
      if (!place.isEqualNode(wanted)) {
        if (place instanceof Element && wanted instanceof Element) {
          morph(place, wanted);
        } else {
          place.nodeValue = wanted.nodeValue;
        }
      }
      place = place.nextSibling;
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place !== null) {
    const next: ChildNode | null = place.nextSibling;
    place.remove();
    place = next;
  }
}
