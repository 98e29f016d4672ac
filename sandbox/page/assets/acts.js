/** How long the page shows a failed act, in milliseconds. */
const toastMs = 10_000;
const typingPauseMs = 400;

/** Sends what people do. The effects arrive with the next regions. */
export function startActs() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.act === undefined) return;
    event.preventDefault();
    void submit(form, event.submitter);
  });
  // The link at the top of the page leads here, also in a channel without a field.
  document.getElementById("composer")?.addEventListener("focus", () => document.getElementById("line")?.focus());
  document.addEventListener("click", (event) => {
    const chip = event.target instanceof Element ? event.target.closest("[data-line]") : null;
    const line = document.getElementById("line");
    if (!(chip instanceof HTMLElement) || !(line instanceof HTMLInputElement)) return;
    line.value = chip.dataset.line ?? "";
    line.focus();
  });
  document.addEventListener("change", (event) => {
    if (event.target instanceof Element) changed(event.target);
  });
  document.addEventListener("input", (event) => {
    if (!(event.target instanceof HTMLInputElement)) return;
    if (event.target.dataset.suggest) void suggest(event.target);
    if (event.target.closest("[data-typing]")) whileTyping(event.target);
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
async function submit(form, submitter) {
  if (form.ariaBusy === "true") return;
  // The form includes all typed text.
  clearTimeout(typing);
  form.ariaBusy = "true";
  form.closest("dialog.confirm")?.dispatchEvent(new Event("confirmed"));
  const done = await post(form.getAttribute("action") ?? "", entriesOf(new FormData(form, submitter)));
  form.ariaBusy = null;
  if (done && form.dataset.composer !== undefined) form.reset();
}

/** @param {Element} control an input with a new value */
function changed(control) {
  const chooses = control.closest("[data-choose]");
  if (chooses instanceof HTMLElement) {
    void post("/act/choose", [...fieldsOf(chooses.dataset.choose), ...valuesIn(chooses)]);
    return;
  }
  const fills = control.closest("[data-fills]");
  const form = fills instanceof HTMLElement ? document.getElementById(fills.dataset.fills ?? "") : null;
  if (form instanceof HTMLFormElement) void post("/act/fill", entriesOf(new FormData(form)));
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

/** @param {Element} control sends the typed text after a pause */
function whileTyping(control) {
  clearTimeout(typing);
  typing = setTimeout(() => control.isConnected && changed(control), typingPauseMs);
}

/** @param {HTMLElement} part @returns {string[][]} */
function valuesIn(part) {
  const controls = /** @type {NodeListOf<HTMLInputElement>} */ (part.querySelectorAll("input, select, textarea"));
  return [...controls].filter(({ type, checked }) => type !== "radio" || checked).map(({ value }) => ["value", value]);
}

/** @param {HTMLInputElement} input a menu that the app fills */
async function suggest(input) {
  const query = new URLSearchParams([...fieldsOf(input.dataset.suggest), ["text", input.value]]);
  const response = await fetch(`/suggest?${query}`);
  // The answer to an earlier letter can arrive later.
  if (!response.ok || query.get("text") !== input.value) return;
  const options = (await response.json()).map((/** @type {string} */ text) => new Option(text, text));
  document.getElementById(input.getAttribute("list") ?? "")?.replaceChildren(...options);
}

/** @param {string | undefined} json @returns {string[][]} */
function fieldsOf(json) {
  return Object.entries(JSON.parse(json ?? "{}"));
}

/** @param {FormData} data @returns {string[][]} */
function entriesOf(data) {
  return [...data].map(([name, value]) => [name, String(value)]);
}

/**
 * @param {string} address
 * @param {string[][]} fields
 * @returns {Promise<boolean>} whether it was done
 */
async function post(address, fields) {
  try {
    const response = await fetch(address, { method: "POST", body: new URLSearchParams(fields) });
    const notice = response.ok ? (await response.json()).notice : await response.text();
    if (notice) toast(notice);
    return response.ok && !notice;
  } catch {
    toast("The sandbox does not answer: is it still running?");
    return false;
  }
}

/** @param {string} words */
function toast(words) {
  const note = document.createElement("p");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.ariaLabel = "Dismiss";
  close.addEventListener("click", () => note.remove());
  note.append(words, close);
  document.getElementById("toasts")?.append(note);
  setTimeout(() => note.remove(), toastMs);
}
