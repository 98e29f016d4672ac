import { isObject, type JsonObject, listAt, objectAt, textAt } from "../../json.ts";
import type { Inputs, SandboxUser } from "../../slack/inputs.ts";
import { attributes, type Content, type Html, html } from "../html.ts";
import { type Reader, text, wordsOf } from "./mrkdwn.ts";

/** The message or view around blocks: the target of their clicks, with the values of their inputs. */
export interface Surface {
  readonly reader: Reader;
  /** Unique on the page; the ids of its elements begin with it. */
  readonly id: string;
  /** The fields that identify the message or view for the server. */
  readonly address: Readonly<Record<string, string>>;
  readonly inputs: Inputs;
  /** The mistake in an input, by block_id. */
  readonly errors: Readonly<Record<string, string>>;
  readonly form?: string;
}

interface Placed {
  readonly surface: Surface;
  readonly blockId: string;
  readonly element: JsonObject;
}

/** An id for an element, without characters that a selector must escape. */
function idOf(surface: Surface, ...parts: readonly string[]): string {
  return [surface.id, ...parts].join("-").replace(/[^\w-]/g, "_");
}

/** The page's input for each kind of Slack's. */
const kinds: Readonly<Record<string, (placed: Placed, field: Field) => Html>> = {
  plain_text_input: typed,
  external_select: suggested,
  multi_external_select: suggested,
  static_select: menu,
  users_select: people,
  radio_buttons: radios,
};

/** A menu in a section or among actions: the app gets each choice at once. */
export function lonelyControl(placed: Placed): Content {
  const { surface, blockId, element } = placed;
  const kind = kinds[String(element.type)];
  if (!kind) return undefined;
  const spoken = wordsOf(element.placeholder) || "Choose";
  const field: Field = { ...placeOf(surface, blockId, element), "aria-label": spoken };
  return html`<span class="control" ${chooses(placed)}>${kind(placed, field)}</span>`;
}

/** An input block. @see https://docs.slack.dev/reference/block-kit/blocks/input-block */
export function labelled(placed: Placed, block: JsonObject): Html {
  const { surface, blockId, element } = placed;
  const error = surface.errors[blockId];
  const { id, name } = placeOf(surface, blockId, element);
  const describes = [block.hint && `${id}-hint`, error !== undefined && `${id}-error`].filter(Boolean).join(" ");
  const field: Field = {
    ...{ id, name, form: surface.form, "aria-describedby": describes || undefined },
    "aria-invalid": error === undefined ? undefined : "true",
  };
  const control = kinds[String(element.type)]?.(placed, field) ?? unknownControl(element);
  const label = html`${wordsOf(block.label)}${block.optional === true && html` <span class="optional">(optional)</span>`}`;
  const more = [
    block.hint ? html`<p class="hint" id="${id}-hint">${text(block.hint, surface.reader)}</p>` : "",
    error === undefined ? "" : html`<p class="error" id="${id}-error">${error}</p>`,
  ];
  const dispatches = block.dispatch_action === true && chooses(placed);
  // A heading names several elements; a label names only one.
  return element.type === "radio_buttons"
    ? html`<fieldset class="field" ${dispatches}><legend>${label}</legend>${control}${more}</fieldset>`
    : html`<div class="field" ${dispatches}><label for="${id}">${label}</label>${control}${more}</div>`;
}

interface Field {
  readonly id: string;
  readonly name: string;
  readonly form?: string | undefined;
  readonly "aria-describedby"?: string | undefined;
  readonly "aria-invalid"?: string | undefined;
  readonly "aria-label"?: string;
}

function placeOf(surface: Surface, blockId: string, element: JsonObject): Pick<Field, "id" | "name"> {
  const actionId = textAt(element, "action_id") ?? "";
  return { id: idOf(surface, "in", blockId, actionId), name: fieldName(blockId, actionId) };
}

/** The name of an input's field in a form: its place, without characters that need an escape. */
export function fieldName(blockId: string, actionId: string): string {
  return `in/${encodeURIComponent(blockId)}/${encodeURIComponent(actionId)}`;
}

/** Sends each change here to the app at once. */
function chooses(placed: Placed): Html {
  const typing = objectAt(placed.element, "dispatch_action_config").trigger_actions_on;
  const whileTyping = Array.isArray(typing) && typing.includes("on_character_entered");
  return html`data-choose="${addressOf(placed)}"${attributes({ "data-typing": whileTyping })}`;
}

function addressOf({ surface, blockId, element }: Placed): string {
  return JSON.stringify({ ...surface.address, block: blockId, action: textAt(element, "action_id") ?? "" });
}

