import { expect } from "vitest";
import { readAwsAuth } from "../../sandbox/cluster/aws-auth-map.ts";
import { type EventType, verifyChain } from "../../src/access/audit-event.ts";
import type { MappedIdentity } from "../../src/access/lease/lease-record.ts";
import { isRequest } from "../../src/access/lists.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { isClosed } from "../../src/access/request.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { DirectCluster } from "./direct-cluster.ts";
import { memoryOf } from "./direct-scene.ts";
import { wishes } from "./reconcile-scene.ts";

/** What the document was before anyone acted, whether a person deleted it, and whether a person wrote past the ledger. */
export interface Document {
  readonly initial: Readonly<Record<string, string>>;
  readonly isDeleted: () => boolean;
  readonly isTampered: () => boolean;
  /** Whether a webhook changes our writes and a person edits the section: what came before the edit is theirs (SECURITY.md). */
  readonly isShared: () => boolean;
  /** How many changes of a request's record have no event: failed tries with a cause that an event has named. */
  readonly untold: (id: string) => number;
}

const attempts: readonly EventType[] = ["attempt.refused", "decision.refused"];
const once: readonly EventType[] = ["lease.writing", "lease.active", "lease.ending", "lease.ended", "lease.failed"];

/** Holds the document, its annotation and the audit log against the ledger, when everything has settled. */
export async function judgeScene(
  aws: DirectCluster,
  cluster: Cluster,
  ledger: Ledger,
  document: Document,
): Promise<void> {
  const records = await Promise.all(Object.values(wishes).map(({ id }) => ledger.get(id)));
  const requests = records.filter((request) => request !== null);
  const { data = {}, metadata } = aws.awsAuth() ?? {};
  const { users } = readAwsAuth(data);
  const active = requests.filter(({ lease }) => lease?.state === "active");
  const inForce = active.filter(({ lease }) => !lease?.drift);
  for (const arn of new Set(requests.map((request) => request.principal))) {
    const groups = inForce.filter((request) => request.principal === arn).flatMap((request) => request.groups);
    const found = users.get(arn)?.groups.filter((group) => !document.isShared() || group !== "webhook:more") ?? [];

    expect(found.toSorted(), `the groups of ${arn}`).toEqual(groups.sort());
    if (groups.length > 0)
      expect(users.get(arn)?.username, `the user of ${arn}`).toMatch(ownNames(document.isShared()));
    expect((data.mapUsers ?? "").split(arn).length, `entries of ${arn}`).toBeLessThanOrEqual(2);
  }
  const memory = memoryOf(aws, cluster);
  const shares = memory.type === "holdings" ? memory.holdings.flatMap((holding) => holding.shares) : [];

  // Also one with an entry that a person removed: it may come back, and must not outlive its time then. Deleting the whole
  // ConfigMap takes the annotation with it.
  const remembered = requests.filter(({ id }) => shares.some((share) => share.id === id));
  expect(idsOf(remembered)).toEqual(
    idsOf(document.isDeleted() ? remembered.filter((each) => active.includes(each)) : active),
  );
  expect(idsOf(inForce.filter((each) => !remembered.includes(each)))).toEqual([]);
  expect(Object.keys(metadata?.annotations ?? {})).not.toContain("eks-access/fence");
  await judgeAudit(ledger, requests, document);
  if (active.length > 0) return;
  const left = withoutForeign(data, document.isShared() ? [...foreignText, leftText] : foreignText);
  expect(left).toEqual(document.isDeleted() ? {} : document.initial);
}

const idsOf = (requests: readonly AccessRequest[]) => requests.map(({ id }) => id);

async function judgeAudit(
  ledger: Ledger,
  requests: readonly AccessRequest[],
  { isTampered, untold }: Document,
): Promise<void> {
  const events = await ledger.events(1, 10_000);

  expect(verifyChain(events)).toMatchObject({ type: "whole" });
  // A write past the ledger has no event, and a restored old record repeats its events.
  if (isTampered()) return;
  for (const { id, version } of requests) {
    // A refused attempt changed nothing.
    const told = events.filter(({ event }) => event.request === id && !attempts.includes(event.type));
    const types = told.map(({ event }) => event.type);
    const lives = types.filter((type) => type === "approval.void").length + 1;

    expect(types.length + untold(id)).toBe(version);
    for (const type of once) expect(types.filter((each) => each === type).length, type).toBeLessThanOrEqual(lives);
  }
}

