import { type Account, decodeAccounts } from "./decode-accounts.ts";
import type { SectionReading } from "./document.ts";
import { decode } from "./go-yaml/decode.ts";
import { YamlFailure } from "./go-yaml/failure.ts";
import { requireJson } from "./go-yaml/json.ts";
import type { YamlDocument } from "./go-yaml/node.ts";
import { parseYaml } from "./go-yaml/parse-yaml.ts";
import type { Problem, Section } from "./problem.ts";
import { dropped, notAList, unreadable } from "./section-problems.ts";

/** A section with what its items say. */
export interface SectionContent {
  readonly reading: SectionReading;
  /** Items of mapAccounts. */
  readonly accounts: readonly Account[];
  readonly problems: readonly Problem[];
}

/** White space as strings.TrimSpace of Go has it, which is not quite what JavaScript trims. */
const SPACE = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

/** Texts that the authenticator takes for an empty section before it looks at them as YAML. */
const EMPTY = new RegExp(`^${SPACE}*(?:(?:""|''|\`\`)${SPACE}*)?$`);

/** Reads one section as the authenticator does: mapAccounts by go-yaml alone, the other two by way of JSON. */
export function readSection(section: Section, text: string | null): SectionContent {
  const empty: SectionReading = { section, text, state: "empty", list: null, items: [], droppedAt: null };
  if (text === null || EMPTY.test(text)) return content(empty);
  try {
    const yaml = parseYaml(text);
    const problems = yaml.dropped === null ? [] : [dropped(section, yaml.dropped)];
    const reading = { ...empty, droppedAt: yaml.dropped?.at ?? null };
    return section === "mapAccounts" ? readAccounts(reading, yaml, problems) : readMappings(reading, yaml, problems);
  } catch (failure) {
    if (!(failure instanceof YamlFailure)) throw failure;
    return content({ ...empty, state: "unreadable" }, [unreadable(section, failure)]);
  }
}

function readMappings(reading: SectionReading, { root }: YamlDocument, problems: Problem[]): SectionContent {
  if (root === null) return content(reading, problems);
  const value = decode(root);
  requireJson(value);
  if (value.type === "null") return content(reading, problems);
  if (value.type !== "list")
    return content({ ...reading, state: "unreadable" }, [notAList(reading.section, root.start), ...problems]);
  return content({ ...reading, state: "list", list: value.node, items: value.items }, problems);
}

function readAccounts(reading: SectionReading, { root }: YamlDocument, problems: Problem[]): SectionContent {
  if (root === null) return content(reading, problems);
  const { accounts, failure, state, list } = decodeAccounts(root);
  if (failure !== null) problems.unshift(unreadable(reading.section, failure));
  else if (state === "unreadable") problems.unshift(notAList(reading.section, root.start));
  return { ...content({ ...reading, state, list }, problems), accounts };
}

function content(reading: SectionReading, problems: readonly Problem[] = []): SectionContent {
  return { reading, accounts: [], problems };
}