function typed(placed: Placed, field: Field): Html {
  const { element } = placed;
  const value = textAt(inputOf(placed), "value") ?? "";
  const autofocus = element.focus_on_load === true;
  const shown = { ...field, autofocus, placeholder: wordsOf(element.placeholder) || undefined };
  return element.multiline === true
    ? html`<textarea rows="3"${attributes(shown)}>\n${value}</textarea>`
    : html`<input type="text" value="${value}"${attributes(shown)} autocomplete="off">`;
}

/** A menu that the app fills while a person types. */
function suggested(placed: Placed, field: Field): Html {
  const input = inputOf(placed);
  const several = listAt(input, "selected_options").map(({ value: name }) => name);
  const value = several.join(",") || wordsOf(objectAt(input, "selected_option").text);
  const shown = { ...field, placeholder: wordsOf(placed.element.placeholder) || undefined };
  return html`<input type="text" value="${value}" list="${field.id}-list"${attributes(shown)} data-suggest="${addressOf(placed)}" autocomplete="off">
    <datalist id="${field.id}-list"></datalist>`;
}

function unknownControl(element: JsonObject): Html {
  return html`<p class="unknown">An input of the kind ${String(element.type)}, which this page can't show.</p>`;
}

function menu(placed: Placed, field: Field): Html {
  const entry = (option: JsonObject) =>
    html`<option${attributes({ value: textAt(option, "value"), selected: isChosen(placed, option) })}>${wordsOf(option.text)}</option>`;
  const placeholder = wordsOf(placed.element.placeholder) || "Choose";
  return html`<select${attributes({ ...field })}><option value="">${placeholder}</option>${listAt(placed.element, "options").map(entry)}</select>`;
}

function people(placed: Placed, field: Field): Html {
  const chosen = textAt(inputOf(placed), "selected_user");
  const entry = ({ id, name }: SandboxUser) =>
    html`<option${attributes({ value: id, selected: id === chosen })}>${name}</option>`;
  return html`<select${attributes({ ...field })}><option value="">Choose</option>${placed.surface.reader.people.map(entry)}</select>`;
}

function radios(placed: Placed, { id, name, form, "aria-describedby": describedBy }: Field): Html {
  const { reader } = placed.surface;
  const entry = (option: JsonObject, index: number): Content => {
    const own = { id: `${id}-${index}`, value: textAt(option, "value"), name, form, checked: isChosen(placed, option) };
    const more = option.description ? html`<small>${text(option.description, reader)}</small>` : "";
    return html`<li><input type="radio"${attributes(own)}><label for="${own.id}">${text(option.text, reader)}${more}</label></li>`;
  };
  return html`<ul class="ticks"${attributes({ "aria-describedby": describedBy })}>${listAt(placed.element, "options").map(entry)}</ul>`;
}

function isChosen(placed: Placed, option: JsonObject): boolean {
  return objectAt(inputOf(placed), "selected_option").value === option.value;
}

function inputOf({ surface, blockId, element }: Placed): JsonObject {
  return objectAt(objectAt(surface.inputs, blockId), textAt(element, "action_id") ?? "");
}

export function hidden(fields: Readonly<Record<string, string>>): readonly Html[] {
  return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

/** It sends the button's name. With a `confirm` it is in a dialog. */
export function button(placed: Placed): Html {
  const { surface, blockId, element } = placed;
  const label = wordsOf(element.text);
  const fields = { ...surface.address, block: blockId, action: textAt(element, "action_id") ?? "" };
  const style = textAt(element, "style") ?? "plain";
  const named = attributes({ "aria-label": textAt(element, "accessibility_label") });
  if (!isObject(element.confirm)) {
    return html`<form method="post" action="/act/click" data-act>${hidden(fields)}<button class="button ${style}"${named}>${label}</button></form>`;
  }
  const id = idOf(surface, "confirm", blockId, fields.action);
  return html`<button type="button" class="button ${style}"${named} data-opens="${id}" aria-haspopup="dialog">${label}</button>
    ${confirmation(placed, id, element.confirm, fields)}`;
}

function confirmation({ surface }: Placed, id: string, confirm: JsonObject, fields: Readonly<Record<string, string>>) {
  const style = textAt(confirm, "style") === "danger" ? "danger" : "primary";
  return html`<dialog id="${id}" class="confirm" aria-labelledby="${id}-title">
    <form method="post" action="/act/click" data-act>${hidden(fields)}
      <h2 id="${id}-title">${wordsOf(confirm.title)}</h2>
      <div class="text">${text(confirm.text, surface.reader)}</div>
      <div class="buttons">
        <button type="button" class="button plain" data-closes>${wordsOf(confirm.deny)}</button>
        <button class="button ${style}">${wordsOf(confirm.confirm)}</button>
      </div>
    </form>
  </dialog>`;
}
