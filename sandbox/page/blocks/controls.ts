import { optionsOf } from "../../slack/inputs.ts";
import { isObject, type JsonObject, listAt, objectAt, textAt } from "../../slack/json.ts";
import { attributes, type Content, type Html, html } from "../html.ts";
import { idOf, type Placed, type Reader, type Surface } from "./surface.ts";
import { text, wordsOf } from "./text.ts";

const named: Readonly<Record<string, (reader: Reader) => readonly Choice[]>> = {
  users_select: ({ people }) => people.map(({ id, name }) => ({ value: id, label: `@${name}` })),
  channels_select: channelChoices,
  conversations_select: channelChoices,
};

/** The page's own kind of input for each of Slack's. */
const kinds: Readonly<Record<string, (placed: Placed, field: Field) => Html>> = {
  plain_text_input: (placed, field) =>
    placed.element.multiline === true ? area(placed, field) : line(placed, field, "text"),
  rich_text_input: (placed, field) => area(placed, field),
  email_text_input: (placed, field) => line(placed, field, "email"),
  url_text_input: (placed, field) => line(placed, field, "url"),
  number_input: (placed, field) => line(placed, field, "text", { inputmode: "decimal" }),
  datepicker: (placed, field) => line(placed, field, "date"),
  timepicker: (placed, field) => line(placed, field, "time"),
  datetimepicker: (placed, field) => line(placed, field, "datetime-local"),
  external_select: (placed, field) => suggested(placed, field),
  static_select: menu,
  users_select: menu,
  channels_select: menu,
  conversations_select: menu,
  radio_buttons: ticks,
  checkboxes: ticks,
  multi_static_select: ticks,
  multi_users_select: ticks,
  multi_channels_select: ticks,
  multi_conversations_select: ticks,
};

export function isControl(element: JsonObject): boolean {
  return Object.hasOwn(kinds, String(element.type));
}

/** Inputs of several elements, which a heading names and no label can. */
function isGroup(element: JsonObject): boolean {
  return kinds[String(element.type)] === ticks;
}

/** An input of its own in a section or among actions: the app gets each choice at once. */
export function lonelyControl(placed: Placed): Content {
  const { surface, blockId, element } = placed;
  const kind = kinds[String(element.type)];
  if (!kind) return undefined;
  const actionId = textAt(element, "action_id") ?? "";
  const field: Field = {
    id: idOf(surface, "in", blockId, actionId),
    name: fieldName(blockId, actionId),
    form: undefined,
    describedBy: undefined,
    invalid: false,
    spoken: wordsOf(element.placeholder) || "Choose",
  };
  return html`<span class="control" ${chooses(placed)}>${kind(placed, field)}</span>`;
}

/** An input block. @see https://docs.slack.dev/reference/block-kit/blocks/input-block */
export function labelled(placed: Placed, block: JsonObject): Html {
  const { surface, blockId, element } = placed;
  const actionId = textAt(element, "action_id") ?? "";
  const id = idOf(surface, "in", blockId, actionId);
  const error = surface.errors[blockId];
  const field: Field = {
    id,
    name: fieldName(blockId, actionId),
    form: surface.form,
    describedBy: describedBy(surface, id, block),
    invalid: error !== undefined,
    spoken: undefined,
  };
  const kind = kinds[String(element.type)] ?? unknownControl;
  const label = html`${wordsOf(block.label)}${block.optional === true && html` <span class="optional">(optional)</span>`}`;
  const more = [
    block.hint ? html`<p class="hint" id="${id}-hint">${text(block.hint, surface.reader)}</p>` : "",
    error === undefined ? "" : html`<p class="error" id="${id}-error">${error}</p>`,
  ];
  const dispatches = block.dispatch_action === true && chooses(placed);
  return isGroup(element)
    ? html`<fieldset class="field" ${dispatches}><legend>${label}</legend>${kind(placed, field)}${more}</fieldset>`
    : html`<div class="field" ${dispatches}><label for="${id}">${label}</label>${kind(placed, field)}${more}</div>`;
}

/** Makes the page send a change in here to the app at once. */
function chooses({ surface, blockId, element }: Placed): Html {
  const fields = { ...surface.address, block: blockId, action: textAt(element, "action_id") ?? "" };
  const typing = objectAt(element, "dispatch_action_config").trigger_actions_on;
  const whileTyping = Array.isArray(typing) && typing.includes("on_character_entered");
  return html`data-choose="${JSON.stringify(fields)}"${attributes({ "data-typing": whileTyping })}`;
}

function shownValue(placed: Placed): string {
  const { type, ...value } = standing(placed);
  const [first] = Object.values(value);
  if (type === "datetimepicker") return localDateTime(first);
  return typeof first === "string" || typeof first === "number" ? String(first) : "";
}

function line(placed: Placed, field: Field, type: string, more: Readonly<Record<string, string>> = {}): Html {
  return html`<input${attributes({ type, value: shownValue(placed), ...more, ...typing(placed) })}${common(field)} autocomplete="off">`;
}

function area(placed: Placed, field: Field): Html {
  return html`<textarea rows="3"${attributes(typing(placed))}${common(field)}>\n${shownValue(placed)}</textarea>`;
}

function typing({ element }: Placed): Readonly<Record<string, string | boolean | undefined>> {
  return { placeholder: wordsOf(element.placeholder) || undefined, autofocus: element.focus_on_load === true };
}

