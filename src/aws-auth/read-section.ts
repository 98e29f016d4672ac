import type { Problem, Section, SectionReading } from "./document.ts";
import { AliasBudget, DocumentBudget, type ReadingBudget } from "./go-yaml/budget.ts";
import { YamlExcess, YamlFailure } from "./go-yaml/cursor.ts";
import { decode, requireJson, resolveScalar } from "./go-yaml/decode.ts";
import type { ScalarNode, SequenceNode, YamlDocument, YamlNode } from "./go-yaml/node.ts";
import { parseYaml } from "./go-yaml/parse-yaml.ts";
import { contentDropped, excessive, notAList, unreadable } from "./section-problems.ts";

export interface SectionContent {
  readonly reading: SectionReading;
  readonly accounts: readonly MappedAccount[];
  readonly problems: readonly Problem[];
}

/** White space as strings.TrimSpace of Go defines it: not quite JavaScript's. */
const SPACE = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

/** Texts that the authenticator takes for an empty section before it reads them as YAML. */
const EMPTY = new RegExp(`^${SPACE}*(?:(?:""|''|\`\`)${SPACE}*)?$`);

/** Reads one section as the authenticator does: mapAccounts by go-yaml alone, the other two through JSON. */
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

export interface MappedAccount {
  /** As written: go-yaml keeps the text of a number when it decodes into a string, leading zeros included. */
  readonly id: string;
  readonly index: number;
  readonly node: ScalarNode;
}

interface DecodedAccounts {
  readonly accounts: readonly MappedAccount[];
  readonly state: "empty" | "list" | "unreadable";
  /** Null: there is none, or it can't be read whole. */
  readonly list: SequenceNode | null;
  /** Why go-yaml stopped, if it did. What it had by then is in force. */
  readonly failure: YamlFailure | null;
}

/** mapAccounts as go-yaml v2 decodes it into a list of strings, without JSON. */
function decodeAccounts(root: YamlNode, decoded: ReadingBudget): DecodedAccounts {
  if (root.kind !== "sequence") {
    const isNull = root.kind === "scalar" && resolveScalar(root).type === "null";
    return { accounts: [], state: isNull ? "empty" : "unreadable", list: null, failure: null };
  }
  const budget = new AliasBudget(decoded);
  const accounts: MappedAccount[] = [];
  budget.spend(root);
  try {
    root.items.forEach((item, index) => {
      const node = scalarOf(item, budget);
      if (node !== null) accounts.push({ id: textOf(node), index, node });
    });
  } catch (failure) {
    if (failure instanceof YamlFailure) return { accounts, state: "unreadable", list: null, failure };
    throw failure;
  }
  return { accounts, state: "list", list: root, failure: null };
}

function scalarOf(item: YamlNode, budget: AliasBudget): ScalarNode | null {
  budget.spend(item);
  if (item.kind === "alias") return budget.through(item, () => scalarOf(item.target, budget));
  return item.kind === "scalar" ? item : null;
}

function textOf(node: ScalarNode): string {
  const value = resolveScalar(node);
  if (value.type === "null") return "";
  return value.type === "string" ? value.value : node.value;
}
