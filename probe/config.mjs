// src/config/config.ts
import { CORE_SCHEMA, load as load2, mergeTag } from "js-yaml";

// src/access/policy/fleet-list.ts
import { z as z2 } from "zod";

// src/access/lease/proof-record.ts
import { z } from "zod";
var textForm = z.string();
var textsForm = z.array(textForm);
var countForm = z.int().nonnegative();
var timeForm = textForm.refine((value) => !Number.isNaN(Date.parse(value)), { error: "no time" });
var wayForm = z.enum(["aws-auth", "access-entry", "binding"]);
var identityForm = z.strictObject({ username: textForm, groups: textsForm });
var troubleForm = z.strictObject({
  code: textForm,
  message: textForm,
  at: timeForm,
  attempts: countForm,
  retryAt: timeForm,
  /** A digest of each cause so far, bounded. */
  causes: textsForm
});
var codedReasonForm = z.strictObject({ code: textForm, message: textForm });
var findingForm = z.strictObject({ result: z.enum(["yes", "no", "not tested"]), detail: textForm });
var proofForm = z.strictObject({
  at: timeForm,
  /** The document, read back after the write, gives the principal its groups. */
  mapped: findingForm,
  /** The API server allows the level's checks to this username with these groups. */
  authorized: findingForm,
  /** The identity of the review for `authorized`; null: none was sent. */
  reviewedAs: identityForm.nullable(),
  /** The ARN of its access entry, with the path of a role; null: it is in aws-auth, which has no paths. */
  entryArn: textForm.nullable(),
  /** The principal itself signed in and listed pods. */
  signedIn: findingForm,
  auditIds: textsForm
});
var endProofForm = z.strictObject({
  at: timeForm,
  /** Whether the cluster's map or its access entries still map the principal. No: new sign-ins are refused. */
  mapped: findingForm,
  authorized: findingForm,
  reviewedAs: identityForm,
  /** Other leases that still give access, a clause each. */
  others: textsForm,
  /** Set while the API server is asked again; null: it answered, or the tries are over. */
  trouble: troubleForm.nullable()
});

// src/access/policy/fleet-list.ts
var tagsForm = z2.record(textForm, textForm);
var clusterForm = z2.strictObject({
  account: textForm,
  region: textForm,
  eksName: textForm,
  /** The tags in force, which decide. */
  tags: tagsForm,
  /** Other tags, which AWS shows since then but which do not count yet; null: none. */
  waiting: z2.strictObject({ tags: tagsForm, since: timeForm }).nullable(),
  /** When a worker saw it first. */
  since: timeForm,
  /** When AWS last showed it. */
  seenAt: timeForm,
  /** Since when AWS does not show it in the fleet; null: it is there. */
  goneSince: timeForm.nullable()
});
var listForm = z2.strictObject({ at: timeForm, clusters: z2.array(clusterForm), seal: textForm });
var staleAfterMs = 36e5;
function isStale({ seenAt }, now) {
  return now.getTime() - Date.parse(seenAt) > staleAfterMs;
}
function placeOf({ account: account2, region: region2, eksName: eksName2 }) {
  return `${account2}/${region2}/${eksName2}`;
}

// src/access/policy/selector.ts
function isSelected(selector, name2, labels2) {
  return isByName(selector) ? selector.includes(name2) : hasLabels(selector, labels2);
}
function isByName(selector) {
  return Array.isArray(selector);
}
function hasLabels(wanted, labels2) {
  return Object.entries(wanted).every(
    ([key, values]) => Object.hasOwn(labels2, key) && values.includes(labels2[key] ?? "")
  );
}

// src/config/audit-file.ts
import { z as z7 } from "zod";

// src/config/forms.ts
import { load, YAMLException } from "js-yaml";
import { z as z6 } from "zod";

