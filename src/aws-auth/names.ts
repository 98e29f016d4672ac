import { withoutRolePath } from "../access/principal.ts";
import type { Problem } from "./document.ts";

/** The group that can do everything, whatever RBAC says. */
export const MASTERS = "system:masters";

export const NODES = "system:nodes";

/** Whether nodes sign in by an entry: nodes of every kind use this name (EC2, Fargate, Windows). */
export function isNode(entry: { readonly username: string }): boolean {
  return entry.username.startsWith("system:node:");
}

/** The templates that the authenticator fills in. Any other `{{…}}` stays as text. Source: renderTemplate in its pkg/server. */
const TEMPLATES = [
  "{{EC2PrivateDNSName}}",
  "{{AccountID}}",
  "{{SessionName}}",
  "{{SessionNameRaw}}",
  "{{AccessKeyID}}",
] as const;

export interface TemplateValues {
  accountId: string;
  /** Empty for an IAM user, who has no session. */
  sessionName: string;
  /** Unknown without a token: the template stays then. */
  accessKeyId?: string | undefined;
}

const INSTANCE_ID = /^i-(\w{8}|\w{17})$/;

/** In the authenticator's order. Null: it refuses the caller, a session of no instance with `{{EC2PrivateDNSName}}`. */
export function render(template: string, values: TemplateValues): string | null {
  if (template.includes("{{EC2PrivateDNSName}}") && !INSTANCE_ID.test(values.sessionName)) return null;
  const rendered = template
    .replaceAll("{{AccountID}}", () => values.accountId)
    .replaceAll("{{SessionName}}", () => values.sessionName.replaceAll("@", "-"))
    .replaceAll("{{SessionNameRaw}}", () => values.sessionName);
  const { accessKeyId } = values;
  return accessKeyId === undefined ? rendered : rendered.replaceAll("{{AccessKeyID}}", () => accessKeyId);
}

/** A mistake in a name: what it is, and its fix. */
export type NameFlaw = Pick<Problem, "code" | "message" | "remedy">;

/** The mistakes in a username. @param forNodes whether its entry is one of nodes */
export function usernameFlaws(username: string, forNodes: boolean): readonly NameFlaw[] {
  if (username === "") {
    return [{ code: "username-empty", message: "It has no username.", remedy: "Write one." }];
  }
  const flaws = lettersFlaws("username", username);
  const unknown = unknownTemplate(username);
  if (unknown !== null) {
    const message = `The authenticator does not know the template ${unknown}.`;
    flaws.push({ code: "template-unknown", message, remedy: `Use one of ${TEMPLATES.join(", ")}.` });
  }
  if (username.includes("{{EC2PrivateDNSName}}") && !forNodes) {
    const message = "{{EC2PrivateDNSName}} lets only EC2 instances sign in.";
    flaws.push({ code: "template-node", message, remedy: "Write for example admin:{{SessionName}}." });
  }
  if (!hasGuardedSession(username)) {
    const remedy = "Write for example admin:{{SessionName}}.";
    flaws.push({ code: "template-session", message: "Anyone with this role can choose any username.", remedy });
  }
  return flaws;
}

/** The mistakes in a group. @param hasSessions whether its entry is one of a role */
export function groupFlaws(group: string, hasSessions: boolean): readonly NameFlaw[] {
  const flaws = [...lettersFlaws("group", group), ...nearGroupFlaws(group)];
  if (!/[{$]\{/.test(group)) return flaws;
  const isChosen = hasSessions && SESSION_NAME.test(group);
  const effect = isChosen ? "the session name chooses the group" : "RBAC may see another name";
  const message = `This group has a template: ${effect}.`;
  return [...flaws, { code: "template-in-group", message, remedy: "Write its full name." }];
}

/** RBAC compares groups letter by letter. */
function nearGroupFlaws(group: string): NameFlaw[] {
  const lower = group.toLowerCase();
  const meant = [MASTERS, NODES].find((known) => group !== known && (lower === known || `${lower}s` === known));
  if (meant === undefined) return [];
  return [{ code: "group-misspelt", message: `This group is not ${meant}.`, remedy: `Write ${meant}.` }];
}

/** Whether an entry can be one of nodes: only a role can be an instance's, and only nodes are in their group. */
export function isForNodes(username: string, arn: string, groups: readonly string[]): boolean {
  return isNode({ username }) && arn.includes(":role/") && groups.includes(NODES);
}

function lettersFlaws(kind: "username" | "group", text: string): NameFlaw[] {
  const [flaw, remedy] = lettersFlaw(text) ?? [];
  if (flaw === undefined || remedy === undefined) return [];
  return [{ code: `${kind}-characters`, message: `The ${kind} ${flaw}.`, remedy }];
}

function lettersFlaw(text: string): readonly [flaw: string, remedy: string] | null {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text)) return null;
  if (/[\r\n]/.test(text)) return ["has a line break", "Write it on one line."];
  if (text !== text.trim()) return ["has spaces around it, and RBAC compares them", "Remove them."];
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text))
    return ["has invisible characters", "Retype it."];
  if (/[\p{Zs}\p{Zl}\p{Zp}]/u.test(text.replaceAll(" ", ""))) return ["has an unusual space", "Retype it."];
  if (/^[\u2018\u201c]|[\u2019\u201d]$/.test(text))
    return ["has curly quotes, which belong to the name", "Remove them."];
  return /[\u017f\u212a]/.test(text) ? ["has a letter that only looks like s or K", "Retype it."] : null;
}

