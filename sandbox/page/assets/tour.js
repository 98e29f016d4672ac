/** What the tour pointed at last: a step and the selector that found it. */
let last = "";

/** Points at the control that the tour needs next. What people type, unfold or open changes which it is. */
export function startTour() {
  for (const happens of ["input", "click", "toggle"]) {
    document.addEventListener(happens, () => requestAnimationFrame(showTour), true);
  }
  window.addEventListener("hashchange", showTour);
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-shows]")) return;
    const target = document.querySelector("[data-tour]");
    if (!(target instanceof HTMLElement)) return;
    target.scrollIntoView({ block: "center" });
    target.focus();
  });
}

/** Marks the control, and brings it into view when it is another one than before. */
export function showTour() {
  const card = document.querySelector("#tour [data-points]");
  const found = card instanceof HTMLElement ? pointedAt(card) : null;
  for (const marked of document.querySelectorAll("[data-tour]")) {
    if (marked !== found?.target) marked.removeAttribute("data-tour");
  }
  found?.target.setAttribute("data-tour", "");
  if (found && found.key !== last) found.target.scrollIntoView({ block: "nearest" });
  last = found?.key ?? "";
}

/** @param {HTMLElement} card @returns {{ target: Element, key: string } | null} */
function pointedAt(card) {
  for (const selector of JSON.parse(card.dataset.points ?? "[]")) {
    // The newest message is the last one.
    const target = [...document.querySelectorAll(selector)].at(-1);
    if (!target) continue;
    const shown = within(target);
    return { target: shown, key: `${card.dataset.step} ${selector} ${shown === target}` };
  }
  return null;
}

/** On a phone one half of the page is hidden: then the link to it. @param {Element} target */
function within(target) {
  if (target.getClientRects().length > 0) return target;
  const half = target.closest("#chat, #cluster");
  return document.querySelector(`.tabs a[href="#${half?.id}"]`) ?? target;
}