const foreignText = [
  /^- userarn: \S+user\/sre # on call\n {2}username: sre\n {2}groups: \[sre\]\n/gm,
  /^# who is who\n/gm,
] as const;

/** An entry with nothing of a lease. */
const leftText = /^- userarn: .*\n {2}username: .*\n {2}groups:(?: \[\])?\n(?: {4}- "webhook:more"\n)*/gm;

function withoutForeign(
  { mapUsers = "", ...others }: Readonly<Record<string, string>>,
  foreign: readonly RegExp[],
): Record<string, string> {
  const ours = foreign.reduce((text, pattern) => text.replace(pattern, ""), mapUsers);
  return ours === "" ? others : { ...others, mapUsers: ours };
}

/** Counts the changes that are committed without an event. */
export function countUntold(ledger: Ledger) {
  const counts = new Map<string, number>();
  const untold = (id: string) => counts.get(id) ?? 0;
  const commit: Ledger["commit"] = async (change) => {
    const result = await ledger.commit(change);
    const { id } = change.after;
    if (result.type === "committed" && !change.event) counts.set(id, untold(id) + 1);
    return result;
  };
  return { counts, untold, ledger: { ...ledger, commit } };
}

/** Watches that what others wrote is never changed or removed, whoever writes. Who deletes all of it may. */
export function watchForeignText(
  cluster: DirectCluster,
  { initial }: Document,
): { readonly broken: readonly string[] } {
  const broken: string[] = [];
  let before = foreignText.map(() => 0);
  let mapRoles = initial.mapRoles;
  cluster.onChange((configMap) => {
    if (!configMap) {
      before = foreignText.map(() => 0);
      mapRoles = undefined;
      return;
    }
    const { mapUsers = "" } = configMap.data ?? {};
    const counts = foreignText.map((pattern) => mapUsers.match(pattern)?.length ?? 0);
    if (counts.some((count, index) => count < (before[index] ?? 0))) broken.push(mapUsers);
    if (configMap.data?.mapRoles !== mapRoles) broken.push(configMap.data?.mapRoles ?? "");
    before = counts;
  });
  return { broken };
}

/** Those of our entries and groups. @param isShared as in `Document` */
function ownNames(isShared: boolean): RegExp {
  return isShared ? /^(?:eks-access|webhook):/ : /^eks-access:/;
}

function isGranted({ username, groups }: MappedIdentity, allowed: RegExp): boolean {
  return [username, ...groups].every((name) => allowed.test(name));
}

/**
 * Watches that no lease is called active with more than its own, and that what a lease gave is out of the document when its end is recorded, and never comes back: a write that was
 * sent before may arrive after it. In the scene no two leases give the same group to one principal.
 */
export function watchWhatIsOver(
  cluster: DirectCluster,
  ledger: Ledger,
  { isShared }: Pick<Document, "isShared">,
): { readonly broken: readonly string[]; readonly ledger: Ledger } {
  const broken: string[] = [];
  const over = new Map<string, AccessRequest>();
  const look = () => {
    if (over.size === 0) return;
    const { users } = readAwsAuth(cluster.awsAuth()?.data);
    for (const { id, principal, groups } of over.values()) {
      const still = users.get(principal)?.groups.filter((group) => groups.includes(group)) ?? [];
      if (still.length > 0) broken.push(`${id} is over, and ${principal} has ${still.join()}`);
    }
  };
  cluster.onChange(look);
  const commit: Ledger["commit"] = async (change) => {
    const result = await ledger.commit(change);
    const { after } = change;
    const proved = isRequest(after) && change.event?.type === "lease.active" ? after.lease?.proof?.reviewedAs : null;
    if (proved && !isGranted(proved, ownNames(isShared())))
      broken.push(`active with more than granted: ${JSON.stringify(proved)}`);
    if (result.type === "committed" && isRequest(after) && isClosed(after)) {
      over.set(after.id, after);
      look();
    }
    return result;
  };
  return { broken, ledger: { ...ledger, commit } };
}
