import { showOpenModal } from "./dialogs.js";
import { Idiomorph } from "./idiomorph.js";
import { showTour } from "./tour.js";

/** Within this distance of the bottom, people read the newest message, in pixels. */
const nearBottom = 120;

/** @type {EventSource | undefined} */
let source;

/** Receives changes for the person and the place in the page's address. */
export function startLive() {
  connect();
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-go]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.dataset.go ?? "", link.search);
  });
  window.addEventListener("popstate", connect);
  // Details unfolded at the lower end would be out of sight. The event does not bubble.
  const unfolded = (/** @type {Event} */ { target }) =>
    target instanceof HTMLDetailsElement && target.open && target.scrollIntoView({ block: "nearest" });
  document.addEventListener("toggle", unfolded, true);
}

/**
 * Changes the person or the place, and keeps the other, even before the links are redrawn.
 * @param {string} what
 * @param {string} target the link's query
 */
function go(what, target) {
  const query = new URLSearchParams(location.search);
  const value = new URLSearchParams(target).get(what) ?? "";
  if (query.get(what) === value) return;
  query.set(what, value);
  history.pushState(null, "", `/?${query}${location.hash}`);
  connect();
}

function connect() {
  source?.close();
  const opened = new EventSource(`/live${location.search}`);
  source = opened;
  let isFirst = true;
  opened.addEventListener("regions", (event) => {
    draw(JSON.parse(event.data), isFirst);
    isFirst = false;
  });
  opened.addEventListener("open", () => say("Live"));
  opened.addEventListener("error", () => say("Lost the sandbox: is it still running?"));
}

/** @param {string} words */
function say(words) {
  const status = document.getElementById("connection");
  if (status && status.textContent !== words) status.textContent = words;
}

/**
 * @param {Record<string, string>} regions markup by the id of the element that holds it
 * @param {boolean} isNew a new place: people read a Home from its beginning, and others from their end
 */
function draw(regions, isNew) {
  const edits = editsShown();
  const list = document.querySelector("#messages > *");
  const followed = !list || isNewestRead(list);
  const card = document.activeElement?.closest("article, .home");
  for (const [id, markup] of Object.entries(regions)) {
    const region = document.getElementById(id);
    if (region) morph(region, markup);
  }
  if ("modal" in regions) showOpenModal();
  if (card?.isConnected && document.activeElement === document.body) focusIn(card);
  if ("messages" in regions && (followed || isNew)) scrollToEnd();
  if (isNew) document.querySelector("#messages > .home")?.scrollTo(0, 0);
  if (!isNew) flashChanges(edits);
  showTour();
}

/**
 * Changes only the differences. Typed text, the focus and unfolded details stay.
 * @param {Element} region
 * @param {string} markup
 */
function morph(region, markup) {
  Idiomorph.morph(region, markup, {
    morphStyle: "innerHTML",
    // For a focused button it would skip the words on it.
    ignoreActiveValue: document.activeElement?.matches("input, textarea, select") ?? false,
    callbacks: {
      // Opened by the person, not by the server.
      beforeAttributeUpdated: (/** @type {string} */ name, /** @type {Element} */ node) =>
        !(name === "open" && (node instanceof HTMLDialogElement || node instanceof HTMLDetailsElement)),
    },
  });
}

/**
 * Also of a message longer than the window, from its beginning: what comes below it would be out of sight.
 * @param {Element} list
 */
function isNewestRead(list) {
  const newest = newestIn(list);
  const isAtItsBeginning =
    newest && Math.abs(newest.getBoundingClientRect().top - list.getBoundingClientRect().top) < nearBottom;
  return isAtItsBeginning || list.scrollHeight - list.scrollTop - list.clientHeight < nearBottom;
}

/** @param {Element} list */
const newestIn = (list) => list.querySelector(":scope > ol > li:last-child > article");

/** The focused button is gone: its neighbour that asks nothing first, or the list. @param {Element} card */
function focusIn(card) {
  const next = card.querySelector("form > button") ?? card.closest("[tabindex]");
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}

/** The newest message, or the beginning of one that is longer than the window. */
function scrollToEnd() {
  const list = document.querySelector("#messages > .messages");
  if (!list) return;
  list.scrollTop = list.scrollHeight;
  const newest = newestIn(list);
  if (newest && newest.clientHeight > list.clientHeight) newest.scrollIntoView();
}

/** The changes of each part that counts them, by its id. */
function editsShown() {
  const parts = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-edits][id]"));
  return new Map([...parts].map((part) => [part.id, part.dataset.edits]));
}

/**
 * A message that changes in its place is easy to miss.
 * @param {ReadonlyMap<string, string | undefined>} before
 */
function flashChanges(before) {
  for (const [id, edits] of editsShown()) {
    if (before.get(id) === edits) continue;
    const part = document.getElementById(id);
    part?.classList.add("changed");
    part?.addEventListener("animationend", () => part.classList.remove("changed"), { once: true });
  }
}

scrollToEnd();
