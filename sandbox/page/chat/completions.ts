/** What one can type next. */
export interface Completion {
  /** The whole line, when it is taken. */
  readonly line: string;
  readonly label: string;
  /** What it does or is; may be empty. */
  readonly does: string;
}

/** A word of the bot and what may stand behind it: `request <cluster> <arn> <level> [for 4h] <reason>`. */
export interface Usage {
  readonly line: string;
  /** `<cluster>`, `[for 4h]`: what stands behind the word, in its order. */
  readonly parts: readonly string[];
  readonly does: string;
}

/** The values that can stand for the placeholders of a usage, by the placeholder's name. */
export type Values = Readonly<Record<string, readonly string[]>>;

const command = "/eks-access";

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
