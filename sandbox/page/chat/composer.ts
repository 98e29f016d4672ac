import { arns, clusterName } from "../../scene.ts";
import { hidden } from "../blocks/buttons.ts";
import { type Html, html, nothing } from "../html.ts";
import { home, type Viewer } from "./conversation.ts";

const command = "/eks-access";

const form: Example = { label: "Ask for access with the form", line: "/eks-access request" };

const help: Example = { label: "What can I type?", line: "/eks-access help" };

const creator: Example = { label: "Who created the cluster?", line: `/eks-access creator ${clusterName}` };

const creatorUser: Example = { label: "Who created one that an IAM user made?", line: "/eks-access creator legacy" };

const creatorFound: Example = { label: "Who created an unknown cluster?", line: "/eks-access creator research" };

const whoAmI: Example = { label: "Who am I?", line: "/eks-access whoami" };

const twoMinutes = (arn: string): Example => ({
  label: "Ask in one line, for two minutes",
  line: `/eks-access request ${clusterName} ${arn} viewer for 2m look into the failing rollout`,
});

const ofRole: Example = {
  label: "Ask for a role that the worker can sign in as",
  line: `/eks-access request ${clusterName} ${arns.developers} viewer for 2m look at the shop as a team`,
};

const typo: Example = {
  label: "Ask with mistakes",
  line: `/eks-access request stagging arn:aws:sts::111122223333:assumed-role/developers/me viewr for 9h debug`,
};

/** One thing to type that makes sense for this person. */
export interface Example {
  readonly label: string;
  readonly line: string;
}

/** Where one types. The list of completions is filled while one types; see assets/composer.js. */
export function composer(viewer: Viewer, title: string, examples: readonly Example[]): Html {
  if (viewer.place === home) return nothing;
  const chips = examples.map(
    ({ label, line }) => html`<li><button type="button" class="chip" data-line="${line}">${label}</button></li>`,
  );
  return html`<ul class="examples" aria-label="Things to try as ${viewer.as.name}">${chips}</ul>
  <form class="composer" method="post" action="/act/command" data-act data-composer>
    ${hidden({ as: viewer.as.id, in: viewer.place })}
    <ul id="completions" role="listbox" aria-label="Completions" hidden></ul>
    <input name="text" id="line" type="text" autocomplete="off" spellcheck="false" autocapitalize="off"
      placeholder="Type /eks-access as ${viewer.as.name}" aria-label="Message in ${title} as ${viewer.as.name}"
      role="combobox" aria-expanded="false" aria-controls="completions" aria-autocomplete="list">
    <button class="button primary" aria-label="Send">Send</button>
  </form>`;
}

/** Lines that are worth trying as this person. */
export function examplesFor({ as }: Viewer): readonly Example[] {
  if (as.id === "U0ENGINEER") return [form, twoMinutes(arns.engineer), ofRole, typo, whoAmI];
  if (as.id === "U0ONCALL") return [creator, creatorUser, creatorFound, twoMinutes(arns.onCall), help];
  return [creator, help];
}

/** What one can type next. */
interface Completion {
  /** The whole line, when it is taken. */
  readonly line: string;
  readonly label: string;
  /** What it does or is; may be empty. */
  readonly does: string;
}

/** A word of the bot and what may stand behind it: `request <cluster> <arn> <level> [for 4h] <reason>`. */
export interface Usage {
  readonly line: string;
  /** `<cluster>`, `[for 4h]`: the arguments after the word, in order. */
  readonly parts: readonly string[];
  readonly does: string;
}

/** The values that can stand for the placeholders of a usage, by the placeholder's name. */
export type Values = Readonly<Record<string, readonly string[]>>;

/** The usages of the bot's own words, so that what is completed here is what it can do. */
export function usagesOf(
  commands: readonly { readonly word: string; readonly usage: string; readonly summary: string }[],
): readonly Usage[] {
  return commands.map(({ word, usage, summary }) => ({
    line: `${word} ${usage}`.trim(),
    // Brackets around several parts say no more than that they go together.
    parts: usage.match(/\[[^[\]<>]*\]|<[^>]*>|[^\s[\]]+/g) ?? [],
    does: summary,
  }));
}

/** What completes a line: words of the bot first, then the values of each part that a word takes. */
export function completions(line: string, usages: readonly Usage[], values: Values): readonly Completion[] {
  if (line === "" || !line.startsWith("/")) return [];
  const typed = line.split(/\s+/);
  if (typed.length === 1) {
    return command.startsWith(line) ? usages.map((usage) => ofWord(usage)) : [];
  }
  const [first, word = "", ...parts] = typed;
  if (first !== command) return [];
  if (parts.length === 0) return usages.filter(({ line: whole }) => whole.startsWith(word)).map(ofWord);
  const usage = usages.find((each) => wordOf(each.line) === word);
  return ofPart(typed, usage, values);
}

function ofWord({ line, parts, does }: Usage): Completion {
  return { line: `${command} ${wordOf(line)}${parts.length > 0 ? " " : ""}`, label: `${command} ${line}`, does };
}

function wordOf(line: string): string {
  return line.split(" ")[0] ?? "";
}

function ofPart(typed: readonly string[], usage: Usage | undefined, values: Values): readonly Completion[] {
  const begun = typed.at(-1) ?? "";
  const part = usage?.parts[typed.length - 3];
  if (part === undefined) return [];
  const known = Object.entries(values).find(([name]) => part.includes(name))?.[1] ?? [];
  const before = typed.slice(0, -1).join(" ");
  return known
    .filter((value) => value.startsWith(begun))
    .map((value) => ({ line: `${before} ${value} `, label: value, does: part.replace(/[<>[\]]/g, "") }));
}
