import { optionsOf } from "../../slack/inputs.ts";
import { isObject, type JsonObject, listAt, textAt } from "../../slack/json.ts";
import { attributes, type Content, type Html, html } from "../html.ts";
import { standing } from "./fields.ts";
import type { Placed, Reader } from "./surface.ts";
import { text, wordsOf } from "./text.ts";

/** What an input's elements on the page have in common. */
export interface Field {
  readonly id: string;
  readonly name: string;
  readonly form: string | undefined;
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
  /** Said where no label stands beside it. */
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

const named: Readonly<Record<string, (reader: Reader) => readonly Choice[]>> = {
  users_select: ({ people }) => people.map(({ id, name }) => ({ value: id, label: `@${name}` })),
  channels_select: channelChoices,
  conversations_select: channelChoices,
};

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
export function menu(placed: Placed, field: Field): Html {
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
export function ticks(placed: Placed, field: Field): Html {
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
export function common({ id, name, form, describedBy, invalid, spoken }: Field): Html {
  return attributes({
    id,
    name,
    form,
    "aria-describedby": describedBy,
    "aria-invalid": invalid ? "true" : undefined,
    "aria-label": spoken,
  });
}
