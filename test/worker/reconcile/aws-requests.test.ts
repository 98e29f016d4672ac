import { expect, test } from "vitest";
import { arns, externalId } from "../../../sandbox/scene.ts";
import type { EventType } from "../../../src/access/audit-event.ts";
import { judgeRevoke } from "../../../src/access/lease/revoke.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { fillLedger, wishes } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();
const id = expect.stringMatching(/^[0-9a-f-]{36}$/);

/** Two approved leases in a ledger, a run over them, and what the events of a type say of AWS. */
async function aRun() {
  const { cluster, context } = workerSide();
  const ledger = memoryLedger();
  await fillLedger(ledger, cluster, new Date());
  const run = () => reconcileCluster({ ...context(ledger), keys }, cluster);
  await run();
  const asked = async (type: EventType) => {
    const events = (await ledger.events(1, 100)).map(({ event }) => event);
    return events.filter((event) => event.type === type).map(({ detail }) => detail.awsRequests);
  };
  const auditIds = async (type: EventType) =>
    (await ledger.events(1, 100)).flatMap(({ event }) => (event.type === type ? [event.detail.auditIds] : []));
  return { ledger, cluster, run, asked, auditIds };
}

/** The request ids that CloudTrail has of AssumeRole. */
const recorded = () =>
  workerSide()
    .sandbox.aws.cloudTrail.events.filter(({ name }) => name === "AssumeRole")
    .map(({ record }) => record.requestID);

test("the events of a write name what its own run asked of AWS, as CloudTrail has it", async () => {
  const { ledger, cluster, run, asked } = await aRun();
  const active = await ledger.get(wishes.long.id);
  const back = active && judgeRevoke(active, cluster, { user: active.requester, memberships: [] }, "", new Date());
  if (back?.type === "decided") await ledger.commit(aChange(back.after, "lease.ending"));
  await run();

  const [first, second] = recorded();
  const of = (assumed: unknown) => ({
    "sts:AssumeRole": [assumed],
    "eks:DescribeCluster": [id],
  });
  expect(await asked("lease.writing")).toEqual([of(first), of(first)]);
  expect(await asked("lease.active")).toEqual([of(first), of(first)]);
  expect(await asked("lease.ended")).toEqual([of(second)]);
});

test("a lease that waits because AWS refused names the call that AWS refused", async () => {
  workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

  const { asked } = await aRun();

  const refused = { "sts:GetCallerIdentity": [id], "sts:AssumeRole": [recorded().at(-1)] };
  expect(await asked("lease.delayed")).toEqual([refused, refused]);
});

/** The ids in the cluster's own audit log of the calls of this kind since `before` lines. */
function audited(verb: string, resource: string, isDryRun: boolean, before: number): readonly string[] {
  const isMeant = (line: { verb: string; requestURI: string }) =>
    line.verb === verb && line.requestURI.includes(resource) && line.requestURI.includes("dryRun=All") === isDryRun;
  return workerSide()
    .sandbox.cluster.auditLog()
    .slice(before)
    .filter(isMeant)
    .map(({ auditID }) => auditID);
}

test("the events of a write name under which ids the cluster's own audit log has its dry run, its PUT and the proofs", async () => {
  workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
  const before = workerSide().sandbox.cluster.auditLog().length;

  const { auditIds } = await aRun();

  const dryRun = { "PUT configmaps (dry run)": audited("update", "configmaps/aws-auth", true, before) };
  const written = { ...dryRun, "PUT configmaps": audited("update", "configmaps/aws-auth", false, before) };
  const [begun, ...others] = await auditIds("lease.writing");
  expect([begun, ...others]).toEqual([dryRun, dryRun]);
  expect(written["PUT configmaps"]).toHaveLength(1);
  const active = await auditIds("lease.active");
  expect(active).toMatchObject([written, written]);
  const reviews = audited("create", "subjectaccessreviews", false, before);
  expect(reviews.length).toBeGreaterThan(0);
  expect(JSON.stringify(active).match(/[0-9a-f-]{36}/g)).toEqual(expect.arrayContaining([...reviews]));
});
