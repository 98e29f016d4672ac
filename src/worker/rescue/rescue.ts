import { breakTheGlassUnsigned } from "../../access/approval/glass.ts";
import type { Level } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { createRequest } from "../../access/request/request.ts";
import { rescueLevel } from "../../access/rescue/lease.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import { letAccessEntriesIn } from "../../aws/authentication-mode.ts";
import type { WorkerContext } from "../context.ts";
import { takeEntry } from "./end-rescues.ts";
import { isKnown, mendAs } from "./mend-as.ts";
import type { MendResult } from "./mend-document.ts";
import { overMeanwhile, type RescueJournal } from "./rescue-journal.ts";
import { giveLease, namingOwnPolicy } from "./rescue-lease.ts";
import type { RescueContext, RescueOrder } from "./rescue-session.ts";

/** What a rescue gives: the policy of a cluster administrator, by EKS. There are no groups in it. */
function rescueLevelOf(durationSeconds: number): Level {
  return { name: rescueLevel, groups: [], maxDurationSeconds: durationSeconds, verify: [] };
}

/** The record of a rescue as it first stands in the ledger: the glass is broken by it, told to all and to be reviewed. */
export function beginRescue(
  { cluster, principalArn: principal, by, as, durationSeconds, reason }: RescueOrder,
  id: string,
  { now }: Pick<WorkerContext, "now">,
  lapsesAfterSeconds: number,
): AccessRequest {
  const level = rescueLevelOf(durationSeconds);
  const who = { id, requester: by, cluster: cluster.name, principal, extends: null };
  const asked = createRequest(
    { ...who, level: level.name, groups: [], durationSeconds, reason },
    now(),
    lapsesAfterSeconds,
  );
  const begun = breakTheGlassUnsigned(asked, cluster, level, { user: by, memberships: [] }, now());
  return { ...begun, glass: begun.glass && { ...begun.glass, as } };
}

/** How a rescue came out: whether the document is as it should be, and whether the lease is over. */
export interface RescueOutcome {
  readonly mended: MendResult | null;
  readonly isEnded: boolean;
}

/**
 * Rescues a cluster with AWS rights alone: access entries beside aws-auth, one for the named role with an end of its own, the document
 * mended, everybody who was in it looked for, the lease ended. Each step looks at what stands there, so that it may run again
 * wherever it died. A lease that it can't end is ended by a worker.
 *
 * @throws AccessError
 */
export async function rescue(
  context: RescueContext,
  order: RescueOrder,
  journal: RescueJournal,
): Promise<RescueOutcome> {
  const { principalArn } = order;
  const options = context.pause ? { pause: context.pause } : {};
  if (await letAccessEntriesIn(await context.openEks(), options)) {
    context.say("The authentication mode is API_AND_CONFIG_MAP now.");
    await journal.note("rescue.mode-switched", () => ({}), { to: "API_AND_CONFIG_MAP" });
  }
  const eks = await context.openEks();
  const { description } = eks;
  await journal.note(
    "grant.writing",
    ({ grant }) => ({ grant: grant && { ...grant, writeBegan: grant.writeBegan ?? context.now().toISOString() } }),
    // Whoever goes on with a rescue that died may be another one than who began it.
    { as: order.as },
  );
  const entries = accessEntriesOf(eks);
  const { id, grant } = journal.request();
  // An entry that is made after a worker has looked for it and ended the lease would stand without end.
  if (grant?.end || Date.parse(grant?.endsAt ?? "") <= context.now().getTime()) throw overMeanwhile(journal.request());
  try {
    const lease = { id, by: order.by, as: order.as, endsAt: grant?.endsAt ?? "" };
    await giveLease({ entries, clusterArn: description.arn, principalArn, keys: context.keys.memory }, lease);
  } catch (error) {
    throw namingOwnPolicy(error);
  } finally {
    entries.close();
  }
  context.say(`${principalArn} has its access entry with AmazonEKSClusterAdminPolicy until ${grant?.endsAt}.`);
  const mended = await mendAs(context, order, description, journal);
  const isWell = mended?.type === "mended" && isKnown(order, mended) && mended.returns.every(({ isBack }) => isBack);
  if (!isWell || order.keeps) return { mended, isEnded: false };
  await takeEntry(context, await context.openEks(), principalArn, id);
  const endedAt = context.now().toISOString();
  const end = { cause: "revoked", by: order.by, at: endedAt, why: "the cluster is rescued" } as const;
  const over = { state: "ended", end, endedAt } as const;
  const detail = { cause: end.cause, why: end.why };
  await journal.note("grant.ended", (now) => ({ grant: now.grant && { ...now.grant, ...over } }), detail);
  context.say("The access entry is deleted: the rescue is over.");
  return { mended, isEnded: true };
}