/** A menu that the app fills while a person types. */
function suggested(placed: Placed, field: Field): Html {
  const chosen = objectAt(standing(placed), "selected_option");
  const shown = { type: "text", value: wordsOf(chosen.text), list: `${field.id}-list` };
  const asks = { ...placed.surface.address, block: placed.blockId, action: textAt(placed.element, "action_id") ?? "" };
  return html`<input${attributes({ ...shown, ...typing(placed) })}${common(field)} data-suggest="${JSON.stringify(asks)}" autocomplete="off">
    <datalist id="${field.id}-list"></datalist>`;
}

function unknownControl({ element }: Placed): Html {
  return html`<p class="unknown">An input of the kind ${String(element.type)}, which this page can't show.</p>`;
}

/** What an input's elements on the page have in common. */
interface Field {
  readonly id: string;
  readonly name: string;
  readonly form: string | undefined;
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
  /** Its name where it has no label. */
  readonly spoken: string | undefined;
}

interface Choice {
  readonly value: string;
  readonly label: string;
  /** Options alone have rich labels. */
  readonly option?: JsonObject;
}

/** What can be chosen, with a heading for each group; the people and channels of the workspace where a menu asks for them. */
function groupsOf({ element, surface }: Placed): readonly { heading: string; choices: readonly Choice[] }[] {
  const kind = String(element.type).replace(/^multi_/, "");
  if (kind in named) return [{ heading: "", choices: named[kind]?.(surface.reader) ?? [] }];
  const groups = listAt(element, "option_groups");
  if (groups.length === 0) return [{ heading: "", choices: optionsOf(element).map(choiceOf) }];
  return groups.map((group) => ({ heading: wordsOf(group.label), choices: listAt(group, "options").map(choiceOf) }));
}

function channelChoices({ channels }: Reader): readonly Choice[] {
  const open = channels.filter((channel) => channel.directWith === undefined);
  return open.map(({ id, name }) => ({ value: id, label: `#${name}` }));
}

function choiceOf(option: JsonObject): Choice {
  return { value: textAt(option, "value") ?? "", label: wordsOf(option.text), option };
}

/** The values that are chosen now, whatever kind of input it is. */
function chosenIn(placed: Placed): readonly string[] {
  const { type: _, ...value } = standing(placed);
  return Object.values(value)
    .flat()
    .flatMap((each) => (isObject(each) ? [textAt(each, "value") ?? ""] : typeof each === "string" ? [each] : []));
}

/** A menu of which one is chosen. */
function menu(placed: Placed, field: Field): Html {
  const chosen = chosenIn(placed);
  const entry = ({ value, label }: Choice) =>
    html`<option value="${value}"${attributes({ selected: chosen.includes(value) })}>${label}</option>`;
  const groups = groupsOf(placed).map(({ heading, choices }) =>
    heading === "" ? choices.map(entry) : html`<optgroup label="${heading}">${choices.map(entry)}</optgroup>`,
  );
  const placeholder = wordsOf(placed.element.placeholder) || "Choose";
  return html`<select${common(field)}><option value="">${placeholder}</option>${groups}</select>`;
}

/** Boxes or radio buttons: also for menus of which several are chosen. */
function ticks(placed: Placed, field: Field): Html {
  const chosen = chosenIn(placed);
  const kind = placed.element.type === "radio_buttons" ? "radio" : "checkbox";
  const entry = ({ value, label, option }: Choice, index: number): Content => {
    const id = `${field.id}-${index}`;
    const own = { id, value, type: kind, name: field.name, form: field.form, checked: chosen.includes(value) };
    const said = option ? text(option.text, placed.surface.reader) : label;
    const more = option?.description ? html`<small>${text(option.description, placed.surface.reader)}</small>` : "";
    return html`<li><input${attributes(own)}><label for="${id}">${said}${more}</label></li>`;
  };
  const choices = groupsOf(placed).flatMap((group) => group.choices);
  return html`<ul class="ticks"${attributes({ "aria-describedby": field.describedBy })}>${choices.map(entry)}</ul>`;
}

/** The attributes of one control. */
function common({ id, name, form, describedBy, invalid, spoken }: Field): Html {
  return attributes({
    id,
    name,
    form,
    "aria-describedby": describedBy,
    "aria-invalid": invalid ? "true" : undefined,
    "aria-label": spoken,
  });
}

/** What an input's field in a form is called: its place, in words that need no escape. */
export function fieldName(blockId: string, actionId: string): string {
  return `in/${encodeURIComponent(blockId)}/${encodeURIComponent(actionId)}`;
}

/** The value of an input now. */
function standing({ surface, blockId, element }: Placed): JsonObject {
  return objectAt(objectAt(surface.inputs, blockId), textAt(element, "action_id") ?? "");
}

/** The ids of the texts that belong to an input. */
function describedBy(surface: Surface, id: string, block: JsonObject): string | undefined {
  const ids = [
    block.hint !== undefined && `${id}-hint`,
    surface.errors[String(block.block_id)] !== undefined && `${id}-error`,
  ].filter((each) => each !== false);
  return ids.length > 0 ? ids.join(" ") : undefined;
}

/** Seconds since the epoch as a field for a local date and time takes them: the browser is on this machine, in its zone. */
function localDateTime(seconds: unknown): string {
  if (typeof seconds !== "number") return "";
  const at = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
