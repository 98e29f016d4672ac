/** The line that one types, with a list of what can come next. @see https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ */
export function startComposer() {
  // Where the link at the top of the page leads: a place that is there without a field, too.
  document.getElementById("composer")?.addEventListener("focus", () => document.getElementById("line")?.focus());
  document.addEventListener("input", (event) => {
    if (isLine(event.target)) void complete(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (isLine(event.target)) pressed(event, event.target);
  });
  document.addEventListener("focusout", (event) => {
    if (isLine(event.target)) hide();
  });
  // Before the field loses its focus.
  document.addEventListener("mousedown", (event) => {
    const option = event.target instanceof Element ? event.target.closest("#completions [role=option]") : null;
    if (!(option instanceof HTMLElement)) return;
    event.preventDefault();
    take(option);
  });
  document.addEventListener("click", (event) => {
    const chip = event.target instanceof Element ? event.target.closest("[data-line]") : null;
    if (chip instanceof HTMLElement) write(chip.dataset.line ?? "");
  });
  document.addEventListener("reset", hide);
}

/** @param {EventTarget | null} target @returns {target is HTMLInputElement} */
function isLine(target) {
  return target instanceof HTMLInputElement && target.id === "line";
}

/** @param {string} words */
function write(words) {
  const line = document.getElementById("line");
  if (!isLine(line)) return;
  line.value = words;
  line.focus();
  hide();
}

/** The text that the list answers to: what was found for another one must not be taken, however quickly somebody types. */
let answered = "";
/** Counts the questions, so that the answer to one that nobody waits for any more shows nothing. */
let question = 0;

/** @param {HTMLInputElement} line */
async function complete(line) {
  const asked = line.value;
  question += 1;
  const own = question;
  const query = new URLSearchParams(location.search);
  query.set("text", asked);
  const response = await fetch(`/complete?${query}`);
  // Somebody typed on meanwhile.
  if (!response.ok || question !== own) return;
  show(line, await response.json());
  answered = asked;
}

/**
 * @param {HTMLInputElement} line
 * @param {{ line: string, label: string, does: string }[]} found
 */
function show(line, found) {
  const list = listbox();
  if (!list) return;
  list.replaceChildren(
    ...found.map(({ line: whole, label, does }, index) => {
      const option = document.createElement("li");
      option.role = "option";
      option.id = `completion-${index}`;
      option.dataset.whole = whole;
      option.ariaSelected = "false";
      const name = document.createElement("code");
      name.textContent = label;
      option.append(name, ` ${does}`);
      return option;
    }),
  );
  list.hidden = found.length === 0;
  line.ariaExpanded = String(found.length > 0);
  line.removeAttribute("aria-activedescendant");
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} line
 */
function pressed(event, line) {
  const list = listbox();
  if (!list || list.hidden) return;
  if (event.key === "Escape") {
    event.preventDefault();
    return hide();
  }
  if (answered !== line.value) return;
  const options = /** @type {HTMLElement[]} */ ([...list.children]);
  const at = options.findIndex(({ ariaSelected }) => ariaSelected === "true");
  const chosen = options[at] ?? (event.key === "Tab" && !event.shiftKey ? options[0] : undefined);
  if (event.key === "ArrowDown") select(line, options, (at + 1) % options.length);
  else if (event.key === "ArrowUp") select(line, options, at <= 0 ? options.length - 1 : at - 1);
  else if ((event.key === "Enter" || event.key === "Tab") && chosen) take(chosen);
  else return;
  event.preventDefault();
}

/**
 * @param {HTMLInputElement} line
 * @param {HTMLElement[]} options
 * @param {number} index
 */
function select(line, options, index) {
  for (const [at, option] of options.entries()) option.ariaSelected = String(at === index);
  const option = options[index];
  if (!option) return;
  line.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} option */
function take(option) {
  const line = document.getElementById("line");
  if (!isLine(line)) return;
  line.value = option.dataset.whole ?? "";
  line.focus();
  void complete(line);
}

function hide() {
  question += 1;
  const list = listbox();
  if (list) list.hidden = true;
  const line = document.getElementById("line");
  if (isLine(line)) line.ariaExpanded = "false";
}

/** @returns {HTMLElement | null} */
function listbox() {
  return document.getElementById("completions");
}
