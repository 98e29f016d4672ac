/** The last target of the tour: a step and the selector that found it. */
let last = "";

/** Points at the control that the tour needs next. Each input, click and unfolding can change it. */
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

/** Marks the control. A new one comes into view. */
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
    // The last one is the newest message.
    const target = [...document.querySelectorAll(selector)].at(-1);
    if (!target) continue;
    const shown = within(target);
    return { target: shown, key: `${card.dataset.step} ${selector} ${shown === target}` };
  }
  return null;
}

/** A phone hides one half of the page: then this is the link to that half. @param {Element} target */
function within(target) {
  if (target.getClientRects().length > 0) return target;
  const half = target.closest("#chat, #cluster");
  return document.querySelector(`.tabs a[href="#${half?.id}"]`) ?? target;
}
