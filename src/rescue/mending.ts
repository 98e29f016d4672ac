import type { AwsAuthDocument } from "../aws-auth/document.ts";
import { parseDocument } from "../aws-auth/parse.ts";
import { type Change, type PlanGuard, planChanges } from "../aws-auth/plan.ts";
import { offerRepairs } from "../aws-auth/repair.ts";
import { type Identity, resolve } from "../aws-auth/resolve.ts";

type Data = Readonly<Record<string, string>>;

/** What is to be done about a document that somebody broke. */
export type Mending =
  | { readonly type: "whole" }
  /** `how`: one sentence. */
  | { readonly type: "write"; readonly data: Data; readonly how: string }
  /** Only a person can say what was meant: what is wrong, and what to give us. */
  | { readonly type: "ask"; readonly message: string };

const giveIt =
  "Run it again with --document and the last good document (a backup, Git, kubectl's last-applied annotation), and it is written.";

/**
 * Plans how a document is mended: by the last good one where it is given, else by what can be mended without asking
 * what was meant.
 *
 * @param found what stands there; null: there is no ConfigMap
 * @param good the last good document; null: nobody gave one
 */
export function planMending(found: Data | null, good: Data | null, guard: PlanGuard): Mending {
  const document = parseDocument(found ?? {});
  if (good !== null) return byGood(document, parseDocument(good), guard);
  const [broken] = brokenIn(document);
  if (broken) return byRepair(document) ?? { type: "ask", message: `aws-auth: ${broken} ${giveIt}` };
  if (document.entries.length > 0) return { type: "whole" };
  const what = found === null ? "There is no ConfigMap aws-auth" : "aws-auth maps nobody";
  return { type: "ask", message: `${what}, so that nobody but the creator signs in, and no node joins. ${giveIt}` };
}

function byGood(found: AwsAuthDocument, good: AwsAuthDocument, guard: PlanGuard): Mending {
  const [flaw] = brokenIn(good);
  if (flaw || good.entries.length === 0) {
    return { type: "ask", message: `The document that was given is not good: ${flaw ?? "it maps nobody."}` };
  }
  if (found.entries.length === 0 || brokenIn(found).length > 0) {
    return {
      type: "write",
      data: { ...found.data, ...good.data },
      how: "The last good document is written as it was.",
    };
  }
  const changes = missingIn(found, good);
  if (changes.length === 0) return { type: "whole" };
  const plan = planChanges(found, changes, { ...guard, allowMasters: true });
  if (plan.type === "refused") return { type: "ask", message: plan.refusal.message };
  const how = `What is missing is added, and the rest stays: ${changes.map(({ arn }) => arn).join(", ")}.`;
  return { type: "write", data: plan.after, how };
}

/** Each principal that is somebody by the good document, and somebody else or nobody by the one that stands there. */
function missingIn(found: AwsAuthDocument, good: AwsAuthDocument): Change[] {
  return good.entries.flatMap(({ section, arn, username, groups, reachable }): Change[] => {
    if (section === "mapAccounts" || !reachable || isSame(resolve(found, arn), resolve(good, arn))) return [];
    return [{ type: "map", arn, username, groups }];
  });
}

/** Only a section that can't be read is mended by itself: it changes nobody who signs in now. */
function byRepair(document: AwsAuthDocument): Mending | null {
  const repair = offerRepairs(document).find(({ code }) => code === "section-unreadable");
  if (!repair) return null;
  const after = parseDocument(repair.plan.after);
  return brokenIn(after).length === 0 ? { type: "write", data: after.data, how: repair.message } : null;
}

const breaking: ReadonlySet<string> = new Set(["section-unreadable", "section-not-a-list", "content-dropped"]);

function brokenIn({ problems }: AwsAuthDocument): string[] {
  return problems
    .filter(({ code }) => breaking.has(code))
    .map(({ section, line, message }) => `${section}, line ${line}: ${message}`);
}

/** Who a principal was by the last good document, and who it is now. */
export interface Return {
  readonly arn: string;
  readonly isBack: boolean;
}

/** Whether everybody whom a good document lets in is let in again, as the same username and groups. */
export function returnsOf(good: Data, now: Data): readonly Return[] {
  const [before, after] = [parseDocument(good), parseDocument(now)];
  const arns = before.entries.filter(({ reachable, section }) => reachable && section !== "mapAccounts");
  return [...new Set(arns.map(({ arn }) => arn))].map((arn) => ({
    arn,
    isBack: isSame(resolve(before, arn), resolve(after, arn)),
  }));
}

function isSame(some: Identity | null, other: Identity | null): boolean {
  const text = (of: Identity | null) => of && JSON.stringify([of.username, [...new Set(of.groups)].sort()]);
  return text(some) === text(other);
}