// src/aws-auth/arn.ts
var PARTITIONS = [
  "aws",
  "aws-cn",
  "aws-us-gov",
  "aws-iso",
  "aws-iso-b",
  "aws-iso-e",
  "aws-iso-f",
  "aws-eusc"
];
function isPartition(name2, own) {
  return name2 !== void 0 && (name2 === own || PARTITIONS.some((partition) => partition === name2));
}
var regionsOfPartitions = [
  [/^cn-/, "aws-cn"],
  [/^us-gov-/, "aws-us-gov"],
  [/^us-iso-/, "aws-iso"],
  [/^us-isob-/, "aws-iso-b"],
  [/^eu-isoe-/, "aws-iso-e"],
  [/^us-isof-/, "aws-iso-f"],
  [/^eusc-/, "aws-eusc"],
  [/^(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d+$/, "aws"]
];
function partitionOfRegion(region2) {
  return regionsOfPartitions.find(([form]) => form.test(region2))?.[1] ?? null;
}
var ARN = /^arn:([^:]*):([^:]*):([^:]*):([^:]*):(.+)$/;
var NAME = /^[A-Za-z0-9_+=,.@-]{1,64}$/;
var PRINCIPAL = /^arn:([a-z][a-z0-9-]*):iam::([0-9]{12}):(?:(role)\/|(user)\/(?:[!-)+->@-~]+\/)?)([A-Za-z0-9_+=,.@-]{1,64})$/;
function readPrincipal(text, partition) {
  const match = PRINCIPAL.exec(text);
  if (match === null || !isPartition(match[1], partition))
    return { type: "invalid", ...rejectPrincipal(text, partition) };
  const [arn, of = "", account2 = "", role, , name2 = ""] = match;
  return { type: "principal", principal: { arn, kind: role ? "role" : "user", partition: of, account: account2, name: name2 } };
}
function rejectPrincipal(text, partition) {
  const trimmed = text.trim();
  if (trimmed !== text) return rejectPadding(trimmed);
  if (/[^!-~]/.test(text))
    return reject(
      "arn-characters",
      "An ARN has only ASCII letters and no spaces. Type it instead of copying it from a document."
    );
  const match = ARN.exec(text);
  if (match === null)
    return reject(
      "not-an-arn",
      "This is not an ARN. Write arn:aws:iam::<12 digits>:role/<name> or arn:aws:iam::<12 digits>:user/<name>."
    );
  const [, of = "", service = "", region2 = "", account2 = "", resource = ""] = match;
  if (!isPartition(of, partition))
    return reject("arn-partition", `There is no AWS partition ${quote(of)}. Use one of ${PARTITIONS.join(", ")}.`);
  if (/[*?]/.test(text))
    return reject("arn-wildcard", "A wildcard does not name one principal. Name each role or user.");
  if (!/^[0-9]{12}$/.test(account2))
    return reject("arn-account", `${quote(account2)} is not an AWS account. An account has exactly 12 digits.`);
  if (service === "sts") return rejectSession(text, resource);
  if (service !== "iam" || region2 !== "")
    return reject(
      "arn-service",
      "Only IAM roles and users can get access. Write arn:aws:iam::<12 digits>:role/<name>, without a region."
    );
  return rejectResource(`arn:${of}:iam::${account2}`, resource);
}
function rejectPadding(trimmed) {
  const message = "The ARN has spaces around it, and the authenticator compares them. Remove them.";
  return { ...reject("arn-padding", message), ...ARN.test(trimmed) ? { suggestion: trimmed } : {} };
}
function rejectSession(arn, resource) {
  const suggestion = resource.startsWith("assumed-role/") ? fromAssumedRole(arn) : null;
  if (suggestion === null)
    return reject("arn-service", "A federated user can't get access. Use an IAM role or IAM user.");
  const message = "This is a session. Use the ARN of its role.";
  return { ...reject("arn-assumed-role", message), suggestion };
}
function rejectResource(prefix, resource) {
  const [kind = "", ...rest] = resource.split("/");
  const name2 = rest.at(-1) ?? "";
  if (resource === "root")
    return reject("arn-root", "The root user of an account can't get access. Use an IAM role or IAM user.");
  if (kind === "instance-profile")
    return reject("arn-instance-profile", "An instance profile is not a principal. Use the role in it.");
  if (kind === "group")
    return reject(
      "arn-group",
      "An IAM group can't get access: a caller's ARN does not name its groups. Use a role that the group can assume."
    );
  if (kind !== "role" && kind !== "user")
    return reject("arn-kind", `${quote(kind)} can't get access. Use an IAM role or IAM user.`);
  if (!NAME.test(name2))
    return reject(
      "arn-name",
      `${quote(name2)} is not a valid name of an IAM ${kind}. Use 1 to 64 letters, digits and _+=,.@-.`
    );
  if (kind === "user") return reject("arn-path", "The path of this user has characters that IAM does not allow.");
  return rejectPath(`${prefix}:role/${name2}`, rest.slice(0, -1).join("/"));
}
function rejectPath(suggestion, path) {
  const isSso = path.startsWith("aws-reserved/sso.amazonaws.com");
  const message = isSso ? "Write a role of IAM Identity Center without its path: the authenticator does not see the path." : "Write the role without its path: the authenticator does not see the path.";
  return { ...reject(isSso ? "arn-sso-path" : "arn-path", message), suggestion };
}
function reject(code, message) {
  return { code, message };
}
function quote(text) {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}\u2026` : text);
}
function fromAssumedRole(stsArn) {
  const [, partition, , , account2, ...rest] = stsArn.split(":");
  const parts = rest.join(":").split("/");
  if (parts.length < 3) return null;
  return `arn:${partition}:iam::${account2}:role/${parts.slice(1, -1).join("/")}`;
}

// src/aws-auth/document.ts
var SECTIONS = ["mapRoles", "mapUsers", "mapAccounts"];
function problemAt(section, at, code, severity, message, remedy) {
  return { code, severity, section, line: at.line + 1, column: at.column + 1, message, remedy };
}
function sameList(some, others) {
  return some.length === others.length && some.every((text, index) => text === others[index]);
}
var DOCUMENT_LIMIT = 1024 * 1024;
function sizeOf(data) {
  let bytes = 0;
  for (const [key, text] of Object.entries(data)) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  return bytes;
}
var BLOCKING = /* @__PURE__ */ new Set([
  "section-unreadable",
  "section-too-large",
  "section-not-a-list",
  "content-dropped"
]);
function isBlocking(code) {
  return BLOCKING.has(code);
}

// src/aws-auth/go-yaml/cursor.ts
var NUL = 0;
var TAB = 9;
var LF = 10;
var CR = 13;
var SPACE = 32;
var NEL = 133;
var LINE_SEPARATOR = 8232;
var PARAGRAPH_SEPARATOR = 8233;
var BOM = 65279;
function isBlank(code) {
  return code === SPACE || code === TAB;
}
function isBreak(code) {
  return code === LF || code === CR || isWideBreak(code);
}
function isBreakOrEnd(code) {
  return code === NUL || isBreak(code);
}
function isBlankBreakOrEnd(code) {
  return code <= SPACE || isWideBreak(code);
}
function isWideBreak(code) {
  return code === NEL || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR;
}
function isDigit(code) {
  return code >= 48 && code <= 57;
}
function isWord(code) {
  return isDigit(code) || code >= 65 && code <= 90 || code >= 97 && code <= 122 || code === 95 || code === 45;
}
var FORBIDDEN = /[^\t\n\r -~\u0085\u00a0-\ufffd]/;
var LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/;
var YamlFailure = class extends Error {
  line;
  column;
  constructor(problem, line, column) {
    super(problem);
    this.line = line;
    this.column = column;
  }
};
var YamlExcess = class extends YamlFailure {
};
function failAt(problem, at) {
  throw new YamlFailure(problem, at.line, at.column);
}
function lineAndColumn(text, at) {
  const lines = text.slice(0, at).split(LINE_BREAK);
  return { line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
}
var Cursor = class {
  text;
  at;
  line = 0;
  column = 0;
  /** Offset of the furthest place where the scanner looked for an indicator. */
  #looked = 0;
  constructor(text, at) {
    this.text = text;
    this.at = at;
  }
  /** The unit `ahead` places further on; 0 after the end. */
  code(ahead2 = 0) {
    const at = this.at + ahead2;
    return at < this.text.length ? this.text.charCodeAt(at) : 0;
  }
  /** Steps over `count` units without a line break. */
  skip(count = 1) {
    this.at += count;
    this.column += count;
  }
  /** Steps over one line break, if there is one, and returns its text. */
  skipBreak() {
    const code = this.code();
    if (!isBreak(code)) return "";
    this.at += code === CR && this.code(1) === LF ? 2 : 1;
    this.line += 1;
    this.column = 0;
    return code === CR || code === 133 ? "\n" : String.fromCharCode(code);
  }
  /** Treats the end of the text as the end of a line, as libyaml does: no key can continue after it. */
  endLine() {
    if (this.column === 0) return;
    this.line += 1;
    this.column = 0;
  }
  /** Offset up to which go-yaml has requested text by now: four characters where it looks for an indicator, else one. */
  asked(whole) {
    return Math.max(ahead(whole, this.#looked, 4), ahead(whole, this.at, 1));
  }
  mark() {
    return { at: this.at, line: this.line, column: this.column };
  }
  fail(problem, mark = this.mark()) {
    return failAt(problem, mark);
  }
  /** `---` or `...` at the start of a line, which ends any plain or quoted scalar. */
  atDocumentIndicator() {
    this.#looked = this.at;
    if (this.column !== 0) return false;
    const code = this.code();
    if (code !== 45 && code !== 46) return false;
    if (this.code(1) !== code || this.code(2) !== code) return false;
    const after = this.code(3);
    return after === 32 || after === 9 || after === 0 || isBreak(after);
  }
};
function ahead(text, from, characters) {
  const [...next2] = text.slice(from, from + 2 * characters);
  return from + next2.slice(0, characters).join("").length;
}

// src/aws-auth/fold.ts
function goLower(text) {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, lowerLetter);
}
function goFold(text) {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, foldLetter);
}
function isAscii(text) {
  return !/[\u0080-\uffff]/.test(text);
}
function mapLetters(text, map) {
  let mapped = "";
  for (const letter of text) mapped += map(letter);
  return mapped;
}
function lowerLetter(letter) {
  if (letter === "\u0130") return "i";
  const lower = letter.toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}
function foldLetter(letter) {
  if (letter === "\u0131") return letter;
  const upper = letter.toUpperCase();
  const lower = (isOneLetter(upper) ? upper : letter).toLowerCase();
  return isOneLetter(lower) ? lower : letter;
}
function isOneLetter(text) {
  return [...text].length === 1;
}

// src/aws-auth/fields.ts
function fieldKey(name2, section) {
  if (name2 !== "arn") return name2;
  return section === "mapUsers" ? "userarn" : "rolearn";
}
function fieldUses(map, section) {
  const uses = [];
  for (const [spelled, { key, value, written: written2, merged }] of map.fields) {
    const name2 = knownField(spelled, section);
    if (name2 !== null) uses.push({ name: name2, spelled, key, value, written: written2, merged });
  }
  return uses.sort((a, b) => a.spelled < b.spelled ? -1 : 1);
}
function lastUse(uses, name2) {
  for (let index = uses.length - 1; index >= 0; index--) if (uses[index]?.name === name2) return uses[index];
  return void 0;
}
var KNOWN = {
  mapRoles: /* @__PURE__ */ new Map([
    ["rolearn", "arn"],
    ["username", "username"],
    ["groups", "groups"],
    ["sso", "sso"]
  ]),
  mapUsers: /* @__PURE__ */ new Map([
    ["userarn", "arn"],
    ["username", "username"],
    ["groups", "groups"]
  ]),
  mapAccounts: /* @__PURE__ */ new Map()
};
function knownField(spelled, section) {
  const known = KNOWN[section];
  return known.get(spelled) ?? known.get(goFold(spelled)) ?? null;
}
function decodeEntry(map, section) {
  const uses = fieldUses(map, section);
  const entry = { arn: "", username: "", groups: [], sso: false, uses };
  for (const { name: name2, value } of uses) {
    if (name2 === "sso") entry.sso = value.type !== "null";
    else if (name2 === "groups") entry.groups = decodeGroups(entry.groups, value);
    else if (value.type === "string") entry[name2] = value.value;
  }
  return entry;
}
function decodeGroups(before, value) {
  if (value.type === "null") return [];
  if (value.type !== "list") return before;
  return value.items.map((item, index) => item.type === "string" ? item.value : before[index] ?? "");
}

// src/aws-auth/go-yaml/node.ts
var YAML_TAG = "tag:yaml.org,2002:";
function emptyScalar(start) {
  const empty = { value: "", tag: "", style: "plain", implicit: true };
  return { kind: "scalar", ...empty, start, outer: start.at, end: start.at, anchor: null };
}
function markAfter({ start, end }) {
  return { at: end, line: start.line, column: start.column + end - start.at };
}

// src/aws-auth/field-problems.ts
function fieldProblems({ section }, map, { uses }) {
  return [...repeated(section, map, uses), ...uses.flatMap((use) => wrongType(section, use))];
}
function repeated(section, map, uses) {
  const problems = [];
  for (const { name: name2, key, merged } of map.overwritten ?? []) {
    const isKnown = knownField(name2, section) !== null;
    if (isKnown && !merged && !map.fields.get(name2)?.merged) problems.push(repeatedField(section, name2, key));
  }
  for (const [index, use] of uses.entries()) {
    const again = uses.slice(index + 1).some((other) => other.name === use.name);
    if (again) problems.push(repeatedField(section, fieldKey(use.name, section), use.key));
  }
  return problems;
}
function repeatedField(section, name2, key) {
  const message = `This entry has ${name2} twice, in upper or lower case. The authenticator ignores this one.`;
  return problemAt(section, key.start, "field-repeated", "error", message, "Keep one of them.");
}
function wrongType(section, { name: name2, value }) {
  if (name2 === "sso" || value.type === "null") return [];
  if (name2 === "groups") return wrongGroups(section, value);
  if (value.type === "string") return [];
  const key = fieldKey(name2, section);
  const message = `${key} is ${kindOf(value)}, so the authenticator reads it as empty.${textElsewhere(value)}`;
  const code = name2 === "arn" ? "arn-not-a-string" : "username-not-a-string";
  return [problemAt(section, value.node.start, code, "error", message, `Put the value of ${key} in quotes.`)];
}
function wrongGroups(section, value) {
  if (value.type === "list") return value.items.flatMap((item) => wrongGroup(section, item));
  const message = `groups is ${kindOf(value)}, not a list, so the entry's callers are in no group.`;
  return [
    problemAt(
      section,
      value.node.start,
      "groups-not-a-list",
      "error",
      message,
      "Write groups as a list, even for one group."
    )
  ];
}
function wrongGroup(section, item) {
  if (item.type === "string" && item.value !== "") return [];
  if (item.type === "string" || item.type === "null") {
    const message2 = "This group is empty. Nothing can be bound to it.";
    return [
      problemAt(
        section,
        item.node.start,
        "group-empty",
        "error",
        message2,
        "Write the group's name, or remove the item."
      )
    ];
  }
  const message = `This group is ${kindOf(item)}, so the authenticator reads it as empty.${textElsewhere(item)}`;
  return [
    problemAt(section, item.node.start, "group-not-a-string", "error", message, "Put the group's name in quotes.")
  ];
}
var KINDS = {
  string: "a text",
  number: "a number",
  bool: "a boolean",
  null: "empty",
  list: "a list",
  map: "a mapping"
};
function kindOf(value) {
  const text = value.node.kind === "scalar" && value.type !== "string" ? ` (${value.node.value})` : "";
  return KINDS[value.type] + text;
}
function textElsewhere({ node }) {
  const isOld = node.kind === "scalar" && node.tag === "" && isTextToYaml12(node.value);
  return isOld ? " Tools that read YAML 1.2 see a text there." : "";
}
var CORE = /^(?:|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
function isTextToYaml12(plain) {
  return !CORE.test(plain);
}
function seenByYaml12({ tag, style, value }, raw) {
  if (tag === `${YAML_TAG}binary`) return "see its base64 form, not the decoded text";
  if (style === "double") return hasOldEscape(raw) ? "do not know the escape \\'" : null;
  if (style !== "plain") return null;
  if (value.endsWith(":") || value === "-") return "see no text there";
  return tag !== "" || isTextToYaml12(value) ? null : "see a number there";
}
function hasOldEscape(raw) {
  return raw.includes("\\'") && raw.replaceAll(/\\[^']/g, "").includes("\\'");
}

// src/aws-auth/go-yaml/budget.ts
var MOST_VALUES = 1e5;
var MOST_TEXT = 4 * 1024 * 1024;
var ReadingBudget = class {
  #values = MOST_VALUES;
  #text = MOST_TEXT;
  spend({ start }, text = 0) {
    this.#values -= 1;
    this.#text -= text;
    if (this.#values < 0) throw excess(`holds more than ${MOST_VALUES.toLocaleString("en")} values`, start);
    if (this.#text < 0) throw excess("repeats so much text by its aliases that it comes to more than 4 MiB", start);
  }
  /** Returns a function that gives back everything spent from now on. */
  save() {
    const [values, text] = [this.#values, this.#text];
    return () => {
      this.#values = values;
      this.#text = text;
    };
  }
};
var DocumentBudget = class {
  written = new ReadingBudget();
  /** Values as decoded: the target of an alias counts each time. */
  decoded = new ReadingBudget();
  /** Reads a section. One that is too large costs the others nothing: none of it is kept. */
  read(section) {
    const restore = [this.written.save(), this.decoded.save()];
    try {
      return section();
    } catch (failure2) {
      if (failure2 instanceof YamlExcess) for (const giveBack of restore) giveBack();
      throw failure2;
    }
  }
};
function excess(problem, { line, column }) {
  return new YamlExcess(problem, line, column);
}
var LOW = 4e5;
var HIGH = 4e6;
var AliasBudget = class {
  #all = 1;
  #byAlias = 0;
  #depth = 0;
  #open = /* @__PURE__ */ new Set();
  #budget;
  /** The alias of this reading: the failure names its place. */
  #outermost = null;
  constructor(budget = new ReadingBudget()) {
    this.#budget = budget;
  }
  spend(node) {
    this.#all += 1;
    if (this.#depth > 0) this.#byAlias += 1;
    if (this.#all > 1e3 && this.#byAlias / this.#all > allowedShare(this.#all))
      throw new YamlFailure("document contains excessive aliasing", node.start.line, node.start.column);
    this.#budget.spend(this.#outermost ?? node, node.kind === "scalar" ? node.value.length : 0);
  }
  /** Runs `run` for the target of an alias. An alias within itself would never end, so it fails. */
  through(alias, run) {
    if (this.#open.has(alias))
      throw new YamlFailure(`anchor '${alias.name}' value contains itself`, alias.start.line, alias.start.column);
    this.#open.add(alias);
    this.#outermost ??= alias;
    this.#depth += 1;
    const result = run();
    this.#depth -= 1;
    this.#open.delete(alias);
    if (this.#depth === 0) this.#outermost = null;
    return result;
  }
};
function allowedShare(all) {
  const along = (all - LOW) / (HIGH - LOW);
  return 0.99 - 0.89 * Math.min(Math.max(along, 0), 1);
}

// src/aws-auth/go-yaml/resolve-plain.ts
var WORDS = /* @__PURE__ */ new Map();
for (const word of ["", "~", "null", "Null", "NULL"]) WORDS.set(word, { type: "null", value: null });
for (const word of [".nan", ".NaN", ".NAN"]) WORDS.set(word, { type: "number", value: Number.NaN });
for (const word of [".inf", ".Inf", ".INF"]) {
  WORDS.set(word, { type: "number", value: Number.POSITIVE_INFINITY });
  WORDS.set(`+${word}`, { type: "number", value: Number.POSITIVE_INFINITY });
  WORDS.set(`-${word}`, { type: "number", value: Number.NEGATIVE_INFINITY });
}
for (const word of ["y", "yes", "true", "on"]) addBool(word, true);
for (const word of ["n", "no", "false", "off"]) addBool(word, false);
function addBool(word, value) {
  const forms = [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];
  for (const form of forms) WORDS.set(form, { type: "bool", value });
}
var FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
var INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)$/;
var POINTED = /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/;
function resolvePlain(text) {
  const word = WORDS.get(text);
  if (word !== void 0) return word;
  const value = toNumber(text);
  return value === null ? { type: "string", value: text } : { type: "number", value };
}
function toNumber(text) {
  const first = text.charCodeAt(0);
  if (first === 46) return POINTED.test(text) ? finite(text.replaceAll("_", "")) : null;
  if (!isDigit(first) && first !== 43 && first !== 45) return null;
  const digits = text.replaceAll("_", "");
  return toInteger(digits) ?? (FLOAT.test(digits) ? finite(digits) : null);
}
function finite(digits) {
  const value = Number(digits);
  return Number.isFinite(value) ? value : null;
}
function toInteger(digits) {
  if (!INTEGER.test(digits)) return null;
  const sign = digits.charAt(0);
  const size = BigInt(digits.replace(/^[-+]/, "").replace(/^0(?=[0-7])/, "0o"));
  if (sign === "-") return size <= 2n ** 63n ? -size : null;
  return size < (sign === "+" ? 2n ** 63n : 2n ** 64n) ? size : null;
}
function isWide(value) {
  return typeof value === "bigint" && value >= 2n ** 63n;
}

// src/aws-auth/go-yaml/decode.ts
var TIMESTAMP = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?(?:Z|[-+]\d{2}:\d{2})| (\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?)?$/;
function decode(node, budget = new ReadingBudget()) {
  return decodeNode(node, new AliasBudget(budget));
}
function decodeNode(node, budget) {
  budget.spend(node);
  switch (node.kind) {
    case "alias":
      return budget.through(node, () => decodeNode(node.target, budget));
    case "scalar":
      return scalarValue(node);
    case "sequence":
      return { type: "list", items: node.items.map((item) => decodeNode(item, budget)), node };
    case "mapping":
      return decodeMapping(node, budget);
  }
}
function scalarValue(node) {
  const { type, value } = resolveScalar(node);
  if (type === "string") return { type, value, node };
  if (type === "number") return { type, value, node };
  return type === "bool" ? { type, value, node } : { type, value, node };
}
function resolveScalar(node) {
  if (node.tag === "") return node.implicit ? resolvePlain(node.value) : { type: "string", value: node.value };
  const value = resolveTagged(node.tag, node.value);
  if (value === null) throw failure(`cannot decode \`${node.value}\` as a ${node.tag}`, node);
  return value;
}
function decodeMapping(node, budget) {
  const map = { type: "map", fields: /* @__PURE__ */ new Map(), overwritten: null, others: null, unfitKey: null, node };
  fill(map, node, budget, false);
  return map;
}
function fill(map, node, budget, merged) {
  for (const { key, value } of node.pairs) {
    if (isMerge(key)) {
      for (const source2 of mergeSources(value)) merge(map, source2, budget);
      continue;
    }
    const name2 = decodeNode(key, budget);
    if (name2.type === "map" || name2.type === "list") throw failure("invalid map key", key);
    const field = { key, value: decodeNode(value, budget), written: value, merged };
    if (name2.type === "string") set(map, name2.value, field);
    else addOther(map, name2.value, field.value);
    if (name2.type === "null" || isWide(name2.value)) map.unfitKey ??= key;
  }
}
function set(map, name2, field) {
  const before = map.fields.get(name2);
  if (before !== void 0) {
    map.overwritten ??= [];
    map.overwritten.push({ ...before, name: name2 });
  }
  map.fields.set(name2, field);
}
function addOther(map, key, value) {
  map.others ??= /* @__PURE__ */ new Map();
  map.others.set(key, value);
}
function isMerge(key) {
  return key.kind === "scalar" && key.value === "<<" && (key.implicit || key.tag === `${YAML_TAG}merge`);
}
function mergeSources(value) {
  const sources = value.kind === "sequence" ? [...value.items].reverse() : [value];
  return sources.map((written2) => {
    const mapping = written2.kind === "alias" ? written2.target : written2;
    if (mapping.kind === "mapping") return { written: written2, mapping };
    throw failure("map merge requires map or sequence of maps as the value", written2);
  });
}
function merge(map, { written: written2, mapping }, budget) {
  const bringIn = () => {
    budget.spend(mapping);
    fill(map, mapping, budget, true);
  };
  if (written2.kind === "alias") {
    budget.spend(written2);
    budget.through(written2, bringIn);
  } else {
    bringIn();
  }
}
function failure(problem, node) {
  return new YamlFailure(problem, node.start.line, node.start.column);
}
function resolveTagged(tag, text) {
  switch (tag) {
    case `${YAML_TAG}binary`:
      return decodeBinary(text);
    case `${YAML_TAG}timestamp`:
      return isTimestamp(text) ? { type: "string", value: text } : null;
    case `${YAML_TAG}bool`:
      return only("bool", text);
    case `${YAML_TAG}null`:
      return only("null", text);
    case `${YAML_TAG}int`:
      return resolveInteger(text);
    case `${YAML_TAG}float`:
      return resolveFloat(text);
    default:
      return { type: "string", value: text };
  }
}
function only(type, text) {
  const value = resolvePlain(text);
  return value.type === type ? value : null;
}
function resolveInteger(text) {
  const value = resolvePlain(text);
  return typeof value.value === "bigint" ? value : null;
}
function resolveFloat(text) {
  const value = resolvePlain(text);
  if (value.type !== "number" || isWide(value.value)) return null;
  return { type: "number", value: Number(value.value) };
}
function decodeBinary(text) {
  const packed = text.replaceAll(/[\r\n]/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return null;
  return { type: "string", value: Buffer.from(packed, "base64").toString("utf8") };
}
function isTimestamp(text) {
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [, year, month, day2, zoned, plain] = match;
  const [hour2 = 0, minute2 = 0, second = 0] = (zoned ?? plain ?? "").split(":").map(Number);
  return isDate(Number(year), Number(month), Number(day2)) && hour2 < 24 && minute2 < 60 && second < 60;
}
function isDate(year, month, day2) {
  const date = /* @__PURE__ */ new Date(0);
  date.setUTCFullYear(year, month - 1, day2);
  return date.getUTCMonth() === month - 1;
}
function requireJson(value) {
  switch (value.type) {
    case "number":
      if (typeof value.value === "number" && !Number.isFinite(value.value))
        throw new YamlFailure("JSON can't hold this number", value.node.start.line, value.node.start.column);
      return;
    case "list":
      value.items.forEach(requireJson);
      return;
    case "map":
      if (value.unfitKey !== null)
        throw new YamlFailure("JSON can't hold this key", value.unfitKey.start.line, value.unfitKey.start.column);
      for (const field of value.fields.values()) requireJson(field.value);
      if (value.others !== null) for (const other of value.others.values()) requireJson(other);
  }
}

// src/aws-auth/names.ts
var MASTERS = "system:masters";
function isNode(entry) {
  return entry.username.startsWith("system:node:");
}
var TEMPLATES = [
  "{{EC2PrivateDNSName}}",
  "{{AccountID}}",
  "{{SessionName}}",
  "{{SessionNameRaw}}",
  "{{AccessKeyID}}"
];
function flawOf(text) {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text)) return null;
  if (text !== text.trim()) return "has spaces around it, and RBAC compares them; remove them";
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/u.test(text)) return "has invisible characters; retype it";
  if (/[\p{Zs}\p{Zl}\p{Zp}]/u.test(text.replaceAll(" ", ""))) return "has an unusual space; retype it";
  if (/[\u017f\u212a]/.test(text)) return "has a letter that only looks like s or K; retype it";
  return null;
}
function unknownTemplate(text) {
  const found = text.match(/\{\{[^}]*\}?\}?/g) ?? [];
  return found.find((template) => !TEMPLATES.some((known) => known === template)) ?? null;
}
function hasGuardedSession(username) {
  const at = username.search(/\{\{SessionName(?:Raw)?\}\}/);
  if (at < 0) return true;
  return at > 1 && username[at - 1] === ":" && !username.slice(0, at).startsWith("{{");
}

// src/aws-auth/go-yaml/node-parser.ts
var SEQUENCE_VALUE_ENDS = /* @__PURE__ */ new Set(["flow-entry", "flow-sequence-end"]);
var SEQUENCE_KEY_ENDS = /* @__PURE__ */ new Set(["value", "flow-entry", "flow-sequence-end"]);
var MAPPING_VALUE_ENDS = /* @__PURE__ */ new Set(["flow-entry", "flow-mapping-end"]);
var MAPPING_KEY_ENDS = /* @__PURE__ */ new Set(["value", "flow-entry", "flow-mapping-end"]);
var ITEM_ENDS = /* @__PURE__ */ new Set(["block-entry", "block-end"]);
var INDENTLESS_ITEM_ENDS = /* @__PURE__ */ new Set(["block-entry", "block-end", "key", "value"]);
var PAIR_ENDS = /* @__PURE__ */ new Set(["key", "value", "block-end"]);
var DEPTH = 500;
var NodeParser = class {
  scanner;
  #anchors = /* @__PURE__ */ new Map();
  #handles = /* @__PURE__ */ new Map();
  #budget;
  #depth = 0;
  constructor(scanner, budget) {
    this.scanner = scanner;
    this.#budget = budget;
  }
  /** Reads the directives and the `---` of an explicit document. */
  openDocument() {
    let versions = 0;
    for (let token = this.scanner.take(); token.type !== "document-start"; token = this.scanner.take()) {
      if (token.type === "version-directive") {
        versions += 1;
        if (versions > 1) failAt("found duplicate %YAML directive", token.start);
        if (token.value !== "1.1") failAt("found incompatible YAML document", token.start);
      } else if (token.type === "tag-directive") {
        if (this.#handles.has(token.value)) failAt("found duplicate %TAG directive", token.start);
        this.#handles.set(token.value, token.suffix);
      } else {
        failAt("did not find expected <document start>", token.start);
      }
    }
  }
  /**
   * The node that begins with the next token. Only the key or value of a block mapping can be a list in the column of its key.
   */
  node(mayBeIndentless) {
    this.#depth += 1;
    const first = this.scanner.peek();
    if (this.#depth > DEPTH)
      throw new YamlExcess(`is nested deeper than ${DEPTH} levels`, first.start.line, first.start.column);
    this.#budget.spend(first);
    const node = first.type === "alias" ? this.#alias() : this.#content(first, mayBeIndentless);
    this.#depth -= 1;
    return node;
  }
  /** The next node, or an empty scalar if the next token is one of these. */
  nodeUnless(ends, mayBeIndentless, empty) {
    if (!ends.has(this.scanner.peek().type)) return this.node(mayBeIndentless);
    this.#budget.spend({ start: empty });
    return emptyScalar(empty);
  }
  /** Registers a node under its anchor. Collections are registered before they are filled: they can contain themselves. */
  named(node) {
    if (node.anchor !== null) this.#anchors.set(node.anchor, node);
    return node;
  }
  #alias() {
    const { value: name2, start, end } = this.scanner.take();
    const target = this.#anchors.get(name2);
    if (target === void 0) return failAt(`unknown anchor '${name2}' referenced`, start);
    return { kind: "alias", name: name2, target, start, outer: start.at, end, anchor: null };
  }
  #content(first, mayBeIndentless) {
    const properties = this.#properties(first);
    const { type, start } = this.scanner.peek();
    if (type === "scalar") return this.#scalar(properties);
    if (type === "flow-sequence-start") return parseFlowSequence(this, properties);
    if (type === "flow-mapping-start") return parseFlowMapping(this, properties);
    if (type === "block-entry" && mayBeIndentless) return parseBlockSequence(this, properties, true);
    if (type === "block-sequence-start") return parseBlockSequence(this, properties, false);
    if (type === "block-mapping-start") return parseBlockMapping(this, properties);
    if (properties.anchor === null && properties.tag === "") return failAt("did not find expected node content", start);
    return this.named({ ...emptyScalar(first.start), ...properties, implicit: properties.tag === "" });
  }
  /** An anchor and a tag, in either order, each at most once. */
  #properties(first) {
    let anchor = this.scanner.takeIf("anchor");
    const tag = this.scanner.takeIf("tag");
    anchor ??= this.scanner.takeIf("anchor");
    const outer = first.start.at;
    const end = Math.max(outer, anchor?.end ?? 0, tag?.end ?? 0);
    return { outer, end, anchor: anchor?.value ?? null, tag: tag === null ? "" : this.#resolveTag(tag) };
  }
  #resolveTag({ value: handle, suffix, start }) {
    if (handle === "") return suffix;
    const prefix = this.#handles.get(handle) ?? (handle === "!" ? "!" : handle === "!!" ? YAML_TAG : "");
    return prefix === "" ? failAt("found undefined tag handle", start) : prefix + suffix;
  }
  #scalar({ outer, anchor, tag }) {
    const { value, style, start, end } = this.scanner.take();
    const implicit = tag === "" && style === "plain" || tag === "!";
    return this.named({ kind: "scalar", value, tag, style, implicit, start, outer, end, anchor });
  }
};
function parseBlockSequence(parser, properties, isIndentless) {
  const { scanner } = parser;
  const { start, end } = isIndentless ? scanner.peek() : scanner.take();
  const items = [];
  const marks = [];
  const { outer, anchor } = properties;
  const node = parser.named({ kind: "sequence", items, marks, flow: false, start, outer, end, anchor });
  for (let dash = scanner.takeIf("block-entry"); dash !== null; dash = scanner.takeIf("block-entry")) {
    const item = parser.nodeUnless(isIndentless ? INDENTLESS_ITEM_ENDS : ITEM_ENDS, false, markAfter(dash));
    marks.push(dash.start);
    items.push(item);
    node.end = item.end;
  }
  if (!isIndentless && scanner.takeIf("block-end") === null)
    failAt("did not find expected '-' indicator", scanner.peek().start);
  return node;
}
function parseBlockMapping(parser, { outer, anchor }) {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const pairs = [];
  const node = parser.named({ kind: "mapping", pairs, flow: false, start, outer, end, anchor });
  for (let token = scanner.take(); token.type !== "block-end"; token = scanner.take()) {
    if (token.type !== "key") failAt("did not find expected key", token.start);
    const key = parser.nodeUnless(PAIR_ENDS, true, markAfter(token));
    const value = parseValue(parser, key.end);
    pairs.push({ key, value });
    node.end = value.end;
  }
  return node;
}
function parseValue(parser, keyEnd) {
  const colon = parser.scanner.takeIf("value");
  if (colon === null) return emptyScalar({ ...parser.scanner.peek().start, at: keyEnd });
  return parser.nodeUnless(PAIR_ENDS, true, markAfter(colon));
}
function parseFlowSequence(parser, { outer, anchor }) {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const items = [];
  const marks = [];
  const node = parser.named({ kind: "sequence", items, marks, flow: true, start, outer, end, anchor });
  while (scanner.peek().type !== "flow-sequence-end") {
    if (items.length > 0) {
      marks.push(takeComma(parser, "]"));
      if (scanner.peek().type === "flow-sequence-end") break;
    }
    items.push(scanner.peek().type === "key" ? parseSinglePair(parser) : parser.node(false));
  }
  node.end = scanner.take().end;
  return node;
}
function parseSinglePair(parser) {
  const { scanner } = parser;
  const { start } = scanner.take();
  const isMissing = SEQUENCE_KEY_ENDS.has(scanner.peek().type);
  const key = isMissing ? emptyScalar(markAfter(scanner.take())) : parser.node(false);
  const value = parseFlowValue(parser, SEQUENCE_VALUE_ENDS);
  return { kind: "mapping", pairs: [{ key, value }], flow: true, start, outer: start.at, end: value.end, anchor: null };
}
function parseFlowMapping(parser, { outer, anchor }) {
  const { scanner } = parser;
  const { start, end } = scanner.take();
  const pairs = [];
  const node = parser.named({ kind: "mapping", pairs, flow: true, start, outer, end, anchor });
  while (scanner.peek().type !== "flow-mapping-end") {
    if (pairs.length > 0) {
      takeComma(parser, "}");
      if (scanner.peek().type === "flow-mapping-end") break;
    }
    pairs.push(parsePair(parser));
  }
  node.end = scanner.take().end;
  return node;
}
function parsePair(parser) {
  const { scanner } = parser;
  if (scanner.takeIf("key") === null) {
    const key2 = parser.node(false);
    return { key: key2, value: emptyScalar(scanner.peek().start) };
  }
  const key = parser.nodeUnless(MAPPING_KEY_ENDS, false, scanner.peek().start);
  return { key, value: parseFlowValue(parser, MAPPING_VALUE_ENDS) };
}
function parseFlowValue(parser, ends) {
  const { scanner } = parser;
  if (scanner.takeIf("value") === null) return emptyScalar(scanner.peek().start);
  return parser.nodeUnless(ends, false, scanner.peek().start);
}
function takeComma({ scanner }, close) {
  const comma = scanner.takeIf("flow-entry") ?? failAt(`did not find expected ',' or '${close}'`, scanner.peek().start);
  return comma.start;
}

// src/aws-auth/go-yaml/scan-scalar.ts
function scanQuoted(cursor, single) {
  const start = cursor.mark();
  const quote3 = single ? 39 : 34;
  let value = "";
  cursor.skip();
  for (; ; ) {
    if (cursor.atDocumentIndicator()) cursor.fail("found unexpected document indicator", start);
    if (cursor.code() === NUL) cursor.fail("found unexpected end of stream", start);
    const run = single ? scanSingleRun(cursor) : scanDoubleRun(cursor);
    value += run.text;
    if (cursor.code() === quote3) break;
    value += scanGap(cursor, run.brokeLine).text;
  }
  cursor.skip();
  return value;
}
function scanSingleRun(cursor) {
  let text = "";
  let from = cursor.at;
  for (let code = cursor.code(); !isBlankBreakOrEnd(code); code = cursor.code()) {
    if (code === 39) {
      if (cursor.code(1) !== 39) break;
      text += cursor.text.slice(from, cursor.at + 1);
      cursor.skip(2);
      from = cursor.at;
    } else {
      cursor.skip();
    }
  }
  return { text: text + cursor.text.slice(from, cursor.at), brokeLine: false };
}
function scanDoubleRun(cursor) {
  let text = "";
  let from = cursor.at;
  for (let code = cursor.code(); !isBlankBreakOrEnd(code) && code !== 34; code = cursor.code()) {
    if (code !== 92) {
      cursor.skip();
      continue;
    }
    text += cursor.text.slice(from, cursor.at);
    if (isBreak(cursor.code(1))) {
      cursor.skip();
      cursor.skipBreak();
      return { text, brokeLine: true };
    }
    text += scanEscape(cursor);
    from = cursor.at;
  }
  return { text: text + cursor.text.slice(from, cursor.at), brokeLine: false };
}
var ESCAPES = /* @__PURE__ */ new Map([
  [48, "\0"],
  [97, "\x07"],
  [98, "\b"],
  [116, "	"],
  [9, "	"],
  [110, "\n"],
  [118, "\v"],
  [102, "\f"],
  [114, "\r"],
  [101, "\x1B"],
  [32, " "],
  [34, '"'],
  [39, "'"],
  [92, "\\"],
  [78, "\x85"],
  [95, "\xA0"],
  [76, "\u2028"],
  [80, "\u2029"]
]);
var HEX_LENGTHS = /* @__PURE__ */ new Map([
  [120, 2],
  [117, 4],
  [85, 8]
]);
function scanEscape(cursor) {
  const code = cursor.code(1);
  const known = ESCAPES.get(code);
  if (known !== void 0) {
    cursor.skip(2);
    return known;
  }
  const length = HEX_LENGTHS.get(code);
  if (length === void 0) return cursor.fail("found unknown escape character");
  cursor.skip(2);
  const digits = cursor.text.slice(cursor.at, cursor.at + length);
  if (!/^[0-9A-Fa-f]+$/.test(digits)) cursor.fail("did not find expected hexadecimal number");
  const value = Number.parseInt(digits, 16);
  if (value >= 55296 && value <= 57343 || value > 1114111)
    cursor.fail("found invalid Unicode character escape code");
  cursor.skip(length);
  return String.fromCodePoint(value);
}
function scanBlockScalar(cursor, literal, indent) {
  const start = cursor.mark();
  cursor.skip();
  const { chomping, increment } = scanHeader(cursor, start);
  const explicit = increment > 0 ? Math.max(indent, 0) + increment : 0;
  const lead = scanBreaks(cursor, explicit, indent);
  const column = lead.column;
  let trailing = lead.breaks;
  let lastBreak = "";
  let leadingBlank = false;
  let value = "";
  while (cursor.column === column && cursor.code() !== NUL) {
    const blank = isBlank(cursor.code());
    const folds = !literal && !leadingBlank && !blank && lastBreak === "\n";
    value += (folds ? trailing === "" ? " " : "" : lastBreak) + trailing;
    leadingBlank = blank;
    const from = cursor.at;
    while (!isBreakOrEnd(cursor.code())) cursor.skip();
    value += cursor.text.slice(from, cursor.at);
    lastBreak = cursor.skipBreak();
    trailing = scanBreaks(cursor, column, indent).breaks;
  }
  if (chomping !== "strip") value += lastBreak;
  if (chomping === "keep") value += trailing;
  return { value, end: cursor.code() === NUL ? cursor.at : cursor.at - cursor.column };
}
function scanHeader(cursor, start) {
  let chomping = scanChomping(cursor);
  const increment = scanIncrement(cursor, start);
  if (chomping === "clip") chomping = scanChomping(cursor);
  while (isBlank(cursor.code())) cursor.skip();
  if (cursor.code() === 35) while (!isBreakOrEnd(cursor.code())) cursor.skip();
  if (!isBreakOrEnd(cursor.code())) cursor.fail("did not find expected comment or line break", start);
  cursor.skipBreak();
  return { chomping, increment };
}
function scanChomping(cursor) {
  const code = cursor.code();
  if (code !== 43 && code !== 45) return "clip";
  cursor.skip();
  return code === 43 ? "keep" : "strip";
}
function scanIncrement(cursor, start) {
  const code = cursor.code();
  if (!isDigit(code)) return 0;
  if (code === 48) cursor.fail("found an indentation indicator equal to 0", start);
  cursor.skip();
  return code - 48;
}
function scanBreaks(cursor, column, indent) {
  let breaks = "";
  let deepest = 0;
  for (; ; ) {
    while ((column === 0 || cursor.column < column) && cursor.code() === SPACE) cursor.skip();
    deepest = Math.max(deepest, cursor.column);
    if ((column === 0 || cursor.column < column) && cursor.code() === TAB)
      cursor.fail("found a tab character where an indentation space is expected");
    if (!isBreak(cursor.code())) break;
    breaks += cursor.skipBreak();
  }
  return { breaks, column: column === 0 ? Math.max(deepest, indent + 1, 1) : column };
}
function scanGap(cursor, afterBreak, indent = -1) {
  const start = cursor.at;
  let first = "";
  let more = "";
  let brokeLine = afterBreak;
  for (let code = cursor.code(); isBlank(code) || isBreak(code); code = cursor.code()) {
    if (isBlank(code)) {
      if (brokeLine && code === TAB && cursor.column <= indent)
        cursor.fail("found a tab character that violates indentation");
      cursor.skip();
    } else if (brokeLine) {
      more += cursor.skipBreak();
    } else {
      first = cursor.skipBreak();
      brokeLine = true;
    }
  }
  if (!brokeLine) return { text: cursor.text.slice(start, cursor.at), brokeLine };
  if (first === "\n") return { text: more === "" ? " " : more, brokeLine };
  return { text: first + more, brokeLine };
}
var NO_GAP = { text: "", brokeLine: false };
function scanPlain(cursor, indent, inFlow) {
  let value = "";
  let end = cursor.at;
  let gap = NO_GAP;
  while (!cursor.atDocumentIndicator() && cursor.code() !== 35) {
    const from = cursor.at;
    skipRun(cursor, inFlow);
    if (cursor.at > from) {
      value += gap.text + cursor.text.slice(from, cursor.at);
      gap = NO_GAP;
      end = cursor.at;
    }
    const code = cursor.code();
    if (!isBlank(code) && !isBreak(code)) break;
    gap = scanGap(cursor, false, indent);
    if (!inFlow && cursor.column <= indent) break;
  }
  return { value, end, brokeLine: gap.brokeLine };
}
function skipRun(cursor, inFlow) {
  let length = 0;
  for (let code = cursor.code(); !isBlankBreakOrEnd(code); code = cursor.code(length)) {
    if (code === 58 && isBlankBreakOrEnd(cursor.code(length + 1))) break;
    if (inFlow && endsInFlow(code)) break;
    length += 1;
  }
  cursor.skip(length);
}
function endsInFlow(code) {
  return code === 44 || code === 63 || code === 91 || code === 93 || code === 123 || code === 125;
}

// src/aws-auth/go-yaml/scan-state.ts
var LONGEST = 1024;
var SimpleKeys = class {
  #level = { depth: 0, outer: null, key: null, claim: 0 };
  /** By token number: checked before each token is returned, so that deep nesting costs nothing. */
  #levelOf = /* @__PURE__ */ new Map();
  get flowLevel() {
    return this.#level.depth;
  }
  /** Enters a flow collection. `token`: the number of its bracket. */
  deepen(token) {
    this.#level = { depth: this.#level.depth + 1, outer: this.#level, key: null, claim: token };
  }
  /**
   * Leaves a flow collection. After an empty one go-yaml forgets that its bracket can begin a key, though the key stays valid: in
   * `[]: x` it returns the list, and the rest is no part of the document. So does this.
   */
  surface() {
    const { outer, claim } = this.#level;
    if (outer === null) return;
    this.#level = outer;
    this.#levelOf.delete(claim);
  }
  save(key, cursor) {
    this.remove(cursor);
    this.#level.key = key;
    this.#level.claim = key.token;
    this.#levelOf.set(key.token, this.#level);
  }
  /** Drops the key of this level; fails if only a key is allowed there. */
  remove(cursor) {
    const { key } = this.#level;
    if (key?.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget(this.#level);
  }
  /** Takes the key of this level, because its `:` has come; null: there is no valid one. */
  takeValid(cursor) {
    const key = this.#validAt(this.#level, cursor);
    this.#forget(this.#level);
    return key;
  }
  /** Whether a key can still begin at this token: it must not be returned yet. */
  mayBeginAt(token, cursor) {
    const level2 = this.#levelOf.get(token);
    return level2 !== void 0 && this.#validAt(level2, cursor) !== null;
  }
  #forget(level2) {
    if (level2.key === null) return;
    this.#levelOf.delete(level2.key.token);
    level2.key = null;
  }
  #validAt(level2, cursor) {
    const { key } = level2;
    if (key === null || key.mark.line === cursor.line && !isTooLong(key.mark, cursor)) return key;
    if (key.required) cursor.fail("could not find expected ':'", key.mark);
    this.#forget(level2);
    return null;
  }
};
var TokenQueue = class {
  #tokens = [];
  #head = 0;
  #taken = 0;
  /** The number of returned tokens. */
  get taken() {
    return this.#taken;
  }
  /** The number that the next token to be added will have. */
  get next() {
    return this.#taken + this.#tokens.length - this.#head;
  }
  get isEmpty() {
    return this.#head === this.#tokens.length;
  }
  first() {
    return this.#tokens[this.#head];
  }
  shift() {
    this.#head += 1;
    this.#taken += 1;
    if (!this.isEmpty) return;
    this.#tokens.length = 0;
    this.#head = 0;
  }
  add(type, start, end, value = "", style = "plain", suffix = "") {
    this.#tokens.push({ type, start, end, value, suffix, style });
  }
  /** Inserts an empty token before the one with this number; at the end, if that was returned already. */
  insert(type, start, before) {
    const token = { type, start, end: start.at, value: "", suffix: "", style: "plain" };
    if (before < this.#taken) this.#tokens.push(token);
    else this.#tokens.splice(this.#head + before - this.#taken, 0, token);
  }
};
var BlockIndents = class {
  /** Column of the innermost one; -1 outside of any. */
  column = -1;
  #outer = [];
  /** Opens a collection at `mark`, before the token numbered `before`, if it is deeper than the innermost one. */
  open(type, mark, before, tokens) {
    if (this.column >= mark.column) return;
    this.#outer.push(this.column);
    this.column = mark.column;
    tokens.insert(type, mark, before);
  }
  closeDeeper(column, tokens, cursor) {
    while (this.column > column) {
      tokens.add("block-end", cursor.mark(), cursor.at);
      this.column = this.#outer.pop() ?? -1;
    }
  }
};
var ScanState = class {
  cursor;
  tokens = new TokenQueue();
  indents = new BlockIndents();
  keys = new SimpleKeys();
  /** Whether a key without `?` can begin here. */
  keyAllowed = true;
  constructor(text) {
    this.cursor = new Cursor(text, text.charCodeAt(0) === BOM ? 1 : 0);
  }
  get inBlock() {
    return this.keys.flowLevel === 0;
  }
  addIndicator(type, length = 1) {
    const start = this.cursor.mark();
    this.cursor.skip(length);
    this.tokens.add(type, start, this.cursor.at);
  }
  /** Opens a block collection that begins at the cursor, unless it is open already. */
  openBlock(type, refusal) {
    if (!this.inBlock) return;
    if (!this.keyAllowed) this.cursor.fail(refusal);
    this.indents.open(type, this.cursor.mark(), this.tokens.next, this.tokens);
  }
  /** Closes the block collections to which a token in this column does not belong. */
  closeDeeper(column) {
    if (this.inBlock) this.indents.closeDeeper(column, this.tokens, this.cursor);
  }
  closeAll() {
    this.closeDeeper(-1);
    this.keys.remove(this.cursor);
    this.keyAllowed = false;
  }
  /** Remembers that a key may begin at the cursor. */
  saveKey() {
    if (!this.keyAllowed) return;
    const required = this.inBlock && this.indents.column === this.cursor.column;
    this.keys.save({ token: this.tokens.next, required, mark: this.cursor.mark() }, this.cursor);
  }
  /** Starts a possible key; no other key can begin after it on the same line. */
  startContent() {
    this.saveKey();
    this.keyAllowed = false;
    return this.cursor.mark();
  }
};
function isTooLong(mark, { at, text }) {
  return at - mark.at > LONGEST && [...text.slice(mark.at, at)].length > LONGEST;
}

// src/aws-auth/go-yaml/scan-structure.ts
function fetchEnd(state) {
  state.cursor.endLine();
  state.closeAll();
  state.addIndicator("stream-end", 0);
}
function fetchDirective(state) {
  state.closeAll();
  const start = state.cursor.mark();
  const { type, value, prefix } = scanDirective(state.cursor);
  state.tokens.add(type, start, state.cursor.at, value, "plain", prefix);
}
function fetchDocumentIndicator(state, type) {
  state.closeAll();
  state.addIndicator(type, 3);
}
function fetchFlowStart(state, type) {
  state.saveKey();
  state.keys.deepen(state.tokens.next);
  state.keyAllowed = true;
  state.addIndicator(type);
}
function fetchFlowEnd(state, type) {
  state.keys.remove(state.cursor);
  state.keys.surface();
  state.keyAllowed = false;
  state.addIndicator(type);
}
function fetchFlowEntry(state) {
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  state.addIndicator("flow-entry");
}
function fetchBlockEntry(state) {
  state.openBlock("block-sequence-start", "block sequence entries are not allowed in this context");
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  state.addIndicator("block-entry");
}
function fetchKey(state) {
  state.openBlock("block-mapping-start", "mapping keys are not allowed in this context");
  state.keys.remove(state.cursor);
  state.keyAllowed = state.inBlock;
  state.addIndicator("key");
}
function fetchValue(state) {
  const { cursor, tokens } = state;
  const key = state.keys.takeValid(cursor);
  if (key === null) {
    state.openBlock("block-mapping-start", "mapping values are not allowed in this context");
  } else {
    tokens.insert("key", key.mark, key.token);
    if (state.inBlock) state.indents.open("block-mapping-start", key.mark, key.token, tokens);
  }
  state.keyAllowed = key === null && state.inBlock;
  state.addIndicator("value");
}
function scanDirective(cursor) {
  const start = cursor.mark();
  cursor.skip();
  const name2 = scanWord(cursor);
  if (name2 === "") cursor.fail("could not find expected directive name", start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("found unexpected non-alphabetical character", start);
  if (name2 !== "YAML" && name2 !== "TAG") cursor.fail("found unknown directive name", start);
  skipBlanks(cursor);
  const directive = name2 === "YAML" ? scanVersion(cursor, start) : scanTagDirective(cursor, start);
  skipBlanks(cursor);
  if (cursor.code() === 35) while (!isBreakOrEnd(cursor.code())) cursor.skip();
  if (!isBreakOrEnd(cursor.code())) cursor.fail("did not find expected comment or line break", start);
  cursor.skipBreak();
  return directive;
}
function scanVersion(cursor, start) {
  const major = scanNumber(cursor, start);
  if (cursor.code() !== 46) cursor.fail("did not find expected digit or '.' character", start);
  cursor.skip();
  return { type: "version-directive", value: `${major}.${scanNumber(cursor, start)}`, prefix: "" };
}
function scanNumber(cursor, start) {
  const from = cursor.at;
  while (isDigit(cursor.code())) cursor.skip();
  const digits = cursor.text.slice(from, cursor.at);
  if (digits === "") cursor.fail("did not find expected version number", start);
  if (digits.length > 2) cursor.fail("found extremely long version number", start);
  return Number(digits);
}
function scanTagDirective(cursor, start) {
  const handle = scanHandle(cursor, true, start);
  if (!isBlank(cursor.code())) cursor.fail("did not find expected whitespace", start);
  skipBlanks(cursor);
  const prefix = scanUri(cursor, false, start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("did not find expected whitespace or line break", start);
  return { type: "tag-directive", value: handle, prefix };
}
function skipBlanks(cursor) {
  while (isBlank(cursor.code())) cursor.skip();
}
function scanAnchor(cursor) {
  const start = cursor.mark();
  cursor.skip();
  const name2 = scanWord(cursor);
  const code = cursor.code();
  if (name2 === "" || !(isBlankBreakOrEnd(code) || "?:,]}%@`".includes(String.fromCharCode(code))))
    cursor.fail("did not find expected alphabetic or numeric character", start);
  return name2;
}
function scanTag(cursor) {
  const start = cursor.mark();
  const tag = cursor.code(1) === 60 ? scanVerbatimTag(cursor, start) : scanShorthandTag(cursor, start);
  if (!isBlankBreakOrEnd(cursor.code())) cursor.fail("did not find expected whitespace or line break", start);
  return tag;
}
function scanVerbatimTag(cursor, start) {
  cursor.skip(2);
  const suffix = scanUri(cursor, false, start);
  if (cursor.code() !== 62) cursor.fail("did not find the expected '>'", start);
  cursor.skip();
  return { handle: "", suffix };
}
function scanShorthandTag(cursor, start) {
  const handle = scanHandle(cursor, false, start);
  if (handle.length > 1 && handle.endsWith("!")) return { handle, suffix: scanUri(cursor, false, start) };
  const suffix = handle.slice(1) + scanUri(cursor, true, start);
  return suffix === "" ? { handle: "", suffix: "!" } : { handle: "!", suffix };
}
function scanHandle(cursor, directive, start) {
  if (cursor.code() !== 33) cursor.fail("did not find expected '!'", start);
  cursor.skip();
  const word = scanWord(cursor);
  if (cursor.code() === 33) {
    cursor.skip();
    return `!${word}!`;
  }
  if (directive && word !== "") cursor.fail("did not find expected '!'", start);
  return `!${word}`;
}
function scanUri(cursor, mayBeEmpty, start) {
  const from = cursor.at;
  while (isUriCharacter(cursor.code())) cursor.skip();
  const raw = cursor.text.slice(from, cursor.at);
  if (raw === "" && !mayBeEmpty) cursor.fail("did not find expected tag URI", start);
  try {
    return decodeURIComponent(raw);
  } catch {
    return cursor.fail("found an incorrect URI escape", start);
  }
}
function isUriCharacter(code) {
  return isWord(code) || ";/?:@&=+$,.!~*'()[]%".includes(String.fromCharCode(code));
}
function scanWord(cursor) {
  const from = cursor.at;
  while (isWord(cursor.code())) cursor.skip();
  return cursor.text.slice(from, cursor.at);
}

// src/aws-auth/go-yaml/scanner.ts
var Scanner = class {
  #state;
  constructor(text) {
    this.#state = new ScanState(text);
  }
  /** Offset up to which go-yaml has requested text by now. `whole`: the text, refused characters included. */
  asked(whole) {
    return this.#state.cursor.asked(whole);
  }
  /** The next token. Don't call it after the end of the text. */
  peek() {
    const { tokens, keys, cursor } = this.#state;
    while (tokens.isEmpty || keys.mayBeginAt(tokens.taken, cursor)) fetch(this.#state);
    return tokens.first() ?? cursor.fail("there is nothing behind the end of the text");
  }
  take() {
    const token = this.peek();
    this.#state.tokens.shift();
    return token;
  }
  takeIf(type) {
    return this.peek().type === type ? this.take() : null;
  }
};
function fetch(state) {
  const { cursor } = state;
  skipToToken(state);
  state.closeDeeper(cursor.column);
  const code = cursor.code();
  if (code === NUL) fetchEnd(state);
  else if (cursor.column === 0 && code === 37) fetchDirective(state);
  else if (cursor.atDocumentIndicator())
    fetchDocumentIndicator(state, code === 45 ? "document-start" : "document-end");
  else fetchByFirst(state, code, isBlankBreakOrEnd(cursor.code(1)));
}
function skipToToken(state) {
  const { cursor } = state;
  for (; ; ) {
    const mayBeTab = !state.inBlock || !state.keyAllowed;
    while (cursor.code() === SPACE || mayBeTab && cursor.code() === TAB) cursor.skip();
    if (cursor.code() === 35) while (!isBreakOrEnd(cursor.code())) cursor.skip();
    if (!isBreak(cursor.code())) return;
    cursor.skipBreak();
    if (state.inBlock) state.keyAllowed = true;
  }
}
function fetchByFirst(state, code, alone) {
  const { inBlock } = state;
  if (code === 91) fetchFlowStart(state, "flow-sequence-start");
  else if (code === 123) fetchFlowStart(state, "flow-mapping-start");
  else if (code === 93) fetchFlowEnd(state, "flow-sequence-end");
  else if (code === 125) fetchFlowEnd(state, "flow-mapping-end");
  else if (code === 44) fetchFlowEntry(state);
  else if (code === 45 && alone) fetchBlockEntry(state);
  else if (code === 63 && (alone || !inBlock)) fetchKey(state);
  else if (code === 58 && (alone || !inBlock)) fetchValue(state);
  else if (code === 42) fetchName(state, "alias");
  else if (code === 38) fetchName(state, "anchor");
  else if (code === 33) fetchTag(state);
  else if (code === 124 && inBlock) fetchBlockScalar(state, "literal");
  else if (code === 62 && inBlock) fetchBlockScalar(state, "folded");
  else if (code === 39) fetchQuoted(state, "single");
  else if (code === 34) fetchQuoted(state, "double");
  else if (!STARTS_NOTHING.has(code)) fetchPlain(state);
  else state.cursor.fail("found character that cannot start any token");
}
var STARTS_NOTHING = /* @__PURE__ */ new Set([35, 37, 64, 96, 124, 62, TAB]);
function fetchName(state, type) {
  const start = state.startContent();
  const name2 = scanAnchor(state.cursor);
  state.tokens.add(type, start, state.cursor.at, name2);
}
function fetchTag(state) {
  const start = state.startContent();
  const { handle, suffix } = scanTag(state.cursor);
  state.tokens.add("tag", start, state.cursor.at, handle, "plain", suffix);
}
function fetchQuoted(state, style) {
  const start = state.startContent();
  const value = scanQuoted(state.cursor, style === "single");
  state.tokens.add("scalar", start, state.cursor.at, value, style);
}
function fetchPlain(state) {
  const start = state.startContent();
  const { value, end, brokeLine } = scanPlain(state.cursor, state.indents.column, !state.inBlock);
  if (brokeLine) state.keyAllowed = true;
  state.tokens.add("scalar", start, end, value);
}
function fetchBlockScalar(state, style) {
  state.keys.remove(state.cursor);
  state.keyAllowed = true;
  const start = state.cursor.mark();
  const { value, end } = scanBlockScalar(state.cursor, style === "literal", state.indents.column);
  state.tokens.add("scalar", start, end, value, style);
}

// src/aws-auth/go-yaml/parse-yaml.ts
var CHUNK = 512;
function parseYaml(text, budget = new ReadingBudget()) {
  const forbidden = text.search(FORBIDDEN);
  if (forbidden >= 0) return parseBefore(forbidden, text, budget);
  const scanner = new Scanner(text);
  return { root: parseRoot(scanner, budget), dropped: findDropped(scanner) };
}
function parseRoot(scanner, budget) {
  const parser = new NodeParser(scanner, budget);
  const first = scanner.peek();
  if (first.type === "stream-end") return null;
  const isExplicit = first.type === "document-start" || first.type.endsWith("-directive");
  if (isExplicit) parser.openDocument();
  const root = isExplicit && endsDocument(scanner.peek().type) ? emptyScalar(scanner.peek().start) : parser.node(false);
  scanner.peek();
  return root;
}
function endsDocument(type) {
  return type === "document-start" || type === "document-end" || type === "stream-end" || type.endsWith("-directive");
}
function findDropped(scanner) {
  let last = scanner.peek();
  try {
    while (last.type === "document-end") last = next(scanner);
    const dropped = last.start;
    while (last.type === "document-start" || last.type === "document-end") last = next(scanner);
    return last.type === "stream-end" ? null : dropped;
  } catch (failure2) {
    if (failure2 instanceof YamlFailure) return last.start;
    throw failure2;
  }
}
function next(scanner) {
  scanner.take();
  return scanner.peek();
}
function parseBefore(forbidden, text, budget) {
  const scanner = new Scanner(text.slice(0, forbidden));
  try {
    const root = parseRoot(scanner, budget);
    if (!isRead()) return { root, dropped: findDropped(scanner) ?? markAt(text, forbidden) };
  } catch (failure2) {
    if (!(failure2 instanceof YamlFailure) || !isRead()) throw failure2;
  }
  return failAt("control characters are not allowed", lineAndColumn(text, forbidden));
  function isRead() {
    return forbidden < readUpTo(text, scanner.asked(text));
  }
}
function markAt(text, at) {
  return { at, ...lineAndColumn(text, at) };
}
function readUpTo(text, asked) {
  let end = 0;
  while (end < asked && end < text.length) end = endOfChunk(text, end);
  return end;
}
function endOfChunk(text, start) {
  let bytes = 0;
  let at = start;
  while (at < text.length) {
    const [character = ""] = text.slice(at, at + 2);
    bytes += Buffer.byteLength(character);
    if (bytes > CHUNK) break;
    at += character.length;
  }
  return at;
}

// src/aws-auth/section-problems.ts
var FLOW_LINE = /\n( *)(?:\t[\t ]*)?([^\t\n\r ])/g;
var QUOTED_LINE = /\n( *)(?! |\r?\n)/g;
function unreadable(section, failure2) {
  const message = `The authenticator can't read ${section}, so none of its entries works: ${failure2.message}.`;
  const remedy = "Correct the YAML here or in the lines above.";
  return problemAt(section, failure2, "section-unreadable", "error", message, remedy);
}
function excessive(section, failure2) {
  const message = `${section} ${failure2.message} here, so eks-access stops reading. The authenticator may still read it and let people in.`;
  const remedy = "Remove what is not an entry here.";
  return problemAt(section, failure2, "section-too-large", "error", message, remedy);
}
function notAList(section, at) {
  const message = `${section} is not a list, so none of its entries works.`;
  const remedy = `Write ${section} as a list: each entry begins with "- ".`;
  return problemAt(section, at, "section-not-a-list", "error", message, remedy);
}
function contentDropped(section, at) {
  const message = "The authenticator reads only the first YAML document of a section and ignores everything from here on.";
  const remedy = "Indent these lines like the entries above, and remove --- and ... lines.";
  return problemAt(section, at, "content-dropped", "error", message, remedy);
}
function misspelt(key, section) {
  return {
    code: "section-misspelt",
    severity: "error",
    section: null,
    key,
    line: null,
    column: null,
    message: `The authenticator does not read ${JSON.stringify(key)}: it knows only ${section}.`,
    remedy: `Rename the key to ${section}.`
  };
}
var OLD_BREAK = /[\u0085\u2028\u2029]/;
function oldBreaks({ section, text, state }) {
  const at = state === "list" && text !== null ? text.search(OLD_BREAK) : -1;
  if (text === null || at < 0) return [];
  const message = "An invisible separator ends the line here for the authenticator, but not for tools that read YAML 1.2.";
  return [
    problemAt(
      section,
      lineAndColumn(text, at),
      "readers-differ",
      "notice",
      message,
      "Replace it with a plain line break, or remove it."
    )
  ];
}
function layoutProblems({ section, text, list }) {
  if (text === null || list === null) return [];
  const { shallow, tagged } = layoutDifferences(text, list);
  const problems = tagged.map((at) => oldTag(section, at));
  return shallow === null ? problems : [shallowProblem(section, lineAndColumn(text, shallow)), ...problems];
}
function shallowProblem(section, at) {
  const message = "This line continues brackets or quotes without more indentation. The authenticator reads it, but tools that read YAML 1.2 refuse the section.";
  return problemAt(section, at, "readers-differ", "notice", message, "Indent the line further.");
}
function oldTag(section, at) {
  const message = "This value's tag has a comma or a bracket. Tools that read YAML 1.2 end the tag before it: they see other values, or refuse the section.";
  const remedy = "Remove the tag, and put a text after it in quotes.";
  return problemAt(section, at, "readers-differ", "notice", message, remedy);
}
function layoutDifferences(text, list) {
  const tagged = [];
  let shallow = null;
  const look = (node, indent, inFlow) => {
    if (hasOldTag(text, node)) tagged.push(node.start);
    const at = shallowLine(text, node, indent, inFlow);
    if (at !== null) shallow = Math.min(at, shallow ?? at);
    if (node.kind === "scalar" || node.kind === "alias") return;
    const within = node.flow ? indent : node.start.column;
    const children = node.kind === "sequence" ? node.items : node.pairs.flatMap(({ key, value }) => [key, value]);
    for (const child of children) look(child, within, node.flow);
  };
  look(list, -1, false);
  return { shallow, tagged };
}
function hasOldTag(text, { kind, outer, start, end }) {
  const content2 = start.at === outer && kind === "scalar" ? end : start.at;
  const first = text.charAt(outer);
  if (content2 === outer || first !== "!" && first !== "&") return false;
  const words = text.slice(outer, content2).replaceAll(/(?<=\s)#.*/g, "").split(/\s+/);
  return words.some((word) => /^!(?!<).*[,[\]]/.test(word));
}
function shallowLine(text, node, indent, inFlow) {
  if (node.kind === "alias") return null;
  if (node.kind === "scalar")
    return node.style === "single" || node.style === "double" ? quotedLine(text, node, indent) : null;
  return node.flow && !inFlow ? flowLine(text, node, indent) : null;
}
function quotedLine(text, { start, end }, indent) {
  for (const { index, 1: spaces = "" } of text.slice(start.at, end).matchAll(QUOTED_LINE))
    if (spaces.length <= indent) return start.at + index + 1 + spaces.length;
  return null;
}
function flowLine(text, { start, end }, indent) {
  for (const { index, 0: whole, 1: spaces = "", 2: first } of text.slice(start.at, end).matchAll(FLOW_LINE)) {
    const at = start.at + index + whole.length - 1;
    const closes = at === end - 1 && spaces.length === indent;
    if (spaces.length <= indent && first !== "#" && !closes) return at;
  }
  return null;
}
function documentProblems(data) {
  const problems = [];
  for (const key of Object.keys(data)) {
    const section = SECTIONS.find((name2) => name2 !== key && isNearly(key, name2));
    if (section !== void 0) problems.push(misspelt(key, section));
  }
  const bytes = sizeOf(data);
  if (bytes > DOCUMENT_LIMIT) problems.push(tooLarge(bytes));
  return problems;
}
function isNearly(key, section) {
  const plain = (text) => text.toLowerCase().replace(/[^a-z]/g, "").replace(/s$/, "");
  return plain(key) === plain(section);
}
function tooLarge(bytes) {
  return {
    code: "document-too-large",
    severity: "error",
    section: null,
    line: null,
    column: null,
    message: `The document has ${bytes} bytes; a ConfigMap can have ${DOCUMENT_LIMIT}.`,
    remedy: "Remove unused entries, or move people to shared roles."
  };
}

// src/aws-auth/read-section.ts
var SPACE2 = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
var EMPTY = new RegExp(`^${SPACE2}*(?:(?:""|''|\`\`)${SPACE2}*)?$`);
function readSection(section, text, budget = new DocumentBudget()) {
  const empty = { section, text, state: "empty", list: null, items: [], droppedAt: null };
  if (text === null || EMPTY.test(text)) return content(empty);
  try {
    return budget.read(() => readText({ ...empty, text }, budget));
  } catch (failure2) {
    if (!(failure2 instanceof YamlFailure)) throw failure2;
    return content({ ...empty, state: "unreadable" }, [failureProblem(section, failure2)]);
  }
}
function readText(empty, budget) {
  const { section, text } = empty;
  const yaml = parseYaml(text, budget.written);
  const problems = yaml.dropped === null ? [] : [contentDropped(section, yaml.dropped)];
  const reading = { ...empty, droppedAt: yaml.dropped?.at ?? null };
  return (section === "mapAccounts" ? readAccounts : readMappings)(reading, yaml, problems, budget);
}
function failureProblem(section, failure2) {
  return failure2 instanceof YamlExcess ? excessive(section, failure2) : unreadable(section, failure2);
}
function readMappings(reading, { root }, problems, { decoded }) {
  if (root === null) return content(reading, problems);
  const value = decode(root, decoded);
  requireJson(value);
  if (value.type === "null") return content(reading, problems);
  if (value.type !== "list")
    return content({ ...reading, state: "unreadable" }, [notAList(reading.section, root.start), ...problems]);
  return content({ ...reading, state: "list", list: value.node, items: value.items }, problems);
}
function readAccounts(reading, { root }, problems, { decoded }) {
  if (root === null) return content(reading, problems);
  const { accounts, failure: failure2, state, list } = decodeAccounts(root, decoded);
  if (failure2 !== null) problems.unshift(failureProblem(reading.section, failure2));
  else if (state === "unreadable") problems.unshift(notAList(reading.section, root.start));
  return { ...content({ ...reading, state, list }, problems), accounts };
}
function content(reading, problems = []) {
  return { reading, accounts: [], problems };
}
function decodeAccounts(root, decoded = new ReadingBudget()) {
  if (root.kind !== "sequence") {
    const isNull = root.kind === "scalar" && resolveScalar(root).type === "null";
    return { accounts: [], state: isNull ? "empty" : "unreadable", list: null, failure: null };
  }
  const budget = new AliasBudget(decoded);
  const accounts = [];
  budget.spend(root);
  try {
    root.items.forEach((item, index) => {
      const node = scalarOf(item, budget);
      if (node !== null) accounts.push({ id: textOf(node), index, node });
    });
  } catch (failure2) {
    if (failure2 instanceof YamlFailure) return { accounts, state: "unreadable", list: null, failure: failure2 };
    throw failure2;
  }
  return { accounts, state: "list", list: root, failure: null };
}
function scalarOf(item, budget) {
  budget.spend(item);
  if (item.kind === "alias") return budget.through(item, () => scalarOf(item.target, budget));
  return item.kind === "scalar" ? item : null;
}
function textOf(node) {
  const value = resolveScalar(node);
  if (value.type === "null") return "";
  return value.type === "string" ? value.value : node.value;
}

// src/aws-auth/read-document.ts
function readDocument(data) {
  const budget = new DocumentBudget();
  const mapRoles = readSection("mapRoles", textOf2(data, "mapRoles"), budget);
  const mapUsers = readSection("mapUsers", textOf2(data, "mapUsers"), budget);
  const mapAccounts = readSection("mapAccounts", textOf2(data, "mapAccounts"), budget);
  const parts = [mapRoles, mapUsers, mapAccounts].map((content2) => ({ ...content2, ...entriesIn(content2) }));
  const entries = parts.flatMap((part) => part.entries);
  const kept = parts.flatMap((part) => part.kept);
  const lookup = buildLookup(entries, kept);
  for (const entry of entries) if (entry.reachable) entry.reachable = isEverFound(entry, lookup);
  const sections = { mapRoles: mapRoles.reading, mapUsers: mapUsers.reading, mapAccounts: mapAccounts.reading };
  return { document: { data, entries, sections, lookup }, parts };
}
function textOf2(data, section) {
  return Object.hasOwn(data, section) ? data[section] ?? null : null;
}
function isEverFound(entry, lookup) {
  if (entry.section === "mapAccounts") return true;
  return competingEntries(entry, lookup).includes(entry);
}
function competingEntries(entry, lookup) {
  return entriesOfKey(lookup, goFold(entry.arn));
}
function entriesOfKey({ roles, users }, key) {
  return roles.get(key) ?? users.get(key) ?? [];
}
function entriesIn({ reading, accounts }) {
  if (reading.section === "mapAccounts") {
    const mapped = accounts.map(accountEntry);
    return { entries: mapped, kept: mapped, items: [] };
  }
  const entries = [];
  const kept = [];
  const items = reading.items.map((value, index) => {
    const node = reading.list?.items[index] ?? value.node;
    if (value.type !== "map") return { node, read: null };
    const decoded = decodeEntry(value, reading.section);
    const isKept = decoded.arn !== "" && !decoded.sso;
    const entry = makeEntry(reading.section, decoded, node.start, isKept, index);
    if (entry.arn !== "") entries.push(entry);
    if (isKept) kept.push(entry);
    return { node, read: { entry, map: value, decoded } };
  });
  return { entries, kept, items };
}
function makeEntry(section, { arn, username, groups }, { line, column }, isKept, index) {
  const reachable = isKept && isMatchable(arn);
  return { section, arn, username, groups, line: line + 1, column: column + 1, reachable, index };
}
function accountEntry({ id, index, node: { start } }) {
  const reachable = isAccountId(id);
  const place2 = { line: start.line + 1, column: start.column + 1 };
  return { section: "mapAccounts", arn: id, username: "", groups: [], ...place2, reachable, index };
}
function buildLookup(entries, kept) {
  const of = (section) => kept.filter((entry) => entry.section === section);
  const accounts = of("mapAccounts").map((account2) => account2.arn);
  return {
    roles: byFold(lastOfKey(of("mapRoles"), (entry) => goLower(entry.arn))),
    users: byFold(lastOfKey(of("mapUsers"), (entry) => entry.arn)),
    accounts: new Set(accounts),
    items: byFold(entries.filter((entry) => entry.section !== "mapAccounts"))
  };
}
function lastOfKey(entries, keyOf) {
  const last = /* @__PURE__ */ new Map();
  for (const entry of entries) last.set(keyOf(entry), entry);
  return [...last.values()].sort((a, b) => a.index - b.index);
}
function byFold(entries) {
  const byArn = /* @__PURE__ */ new Map();
  for (const entry of entries) {
    const fold = goFold(entry.arn);
    const same = byArn.get(fold);
    if (same === void 0) byArn.set(fold, [entry]);
    else same.push(entry);
  }
  return byArn;
}
var CALLER = new RegExp(
  `^arn:(?:${PARTITIONS.join("|")}):(?:iam::[0-9]{12}:(?:role/[a-z0-9_+=,.@-]{1,64}|user/[!-~]+|root)|sts::[0-9]{12}:federated-user/[!-~]+)$`
);
function isMatchable(arn) {
  return CALLER.test(goFold(arn));
}
function isAccountId(text) {
  return /^[0-9]{12}$/.test(text);
}

// src/aws-auth/render.ts
function quote2(text) {
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, escapeUnit);
}
function escapeUnit(unit) {
  return /[\p{L}\p{N}\p{P}\p{S}\p{Cs}]/u.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// src/aws-auth/wildcards.ts
var WILDCARD = /[*?]/;
function isWildcard({ section, arn }) {
  return section === "mapRoles" && WILDCARD.test(arn);
}

// src/aws-auth/entry-problems.ts
var CODE = "readers-differ";
var FIELDS = ["arn", "username", "groups"];
var WILDCARD2 = "Most releases of the authenticator read the wildcard as a letter, so the entry matches no caller. The newest releases match every ARN that fits.";
function itemProblems(reading, { node: item, read }) {
  const { section } = reading;
  if (read === null) return [noMapping(section, item)];
  const { entry, map, decoded } = read;
  return [
    ...fieldProblems(entry, map, decoded),
    ...unknownFields(section, map),
    ...identityProblems(entry, item, decoded),
    ...nameProblems(entry, item, decoded),
    ...readerProblems(reading, read)
  ];
}
function noMapping(section, item) {
  const message = "The authenticator skips this item: it is not an entry.";
  const remedy = `Write ${fieldKey("arn", section)}, username and groups under the dash, or remove the item.`;
  return problemAt(section, item.start, "item-not-an-entry", "error", message, remedy);
}
function identityProblems(entry, item, { sso, uses }) {
  const { section, arn } = entry;
  const key = fieldKey("arn", section);
  const ssoNode = uses.find((use) => use.name === "sso")?.key ?? item;
  if (sso && arn !== "") {
    const message2 = `This entry has both ${key} and sso, so the authenticator skips it.`;
    return [problemAt(section, ssoNode.start, "arn-and-sso", "error", message2, "Remove sso.")];
  }
  if (sso) {
    const message2 = "EKS does not match entries by sso, so this entry matches no caller.";
    const remedy = "Write the rolearn of the AWSReservedSSO role, without its path.";
    return [problemAt(section, ssoNode.start, "sso-entry", "error", message2, remedy)];
  }
  if (arn !== "") return arnProblems(entry, lastUse(uses, "arn")?.value.node ?? item);
  if (uses.some((use) => use.name === "arn" && use.value.type !== "string" && use.value.type !== "null")) return [];
  const message = `This entry has no ${key}, so the authenticator skips it.`;
  return [problemAt(section, item.start, "arn-missing", "error", message, `Write ${key}, or remove the entry.`)];
}
function unknownFields(section, map) {
  const problems = [];
  for (const [name2, { key }] of map.fields) {
    const near = knownField(name2, section) === null ? nearField(name2, section) : null;
    if (near === null) continue;
    const message = `The authenticator does not read ${JSON.stringify(name2)}.`;
    problems.push(
      problemAt(section, key.start, "field-unknown", "warning", message, `Write ${near}, or remove the field.`)
    );
  }
  return problems;
}
var NEAR_NAMES = {
  arn: "rolearn in mapRoles, userarn in mapUsers",
  role: "rolearn",
  rolearn: "rolearn in mapRoles",
  rolarn: "rolearn",
  user: "username",
  userarn: "userarn in mapUsers",
  username: "username",
  name: "username",
  group: "groups",
  groups: "groups",
  kubernetesgroups: "groups"
};
function nearField(name2, section) {
  const plain = name2.toLowerCase().replace(/[^a-z]/g, "");
  if (section === "mapUsers" && plain === "user") return "userarn or username";
  return Object.hasOwn(NEAR_NAMES, plain) ? NEAR_NAMES[plain] ?? null : null;
}
function arnProblems(entry, node) {
  const { section, arn } = entry;
  const reading = readPrincipal(arn);
  if (reading.type === "principal") {
    const { kind } = reading.principal;
    if (kind === "role" === (section === "mapRoles")) return [];
    const message2 = `This ARN names a ${kind}, but it is in ${section}. It works there, but people overlook it.`;
    const remedy2 = `Move the entry to ${kind === "role" ? "mapRoles" : "mapUsers"}.`;
    return [problemAt(section, node.start, "arn-in-other-section", "notice", message2, remedy2)];
  }
  const remedy = reading.suggestion === void 0 ? "Correct the ARN, or remove the entry." : `Write ${reading.suggestion}.`;
  if (!isMatchable(arn)) {
    const message2 = `${isWildcard(entry) ? WILDCARD2 : "This entry matches no caller."} ${reading.message}`;
    return [problemAt(section, node.start, reading.code, "error", message2, remedy)];
  }
  if (reading.code === "arn-root") {
    const message2 = "This entry lets the root user of an account sign in.";
    return [problemAt(section, node.start, reading.code, "warning", message2, "Map a role instead.")];
  }
  if (isAscii(arn)) return [];
  const message = "This ARN has a letter that only looks like an ASCII letter. Some releases of the authenticator match it anyway.";
  return [problemAt(section, node.start, "arn-confusable", "warning", message, "Retype the ARN.")];
}
function readerProblems(reading, { map, decoded }) {
  const uses = FIELDS.flatMap((name2) => lastUse(decoded.uses, name2) ?? []);
  return [...mergedFields(reading, map, uses), ...uses.flatMap((use) => valueProblems(reading, use))];
}
function mergedFields({ section }, { node }, uses) {
  const merged = uses.filter((use) => use.merged).map(({ name: name2 }) => fieldKey(name2, section));
  if (merged.length === 0) return [];
  const message = `This entry gets fields from << (${merged.join(", ")}). Tools that read YAML 1.2 do not see them.`;
  const [first] = node.pairs.map((pair) => pair.key).filter(isMerge);
  return [problemAt(section, (first ?? node).start, CODE, "notice", message, "Write the fields out in the entry.")];
}
function valueProblems(reading, { value }) {
  const values = value.type === "list" ? value.items : [value];
  return values.flatMap((item) => textProblem(reading, item));
}
function textProblem({ section, text }, value) {
  if (value.type !== "string") return [];
  const { node } = value;
  const seen = seenByYaml12(node, text?.slice(node.start.at, node.end) ?? "");
  if (seen === null) return [];
  const meant = quote2(value.value);
  const message = `The authenticator reads the text ${meant} here, but tools that read YAML 1.2 ${seen}.`;
  return [problemAt(section, node.start, CODE, "notice", message, `Write ${meant} in its place.`)];
}
function nameProblems(entry, item, { uses }) {
  if (entry.arn === "") return [];
  const username = lastUse(uses, "username");
  const groups = lastUse(uses, "groups");
  const at = username?.value.node ?? item;
  const problems = entry.username === "" ? emptyUsername(entry, at, username?.value.type) : usernameProblems(entry, at);
  for (const [index, group2] of entry.groups.entries()) {
    const node = groups?.value.type === "list" ? groups.value.items[index]?.node : void 0;
    problems.push(...groupProblems(entry, group2, node ?? item));
  }
  return problems;
}
function emptyUsername({ section }, at, type) {
  if (type !== void 0 && type !== "null" && type !== "string") return [];
  const message = "This entry has no username. Its callers get an empty name, and audit logs can't identify them.";
  return [problemAt(section, at.start, "username-empty", "error", message, "Write a username.")];
}
function usernameProblems({ section, username }, at) {
  const warn = (code, message, remedy) => problemAt(section, at.start, code, "warning", message, remedy);
  const problems = [];
  const flaw = flawOf(username);
  if (flaw !== null) problems.push(warn("username-characters", `The username ${flaw}.`, "Correct the username."));
  const unknown = unknownTemplate(username);
  if (unknown !== null)
    problems.push(
      warn(
        "template-unknown",
        `The authenticator does not know the template ${unknown}.`,
        `Use one of ${TEMPLATES.join(", ")}.`
      )
    );
  if (username.includes("{{EC2PrivateDNSName}}") && !isNode({ username }))
    problems.push(
      warn(
        "template-node",
        "{{EC2PrivateDNSName}} lets only EC2 instances sign in.",
        "Use {{SessionName}} after a prefix that ends in a colon."
      )
    );
  if (!hasGuardedSession(username)) {
    const message = "Anyone who assumes this role can choose any username: the session name has no fixed prefix.";
    problems.push(
      warn("template-session", message, "Put a prefix that ends in a colon before it, such as admin:{{SessionName}}.")
    );
  }
  return problems;
}
function groupProblems({ section, arn }, group2, at) {
  const flaw = flawOf(group2);
  const problems = [];
  if (flaw !== null)
    problems.push(
      problemAt(section, at.start, "group-characters", "warning", `The group ${flaw}.`, "Correct the group.")
    );
  if (group2.includes("{{")) {
    const message = "This group has a template, so the session name chooses the group.";
    problems.push(
      problemAt(section, at.start, "template-in-group", "warning", message, "Write the group's full name.")
    );
  }
  if (group2 === MASTERS) {
    const message = `${arn} is in ${MASTERS}: it can do everything, and no RBAC rule limits it.`;
    const remedy = "Bind a group to cluster-admin instead if that is enough.";
    problems.push(problemAt(section, at.start, "masters", "notice", message, remedy));
  }
  return problems;
}

// src/aws-auth/parse.ts
var LISTED = 1e3;
var RANKS = ["notice", "warning", "error"];
var ProblemList = class {
  #listed = [];
  #counts = /* @__PURE__ */ new Map();
  #rests = /* @__PURE__ */ new Map();
  add(found) {
    for (const problem of found) {
      const kind = `${problem.section} ${problem.code}`;
      const count = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, count);
      if (count <= LISTED) this.#listed.push(problem);
      else this.#count(kind, problem);
    }
  }
  all() {
    return [...this.#listed, ...[...this.#rests.values()].map(asProblem)];
  }
  #count(kind, problem) {
    const rest = this.#rests.get(kind) ?? { first: problem, count: 0, severity: problem.severity };
    rest.count += 1;
    if (RANKS.indexOf(problem.severity) > RANKS.indexOf(rest.severity)) rest.severity = problem.severity;
    this.#rests.set(kind, rest);
  }
};
var ONE_EACH = "Keep one entry for each ARN, with all its groups.";
function parseDocument(data) {
  return withProblems(readDocument(data));
}
function withProblems(reading) {
  let problems = null;
  const found = reading.parts.flatMap((part) => part.problems);
  return {
    ...reading.document,
    blocking: inOrder(found.filter(({ code }) => isBlocking(code))),
    get problems() {
      problems ??= inOrder(problemsOf(reading));
      return problems;
    }
  };
}
function problemsOf({ document, parts }) {
  const problems = new ProblemList();
  problems.add(documentProblems(document.data));
  for (const part of parts) {
    problems.add(part.problems);
    problems.add(oldBreaks(part.reading));
    problems.add(layoutProblems(part.reading));
    problems.add(accountProblems(part));
    problems.add(shadowProblems(part.kept, document.lookup));
    for (const item of part.items) problems.add(itemProblems(part.reading, item));
  }
  return problems.all();
}
function inOrder(problems) {
  const rank = ({ section }) => section === null ? -1 : SECTIONS.indexOf(section);
  const place2 = (some, other) => (some ?? 0) - (other ?? 0);
  return problems.sort(
    (a, b) => rank(a) - rank(b) || place2(a.line, b.line) || place2(a.column, b.column) || (a.code < b.code ? -1 : 1)
  );
}
function* shadowProblems(kept, lookup) {
  for (const entry of kept) {
    const rivals = competingEntries(entry, lookup);
    const winner = rivals.at(-1);
    if (winner === void 0 || winner === entry) continue;
    yield rivals.includes(entry) ? ambiguous(entry, winner) : shadowed(entry, winner);
  }
}
function shadowed(entry, winner) {
  const isSame = entry.username === winner.username && sameList(entry.groups, winner.groups);
  const message = `This entry for ${entry.arn} has no effect: the entry in ${winner.section}, line ${winner.line}, replaces all of it.`;
  return problemAt(entry.section, place(entry), "entry-shadowed", isSame ? "warning" : "error", message, ONE_EACH);
}
function ambiguous(entry, other) {
  const message = `This entry for ${entry.arn} and the one in line ${other.line} differ only in upper and lower case. The authenticator picks one at random.`;
  return problemAt(entry.section, place(entry), "entry-ambiguous", "error", message, ONE_EACH);
}
function place({ line, column }) {
  return { line: line - 1, column: column - 1 };
}
function asProblem({ first, count, severity }) {
  const others = count === 1 ? "" : ` ${(count - 1).toLocaleString("en")} more of these follow.`;
  return { ...first, severity, message: `${first.message}${others}` };
}
function* accountProblems({ reading, accounts }) {
  if (reading.section !== "mapAccounts") return;
  for (const { id, node } of accounts) yield* accountProblem(id, node);
  const decoded = new Set(accounts.map((account2) => account2.index));
  for (const [index, item] of (reading.list?.items ?? []).entries()) {
    if (!decoded.has(index)) yield notAnAccount(item.start);
  }
}
function accountProblem(id, node) {
  const section = "mapAccounts";
  if (!isAccountId(id)) {
    const message2 = `${JSON.stringify(id)} is not an AWS account, so it matches no caller.`;
    return [
      problemAt(
        section,
        node.start,
        "account-invalid",
        "error",
        message2,
        "Write the 12 digits of the account, in quotes."
      )
    ];
  }
  const message = `Every IAM role and user of account ${id} can sign in, each under its own ARN and with no groups.`;
  const remedy = "If you don't want that, map single roles instead.";
  const mapped = problemAt(section, node.start, "account-mapped", "notice", message, remedy);
  return node.style === "plain" && id.startsWith("0") ? [mapped, unquoted(id, node)] : [mapped];
}
function notAnAccount(at) {
  const message = "This item is not an AWS account: the authenticator skips it.";
  return problemAt(
    "mapAccounts",
    at,
    "account-invalid",
    "error",
    message,
    "Write the 12 digits of the account, in quotes."
  );
}
function unquoted(id, node) {
  const message = `Account ${id} is not quoted. The authenticator reads it correctly, but other tools drop the zero or read it as octal.`;
  return problemAt("mapAccounts", node.start, "account-unquoted", "warning", message, `Write "${id}".`);
}

// src/aws-auth/config-map.ts
function nameOf({ metadata }) {
  return isRecord(metadata) ? metadata.name : void 0;
}
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function readConfigMapFile(text) {
  const { files, message } = readParts(text);
  const yaml = files.find((candidate) => nameOf(candidate.object) === "aws-auth") ?? files[0] ?? null;
  const json = readJson(text);
  if (json !== null) return { type: "file", file: { ...json, nodes: yaml?.nodes ?? json.nodes } };
  return yaml === null ? { type: "unusable", message } : { type: "file", file: yaml };
}
function readParts(text) {
  let message = "It contains no ConfigMap.";
  const files = [];
  for (const part of splitDocuments(text)) {
    try {
      const file = readPart(text, part);
      if (file !== null) files.push(file);
    } catch (failure2) {
      if (!(failure2 instanceof YamlFailure)) throw failure2;
      message = `It is not YAML: ${failure2.message} in line ${part.line + failure2.line + 1}.`;
    }
  }
  return { files, message };
}
function readPart(text, part) {
  const { root } = parseYaml(part.text);
  const value = root === null ? null : decode(root);
  const map = value === null ? null : configMapIn(value);
  if (map === null) return null;
  const kind = map.fields.get("kind")?.value;
  const isConfigMap = kind?.type === "string" && kind.value === "ConfigMap";
  const data = isConfigMap ? map.fields.get("data")?.value ?? null : map;
  if (!isConfigMap && !SECTIONS.some((section) => map.fields.has(section))) return null;
  const dataMap = data?.type === "map" ? data : null;
  return {
    text,
    form: isConfigMap ? "config-map" : "bare",
    object: plainMap(map),
    dataMap,
    ...dataOf(dataMap, part.line),
    offset: part.offset,
    line: part.line
  };
}
function configMapIn(value) {
  if (value.type !== "map") return null;
  const items = value.fields.get("items")?.value;
  if (items?.type !== "list") return value;
  const maps = items.items.filter((item) => item.type === "map");
  return maps.find((map) => nameIn(map) === "aws-auth") ?? null;
}
function nameIn(map) {
  const metadata = map.fields.get("metadata")?.value;
  const name2 = metadata?.type === "map" ? metadata.fields.get("name")?.value : void 0;
  return name2?.type === "string" ? name2.value : null;
}
function dataOf(map, line) {
  const texts = /* @__PURE__ */ new Map();
  const nodes = /* @__PURE__ */ new Map();
  const notText = [];
  for (const [key, field] of map?.fields ?? []) {
    const text = textOf3(field);
    if (text === null) notText.push({ key, line: line + field.key.start.line + 1, column: field.key.start.column + 1 });
    else texts.set(key, text);
    if (field.value.node.kind === "scalar") nodes.set(key, field.value.node);
  }
  return { data: Object.fromEntries(texts), nodes, notText };
}
function textOf3({ value }) {
  if (value.type === "null") return "";
  return value.type === "string" ? value.value : null;
}
function plainMap(map) {
  return Object.fromEntries([...map.fields].map(([key, field]) => [key, plainValue(field.value)]));
}
function plainValue(value) {
  switch (value.type) {
    case "list":
      return value.items.map(plainValue);
    case "map":
      return plainMap(value);
    default:
      return typeof value.value === "bigint" ? Number(value.value) : value.value;
  }
}
function splitDocuments(text) {
  const documents = [];
  const starts = [...text.matchAll(/^---(?=\s|$)/gm)].map((match) => match.index);
  const cuts = [.../* @__PURE__ */ new Set([0, ...starts])];
  let line = 0;
  for (const [index, offset] of cuts.entries()) {
    const part = text.slice(offset, cuts[index + 1]);
    documents.push({ text: part, offset, line });
    line += part.split("\n").length - 1;
  }
  return documents;
}
function readJson(text) {
  const object = jsonObject(text);
  if (object === null) return null;
  const isConfigMap = object.kind === "ConfigMap";
  const data = isConfigMap ? object.data : object;
  if (!isConfigMap && !SECTIONS.some((section) => Object.hasOwn(object, section))) return null;
  const entries = Object.entries(isRecord(data) ? data : {});
  const texts = entries.flatMap(([key, value]) => typeof value === "string" ? [[key, value]] : []);
  const others = entries.filter(([, value]) => typeof value !== "string" && value !== null);
  return {
    text,
    form: isConfigMap ? "config-map" : "bare",
    object,
    data: Object.fromEntries(texts),
    nodes: /* @__PURE__ */ new Map(),
    dataMap: null,
    offset: 0,
    line: 0,
    notText: others.map(([key]) => ({ key, line: 1, column: 1 }))
  };
}
function jsonObject(text) {
  const object = parseJson(text);
  if (!isRecord(object)) return null;
  if (!Array.isArray(object.items)) return object;
  return object.items.find((item) => isRecord(item) && nameOf(item) === "aws-auth") ?? null;
}
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// src/aws-auth/plan.ts
import { createTwoFilesPatch, FILE_HEADERS_ONLY, formatPatch, structuredPatch } from "diff";

// src/aws-auth/write-config-map.ts
import { stringify } from "yaml";

// src/access/access-error.ts
var catalogue = {
  "aws-access-denied": {
    retry: "after-repair",
    remedy: "Check the trust policy, the external id, MFA conditions and service control policies: AWS gives the same answer for all of them."
  },
  "aws-credentials-expired": { retry: true, remedy: "Renew the worker's own AWS credentials if this goes on." },
  "aws-credentials-missing": {
    retry: "after-repair",
    remedy: "Give the worker an AWS identity, for example an IRSA service account."
  },
  "aws-credentials-invalid": {
    retry: "after-repair",
    remedy: "Check the worker's own AWS credentials, and its clock."
  },
  "aws-request-refused": {
    retry: "after-repair",
    remedy: "Correct in eks-access.yml what AWS's answer names."
  },
  "aws-region-disabled": {
    retry: "after-repair",
    remedy: "Enable the region for the account, or correct the region in eks-access.yml."
  },
  "aws-throttled": { retry: true, remedy: "AWS asked us to slow down." },
  "aws-unreachable": { retry: true, remedy: "Check the worker's network path to AWS." },
  "aws-failing": { retry: true, remedy: "AWS has a fault of its own." },
  "aws-unexpected": { retry: true, remedy: "The worker's log has more of AWS's answer." },
  "creator-unknown": {
    retry: "after-repair",
    remedy: "Name the creator in eks-access.yml, with roleArn or userArn; docs/configuration.md has the forms."
  },
  "creator-mismatch": { retry: "after-repair", remedy: "Correct the creator in eks-access.yml." },
  "principal-mismatch": { retry: false, remedy: "Correct signIn.roles of the cluster in eks-access.yml." },
  "cluster-not-found": { retry: false, remedy: "Correct eksName, region or account in eks-access.yml." },
  "cluster-not-configured": {
    retry: true,
    remedy: "Add the cluster to eks-access.yml again until nothing is open there. If it was deleted, run eks-access retire."
  },
  "cluster-not-active": { retry: true, remedy: "Wait until EKS reports the cluster as ACTIVE." },
  "cluster-mismatch": { retry: "after-repair", remedy: "Correct eksName, region or account in eks-access.yml." },
  "cluster-unreachable": {
    retry: true,
    remedy: "Check the network path from the worker to the cluster's endpoint."
  },
  "cluster-unauthorized": {
    retry: true,
    remedy: "Check that creator in eks-access.yml really created the cluster. If so, the cluster's authenticator may be down."
  },
  "cluster-token-too-large": {
    retry: true,
    remedy: "Make the worker's session smaller: pass on fewer tags from role to role, or set disableSessionTags in its EKS Pod Identity association."
  },
  "cluster-forbidden": {
    retry: "after-repair",
    remedy: "Check that creator in eks-access.yml really created the cluster."
  },
  "cluster-refused-write": {
    retry: false,
    remedy: "An admission webhook or validation of the cluster refused the change; its answer says why."
  },
  "cluster-conflict": {
    retry: true,
    remedy: "Another writer keeps changing aws-auth. Find it with /eks-access check."
  },
  "cluster-throttled": { retry: true, remedy: "The API server asked us to slow down." },
  "cluster-unexpected": { retry: true, remedy: "The worker's log has more of the API server's answer." },
  // It can be ours: if the answer to its creation was lost, the next run finds it.
  "binding-exists": { retry: true, remedy: "Delete the binding of that name, unless eks-access created it." },
  "binding-forbidden": {
    retry: "after-repair",
    remedy: "Let the worker's identity on the cluster create and delete bindings, and use the verb bind on the role."
  },
  "namespace-absent": { retry: false, remedy: "Create the namespace, or ask for another one." },
  "role-absent": { retry: false, remedy: "Create the role in the cluster, or correct the level in eks-access.yml." },
  "access-entry-conflict": {
    retry: true,
    remedy: "Another writer keeps changing this access entry."
  },
  "migration-not-approved": {
    retry: false,
    remedy: "Two approvers of the cluster can approve the plan in Slack: /eks-access migrate shows it."
  },
  "migration-stopped": {
    retry: false,
    remedy: "Repair it and press Try again, or stop the migration and ask for a new one."
  },
  "access-entry-limit": {
    retry: "after-repair",
    remedy: "Delete unused access entries, or ask AWS for a higher quota of access entries for the cluster."
  },
  "access-entry-refused": {
    retry: false,
    remedy: "Check that the role or user exists; name the paths of roles in accessEntries.rolePaths of eks-access.yml."
  },
  "access-entry-mode": {
    retry: true,
    remedy: "Check that the cluster's authentication mode is API or API_AND_CONFIG_MAP."
  },
  "access-entry-late": {
    retry: true,
    remedy: "The worker looks again by itself until then, and removes what arrives."
  },
  "binding-kept": {
    retry: true,
    remedy: "The binding gives its rights until its finalizers are gone. Find who added them with kubectl get -o yaml, and remove them."
  },
  "binding-late": {
    retry: true,
    remedy: "The worker looks again by itself until then, and removes what arrives."
  },
  "access-entry-denied": {
    retry: "after-repair",
    remedy: "Give the role that accessEntries.as names the statements of deploy/iam/access-entries-policy.json."
  },
  "answer-too-large": {
    retry: false,
    remedy: "Find what is so large there, and remove what you don't need."
  },
  "document-absent": {
    retry: false,
    remedy: "Create the ConfigMap aws-auth in kube-system, or set createAwsAuth for the cluster in eks-access.yml."
  },
  // An immutable ConfigMap can't become mutable again (Kubernetes docs, "Immutable ConfigMaps").
  "document-immutable": {
    retry: false,
    remedy: "Kubernetes can't make it mutable again. Save it, remove immutable: true from the copy, and replace it with kubectl replace --force."
  },
  "document-unchanged": { retry: true, remedy: "Repair that; then the worker removes it by itself." },
  "record-changed": { retry: true, remedy: "Another process changed the record. Look at it again." },
  "ledger-unreachable": { retry: true, remedy: "Check that Redis runs and that REDIS_URL is right." },
  "ledger-refused": { retry: false, remedy: "Check the user, the password and the certificates of REDIS_URL." },
  "ledger-schema": {
    retry: false,
    remedy: "Start the eks-access that wrote it. To change the version, follow the runbook Upgrade in docs/operating.md."
  },
  "config-invalid": { retry: false, remedy: "Correct the configuration and start again." },
  "redis-not-found": { retry: false, remedy: "Install redis-server or valkey-server, or set REDIS_URL." },
  "port-in-use": { retry: false, remedy: "Stop the other process, or choose another port." },
  "slack-unreachable": { retry: true, remedy: "Check the network path to Slack." },
  "slack-refused": { retry: false, remedy: "Check the bot's scopes, its token and that it is in the channel." },
  "audit-webhook": { retry: true, remedy: "Check audit.webhook in eks-access.yml, and the server there." },
  "audit-sink-differs": {
    retry: false,
    remedy: "Another installation or an older ledger may have written it. Set another audit.s3.prefix in eks-access.yml."
  },
  unexpected: { retry: true, remedy: "The log has the details." }
};
var failureCodes = Object.keys(catalogue);

// src/access/request/retry.ts
var maxClosedSeconds = 15 * 60;
var clusterTroubleForm = troubleForm.extend({
  /** The first failure. */
  since: timeForm,
  /** When it was over; null: it is not. */
  overAt: timeForm.nullable(),
  /** A digest of the cluster's configuration: a new one can work. */
  configuration: textForm
});

// src/access/policy/person.ts
import { z as z3 } from "zod";
var requesterFactsForm = z3.strictObject({
  memberships: textsForm,
  /** The principal that the requester's Slack account is linked with; null: none, or no rule needs it. */
  linked: textForm.nullable()
});
function isUser(name2) {
  return /^[UW]/.test(name2);
}

// src/access/policy/policy-text.ts
var chosen = "?";
function roleText({ kind, name: name2 }, namespace2) {
  if (namespace2 === null) return `${kind} ${name2}`;
  return `${kind} ${name2} in ${namespace2 === "choose" ? chosen : namespace2}`;
}
function policyTexts({ name: name2, namespaces }) {
  return namespaces ? namespaces.map((namespace2) => `policy ${name2} in ${namespace2}`) : [`policy ${name2}`];
}
var fullControl = ["system:masters", "policy AmazonEKSClusterAdminPolicy", "ClusterRole cluster-admin"];
function isFullControl(given) {
  return fullControl.some((each) => given.includes(each));
}

// src/access/policy/rights.ts
import { z as z4 } from "zod";
var groupRightForm = z4.strictObject({ group: textForm, role: textForm, where: textForm, allows: textForm });
var sensitive = [
  ...["secrets", "pods/exec", "pods/attach", "pods/portforward", "nodes/proxy", "serviceaccounts/token"],
  ...["clusterrolebindings", "clusterroles", "rolebindings", "roles", "users", "groups"]
];
var familiar = [
  ...["pods", "pods/log", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs", "services", "ingresses"],
  ...["configmaps", "persistentvolumeclaims", "serviceaccounts", "namespaces", "nodes", "events"]
];
var places = new Map([...sensitive, ...familiar].map((name2, index) => [name2, index]));

// src/access/request/typed.ts
import { z as z5 } from "zod";
var typedFieldsForm = {
  reason: z5.string(),
  ticket: z5.string().nullable(),
  /** The namespaces that the requester chose, sorted, with commas; empty: none. */
  namespaces: z5.string()
};

// src/access/request/request.ts
var rescueLevel = "rescue";

// src/access/request/extension.ts
var minute = 60;
var hour = 60 * minute;
var day = 24 * hour;
var steps = [30 * minute, hour, 2 * hour, 4 * hour, 8 * hour, 12 * hour, day, 2 * day, 3 * day, 7 * day];
var shortSteps = [5 * minute, 10 * minute, 15 * minute];
var secondsOf = { s: 1, m: 60, h: 3600, d: 86400 };
var PIECE = /(\d{1,6})\s*(d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])\s*/y;
function parseDuration(text) {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "permanent") return permanentSeconds;
  let seconds = 0;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < trimmed.length) {
    const [, count, unit = ""] = PIECE.exec(trimmed) ?? [];
    if (count === void 0) return null;
    seconds += Number(count) * (secondsOf[unit.charAt(0)] ?? 0);
  }
  return seconds > 0 ? seconds : null;
}
var permanentSeconds = 100 * 365 * 86400;
function isPermanent(seconds) {
  return seconds >= permanentSeconds / 2;
}
function formatDuration(seconds) {
  if (isPermanent(seconds)) return "permanent";
  const parts = [];
  let rest = seconds;
  for (const unit of ["d", "h", "m", "s"]) {
    const size = secondsOf[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join(" ") || "0s";
}

// src/config/forms.ts
function textLike(form, message) {
  return z6.string(message).regex(form, message);
}
var account = textLike(/^\d{12}$/, 'write the 12 digits in quotes, for example "111122223333"');
var region = textLike(/^[a-z]{2,4}(-[a-z]+)+-\d$/, "use a region's name, for example eu-central-1");
var roleArn = textLike(
  /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  "use a role's ARN, for example arn:aws:iam::111122223333:role/cluster-creator"
);
var externalId = textLike(/^[\w+=,.@:/-]{2,1224}$/, "use 2 to 1224 letters, digits and _+=,.@:/-");
var slackChannel = textLike(
  /^[CG][A-Z0-9]{2,}$/,
  "use a Slack channel id, for example C012ABCDEF (not a name)"
);
var stepByName = roleArn.transform((arn) => ({ roleArn: arn }));
var stepInFull = z6.strictObject(
  { roleArn, externalId: externalId.optional() },
  "write a role's ARN, or roleArn and externalId"
);
var roleStep = z6.unknown().transform((value, context) => {
  const read = (typeof value === "string" ? stepByName : stepInFull).safeParse(value);
  if (read.success) return read.data;
  for (const { path, message } of read.error.issues) context.addIssue({ code: "custom", path, message });
  return z6.NEVER;
});
var slackUser = textLike(/^[UW][A-Z0-9]{2,}$/, "use a Slack user id, for example U012ABCDEF (not a name)");
var userOrGroup = textLike(
  /^[UWS][A-Z0-9]{2,}$/,
  "use the id of a Slack user or user group, for example U012ABCDEF or S012ABCDEF (not a name)"
);
var labelForm = "write a text of at most 256 characters, in quotes if it is a number or a word such as true or no";
var labelValue = z6.string(labelForm).max(256, labelForm);
var labelName = z6.string().min(1).max(128);
var labels = z6.record(labelName, labelValue);
var wantedLabels = z6.record(labelName, z6.union([labelValue.transform((value) => [value]), z6.array(labelValue).min(1)], labelForm)).refine((wanted) => Object.keys(wanted).length > 0, "name at least one label");
var shortTimeForm = "write a time with its unit, for example 200ms, 3s or 2m";
var shortDuration = textLike(/^[1-9]\d{0,5}(ms|s|m)$/, shortTimeForm).transform((value) => {
  const unit = { ms: 1, s: 1e3, m: 6e4 }[value.replace(/^\d+/, "")] ?? 1;
  return Number.parseInt(value, 10) * unit;
});
var durationForm = "write a duration with its unit, for example 30m, 4h or 1h30m";
var duration = z6.string(durationForm).transform((value, context) => {
  const seconds = parseDuration(value);
  if (seconds !== null && !isPermanent(seconds)) return seconds;
  context.addIssue({ code: "custom", message: durationForm });
  return z6.NEVER;
});
var typeNames = {
  array: "a list",
  object: "a block of settings",
  record: "a block of settings",
  string: "a text",
  number: "a number",
  boolean: "true or false"
};
function problemsOfForm(issues, file, sourceOf2 = (path) => path) {
  const problems = issues.flatMap((issue) => {
    const path = sourceOf2(issue.path);
    if (issue.code !== "unrecognized_keys") return [`${pathOf(path)}: ${sentenceOf(issue, valueAt(file, path))}.`];
    return issue.keys.map((key) => {
      const at = pathOf(sourceOf2([...issue.path, key]));
      return `${at}: eks-access has no such setting. Check its spelling, or remove it.`;
    });
  });
  return [...new Set(problems)];
}
function sentenceOf(issue, found) {
  const how = howTo(issue);
  if (found === void 0) return `it is missing; ${how}`;
  if (found === null) return `it is empty; ${how}`;
  if (issue.code === "invalid_type") return `it is ${nameOf2(found)}; ${how}`;
  return how;
}
function howTo(issue) {
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.code === "invalid_value") return `use ${issue.values.map(String).join(" or ")}`;
  if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid input")) return issue.message;
  return `write ${typeNames[issue.expected] ?? issue.expected}`;
}
function nameOf2(value) {
  return typeNames[Array.isArray(value) ? "array" : typeof value] ?? "something else";
}
function valueAt(file, path) {
  return path.reduce(
    (value, part) => typeof value === "object" && value !== null && Object.hasOwn(value, part) ? value[part] : void 0,
    file
  );
}
function pathOf(path) {
  return path.reduce((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text ? `${text}.${String(part)}` : String(part);
  }, "") || "eks-access.yml";
}
function problemOfYaml(error) {
  if (!(error instanceof YAMLException)) return "eks-access.yml: eks-access can't read it as YAML. Check its syntax.";
  const { mark, reason } = error;
  if (reason.includes("the input is empty")) return "eks-access.yml: it is empty. Start from eks-access.example.yml.";
  const where = mark ? ` line ${mark.line + 1}, column ${mark.column + 1}` : "";
  return `eks-access.yml${where}: the YAML is not valid. Correct it here: ${reason}.`;
}

// src/config/audit-file.ts
var actor = { roleArn: roleArn.optional(), externalId: externalId.optional() };
var bucketSink = z7.strictObject({
  bucket: textLike(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "use a bucket's name"),
  region,
  account,
  prefix: textLike(/^([\w!.*'()-]+\/)*$/, "use a prefix that ends with a slash, for example audit/").default(""),
  lockFor: duration.optional(),
  ...actor
});
var busSink = z7.strictObject({
  bus: textLike(
    /^arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:event-bus\/[\w./-]+$/,
    "use an event bus's ARN, for example arn:aws:events:eu-central-1:111122223333:event-bus/audit"
  ),
  ...actor
});
var webhookSink = z7.strictObject({
  url: textLike(
    /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?\/)[^\s@#]+$/,
    "use an https address without a user and password"
  )
});
var auditFile = z7.strictObject({
  channel: slackChannel.optional(),
  anchorEvery: duration.default(24 * 3600),
  keep: duration.refine((seconds) => seconds >= 7 * 24 * 3600, "keep events for at least 7d").optional(),
  copyToLog: z7.boolean().default(true),
  s3: bucketSink.optional(),
  eventBridge: busSink.optional(),
  webhook: webhookSink.optional()
}).prefault({});
function sinksOf({ s3, eventBridge, webhook }) {
  return {
    s3: s3 ? { ...s3, lockSeconds: s3.lockFor ?? null } : null,
    eventBridge: eventBridge ? { ...eventBridge, busArn: eventBridge.bus } : null,
    webhook: webhook ?? null
  };
}

// src/config/config-file.ts
import { z as z13 } from "zod";

// src/access/policy/rule.ts
var clusterRule = {
  name: "",
  who: null,
  levels: null,
  principals: { accounts: null, arns: null, linkedOnly: false },
  maxDurationSeconds: null,
  permanent: false,
  approvals: null,
  approvers: null,
  selfApproval: false,
  shared: null,
  hours: null
};
function approversOf(rule3, cluster2) {
  return rule3.approvers ?? cluster2.approvers;
}
function approvalsNeeded(rule3, level2, moment) {
  const usual = rule3.approvals ?? (isFullControl(level2.groups) ? 2 : 1);
  return moment && isOutside(rule3, moment) && rule3.hours?.outside === "one-more-approval" ? usual + 1 : usual;
}
function maxApprovalsNeeded(rule3, level2) {
  return approvalsNeeded(rule3, level2, null) + (rule3.hours?.outside === "one-more-approval" ? 1 : 0);
}
function isOutside({ hours: hours2 }, moment) {
  return hours2 !== null && !isWithin(hours2, moment);
}
var dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
function isWithin(hours2, moment) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: hours2.zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23"
  }).formatToParts(moment);
  const read = (type) => parts.find((part) => part.type === type)?.value ?? "";
  const minutes = Number(read("hour")) * 60 + Number(read("minute"));
  return hours2.days.includes(dayNames.indexOf(read("weekday")) + 1) && hours2.from <= minutes && minutes < hours2.to;
}

// src/access/request/record.ts
import { z as z9 } from "zod";

// src/access/lease/lease-record.ts
import { z as z8 } from "zod";
var shareForm = z8.strictObject({
  id: textForm,
  groups: textsForm,
  endsAt: timeForm,
  level: textForm,
  requester: textForm,
  /** The person who asked for the requester; absent: the requester. */
  askedBy: textForm.optional(),
  emergency: z8.boolean(),
  approvers: textsForm
});
var writtenForm = z8.strictObject({
  entryAdded: z8.boolean(),
  added: textsForm,
  way: wayForm,
  share: shareForm,
  seal: textForm
});
var leaseEndForm = z8.strictObject({
  /**
   * - `replayed`: a person put an old copy of the record into the ledger, after a revocation
   * - `cluster-gone`: an operator closed it, because the cluster no longer exists
   */
  cause: z8.enum(["expired", "revoked", "replayed", "cluster-gone"]),
  by: textForm,
  /** The time of the decision; `endedAt` is the time when the access was gone. */
  at: timeForm,
  why: textForm
});
var leaseFields = z8.strictObject({
  /** Counted from the sealed decision: an attacker with Redis can't move it, and an old approval never works after its end. */
  endsAt: timeForm,
  /**
   * When the first write to the cluster began; null: nothing of it is there. The ledger has it before the write, so that a process that dies
   * in between leaves nothing unknown.
   */
  writeBegan: timeForm.nullable(),
  /** When its bindings were last sent again, so that an earlier call may still arrive; null: never. */
  sentAgainAt: timeForm.nullable(),
  /** When the proof was complete; null before. */
  activeSince: timeForm.nullable(),
  proof: proofForm.nullable(),
  /** When to check whether the principal signed in; null: no sign-in is due. */
  signInDueAt: timeForm.nullable(),
  /** Set during retries of a sign-in without a result. */
  signInTrouble: troubleForm.nullable(),
  /** Set while the API server has not answered about the lease's rights. */
  reviewTrouble: troubleForm.nullable(),
  /** What it added to the cluster; set when it becomes active. */
  written: writtenForm.nullable(),
  /** Set while others' change keeps its part out of the cluster: one clause for people. */
  drift: z8.strictObject({ at: timeForm, message: textForm }).nullable(),
  warnAt: timeForm.nullable(),
  warnedAt: timeForm.nullable(),
  /** Set while an active lease waits for its removal. */
  end: leaseEndForm.nullable(),
  /** When its approval became void, while the cluster may have or get a part of it. A void lease sends nothing more. */
  voidSince: timeForm.nullable(),
  /** Whether the cluster could not remember its revocation. */
  isForgotten: z8.boolean(),
  /** What was verified after the end; null: nothing, for example because the cluster is gone. */
  endProof: endProofForm.nullable(),
  /** The principal's identity in aws-auth after the end: the base, or that of other leases. */
  remains: identityForm.nullable()
});
var neither = { endedAt: z8.null(), failure: z8.null() };
var leaseForm = z8.discriminatedUnion("state", [
  leaseFields.extend({ state: z8.literal("scheduled"), ...neither }),
  leaseFields.extend({ state: z8.literal("active"), ...neither, activeSince: timeForm }),
  leaseFields.extend({ state: z8.literal("ended"), ...neither, endedAt: timeForm }),
  leaseFields.extend({ state: z8.literal("failed"), ...neither, failure: codedReasonForm })
]);
var otherLeaseForm = z8.strictObject({ id: textForm, groups: textsForm, endsAt: timeForm });

// src/access/request/record.ts
var previewForm = z9.strictObject({
  at: timeForm,
  /** Digest of the change, in the button and in the decision. */
  digest: textForm,
  way: wayForm,
  /** Unified difference of the document or of the access entry, as text. */
  diff: textForm,
  /** The principal's present identity in the cluster; null: it can't sign in through aws-auth. */
  today: identityForm.nullable(),
  base: identityForm.nullable(),
  /** The principal's other leases; the digest covers them. */
  leases: z9.array(otherLeaseForm),
  afterwards: identityForm,
  /** The rights of the groups by role bindings; null: unreadable. */
  rights: z9.array(groupRightForm).nullable(),
  warnings: textsForm,
  /** The worker's, over all fields above and the request's id. */
  seal: textForm
});
var decisionForm = z9.strictObject({
  /** `emergency`: the requester's own declaration, in place of approvals. */
  verdict: z9.enum(["approved", "denied", "emergency"]),
  by: textForm,
  /** An unreadable time counts as void, like a future date: a run reports it. */
  at: textForm,
  digest: textForm,
  why: textForm,
  /** The approver's user groups in the policy, by Slack at that moment. The worker can't ask Slack, so it uses these and `requester`. */
  memberships: textsForm,
  /** The requester's facts at that moment; null: nothing depends on it (emergency access, a migration). */
  requester: requesterFactsForm.nullable(),
  /** The ARN that the approver's account was linked with at that moment; null: none, or nothing depends on it. */
  linked: textForm.nullable(),
  /**
   * Of an approval: all counting approvers, this one included. The Slack process then confirmed that each has an active account and is an
   * approver. Empty in a denial and for an emergency.
   */
  stillApprovers: textsForm,
  /** Signed with the decision key, over all fields above and the request's id: `<key id>.<signature>`. */
  seal: textForm
});
var droppedForm = z9.strictObject({ by: textForm, at: timeForm, why: textForm });
var reviewForm = z9.strictObject({ by: textForm, at: textForm, seal: textForm });
var emergencyForm = z9.strictObject({
  review: reviewForm.nullable(),
  /** When the next reminder of the review is due. */
  remindAt: timeForm,
  reminders: countForm,
  /** Only of a rescue: the ARN of its person, by AWS. They gave their Slack id themselves. Null: no rescue. */
  as: textForm.nullable()
});
var remindersForm = z9.strictObject({ sent: countForm, nextAt: timeForm.nullable() });
var voidedForm = z9.strictObject({ by: textsForm, message: textForm });
var requestFields = z9.strictObject({
  id: textForm,
  /** Counts the changes, from 1; the ledger compares it before each write. */
  version: z9.int().positive(),
  /** The person who gets the lease. */
  requester: textForm,
  /** The person who asked for the requester; null: the requester. */
  askedBy: textForm.nullable(),
  requesterFacts: requesterFactsForm,
  cluster: textForm,
  level: textForm,
  /** ARN as in the document. */
  principal: textForm,
  /** The level's groups and access policies when the request was made. */
  groups: textsForm,
  durationSeconds: z9.number().positive(),
  ...typedFieldsForm,
  createdAt: timeForm,
  /** After this time no approval is possible. */
  expiresAt: timeForm,
  /** The end of an extension. Null: the lease counts from the last approval. */
  until: timeForm.nullable(),
  /** The id of the request to extend; null: no extension. */
  extends: textForm.nullable(),
  /** Null: the worker has yet to look, for the first time or again. Always null for an emergency. */
  preview: previewForm.nullable(),
  /** Set with the preview, when the approvers are asked. */
  reminders: remindersForm.nullable(),
  /** The sealed approvals, of different people, oldest first. */
  approvals: z9.array(decisionForm),
  /** Approvals of people who are no longer approvers: they do not count. */
  dropped: z9.array(droppedForm),
  /** How many approvals it needs, for messages: the worker asks the policy again before it writes. */
  approvalsWanted: countForm,
  trouble: troubleForm.nullable(),
  voided: voidedForm.nullable()
});
var nothing = { lease: z9.null(), emergency: z9.null(), denial: z9.null(), refusal: z9.null() };
var accessRequestForm = z9.discriminatedUnion("state", [
  requestFields.extend({ state: z9.literal("pending"), ...nothing }),
  requestFields.extend({
    state: z9.literal("approved"),
    ...nothing,
    approvals: z9.array(decisionForm).min(1),
    lease: leaseForm,
    emergency: emergencyForm.nullable()
  }),
  requestFields.extend({ state: z9.literal("denied"), ...nothing, denial: decisionForm }),
  requestFields.extend({ state: z9.enum(["cancelled", "expired"]), ...nothing }),
  requestFields.extend({ state: z9.literal("refused"), ...nothing, refusal: codedReasonForm })
]);

// src/access/approval/decision.ts
var approversConfirmedForSeconds = 8 * 3600;

// src/access/request/ticket.ts
import { RE2JS } from "re2js";
function isTicketPattern(text) {
  try {
    return RE2JS.compile(text) instanceof RE2JS;
  } catch {
    return false;
  }
}

// src/operations/deadlines.ts
import { AsyncLocalStorage } from "node:async_hooks";
var limits = new AsyncLocalStorage();
var deadlineTable = {
  awsCall: {
    ms: 3e3,
    why: "one HTTP call to STS, EKS or CloudTrail: they answer within one second, and the SDK tries again at once"
  },
  clusterCall: { ms: 5e3, why: "one call that reads from an API server or asks it for a review" },
  clusterWrite: { ms: 1e4, why: "one write to an API server: an admission webhook may take ten seconds" },
  run: {
    ms: 8e3,
    why: "one run that previews or gives access, and 0.1 s for each access entry or lease: others on its cluster wait for it"
  },
  longRun: { ms: 2e4, why: "one run that ends access or inspects a cluster: no request waits for it" },
  signIn: { ms: 45e3, why: "signing in as principals: EKS lets an access entry in after some seconds" },
  migration: {
    ms: 6e5,
    why: "one step of a migration: EKS takes minutes to switch a cluster's authentication mode"
  },
  question: { ms: 6e4, why: "what a worker looks up for a person, who waits in Slack" },
  workerAnswer: { ms: 8e3, why: "a worker says that it is alive: longer than `jobLock`" },
  jobLock: { ms: 5e3, why: "another worker takes the jobs of one that died, or that had no processor for so long" },
  messageLock: { ms: 1e4, why: "the same for messages, which Slack may answer late" },
  acknowledge: { ms: 2e3, why: "what changes something is recorded: Slack waits three seconds, the way included" },
  answer: { ms: 200, why: "an answer comes with the acknowledgement itself: what takes longer follows it" },
  seenBefore: { ms: 300, why: "Redis checks for a repeated request: the acknowledgement waits for it" },
  webhook: { ms: 8e3, why: "one batch of audit events to the webhook: no person waits for it" },
  slackCall: { ms: 2500, why: "one call to Slack for which a person waits: a trigger lives for three seconds" },
  slackBackground: { ms: 1e4, why: "one call to Slack for which only a queue waits" }
};
function mapDeadlines(make) {
  const entries = Object.entries(deadlineTable).map(([name2, { ms }]) => [name2, make(ms, name2)]);
  return Object.fromEntries(entries);
}
var usualDeadlines = mapDeadlines((ms) => ms);

// src/config/fleet-file.ts
import { z as z10 } from "zod";
var rolePattern = textLike(
  /^arn:[a-z-]+:iam::(\d{12}|\{account\}):role\/[\w+=,.@/-]+$/,
  "use a role's ARN, with {account} for the account, for example arn:aws:iam::{account}:role/eks-access-operator"
);
var namePattern = textLike(
  /^([a-z0-9-]|\{(name|account|region)\})*\{name\}([a-z0-9-]|\{(name|account|region)\})*$/,
  'use {name}, and {account} or {region} where names repeat, for example "{name}-{account}"'
);
var fleetFile = z10.strictObject({
  accounts: z10.array(account).min(1, "name at least one account"),
  regions: z10.array(region).min(1, "name at least one region"),
  roleArn: rolePattern,
  externalId: externalId.optional(),
  through: z10.array(roleStep).default([]),
  clusters: wantedLabels.optional(),
  name: namePattern.default("{name}"),
  templates: z10.array(
    z10.strictObject({
      template: z10.union([z10.string(), z10.array(z10.string()).min(1)], "name a template, or a list of them"),
      clusters: wantedLabels.optional()
    })
  ).default([]),
  // A cluster takes no requests if the list did not show it for an hour.
  every: duration.refine((seconds) => seconds >= 10 && seconds <= 1800, "use 10s to 30m").default(300),
  tagsCountAfter: duration.default(24 * 3600)
});
function fleetOf(file, selectors, names, problems) {
  const { accounts, regions, roleArn: roleArn2, externalId: id, through, clusters = null, every, tagsCountAfter } = file;
  const wanted = [...selectors, ...file.templates.map((each) => each.clusters ?? {}), clusters ?? {}];
  return {
    ...{ accounts, regions, clusters, names, problems },
    rolesFor: (of) => [...through, { roleArn: roleArn2.replace("{account}", of), ...id && { externalId: id } }],
    everySeconds: every,
    tagsCountAfterSeconds: tagsCountAfter,
    deciding: new Set(wanted.flatMap((each) => Object.keys(each)))
  };
}
var nameForm = /^[a-z0-9][a-z0-9-]{0,62}$/;
function nameFleet(pattern, clusters, taken) {
  const named = clusters.map((cluster2) => ({ cluster: cluster2, name: nameOf3(pattern, cluster2) }));
  const firstSeen = /* @__PURE__ */ new Map();
  for (const { cluster: cluster2, name: name2 } of named) firstSeen.set(name2, earliest([...firstSeen.get(name2) ?? [], cluster2]));
  return named.map(({ cluster: cluster2, name: name2 }) => {
    const isFirst = firstSeen.get(name2)?.length === 1 && firstSeen.get(name2)?.[0] === cluster2;
    const where = `the EKS cluster ${cluster2.eksName} in ${cluster2.region} of account ${cluster2.account}`;
    const unnamed = (why) => ({ type: "unnamed", cluster: cluster2, problem: `fleet: ${where} ${why}` });
    if (!nameForm.test(name2)) {
      return unnamed(
        `would be ${name2}: use at most 63 letters, digits and hyphens. Write it under clusters with a name.`
      );
    }
    if (taken.has(name2) || !isFirst) {
      return unnamed(
        `would be ${name2}, as another cluster. Set fleet.name to "{name}-{account}", or write it under clusters with a name.`
      );
    }
    return { type: "named", name: name2, cluster: cluster2 };
  });
}
function earliest(clusters) {
  return clusters.filter(({ since }) => clusters.every((other) => since <= other.since));
}
function nameOf3(pattern, { eksName: eksName2, account: of, region: at }) {
  const values = { name: eksName2, account: of, region: at };
  const filled = pattern.replace(/\{(name|account|region)\}/g, (_, key) => values[key]);
  return filled.toLowerCase().replaceAll("_", "-");
}
function templatesFor({ templates }, labels2) {
  const line = templates.find(({ clusters }) => hasLabels(clusters ?? {}, labels2));
  return [line?.template ?? []].flat();
}

// src/config/identity-rules.ts
import { z as z11 } from "zod";
var maxSeconds = 8 * 3600;
var instanceArn = textLike(
  /^arn:[a-z-]+:sso:::instance\/(sso)?ins-[\w.-]{16}$/,
  "use the ARN of the instance, for example arn:aws:sso:::instance/ssoins-1234567890abcdef"
);
var identityStoreId = textLike(
  /^(d-[0-9a-f]{10}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
  "use the id of the identity store, for example d-1234567890"
);
var identityCenter = z11.strictObject({
  region,
  instanceArn,
  identityStoreId,
  roleArn,
  externalId: externalId.optional(),
  // Approvals rely on it for so long, and people leave.
  keepFor: duration.refine((seconds) => seconds <= maxSeconds, "use at most 8h, because people leave").default(900)
});
var places2 = /\{(?!account\}|email\})|\{\w+(?!\w*\})/;
var rule = z11.strictObject({
  arn: textLike(
    /^arn:[a-z-]+:iam::(\d{12}|\{account\}):(role|user)\/[\w+=,.@/{}-]+$/,
    "use the ARN of a role or user with {account} and {email}, for example arn:aws:iam::{account}:role/dev"
  ).refine((arn) => !places2.test(arn), "use the places {account} and {email} alone"),
  session: textLike(/^[\w+=,.@{}-]{2,64}$/, "use the session's name, for example {email}").refine((session) => session.includes("{email}") && !places2.test(session), "name the person with {email}").optional()
});
var way = "write links, or one of identityCenter and rule";
var source = z11.union([z11.literal("links"), z11.strictObject({ identityCenter }), z11.strictObject({ rule })], way);
var identitiesFile = z11.array(source).min(1, "name at least one way, or remove identities").refine((sources) => new Set(sources.map(kindOf2)).size === sources.length, "name each way once").default(["links"]);
function identityCenterPaths(sources, regions) {
  const known = sources.flatMap(
    (each) => typeof each === "object" && "identityCenter" in each ? each.identityCenter.region : []
  );
  const reserved = "/aws-reserved/sso.amazonaws.com/";
  const possible = [...new Set(known.length > 0 ? known : regions)].map((each) => `${reserved}${each}/`);
  return [...possible, reserved];
}
function kindOf2(written2) {
  return typeof written2 === "string" ? written2 : Object.keys(written2).join();
}
function identityRulesOf(sources) {
  const kept = sources.flatMap(
    (each) => typeof each === "object" && "identityCenter" in each ? each.identityCenter.keepFor : []
  );
  return { sources: sources.map(sourceOf), keepSeconds: kept[0] ?? 900 };
}
function sourceOf(written2) {
  if (written2 === "links") return { type: "links" };
  if ("rule" in written2) return { type: "rule", arn: written2.rule.arn, session: written2.rule.session ?? null };
  const { keepFor: _, ...settings } = written2.identityCenter;
  return { type: "identity-center", settings };
}

// src/config/policy-file.ts
import { z as z12 } from "zod";
var listed = z12.array(z12.string());
var selected = z12.union([listed, wantedLabels], "write a list of names, or labels, for example { env: production }");
var person = textLike(
  /^[UWS][A-Z0-9]{2,}$|^@[a-z0-9-]+(\.[a-z0-9-]+)+$/,
  'use the id of a Slack user or user group, or an e-mail domain in quotes, for example U012ABCDEF, S012ABCDEF or "@example.com"'
);
var arnPattern = textLike(
  /^arn:[\w+=,.@:/*-]+$/,
  "use an ARN; * matches any text, for example arn:aws:iam::111122223333:role/dev-*"
);
var dayNames2 = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
var clockForm = 'use a time of day in quotes, for example "09:00"';
var clock = textLike(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, clockForm).transform((written2) => {
  const [hour2 = 0, minute2 = 0] = written2.split(":").map(Number);
  return hour2 * 60 + minute2;
});
var zoneForm = "use a time zone's name, for example Europe/Zurich";
var zone = z12.string(zoneForm).refine(isZone, zoneForm);
var hours = z12.strictObject({
  zone,
  days: z12.array(z12.enum(dayNames2)).min(1, "name at least one day").default(["mon", "tue", "wed", "thu", "fri"]),
  from: clock,
  to: clock,
  outside: z12.enum(["refuse", "warn", "one-more-approval"]).default("refuse")
}).refine(({ from, to }) => from < to, "make the end later than the start; write two rules for a night").transform(({ days, ...rest }) => ({ ...rest, days: days.map((day2) => dayNames2.indexOf(day2) + 1) }));
var rule2 = z12.strictObject({
  name: textLike(/\S/, "give the rule a name").max(100, "use 100 characters or fewer"),
  who: z12.array(person).min(1, "name at least one person, or remove who to include everyone").optional(),
  clusters: selected.optional(),
  levels: listed.optional(),
  principals: z12.strictObject({
    accounts: z12.array(account).min(1, "name at least one account").optional(),
    arns: z12.array(arnPattern).min(1, "name at least one ARN").optional(),
    linkedOnly: z12.boolean().default(false)
  }).prefault({}),
  maxDuration: duration.optional(),
  permanent: z12.boolean().default(false),
  approvals: z12.number().int().min(1, "use at least 1").max(10, "use at most 10").optional(),
  approvers: z12.array(userOrGroup).min(1, "name at least one approver").optional(),
  selfApproval: z12.boolean().default(false),
  shared: z12.enum(["refuse", "warn"]).optional(),
  hours: hours.optional()
});
var breakGlass = z12.strictObject({
  who: z12.array(person).min(1, "name at least one person"),
  clusters: selected.optional(),
  level: z12.string(),
  for: duration
});
var policyFile = z12.strictObject({
  rules: z12.array(rule2).min(1, "write at least one rule"),
  breakGlass: z12.array(breakGlass).default([])
});
function isZone(name2) {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name2 });
    return true;
  } catch {
    return false;
  }
}

// src/config/config-file.ts
var userForm = "use a user's ARN, for example arn:aws:iam::111122223333:user/cluster-creator";
var userArn = z13.string(userForm).regex(/^arn:[a-z-]+:iam::\d{12}:user\/[\w+=,.@/-]+$/, userForm);
var profileForm = "use the name of an AWS profile, without spaces";
var profile = z13.string(profileForm).regex(/^[\w+=,.@:/-]{1,128}$/, profileForm);
var written = z13.strictObject({
  roleArn: roleArn.optional(),
  externalId: externalId.optional(),
  through: z13.array(roleStep).default([]),
  userArn: userArn.optional(),
  profile: profile.optional(),
  discover: z13.literal(true).optional()
});
var oneOf = "say who created the cluster: roleArn, userArn or discover";
var creatorFile = z13.preprocess(
  (value) => value === "discover" ? { discover: true } : value,
  written.transform((value, context) => {
    const problem = problemOf(value);
    if (problem !== null) {
      context.addIssue({ code: "custom", message: problem });
      return z13.NEVER;
    }
    return creatorOf(value);
  })
);
var operatorFile = z13.strictObject({ roleArn, externalId: externalId.optional(), through: z13.array(roleStep).default([]) }).transform(({ externalId: id, ...rest }) => ({ type: "role", ...rest, ...id && { externalId: id } }));
var name = textLike(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and hyphens, up to 63 characters");
var owner = textLike(
  /^[a-z0-9][a-z0-9-]{0,62}$/,
  "name the tool in lower case, for example terraform, argocd or flux, or write none"
);
var slackWorkspace = textLike(/^T[A-Z0-9]{2,}$/, "use a workspace's id, for example T012ABCDEF (not a name)");
var zone2 = textLike(
  /^[a-z0-9][a-z0-9-]{0,39}$/,
  "use lower-case letters, digits and hyphens, up to 40 characters, for example eu-private"
);
var slackApp = textLike(/^A[A-Z0-9]{2,}$/, "use the app's id, for example A012ABCDEF");
var endpoint = textLike(/^https:\/\/[^\s/?#@]+\/?$/, "use the API server's https address, without a path");
var certificateAuthority = textLike(
  /^LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2}$/,
  "use a PEM certificate in base64, as EKS gives it"
);
var eksName = textLike(/^[0-9A-Za-z][\w-]{0,99}$/, "use the cluster's name in EKS");
var group = textLike(/^[\x21-\x7e]+$/, "use printable ASCII without spaces").refine(
  (written2) => !written2.includes("{{"),
  "a group can't have a template"
);
var ticketPattern = z13.string("write a regular expression").min(1).max(200).refine(isTicketPattern, "write a regular expression of RE2, without (?=, (?! or \\1, for example 'OPS-[0-9]+'");
var check = z13.strictObject({
  verb: textLike(/./, "write a verb, for example list"),
  resource: textLike(/./, "write a resource in the plural, for example pods"),
  group: z13.string().default(""),
  namespace: z13.string().default("")
});
var accessPolicy = textLike(
  /^AmazonEKS\w+Policy$/,
  "use the name of an EKS access policy, for example AmazonEKSViewPolicy"
);
var namespace = textLike(/^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$/, "use a namespace's name; * matches any text");
var rolePath = textLike(
  /^\/([!-)+->@-~]+\/)?$/,
  "use a path of IAM that begins and ends with a slash, for example /team/"
);
var assumableRole = textLike(
  /^arn:[a-z-]+:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*[\w+=,.@*-]+$/,
  "use a role's ARN with its path; * matches any text in the name, for example arn:aws:iam::111122223333:role/team-*"
);
var roleName = textLike(/^[\x21-\x7e]{1,253}$/, "use the name of a role, without spaces").refine(
  (written2) => !/[/%]/.test(written2),
  "use the name of a role, without / and %"
);
var boundNamespace = textLike(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "use a namespace's name");
var boundIn = z13.union(
  [z13.literal("all"), z13.literal("choose"), z13.array(boundNamespace).min(1).max(20)],
  "write all, choose, or a list of namespaces"
);
var bind = z13.strictObject({ clusterRole: roleName.optional(), role: roleName.optional(), in: boundIn }).refine(({ clusterRole, role }) => clusterRole === void 0 !== (role === void 0), {
  message: "name a clusterRole or a role"
}).refine(({ role, in: where }) => role === void 0 || where !== "all", {
  path: ["in"],
  message: "a role is of one namespace: list namespaces, or write choose"
});
var level = z13.strictObject({
  groups: z13.array(group).default([]),
  bind: z13.array(bind).max(20).default([]),
  policy: accessPolicy.optional(),
  namespaces: z13.array(namespace).min(1, "name at least one, or remove namespaces to cover the whole cluster").optional(),
  maxDuration: duration,
  verify: z13.array(check).default([])
}).refine(({ groups, policy, bind: bind2 }) => groups.length > 0 || policy !== void 0 || bind2.length > 0, {
  path: ["groups"],
  message: "name at least one Kubernetes group, a policy, or roles to bind"
}).refine(({ groups, policy, bind: bind2 }) => bind2.length === 0 || groups.length === 0 && policy === void 0, {
  path: ["bind"],
  message: "bind roles in a level of their own, without groups and policies"
}).refine(({ policy, namespaces }) => policy !== void 0 || namespaces === void 0, {
  path: ["namespaces"],
  message: "name the policy for these namespaces"
});
var ownCluster = z13.strictObject({
  eksName,
  region,
  account,
  creator: creatorFile,
  operator: operatorFile.optional(),
  endpoint: endpoint.optional(),
  certificateAuthority: certificateAuthority.optional(),
  channel: slackChannel,
  approvers: z13.array(userOrGroup).min(1, "name at least one approver"),
  levels: z13.array(name).min(1, "offer at least one level"),
  labels: labels.default({}),
  onCall: z13.array(userOrGroup).default([]),
  drift: z13.enum(["report", "repair"]).default("report"),
  foreignAccounts: z13.array(account).default([]),
  createAwsAuth: z13.boolean().default(false),
  zone: zone2.optional(),
  owner: owner.optional(),
  way: z13.enum(["access-entry", "aws-auth"]).default("access-entry"),
  accessEntries: z13.strictObject({ as: z13.enum(["creator", "worker"]).default("creator"), rolePaths: z13.array(rolePath).default([]) }).prefault({}),
  pinnedSessions: z13.array(assumableRole).default([]),
  signIn: z13.strictObject({ roles: z13.array(assumableRole).default([]), externalId: externalId.optional() }).prefault({}),
  ticket: z13.enum(["none", "optional", "required"]).default("none"),
  ticketPattern: ticketPattern.optional(),
  quiet: z13.union([z13.boolean(), z13.string().min(1).max(200)], "write true, or the reason as a text").default(false)
});
var cluster = z13.preprocess((value) => {
  const isUnnamed = typeof value === "object" && value !== null && "operator" in value && !("creator" in value);
  return isUnnamed ? { ...value, creator: "discover" } : value;
}, ownCluster);
var configFile = z13.strictObject({
  slack: z13.strictObject({
    mode: z13.enum(["http", "socket"]).default("http"),
    appId: slackApp.optional(),
    workspace: slackWorkspace.optional()
  }).prefault({}),
  clusters: z13.record(name, cluster),
  fleet: fleetFile.optional(),
  levels: z13.record(name, level),
  policy: policyFile.optional(),
  operators: z13.strictObject({ channel: slackChannel.optional() }).prefault({}),
  administrators: z13.array(slackUser).default([]),
  linking: z13.strictObject({ confirm: z13.enum(["none", "administrator"]).default("none") }).prefault({}),
  identities: identitiesFile,
  audit: auditFile,
  ledger: z13.strictObject({
    keep: duration.refine((seconds) => seconds >= 7 * 24 * 3600, "keep closed requests for at least 7d").default(90 * 24 * 3600)
  }).prefault({}),
  limits: z13.strictObject({
    pending: z13.int().min(1).max(1e3).default(10),
    requests: z13.int().min(1).max(1e3).default(30),
    questions: z13.int().min(1).max(1e3).default(30),
    every: duration.default(600)
  }).prefault({}),
  timing: z13.strictObject({
    requestExpiresAfter: duration.default(24 * 3600),
    approvalGoodFor: duration.refine((seconds) => seconds <= approversConfirmedForSeconds, "use at most 8h, because people leave").default(3600),
    remindAfter: z13.array(duration).refine(
      (times) => times.every((time, index) => time > (times[index - 1] ?? 0)),
      "make each longer than the one before"
    ).default([15 * 60, 3600, 4 * 3600]),
    sweepEvery: duration.default(1),
    inspectEvery: duration.default(300),
    warnBeforeEnd: duration.default(900),
    settleEntries: duration.default(60),
    endWithoutLedgerAfter: duration.refine((seconds) => seconds >= 10 && seconds <= 3600, "use 10s to 1h").default(60),
    deadlines: z13.strictObject(mapDeadlines((ms) => shortDuration.default(ms))).prefault({})
  }).prefault({})
});
function problemOf({ roleArn: roleArn2, userArn: userArn2, discover, through, externalId: externalId2, profile: profile2 }) {
  const named = [roleArn2, userArn2, discover].filter((each) => each !== void 0).length;
  if (named === 0) return oneOf;
  if (named > 1) return `${oneOf}, only one of them`;
  if (userArn2 !== void 0 && (through.length > 0 || externalId2 !== void 0)) {
    return "remove through and externalId: they work for a role only";
  }
  if (roleArn2 !== void 0 && profile2 !== void 0) {
    return "remove profile: it works for a user only";
  }
  return null;
}
function creatorOf({ roleArn: roleArn2, userArn: userArn2, through, externalId: externalId2, profile: profile2 }) {
  const steps2 = through;
  if (roleArn2 !== void 0) return { type: "role", roleArn: roleArn2, through: steps2, ...externalId2 && { externalId: externalId2 } };
  if (userArn2 !== void 0) return { type: "user", userArn: userArn2, ...profile2 && { profile: profile2 } };
  return { type: "discover", through: steps2, ...externalId2 && { externalId: externalId2 }, ...profile2 && { profile: profile2 } };
}

// src/config/inherit.ts
function inherit(file) {
  const unchanged = { file, sourceOf: (path) => path, problems: [] };
  if (!isSettings(file) || !isSettings(file.clusters)) return unchanged;
  const { defaults, templates, clusters, ...rest } = file;
  const known = isSettings(templates) ? templates : {};
  const layers = isSettings(defaults) ? [{ path: ["defaults"], settings: defaults }] : [];
  const read = Object.entries(clusters).map(([name2, own]) => [name2, clusterOf(name2, own, layers, known)]);
  const sources = new Map(read.map(([name2, { sources: of }]) => [name2, of]));
  return {
    file: {
      ...Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith("x-"))),
      clusters: Object.fromEntries(read.map(([name2, { settings }]) => [name2, settings]))
    },
    sourceOf: (path) => {
      const [room, name2, setting, ...deeper] = path;
      const source2 = room === "clusters" ? sources.get(String(name2))?.get(String(setting)) : void 0;
      return source2 ? [...source2, setting ?? "", ...deeper] : path;
    },
    problems: [...blocks({ defaults, templates }), ...read.flatMap(([, { problems }]) => problems)]
  };
}
function clusterOf(name2, own, defaults, templates) {
  if (!isSettings(own)) return { settings: own, sources: /* @__PURE__ */ new Map(), problems: [] };
  const { template = [], ...written2 } = own;
  const named = [template].flat().map(String);
  const problems = named.filter((each) => !isSettings(templates[each]) || !Object.hasOwn(templates, each)).map((each) => `clusters.${name2}.template: there is no template ${each}. ${thereAre(Object.keys(templates))}`);
  const layers = [...defaults, ...named.flatMap((each) => layerOf(templates, each))];
  const shared = new Map(
    layers.flatMap(({ path, settings }) => Object.keys(settings).map((key) => [key, path]))
  );
  const sources = new Map([...shared].filter(([key]) => !Object.hasOwn(written2, key)));
  const values = {
    eksName: name2,
    ...Object.assign({}, ...layers.map(({ settings }) => settings)),
    ...written2
  };
  const fill2 = fillerFor({ name: name2, account: values.account, region: values.region });
  const filled = Object.entries(values).map(([key, value]) => [key, sources.has(key) ? fill2(value) : value]);
  return { settings: Object.fromEntries(filled), sources, problems };
}
function layerOf(templates, name2) {
  const settings = Object.hasOwn(templates, name2) ? templates[name2] : null;
  return isSettings(settings) ? [{ path: ["templates", name2], settings }] : [];
}
function thereAre(names) {
  return names.length > 0 ? `Use one of ${names.join(", ")}, or define it under templates.` : "Define it under templates.";
}
function blocks(written2) {
  return Object.entries(written2).filter(([, value]) => value !== void 0 && !isSettings(value)).map(([key]) => `${key}: write a block of settings.`);
}
function fillerFor(places3) {
  const done = /* @__PURE__ */ new Map();
  const fill2 = (value) => {
    if (typeof value === "string") return filledText(value, places3);
    if (typeof value !== "object" || value === null) return value;
    if (!done.has(value))
      done.set(value, value).set(value, Array.isArray(value) ? value.map(fill2) : fillBlock(value, fill2));
    return done.get(value);
  };
  return fill2;
}
function fillBlock(value, fill2) {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill2(each)]));
}
function filledText(text, places3) {
  return text.replace(/\{(name|account|region)\}/g, (place2, key) => {
    const value = places3[key];
    return typeof value === "string" ? value : place2;
  });
}
function isSettings(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// src/config/expand-fleet.ts
var unknownFleet = { clusters: [], now: /* @__PURE__ */ new Date(0) };
function fleetIn(value, { clusters }) {
  const fleet = fleetFile.safeParse(isSettings2(value) ? value.fleet : void 0);
  if (!fleet.success || clusters.length === 0) return [];
  const written2 = writtenClusters(value);
  const own = new Set(Object.values(writtenClusters(inherit(value).file)).map(placeWritten));
  const others = clusters.filter((cluster2) => !own.has(placeOf(cluster2)));
  return nameFleet(fleet.data.name, others, new Set(Object.keys(written2)));
}
function placeWritten(settings) {
  const { account: account2, region: region2, eksName: eksName2 } = isSettings2(settings) ? settings : {};
  return [account2, region2, eksName2].join("/");
}
function withFleet(value, named, now) {
  if (!isSettings2(value) || !isSettings2(value.fleet)) return value;
  const fleet = fleetFile.safeParse(value.fleet);
  if (!fleet.success) return { ...value, clusters: value.clusters ?? {} };
  const entries = named.map(({ name: name2, cluster: cluster2 }) => {
    const { account: account2, region: region2, eksName: eksName2, tags } = cluster2;
    const template = templatesFor(fleet.data, { ...tags, account: account2, region: region2 });
    const quiet = whyQuiet(cluster2, now);
    return [name2, { account: account2, region: region2, eksName: eksName2, template, ...quiet !== null && { quiet } }];
  });
  return { ...value, clusters: { ...writtenClusters(value), ...Object.fromEntries(entries) } };
}
function labelled(cluster2, tags) {
  return { ...cluster2, labels: { ...tags, ...cluster2.labels } };
}
function whyQuiet(cluster2, now) {
  if (cluster2.goneSince !== null) return "AWS does not show it in the fleet any more";
  return isStale(cluster2, now) ? "AWS has not shown it for an hour" : null;
}
function writtenClusters(value) {
  return isSettings2(value) && isSettings2(value.clusters) ? value.clusters : {};
}
function isSettings2(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// src/access/policy/creator.ts
import { z as z14 } from "zod";
function creatorArnOf(creator) {
  if (creator.type === "discover") return null;
  return creator.type === "role" ? creator.roleArn : creator.userArn;
}
function isSameCreator(one, other) {
  return other !== null && asAuthenticated(one) === asAuthenticated(other);
}
function asAuthenticated(arn) {
  return arn.replace(/:role\/.*\//, ":role/").toLowerCase();
}
var creationRecordForm = z14.object({
  eventId: textForm,
  at: textForm,
  /** `userIdentity.type`, for example AssumedRole, IAMUser, FederatedUser, Root or AWSService. */
  kind: textForm,
  /** The IAM role or user that created the cluster; null: unknown. */
  arn: textForm.nullable(),
  /** The service that called, for example cloudformation.amazonaws.com. */
  invokedBy: textForm.nullable()
});
var recordWithinMs = 5 * 6e4;

// src/access/policy/operator-rights.ts
var operatorRole = "eks-access:operator";

// src/access/policy/operator.ts
var operatorGroup = "eks-access:operators";

// src/config/policy-rules.ts
function rulesOf(file, cluster2) {
  if (!file.policy) return [clusterRule];
  const isFor = isForCluster(file, cluster2);
  return file.policy.rules.filter(({ clusters }) => isFor(clusters)).map(({ name: name2, principals, permanent, selfApproval, maxDuration, ...rule3 }) => ({
    name: name2,
    who: rule3.who ?? null,
    levels: rule3.levels ?? null,
    principals: {
      accounts: principals.accounts ?? null,
      arns: principals.arns ?? null,
      linkedOnly: principals.linkedOnly
    },
    maxDurationSeconds: maxDuration ?? null,
    permanent,
    approvals: rule3.approvals ?? null,
    approvers: rule3.approvers ?? null,
    selfApproval,
    shared: rule3.shared ?? null,
    hours: rule3.hours ?? null
  }));
}
function isForCluster(file, name2) {
  const labels2 = labelsOf(file, name2);
  return (selector) => !selector || isSelected(selector, name2, labels2);
}
function labelsOf({ clusters }, name2) {
  const cluster2 = clusters[name2];
  return cluster2 ? { ...cluster2.labels, account: cluster2.account, region: cluster2.region } : {};
}
function breakGlassOf(file, cluster2) {
  const isFor = isForCluster(file, cluster2);
  const entry = file.policy?.breakGlass.find(({ clusters }) => isFor(clusters));
  return entry ? { who: entry.who, level: entry.level, durationSeconds: entry.for } : null;
}
function quietReason(quiet) {
  if (quiet === false) return null;
  return quiet === true ? "an operator has closed it for now" : quiet;
}
function buildLevel(name2, level2) {
  const { groups, policy, namespaces = null, bind: bind2 } = level2;
  const policies = policy === void 0 ? [] : policyTexts({ name: policy, namespaces });
  const given = [...groups, ...policies, ...bind2.flatMap(roleTexts)];
  return { name: name2, groups: given, maxDurationSeconds: level2.maxDuration, verify: level2.verify };
}
function roleTexts({ clusterRole, role, in: where }) {
  const bound = { kind: clusterRole === void 0 ? "Role" : "ClusterRole", name: clusterRole ?? role ?? "" };
  if (where === "all") return [roleText(bound, null)];
  return where === "choose" ? [roleText(bound, "choose")] : where.map((namespace2) => roleText(bound, namespace2));
}

// src/config/config-problems.ts
function policyProblems(file) {
  const { rules, breakGlass: breakGlass2 } = file.policy ?? { rules: [], breakGlass: [] };
  return [
    ...rules.flatMap((rule3, index) => unknownNames(rule3, `policy.rules[${index}]`, file)),
    ...breakGlass2.flatMap(
      ({ level: level2, ...entry }, index) => unknownNames({ ...entry, levels: [level2] }, `policy.breakGlass[${index}]`, file)
    ),
    ...rules.flatMap((rule3, index) => problemsOfRule(rule3, `policy.rules[${index}]`, rules.slice(0, index))),
    ...Object.keys(file.clusters).flatMap((cluster2) => [
      ...levelProblems(file, cluster2),
      ...breakGlassProblems(file, cluster2)
    ])
  ];
}
function unknownNames({ clusters = [], levels = [] }, path, file) {
  const unmatched = (wanted) => file.fleet || Object.keys(file.clusters).some((name2) => hasLabels(wanted, labelsOf(file, name2))) ? [] : [`${path}.clusters: no cluster has these labels. Correct them, or add them to the labels of a cluster.`];
  const missing = (kind, names) => {
    const known = Object.keys(file[kind]);
    if (kind === "clusters" && file.fleet) return [];
    return names.flatMap(
      (name2, index) => known.includes(name2) ? [] : [`${path}.${kind}[${index}]: there is no ${kind.slice(0, -1)} ${name2}. Use one of ${known.join(", ")}.`]
    );
  };
  return [...isByName(clusters) ? missing("clusters", clusters) : unmatched(clusters), ...missing("levels", levels)];
}
function problemsOfRule(rule3, path, before) {
  const problems = [];
  if (before.some(({ name: name2 }) => name2 === rule3.name)) {
    problems.push(`${path}.name: another rule has the name ${rule3.name}. Give each rule its own name.`);
  }
  if (rule3.selfApproval && !rule3.levels) {
    problems.push(`${path}.selfApproval: name the levels that people may approve for themselves.`);
  }
  return problems;
}
function levelProblems(file, name2) {
  const cluster2 = file.clusters[name2];
  if (!cluster2) return [];
  const rules = rulesOf(file, name2);
  return cluster2.levels.flatMap((level2, index) => {
    const path = `clusters.${name2}.levels[${index}]`;
    const speaking = rules.filter(({ levels }) => levels === null || levels.includes(level2));
    if (speaking.length === 0) {
      return [`${path}: no rule of the policy covers ${level2} here. Add a rule, or remove the level.`];
    }
    const given = file.levels[level2];
    if (!given) return [];
    const asked = { cluster: name2, approvers: cluster2.approvers, level: buildLevel(level2, given) };
    return speaking.flatMap((rule3) => approverProblems(rule3, asked).map((problem) => `${path}: ${problem}`));
  });
}
function approverProblems(rule3, { cluster: cluster2, level: level2, ...asked }) {
  const approvers = approversOf(rule3, asked);
  if (!approvers.every(isUser)) return [];
  const needed = maxApprovalsNeeded(rule3, level2);
  const all = new Set(approvers);
  if (all.size < needed) return [tooFewApprovers(rule3, cluster2, level2.name, needed, all.size)];
  const alone = (rule3.who ?? []).filter(
    (user) => isUser(user) && !rule3.selfApproval && new Set([...all].filter((each) => each !== user)).size < needed
  );
  return alone.map(
    (user) => `the rule ${rule3.name} lets ${user} ask for ${level2.name}, but has too few other approvers. Name more approvers.`
  );
}
function tooFewApprovers({ name: name2, approvers }, cluster2, level2, needed, count) {
  const by = name2 ? ` by the rule ${name2}` : "";
  const owner2 = approvers ? "the rule" : cluster2;
  const rest = name2 ? "" : `, or write a rule for ${level2} with fewer approvals`;
  return `${level2} on ${cluster2} needs ${needed} approval${needed === 1 ? "" : "s"}${by}, but ${owner2} has ${count} approver${count === 1 ? "" : "s"}. Name more approvers${rest}.`;
}
function breakGlassProblems(file, name2) {
  const cluster2 = file.clusters[name2];
  const breakGlass2 = breakGlassOf(file, name2);
  if (!cluster2 || !breakGlass2) return [];
  const path = `clusters.${name2}.levels`;
  const level2 = file.levels[breakGlass2.level];
  if (!level2) return [];
  if (!cluster2.levels.includes(breakGlass2.level)) {
    return [
      `${path}: policy.breakGlass gives ${breakGlass2.level} here. Offer this level, or name other clusters in policy.breakGlass.`
    ];
  }
  if (breakGlass2.durationSeconds <= level2.maxDuration) return [];
  return [
    `policy.breakGlass: it gives ${breakGlass2.level} for longer than the level's maxDuration. Use a shorter time.`
  ];
}
function creatorProblems(file) {
  const each = Object.entries(file.clusters).flatMap(([name2, cluster2]) => [
    ...identitiesOf(cluster2).flatMap((identity) => [
      ...accountProblem2(name2, cluster2.account, identity),
      ...partitionProblems(name2, cluster2.region, identity)
    ]),
    ...operatorProblems(name2, cluster2, file)
  ]);
  return [...each, ...usersWithoutProfile(file)];
}
function usersWithoutProfile(file) {
  const selves = Object.entries(file.clusters).flatMap(
    ([name2, { creator }]) => creator.type === "user" && !creator.profile ? [{ name: name2, userArn: creator.userArn }] : []
  );
  const [first, ...others] = selves;
  return others.filter(({ userArn: userArn2 }) => userArn2 !== first?.userArn).map(
    ({ name: name2 }) => `clusters.${name2}.creator.userArn: without a profile, the worker must be this user, but clusters.${first?.name} needs another one. Put the keys of one of them into a profile.`
  );
}
function identitiesOf({ creator, operator }) {
  return [["creator", creator], ...operator ? [["operator", operator]] : []];
}
function accountProblem2(name2, account2, [setting, identity]) {
  const arn = creatorArnOf(identity);
  const found = arn?.split(":")[4];
  if (arn === null || found === account2) return [];
  const kind = identity.type === "role" ? "roleArn" : "userArn";
  return [
    `clusters.${name2}.${setting}.${kind}: it is in account ${found}, the cluster in ${account2}. Name a ${identity.type} of the cluster's own account.`
  ];
}
function partitionProblems(name2, region2, [setting, identity]) {
  const partition = partitionOfRegion(region2);
  if (partition === null) return [];
  return arnsOf(identity).flatMap(([path, arn]) => {
    const found = arn.split(":")[1];
    if (found === partition) return [];
    return [
      `clusters.${name2}.${setting}.${path}: it is in the partition ${found}, but the region ${region2} is in ${partition}. Correct one of them.`
    ];
  });
}
function operatorProblems(name2, { creator, operator, levels }, file) {
  if (!operator) return [];
  const isCreator2 = isSameCreator(operator.roleArn, creatorArnOf(creator));
  const offered = levels.flatMap((level2) => file.levels[level2] ? [[level2, file.levels[level2]]] : []);
  const taken = offered.filter(([, { groups }]) => groups.includes(operatorGroup));
  const bound = offered.filter(
    ([, { bind: bind2 }]) => bind2.some(({ clusterRole, role }) => [clusterRole, role].includes(operatorRole))
  );
  return [
    ...isCreator2 ? [`clusters.${name2}.operator.roleArn: it is the creator of the cluster. Name a role that does nothing else.`] : [],
    ...taken.map(
      ([level2]) => `levels.${level2}.groups: ${operatorGroup} is the group of the operator. Use another group.`
    ),
    ...bound.map(([level2]) => `levels.${level2}.bind: ${operatorRole} is the role of the operator. Use another role.`)
  ];
}
function arnsOf(creator) {
  if (creator.type === "user") return [["userArn", creator.userArn]];
  const steps2 = creator.through.map(({ roleArn: roleArn2 }, index) => [`through[${index}]`, roleArn2]);
  return creator.type === "role" ? [["roleArn", creator.roleArn], ...steps2] : steps2;
}

// src/config/file-problems.ts
function problemsOfFile(file) {
  return [
    ...noClusters(file),
    ...unknownLevels(file),
    ...reservedLevels(file),
    ...creatorProblems(file),
    ...signInProblems(file),
    ...twice(file),
    ...policyProblems(file),
    ...linkProblems(file),
    ...keepProblems(file)
  ];
}
function noClusters({ clusters, fleet }) {
  return fleet || Object.keys(clusters).length > 0 ? [] : ["clusters: name at least one cluster."];
}
function unknownLevels(file) {
  const known = Object.keys(file.levels);
  return Object.entries(file.clusters).flatMap(
    ([name2, cluster2]) => cluster2.levels.flatMap(
      (level2, index) => known.includes(level2) ? [] : [
        `clusters.${name2}.levels[${index}]: there is no level ${level2}. Use one of ${known.join(", ")}, or define it under levels.`
      ]
    )
  );
}
function reservedLevels({ levels }) {
  if (!Object.hasOwn(levels, rescueLevel)) return [];
  return [`levels.${rescueLevel}: use another name; eks-access rescue uses this one.`];
}
function linkProblems({ linking, administrators }) {
  if (linking.confirm === "none" || administrators.length > 0) return [];
  return ["administrators: name at least one; linking.confirm needs an administrator besides the person who links."];
}
function keepProblems({ ledger, timing }) {
  const longest = Math.max(timing.requestExpiresAfter, timing.approvalGoodFor);
  if (ledger.keep > longest) return [];
  return [
    `ledger.keep: ${formatDuration(ledger.keep)} is not longer than timing.requestExpiresAfter (${formatDuration(longest)}). Make it longer.`
  ];
}
function twice(file) {
  const seen = /* @__PURE__ */ new Map();
  return Object.entries(file.clusters).flatMap(([name2, { account: account2, region: region2, eksName: eksName2 }]) => {
    const key = `${account2}/${region2}/${eksName2}`;
    const other = seen.get(key);
    seen.set(key, name2);
    return other ? [`clusters.${name2}: this is the same EKS cluster as clusters.${other}. Name each cluster once.`] : [];
  });
}
function signInProblems({ clusters }) {
  return Object.entries(clusters).flatMap(
    ([name2, { signIn, region: region2, account: account2, foreignAccounts }]) => signIn.roles.flatMap((arn, index) => {
      const [, partition = "", , , of = ""] = arn.split(":");
      const own = partitionOfRegion(region2);
      const path = `clusters.${name2}.signIn.roles[${index}]`;
      if (own !== null && partition !== own) {
        return [
          `${path}: it is in the partition ${partition}, but the region ${region2} is in ${own}. Correct one of them.`
        ];
      }
      if (of === account2 || foreignAccounts.includes(of)) return [];
      return [
        `${path}: it is in account ${of}, which gets no access to this cluster. Correct it, or add the account to foreignAccounts.`
      ];
    })
  );
}

// src/config/config.ts
var schema = CORE_SCHEMA.withTags(mergeTag);
function readConfig(text, fleet = unknownFleet) {
  let value;
  try {
    value = load2(text, { schema });
  } catch (error) {
    return { type: "invalid", problems: [problemOfYaml(error)] };
  }
  const namings = fleetIn(value, fleet);
  const left = namings.flatMap((naming) => naming.type === "unnamed" ? naming.problem : []);
  let named = namings.filter((naming) => naming.type === "named");
  for (; ; ) {
    const { file, problems } = readFile(value, named, fleet.now);
    if (file && problems.length === 0) return { type: "config", config: build(file, named, left) };
    const broken = new Set(problems.map(({ cluster: cluster2 }) => cluster2));
    const usable = named.filter(({ name: name2 }) => !broken.has(name2));
    if (usable.length === named.length) return { type: "invalid", problems: sentencesOf(problems) };
    const isOfFleet = new Set(named.map(({ name: name2 }) => name2));
    left.push(...sentencesOf(problems.filter(({ cluster: cluster2 }) => isOfFleet.has(cluster2))));
    named = usable;
  }
}
function sentencesOf(problems) {
  return [...new Set(problems.map(({ sentence }) => sentence))];
}
function readFile(value, named, now) {
  const whole = withFleet(value, named, now);
  const { file, sourceOf: sourceOf2, problems: unknown } = inherit(whole);
  const read = configFile.safeParse(file);
  if (!read.success) {
    const problems = read.error.issues.flatMap(
      (issue) => problemsOfForm([issue], whole, sourceOf2).map((sentence) => ({ sentence, cluster: clusterIn(issue.path) }))
    );
    return { file: null, problems: [...unknown.map(problemIn), ...problems] };
  }
  const { data } = read;
  for (const { name: name2, cluster: cluster2 } of named) {
    const settings = data.clusters[name2];
    if (settings) data.clusters[name2] = labelled(settings, cluster2.tags);
  }
  return { file: data, problems: [...unknown, ...problemsOfFile(data)].map(problemIn) };
}
function clusterIn([room, name2]) {
  return room === "clusters" && name2 !== void 0 ? String(name2) : null;
}
function problemIn(sentence) {
  return { sentence, cluster: /^clusters\.([a-z0-9-]+)[.:]/.exec(sentence)?.[1] ?? null };
}
function build(file, named, left) {
  const isGone = new Set(named.flatMap(({ name: name2, cluster: cluster2 }) => cluster2.goneSince === null ? [] : name2));
  const levels = new Map(Object.entries(file.levels).map(([name2, level2]) => [name2, buildLevel(name2, level2)]));
  const ofIdentityCenter = identityCenterPaths(
    file.identities,
    Object.values(file.clusters).map(({ region: region2 }) => region2)
  );
  const clusters = Object.entries(file.clusters).map(([name2, cluster2]) => [
    name2,
    {
      ...cluster2,
      name: name2,
      accessEntries: withPaths(cluster2.accessEntries, ofIdentityCenter),
      levels: cluster2.levels.flatMap((offered) => levels.get(offered) ?? []),
      rules: rulesOf(file, name2),
      ticket: { need: cluster2.ticket, pattern: cluster2.ticketPattern ?? null },
      quiet: quietReason(cluster2.quiet),
      // A quiet cluster keeps it. A cluster that left the fleet takes nothing.
      breakGlass: isGone.has(name2) ? null : breakGlassOf(file, name2)
    }
  ]);
  return {
    slack: { mode: file.slack.mode, appId: file.slack.appId ?? null, workspace: file.slack.workspace ?? null },
    clusters: new Map(clusters),
    fleet: file.fleet ? fleetOf(file.fleet, selectorsOf(file), namesOf(named), left) : null,
    operatorsChannel: file.operators.channel ?? file.audit.channel ?? null,
    linking: { mustBeConfirmed: file.linking.confirm === "administrator", administrators: file.administrators },
    identities: identityRulesOf(file.identities),
    audit: {
      channel: file.audit.channel ?? null,
      anchorEverySeconds: file.audit.anchorEvery,
      keepSeconds: file.audit.keep ?? null,
      copyToLog: file.audit.copyToLog,
      sinks: sinksOf(file.audit)
    },
    ledger: { keepSeconds: file.ledger.keep },
    limits: {
      pending: file.limits.pending,
      requests: file.limits.requests,
      questions: file.limits.questions,
      everySeconds: file.limits.every
    },
    timing: {
      requestExpiresAfterSeconds: file.timing.requestExpiresAfter,
      approvalGoodForSeconds: file.timing.approvalGoodFor,
      remindAfterSeconds: file.timing.remindAfter,
      sweepEverySeconds: file.timing.sweepEvery,
      inspectEverySeconds: file.timing.inspectEvery,
      warnBeforeEndSeconds: file.timing.warnBeforeEnd,
      settleEntriesSeconds: file.timing.settleEntries,
      endWithoutLedgerAfterSeconds: file.timing.endWithoutLedgerAfter,
      deadlines: file.timing.deadlines
    }
  };
}
function withPaths(written2, more) {
  return { ...written2, rolePaths: [.../* @__PURE__ */ new Set([...written2.rolePaths, ...more])] };
}
function namesOf(named) {
  return new Map(named.map(({ name: name2, cluster: cluster2 }) => [placeOf(cluster2), name2]));
}
function selectorsOf({ policy }) {
  return [...policy?.rules ?? [], ...policy?.breakGlass ?? []].flatMap(
    ({ clusters }) => clusters && !isByName(clusters) ? [clusters] : []
  );
}

// test/builders/a-cluster.ts
var configText = `
clusters:
  staging:
    eksName: staging-eks
    region: eu-central-1
    account: "111122223333"
    creator:
      roleArn: arn:aws:iam::111122223333:role/cluster-creator
    channel: C0ACCESS
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer, admin]
levels:
  viewer:
    groups: [eks-access:viewers]
    maxDuration: 8h
  admin:
    groups: [eks-access:admins]
    maxDuration: 1h
`;

// probe/config.ts
var t = (name2, f) => {
  const c = process.cpuUsage();
  const m = process.memoryUsage().heapUsed;
  let r;
  try {
    r = f();
  } catch (e) {
    r = `THROW ${e.stack?.slice(0, 300)}`;
  }
  const u = process.cpuUsage(c);
  console.log(name2, "cpu ms", Math.round((u.user + u.system) / 1e3), "heap MB", Math.round((process.memoryUsage().heapUsed - m) / 1e6), JSON.stringify(r).slice(0, 300));
};
var short = (r) => r.type === "config" ? "config" : r.problems.slice(0, 3).map((p) => p.slice(0, 200));
var laughs = (n) => {
  let s = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (let i = 1; i < n; i++) s += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(",")}]
`;
  return s;
};
t("laughs 9", () => short(readConfig(configText + laughs(9))));
t("laughs in approvers", () => short(readConfig(laughs(9).replace("a0: &a0 [x,x,x,x,x,x,x,x,x,x]", "a0: &a0 [U0A,U0A,U0A,U0A,U0A,U0A,U0A,U0A,U0A,U0A]") + configText.replace("approvers: [U0APPROVER, U0APPROVER2]", "approvers: *a6"))));
var mapLaughs = (n) => {
  let s = "m0: &m0 {a: 1, b: 2}\n";
  for (let i = 1; i < n; i++) s += `m${i}: &m${i} {a: *m${i - 1}, b: *m${i - 1}, c: *m${i - 1}, d: *m${i - 1}, e: *m${i - 1}, f: *m${i - 1}}
`;
  return s;
};
t("laughs in a cluster", () => short(readConfig(mapLaughs(12) + configText.replace("clusters:\n", "clusters:\n  x: *m11\n"))));
t("laughs in defaults", () => short(readConfig(mapLaughs(12) + configText + "defaults: *m11\n")));
t("laughs in labels", () => short(readConfig(mapLaughs(12) + configText.replace("    channel: C0ACCESS", "    channel: C0ACCESS\n    labels: *m11"))));
t("merge chain", () => {
  let s = "x0: &x0 {a: 1}\n";
  for (let i = 1; i < 24; i++) s += `x${i}: &x${i}
  <<: [*x${i - 1}, *x${i - 1}]
  k${i}: 1
`;
  return short(readConfig(s + configText));
});
t("deep 100k", () => short(readConfig(configText + "deep: " + "[".repeat(1e5) + "]".repeat(1e5))));
t("deep 5k", () => short(readConfig(configText + "deep: " + "[".repeat(5e3) + "]".repeat(5e3))));
t("deep block 5k", () => {
  let s = "";
  for (let i = 0; i < 3e3; i++) s += " ".repeat(i) + "a:\n";
  return short(readConfig(configText + "deep:\n" + s));
});
t("cyclic", () => short(readConfig(configText + "c: &c [*c]\n")));
t("cyclic in cluster", () => short(readConfig(configText.replace("    channel: C0ACCESS", "    channel: C0ACCESS\n    labels: &c\n      a: *c"))));
t("cyclic whole cluster", () => short(readConfig(configText.replace("  staging:\n", "  staging: &c\n    accessEntries: *c\n"))));
t("20 MB of text", () => short(readConfig(configText + "x: " + "y".repeat(2e7))));
t("1M keys", () => short(readConfig(configText + Array.from({ length: 3e5 }, (_, i) => `k${i}: 1
`).join(""))));
for (const name2 of ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"]) {
  t(`cluster ${name2}`, () => {
    const r = readConfig(configText.replace("  staging:\n", `  ${name2}:
`));
    return r.type === "config" ? [...r.config.clusters.keys()] : r.problems;
  });
  t(`level ${name2}`, () => {
    const r = readConfig(configText.replace("levels: [viewer, admin]", `levels: [viewer, ${name2}]`));
    return short(r);
  });
  t(`own level ${name2}`, () => {
    const r = readConfig(configText.replace("levels: [viewer, admin]", `levels: [viewer, ${name2}]`).replace("\n  admin:\n", `
  ${name2}:
`));
    return r.type === "config" ? r.config.clusters.get("staging")?.levels.map((l) => l.name) : r.problems;
  });
}
for (const name2 of ["../../x", "a/b", "a b", "a\0b", "<@U1>", "A", "x".repeat(300), "a%2f..", "a?x=1", "a#b", "-", "*"]) t(`cluster name ${JSON.stringify(name2)}`, () => {
  const r = readConfig(configText.replace("  staging:\n", `  ${JSON.stringify(name2)}:
`));
  return short(r);
});
for (const v of ["../x", "a/b", "a?b", "a b", "x#y"]) t(`eksName ${v}`, () => short(readConfig(configText.replace("eksName: staging-eks", `eksName: ${JSON.stringify(v)}`))));
for (const v of ["eu-central-1@evil.com", "eu-central-1.evil.com/", "eu-central-1\\n", "eu-evil-1", "evil-com-1"]) t(`region ${v}`, () => short(readConfig(configText.replace("region: eu-central-1", `region: "${v}"`))));
for (const v of ["https://169.254.169.254/", "http://169.254.169.254/", "https://user:p@x/", "http://localhost@evil.com/", "https://x/\\r\\nX: y", "file:///etc/passwd", "http://localhost:1/../x", "http://127.0.0.1.evil.com/", "http://localhost.evil.com/"]) t(`webhook ${v}`, () => short(readConfig(configText + `audit:
  webhook:
    url: "${v}"
`)));
for (const v of ["ClusterRole ../../x in shop", "ClusterRole x in ../../kube-system", "Role a/b in shop", "ClusterRole x?y in shop", "ClusterRole a in shop#"]) t(`group ${v}`, () => short(readConfig(configText.replace("groups: [eks-access:viewers]", `groups: [${JSON.stringify(v)}]`))));
for (const v of ["http://x", "https://169.254.169.254", "https://user:pw@x", "https://x/path?y", "file:///x"]) t(`endpoint ${v}`, () => short(readConfig(configText.replace("    channel: C0ACCESS", `    channel: C0ACCESS
    endpoint: "${v}"`))));
var doc = (text) => {
  const d = parseDocument({ mapRoles: text });
  return [d.entries.length, d.problems?.length, d.blocking?.[0]?.message?.slice(0, 150)];
};
t("doc laughs", () => doc("- rolearn: a\n  username: b\n  groups: *x\n" + laughs(9)));
t("doc seq laughs", () => doc("- &a0 {rolearn: arn:aws:iam::111122223333:role/x, username: u, groups: [a,b,c,d,e,f,g,h]}\n" + Array.from({ length: 12 }, (_, i) => `- &a${i + 1} {<<: [*a${i}, *a${i}, *a${i}, *a${i}], groups: [g]}
`).join("")));
t("doc 1MB aliases", () => doc("- &a {rolearn: arn:aws:iam::111122223333:role/x, username: u, groups: [a]}\n" + "- *a\n".repeat(2e5)));
t("doc deep flow", () => doc("[".repeat(4e5)));
t("doc deep block", () => doc("- ".repeat(3e5) + "a"));
t("doc 1MB keys", () => doc("- {" + Array.from({ length: 1e5 }, (_, i) => `k${i}: 1`).join(", ") + "}"));
t("doc many docs", () => doc("--- a\n".repeat(15e4)));
t("doc tags", () => doc("- !!binary " + "A".repeat(9e5)));
t("doc comment", () => doc("#".repeat(1e6)));
t("doc long quoted", () => doc('- rolearn: "' + "\\u0041".repeat(15e4) + '"'));
t("doc folded", () => doc("- username: >\n" + "   a\n\n".repeat(14e4)));
t("file 30MB", () => {
  const r = readConfigMapFile("apiVersion: v1\nkind: ConfigMap\ndata:\n  mapRoles: |\n" + "    - rolearn: a\n".repeat(15e5));
  return JSON.stringify(r).slice(0, 200);
});
