import { isObject, type JsonObject, textAt } from "../../slack/json.ts";
import { type Html, html } from "../html.ts";
import { idOf, type Placed } from "./surface.ts";
import { text, wordsOf } from "./text.ts";

/** The hidden fields of a form. */
export function hidden(fields: Readonly<Record<string, string>>): readonly Html[] {
  return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

/**
 * A button of a message or view: a form that sends the server the button's name. With a `confirm` the form is in a dialog that
 * the button opens.
 * @see https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
 */
export function button(placed: Placed): Html {
  const { surface, blockId, element } = placed;
  const label = wordsOf(element.text);
  const fields = { ...surface.address, block: blockId, action: textAt(element, "action_id") ?? "" };
  const style = textAt(element, "style") ?? "plain";
  if (!isObject(element.confirm)) {
    return html`<form method="post" action="/act/click" data-act>${hidden(fields)}<button class="button ${style}">${label}</button></form>`;
  }
  const id = idOf(surface, "confirm", blockId, fields.action);
  return html`<button type="button" class="button ${style}" data-opens="${id}" aria-haspopup="dialog">${label}</button>
    ${confirmation(placed, id, element.confirm, fields)}`;
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
