import { textAt } from "../../slack/json.ts";
import type { SandboxView } from "../../slack/shapes.ts";
import { blocks } from "../blocks/block.ts";
import { hidden } from "../blocks/buttons.ts";
import type { Reader } from "../blocks/surface.ts";
import { wordsOf } from "../blocks/text.ts";
import { type Html, html } from "../html.ts";

/** The open modal, the top of the stack; the page shows it as a dialog. */
export function modal(view: SandboxView, reader: Reader): Html {
  const id = `view-${view.id}`;
  const form = `${id}-form`;
  const address = { as: reader.user.id, view: view.id };
  const surface = { reader, id, address, inputs: view.inputs, errors: view.errors, form };
  const submit = wordsOf(view.json.submit) || (view.blocks.some(({ type }) => type === "input") ? "Submit" : "");
  const close = (label: string, style: string) =>
    html`<form method="post" action="/act/close" data-act>${hidden(address)}<button class="${style}">${label}</button></form>`;
  return html`<dialog class="modal" id="${id}" data-modal aria-labelledby="${id}-title">
    <header><h2 id="${id}-title">${view.title}</h2>${close("×", "icon")}</header>
    <div class="content" data-fills="${form}">${blocks(view.blocks, surface)}</div>
    <footer>
      ${close(wordsOf(view.json.close) || "Cancel", "button plain")}
      <form method="post" action="/act/submit" id="${form}" data-act novalidate>${hidden(address)}
        ${submit && html`<button class="button primary">${submit}</button>`}
      </form>
    </footer>
  </dialog>`;
}

/** The app's Home tab. */
export function homeTab(view: SandboxView | undefined, reader: Reader): Html {
  if (!view) {
    return html`<div class="home"><p class="empty">The app shows nothing here. Its messages are in the channel and in the direct messages.</p></div>`;
  }
  const address = { as: reader.user.id, view: view.id };
  const surface = { reader, id: `view-${view.id}`, address, inputs: view.inputs, errors: {} };
  const title = textAt(view, "title");
  return html`<div class="home" role="region" aria-label="${title || "Home"}" tabindex="0" data-edits="${view.updates}">${blocks(view.blocks, surface)}</div>`;
}
