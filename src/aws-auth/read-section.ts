import { decodeAccounts, type MappedAccount } from "./decode-accounts.ts";
import type { SectionReading } from "./document.ts";
import { decode } from "./go-yaml/decode.ts";
import { YamlExcess, YamlFailure } from "./go-yaml/failure.ts";
import { requireJson } from "./go-yaml/json.ts";
import type { YamlDocument } from "./go-yaml/node.ts";
import { parseYaml } from "./go-yaml/parse-yaml.ts";
import { DocumentBudget } from "./go-yaml/reading-budget.ts";
import type { Problem, Section } from "./problem.ts";
import { contentDropped, excessive, notAList, unreadable } from "./section-problems.ts";

/** A section with what its items say. */
export interface SectionContent {
  readonly reading: SectionReading;
  /** Items of mapAccounts. */
  readonly accounts: readonly MappedAccount[];
  readonly problems: readonly Problem[];
}

/** White space as strings.TrimSpace of Go has it, which is not quite what JavaScript trims. */
const SPACE = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

/** Texts that the authenticator takes for an empty section before it looks at them as YAML. */
const EMPTY = new RegExp(`^${SPACE}*(?:(?:""|''|\`\`)${SPACE}*)?$`);

/** Reads one section as the authenticator does: mapAccounts by go-yaml alone, the other two by way of JSON. */
export function readSection(section: Section, text: string | null, budget = new DocumentBudget()): SectionContent {
  const empty: SectionReading = { section, text, state: "empty", list: null, items: [], droppedAt: null };
  if (text === null || EMPTY.test(text)) return content(empty);
  try {
    return budget.read(() => readText({ ...empty, text }, budget));
  } catch (failure) {
    if (!(failure instanceof YamlFailure)) throw failure;
    return content({ ...empty, state: "unreadable" }, [failureProblem(section, failure)]);
  }
}

function readText(empty: SectionReading & { readonly text: string }, budget: DocumentBudget): SectionContent {
  const { section, text } = empty;
  const yaml = parseYaml(text, budget.written);
  const problems = yaml.dropped === null ? [] : [contentDropped(section, yaml.dropped)];
  const reading = { ...empty, droppedAt: yaml.dropped?.at ?? null };
  return (section === "mapAccounts" ? readAccounts : readMappings)(reading, yaml, problems, budget);
}

function failureProblem(section: Section, failure: YamlFailure): Problem {
  return failure instanceof YamlExcess ? excessive(section, failure) : unreadable(section, failure);
}

function readMappings(
  reading: SectionReading,
  { root }: YamlDocument,
  problems: Problem[],
  { decoded }: DocumentBudget,
): SectionContent {
  if (root === null) return content(reading, problems);
  const value = decode(root, decoded);
  requireJson(value);
  if (value.type === "null") return content(reading, problems);
  if (value.type !== "list")
    return content({ ...reading, state: "unreadable" }, [notAList(reading.section, root.start), ...problems]);
  return content({ ...reading, state: "list", list: value.node, items: value.items }, problems);
}

function readAccounts(
  reading: SectionReading,
  { root }: YamlDocument,
  problems: Problem[],
  { decoded }: DocumentBudget,
): SectionContent {
  if (root === null) return content(reading, problems);
  const { accounts, failure, state, list } = decodeAccounts(root, decoded);
  if (failure !== null) problems.unshift(failureProblem(reading.section, failure));
  else if (state === "unreadable") problems.unshift(notAList(reading.section, root.start));
  return { ...content({ ...reading, state, list }, problems), accounts };
}

function content(reading: SectionReading, problems: readonly Problem[] = []): SectionContent {
  return { reading, accounts: [], problems };
}
