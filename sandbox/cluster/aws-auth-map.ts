import { type Document, isScalar, isSeq, parseAllDocuments } from "yaml";

/** One entry of mapRoles or mapUsers, after Go's decoder: a field of the wrong type is empty. */
export interface Mapping {
  arn: string;
  username: string;
  groups: readonly string[];
}

/** By ARN in lower case, as written. */
export interface AwsAuthMap {
  roles: ReadonlyMap<string, Mapping>;
  users: ReadonlyMap<string, Mapping>;
  accounts: ReadonlySet<string>;
}

/** aws-iam-authenticator, pkg/mapper/configmap. It shares no code with the product: no test could see a shared mistake. */
export function readAwsAuth(data: Readonly<Record<string, string>> | undefined): AwsAuthMap {
  return {
    roles: byArn(readSection(data?.mapRoles, "rolearn")),
    users: byArn(readSection(data?.mapUsers, "userarn")),
    accounts: new Set(readAccounts(data?.mapAccounts)),
  };
}

/** Of two entries with the same ARN the last one wins. */
function byArn(mappings: readonly Mapping[]): Map<string, Mapping> {
  return new Map(mappings.map((mapping) => [mapping.arn.toLowerCase(), mapping]));
}

/** The last readings, by field and text: every request reads the sections, which seldom change. */
const recent = new Map<string, readonly Mapping[]>();

function readSection(text: string | undefined, arnField: string): readonly Mapping[] {
  if (isBlank(text)) return [];
  const key = `${arnField} ${text}`;
  const mappings = recent.get(key) ?? mappingsIn(text, arnField);
  if (recent.size >= 16) recent.clear();
  recent.set(key, mappings);
  return mappings;
}

/** An unreadable section is empty: none of its principals can sign in. */
function mappingsIn(text: string, arnField: string): readonly Mapping[] {
  const list: unknown = attempt(() => firstDocument(text)?.toJS(), null);
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const fields = goFields(item);
    const arn = goString(fields.get(arnField));
    const matchesSso = arnField === "rolearn" && fields.has("sso") && fields.get("sso") !== null;
    if (arn === "" || matchesSso) return [];
    return [{ arn, username: goString(fields.get("username")), groups: goStrings(fields.get("groups")) }];
  });
}

function readAccounts(text: string | undefined): string[] {
  return isBlank(text) ? [] : attempt(() => readGoStrings(text), []);
}

function isBlank(text: string | undefined): text is undefined | "" {
  return text === undefined || ["", '""', "''", "``"].includes(text.trim());
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** Go compares field names without case. The YAML became JSON with sorted keys first: of two spellings the later in byte order wins. */
function goFields(item: unknown): Map<string, unknown> {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return new Map();
  const sorted = Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(sorted.map(([name, value]) => [name.toLowerCase(), value]));
}

function goString(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function goStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(goString) : [];
}

/** Decodes into a Go `[]string`: a scalar of any type keeps its text, so an account id keeps its zeros. */
function readGoStrings(text: string): string[] {
  const document = firstDocument(text);
  const items = isSeq(document?.contents) ? document.contents.items : [];
  return items.flatMap((item) => (isScalar(item) && item.value !== null ? [item.source ?? String(item.value)] : []));
}

/** YAML 1.1, only the first document, the last of two equal keys wins. Throws on what Go can't read. */
function firstDocument(text: string): Document | undefined {
  const [document] = parseAllDocuments(untilDedent(text), {
    version: "1.1",
    uniqueKeys: false,
    // go-yaml reads neither base 60 nor, into an interface, timestamps: both stay text.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === "string" || !(tag.format === "TIME" || tag.tag.endsWith(":timestamp"))),
  }) as Document[];
  const [error] = document?.errors ?? [];
  if (error) throw error;
  return document;
}

/** A line further left than the first one ends the document for Go, which silently drops the rest. */
function untilDedent(text: string): string {
  const lines = text.split("\n");
  const isContent = (line: string) => /\S/.test(line) && !/^\s*#/.test(line);
  const indent = (line: string) => line.length - line.trimStart().length;
  const first = lines.findIndex(isContent);
  const end = lines.findIndex((line, at) => at > first && isContent(line) && indent(line) < indent(lines[first] ?? ""));
  return end < 0 ? text : lines.slice(0, end).join("\n");
}
