import { optionsOf } from "../../slack/inputs.ts";
import { isObject, type JsonObject, textAt } from "../../slack/json.ts";
import { attributes, type Content, type Html, html, safeUrl } from "../html.ts";
import { idOf, type Placed } from "./surface.ts";
import { text, wordsOf } from "./text.ts";

/** The hidden fields of a form. */
export function hidden(fields: Readonly<Record<string, string>>): readonly Html[] {
  return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

/** A button of a message or view: a form that sends the server the button's name. */
export function button(placed: Placed): Html {
  const { element } = placed;
  const label = wordsOf(element.text) || textAt(element, "accessibility_label") || "Button";
  const spoken = textAt(element, "accessibility_label");
  const url = safeUrl(element.url);
  const style = textAt(element, "style") ?? "plain";
  if (url !== undefined) {
    return html`<a class="button" href="${url}" target="_blank" rel="noreferrer" data-click="${JSON.stringify(fieldsOf(placed))}">${label}</a>`;
  }
  return act(placed, { label, style, spoken, confirm: element.confirm });
}

function fieldsOf({ surface, blockId, element }: Placed) {
  return { ...surface.address, block: blockId, action: textAt(element, "action_id") ?? "" };
}

interface Act {
  readonly label: string;
  readonly style: string;
  readonly spoken: string | undefined;
  readonly confirm: unknown;
  readonly option?: string;
}

/** With a `confirm` the form is in a dialog that the button opens. @see https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
function act(placed: Placed, { label, style, spoken, confirm, option }: Act): Html {
  const fields = { ...fieldsOf(placed), ...(option === undefined ? {} : { option }) };
  const said = attributes({ "aria-label": spoken });
  if (!isObject(confirm)) {
    return html`<form method="post" action="/act/click" data-act>${hidden(fields)}<button class="button ${style}"${said}>${label}</button></form>`;
  }
  const id = idOf(placed.surface, "confirm", placed.blockId, fields.action, option ?? "");
  return html`<button type="button" class="button ${style}" data-opens="${id}" aria-haspopup="dialog"${said}>${label}</button>
    ${confirmation(placed, id, confirm, fields)}`;
}

function confirmation(
  { surface }: Placed,
  id: string,
  confirm: JsonObject,
  fields: Readonly<Record<string, string>>,
): Html {
  const style = textAt(confirm, "style") === "danger" ? "danger" : "primary";
  return html`<dialog id="${id}" class="confirm" aria-labelledby="${id}-title">
    <form method="post" action="/act/click" data-act>${hidden(fields)}
      <h3 id="${id}-title">${wordsOf(confirm.title)}</h3>
      <div class="text">${text(confirm.text, surface.reader)}</div>
      <div class="buttons">
        <button type="button" class="button plain" data-closes>${wordsOf(confirm.deny)}</button>
        <button class="button ${style}">${wordsOf(confirm.confirm)}</button>
      </div>
    </form>
  </dialog>`;
}

/** A menu of options behind three dots; each option is a button of its own. */
export function overflow(placed: Placed): Html {
  const { element } = placed;
  const items: readonly Content[] = optionsOf(element).map((option) => {
    const label = wordsOf(option.text);
    const item = act(placed, {
      label,
      style: "item",
      spoken: undefined,
      confirm: element.confirm,
      option: textAt(option.text, "text") ?? "",
    });
    return html`<li>${item}</li>`;
  });
  return html`<details class="overflow"><summary class="button plain" aria-label="More">⋯</summary><ul>${items}</ul></details>`;
}
