import { withoutRolePath } from "./caller.ts";

export interface NamedEntry {
  readonly arn: string;
  readonly username: string;
}

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
const longest = 1_000;
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
      entry.username.length <= longest &&
      canBeEqual(own, partsOf(entry.username, entry.arn), budget),
  );
  return [...new Set(found.map((entry) => entry.arn))];
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

/** Whether one text fits both. Compares each pair of places once. */
function canBeEqual(a: readonly Part[], b: readonly Part[], budget: { steps: number }): boolean {
  const width = b.length + 1;
  const seen = new Set<number>([0]);
  const open = [0];
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
