// The pages work without this: it adds a filter to long lists, and says that a chart is being drawn.

for (const link of document.querySelectorAll("a[data-chart]")) {
  link.addEventListener("click", () => link.setAttribute("aria-busy", "true"));
}
// Back from a chart the page may come out of the browser's memory as it was left.
window.addEventListener("pageshow", () => {
  for (const link of document.querySelectorAll("[aria-busy]")) link.removeAttribute("aria-busy");
});

for (const field of document.querySelectorAll("input[data-filter]")) {
  if (!(field instanceof HTMLInputElement)) continue;
  const list = document.getElementById(field.dataset.filter ?? "");
  const none = document.getElementById("no-match");
  const box = field.closest("[hidden]");
  if (list === null || box === null) continue;
  box.removeAttribute("hidden");
  field.addEventListener("input", () => filter(list, none, field.value));
}

/**
 * Show the entries in which every word occurs.
 * @param {HTMLElement} list
 * @param {HTMLElement | null} none
 * @param {string} wanted
 */
function filter(list, none, wanted) {
  const words = wanted.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const entry of list.children) {
    if (!(entry instanceof HTMLElement)) continue;
    const text = (entry.dataset.words ?? "").toLocaleLowerCase();
    entry.hidden = !words.every((word) => text.includes(word));
    if (!entry.hidden) shown += 1;
  }
  if (none !== null) none.hidden = shown > 0;
}

for (const field of document.querySelectorAll("input[data-bytes-max]")) {
  if (!(field instanceof HTMLInputElement)) continue;
  field.addEventListener("change", () => {
    const size = field.files?.[0]?.size ?? 0;
    const tooLarge = size > Number(field.dataset.bytesMax);
    field.setCustomValidity(tooLarge ? (field.dataset.tooLarge ?? "") : "");
    field.reportValidity();
  });
}