/** The first `{{…}}`, `${…}`, or template in single braces, that the authenticator leaves as it is, or null. */
function unknownTemplate(text: string): string | null {
  const found =
    text.match(
      /\{\{[^}]*\}?\}?|\$\{(?!\{)[^}]*\}?|\{(?:EC2PrivateDNSName|AccountID|SessionName|SessionNameRaw|AccessKeyID)\}/g,
    ) ?? [];
  return found.find((template) => !TEMPLATES.some((known) => known === template)) ?? null;
}

/** The templates of a session's name, which is empty for all but the sessions of roles. */
export const SESSION_NAME = /\{\{SessionName(?:Raw)?\}\}/;

/** Whether a colon comes before each session name. A session name has no colon, so no session can imitate another username. */
function hasGuardedSession(username: string): boolean {
  const at = username.search(SESSION_NAME);
  if (at < 0) return true;
  return at > 1 && username[at - 1] === ":" && !username.slice(0, at).startsWith("{{");
}

export type NamedEntry = { readonly arn: string; readonly username: string };

type Part = string | RegExp;

/** The templates, with the letters that they can produce. A session name has no colon. */
const letters: Readonly<Record<string, RegExp>> = {
  "{{SessionName}}": /[\w+=,.-]/,
  "{{SessionNameRaw}}": /[\w+=,.@-]/,
  "{{AccessKeyID}}": /[A-Z0-9]/,
  "{{EC2PrivateDNSName}}": /[a-z0-9.-]/,
};
const templates = /(\{\{(?:SessionName|SessionNameRaw|AccessKeyID|EC2PrivateDNSName)\}\})/;

/** eks-access never writes a longer username. */
const longestUsername = 1_000;
/** A hostile document must not delay the process: after this number of steps two patterns count as equal. */
const maxSteps = 100_000;

/** The ARNs of other entries that can produce this username. @param username with its templates */
export function entriesThatYield(username: string, arn: string, entries: readonly NamedEntry[]): readonly string[] {
  const own = partsOf(username, arn);
  const budget = { steps: maxSteps };
  const principal = withoutRolePath(arn).toLowerCase();
  const isOwn = (entry: NamedEntry) => withoutRolePath(entry.arn).toLowerCase() === principal;
  const found = entries.filter(
    (entry) =>
      !isOwn(entry) &&
      entry.username !== "" &&
      entry.username.length <= longestUsername &&
      beginsAlike(username, entry.username) &&
      canBeEqual(own, partsOf(entry.username, entry.arn), budget),
  );
  return [...new Set(found.map((entry) => entry.arn))];
}

/** Up to the first template of either. Most names differ before it, and then need no memory. */
function beginsAlike(one: string, other: string): boolean {
  const [end, otherEnd] = [one.indexOf("{{"), other.indexOf("{{")];
  const until = Math.min(end < 0 ? one.length : end, otherEnd < 0 ? other.length : otherEnd);
  return one.startsWith(other.slice(0, until));
}

/** An IAM user has no session name: it renders empty. */
function partsOf(username: string, arn: string): readonly Part[] {
  const [, , , , account = ""] = arn.split(":");
  const hasSession = !/:user\//i.test(arn);
  return username
    .replaceAll("{{AccountID}}", account)
    .split(templates)
    .flatMap((part): readonly Part[] => {
      const set = letters[part];
      if (!set) return [...part];
      return hasSession || !part.startsWith("{{Session") ? [set] : [];
    });
}

/** Whether one text fits both. Compares each pair of places once, after what both begin with: most differ soon, and need no memory. */
function canBeEqual(a: readonly Part[], b: readonly Part[], budget: { steps: number }): boolean {
  let same = 0;
  while (typeof a[same] === "string" && a[same] === b[same]) same += 1;
  if (typeof a[same] === "string" && typeof b[same] === "string") return false;
  const width = b.length + 1;
  const start = same * width + same;
  const seen = new Set([start]);
  const open = [start];
  const visit = (i: number, j: number) => {
    const place = i * width + j;
    if (seen.has(place)) return;
    seen.add(place);
    open.push(place);
  };
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const [i, j] = [Math.floor(place / width), place % width];
    const [x, y] = [a[i], b[j]];
    budget.steps -= 1;
    if (budget.steps < 0 || (x === undefined && y === undefined)) return true;
    if (x instanceof RegExp) visit(i + 1, j);
    if (y instanceof RegExp) visit(i, j + 1);
    if (typeof x === "string" && x === y) visit(i + 1, j + 1);
    if (x instanceof RegExp && typeof y === "string" && x.test(y)) visit(i, j + 1);
    if (y instanceof RegExp && typeof x === "string" && y.test(x)) visit(i + 1, j);
  }
  return false;
}
