import { AccessError, explainFailure } from "../access/access-error.ts";
import { keptWith } from "../access/collections.ts";
import type { PersonReading } from "../access/found-identities.ts";
import { accountIn, type IdentityCenterSettings, type IdentityRules } from "../access/identities.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { admittedBy, entryArnOf, isIdentityCenterRole, sessionNameIn } from "../access/principal.ts";
import type { ApprovedRequest } from "../access/record.ts";
import { isHeld } from "../access/request.ts";
import { counted, named } from "../diagnosis/link.ts";
import type { LeaversReport } from "../diagnosis/reports.ts";
import { knownIdentitiesOf } from "../ledger/links.ts";
import { withinTime } from "../operations/deadlines.ts";
import type { WorkerContext } from "./context.ts";
import { accountsOfDirectory, becomeReader, identityCenterOf } from "./questions/identities.ts";
import { lateWords } from "./questions/look-at-cluster.ts";

/** Each person costs five calls or more, and an organization shares some twenty a second. */
const maxPeople = 50;

interface Assigned {
  readonly userName: string;
  readonly permissionSet: string;
  readonly account: string;
}

export interface LeaversQuestion {
  readonly asker: string;
  readonly withinMs: number;
  /** A person has just removed a user, and checks: no earlier answer counts. */
  readonly isFresh: boolean;
}

/** No setting asks Identity Center, or the person who asks does not see other people's leases. */
export const noLeavers: LeaversReport = { found: [], notCompared: null };

/** Those who left Identity Center, or lost their permission set. A failure ends the asking, and is a part of the report. */
export async function findLeavers(
  context: WorkerContext,
  cluster: Cluster,
  leased: readonly ApprovedRequest[],
  asking: LeaversQuestion,
): Promise<LeaversReport> {
  const center = identityCenterOf(context);
  if (!center) return noLeavers;
  const held = leased.filter((request) => isHeld(request) && isIdentityCenterRole(request.principal));
  const people = await Promise.all(held.map((request) => assignedTo(context, cluster, request)));
  const sought = new Map(people.flatMap((person) => (person ? [[keyOf(person), person] as const] : [])));
  const answers = new Map<string, string | null>();
  const why = await withinTime(ask(context, [...sought.values()], asking, answers), asking.withinMs, null);
  const { identities } = context.config;
  const isKnown = accountsOfDirectory(identities).has(cluster.account);
  if (!isKnown && (await isSealed(context, cluster, held, center)))
    accountsOfDirectory(identities).add(cluster.account);
  const ofDirectory = accountsOfDirectory(identities);
  // Another organization has other people, and can have permission sets of the same names.
  const isForeign = (person: Assigned) => answers.get(keyOf(person)) != null && !ofDirectory.has(person.account);
  const answerOf = (person: Assigned | null | undefined) =>
    person && !isForeign(person) ? answers.get(keyOf(person)) : undefined;
  const found = held.flatMap(({ id }, index) => {
    const message = answerOf(people[index]);
    return message ? [{ id, message }] : [];
  });
  const unknown = people.filter((person) => answerOf(person) === undefined).length;
  if (unknown === 0) return { found, notCompared: null };
  const reason = answers.size === sought.size ? "" : ` ${why ?? lateWords}`;
  return { found, notCompared: `Not compared with Identity Center: ${counted(unknown, "lease")}.${reason}` };
}

/** Of a lease for a whole role only our own sealed answer knows the user name. Null: unknown. */
async function assignedTo(
  context: WorkerContext,
  cluster: Cluster,
  { principal, requester }: ApprovedRequest,
): Promise<Assigned | null> {
  const userName =
    sessionNameIn(principal) ?? (await knownIdentitiesOf(context, requester, cluster)).found?.person?.userName;
  const account = accountIn(principal);
  return userName ? { userName, permissionSet: admittedBy(entryArnOf(principal)).name, account } : null;
}

/** In the last day, for one of the leases' people here. A restart forgets what a worker saw, and no one may be left there. */
async function isSealed(
  context: WorkerContext,
  cluster: Cluster,
  held: readonly ApprovedRequest[],
  { instanceArn }: IdentityCenterSettings,
): Promise<boolean> {
  const people = new Set(held.flatMap(({ requester, approvals }) => [requester, ...approvals.map(({ by }) => by)]));
  const known = await Promise.all([...people].map((user) => knownIdentitiesOf(context, user, cluster)));
  return known.some(({ found }) => found?.directory === instanceArn);
}

/** One person after another. @returns why it asked not about all; null: it did */
async function ask(
  context: WorkerContext,
  sought: readonly Assigned[],
  { asker, isFresh }: LeaversQuestion,
  answers: Map<string, string | null>,
): Promise<string | null> {
  const center = identityCenterOf(context);
  const unasked = sought.filter((person) => isFresh || !isPresent(context, person, answers));
  if (!center || unasked.length === 0) return null;
  try {
    const reader = await becomeReader(center, { id: "leavers", requester: asker });
    const { findUser } = await import("../aws/identity-center.ts");
    for (const person of unasked.slice(0, maxPeople)) {
      const reading = await findUser(reader, center, person.userName, person.account);
      const isThere = reading.type === "person" && reading.permissionSets.length > 0;
      if (isThere) accountsOfDirectory(context.config.identities).add(person.account);
      const gone = goneWords(reading, person);
      answers.set(keyOf(person), gone);
      if (gone === null) remember(context, person);
    }
    return unasked.length > maxPeople
      ? `The worker asks about at most ${counted(maxPeople, "person", "people")}.`
      : null;
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    context.log.warn({ code: error.code, err: error }, "could not compare leases with Identity Center");
    return explainFailure(error);
  }
}

/** As a clause; null: they may use the lease. */
function goneWords(reading: PersonReading, { userName, permissionSet, account }: Assigned): string | null {
  const name = named(userName);
  if (reading.type === "none" && reading.why === "user-disabled") return `${name} is disabled in Identity Center`;
  if (reading.type === "none") return `Identity Center has no user ${name}`;
  if (reading.permissionSets.includes(permissionSet)) return null;
  return `Identity Center does not assign ${named(permissionSet)} in account ${account} to ${name}`;
}

/** Until when each person counts as present, in milliseconds; people have leases in many clusters. New settings forget all. */
const presentUntil = keptWith((_: IdentityRules) => new Map<string, number>());
const maxPresent = 10_000;

function isPresent({ config, now }: WorkerContext, person: Assigned, answers: Map<string, string | null>): boolean {
  const until = presentUntil(config.identities).get(keyOf(person));
  if (until === undefined || until <= now().getTime()) return false;
  answers.set(keyOf(person), null);
  return true;
}

function remember({ config: { identities }, now }: WorkerContext, person: Assigned): void {
  const known = presentUntil(identities);
  if (known.size >= maxPresent) known.clear();
  known.set(keyOf(person), now().getTime() + identities.keepSeconds * 1000);
}

function keyOf({ userName, permissionSet, account }: Assigned): string {
  return JSON.stringify([userName, permissionSet, account]);
}
