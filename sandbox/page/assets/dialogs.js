/** Where the focus was before a modal opened. @type {Element | null} */
let before = null;

/** Confirmations, and the modals of the app. */
export function startDialogs() {
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const opener = event.target.closest("[data-opens]");
    if (opener instanceof HTMLElement) dialogOf(opener.dataset.opens)?.showModal();
    if (event.target.closest("[data-closes]") || event.target.matches("dialog.confirm")) {
      event.target.closest("dialog")?.close();
    }
  });
  // Neither event bubbles.
  document.addEventListener("confirmed", ({ target }) => target instanceof HTMLDialogElement && target.close(), true);
  document.addEventListener(
    "cancel",
    (event) => {
      if (!(event.target instanceof HTMLDialogElement) || event.target.dataset.modal === undefined) return;
      // The server tells the app, if it asks, and removes the modal.
      event.preventDefault();
      event.target.querySelector("form")?.requestSubmit();
    },
    true,
  );
  showOpenModal();
}

/** Opens the modal that the server drew. Without one, the focus goes back. */
export function showOpenModal() {
  const modal = document.querySelector("dialog[data-modal]");
  if (modal instanceof HTMLDialogElement) {
    if (modal.open) return focusError(modal);
    before ??= document.activeElement;
    modal.showModal();
    const first = modal.querySelector("[autofocus]") ?? modal.querySelector(".content :is(input, select, textarea)");
    if (first instanceof HTMLElement) first.focus();
    return;
  }
  if (before === null) return;
  const back = before.isConnected && before !== document.body ? before : document.getElementById("line");
  if (back instanceof HTMLElement) back.focus();
  before = null;
}

/** @param {HTMLDialogElement} modal open, perhaps with errors */
function focusError(modal) {
  const wrong = modal.querySelector("[aria-invalid]");
  if (wrong instanceof HTMLElement && !modal.querySelector(".content")?.contains(document.activeElement)) wrong.focus();
}

/** @param {string | undefined} id @returns {HTMLDialogElement | null} */
function dialogOf(id) {
  const found = document.getElementById(id ?? "");
  return found instanceof HTMLDialogElement ? found : null;
}
