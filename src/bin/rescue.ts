import { AccessError, explainFailure, withRemedy } from "../access/access-error.ts";
import { parseDuration } from "../access/ask/duration.ts";
import { readReason } from "../access/ask/read-part.ts";
import type { AuditEvent } from "../access/audit-event.ts";
import { unreviewedEmergency } from "../access/emergency.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { creatorArnOf, type KnownCreator } from "../access/policy/creator.ts";
import { refuseRescue } from "../access/policy/permissions.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import { isRescue, withEmergency, withLease } from "../access/request.ts";
import type { EksCluster } from "../aws/eks-cluster.ts";
import { callerIdentity } from "../aws/sts.ts";
import { annotationsOf } from "../aws-auth/index.ts";
import { eventOf, recordChange, updateRequest } from "../ledger/lifecycle.ts";
import { wakeWaiting } from "../ledger/look-ups.ts";
import { wake } from "../ledger/queues.ts";
import { newRequestId } from "../ledger/records.ts";
import { becomeCreator } from "../worker/become-creator.ts";
import type { WorkerContext } from "../worker/context.ts";
import { identityOfRun, noteCreatorUse } from "../worker/discover-creator.ts";
import { creatorArnFor } from "../worker/open-cluster.ts";
import { openEksToManage } from "../worker/open-eks.ts";
import { changesInWords, reportChanges, writeChanged } from "../worker/reconcile/last-write.ts";
import { adoptRescues } from "../worker/rescue/adopt-rescues.ts";
import { beginRescue, earlierLease, rescue } from "../worker/rescue/rescue.ts";
import {
  type Candidate,
  ledgerJournal,
  lineOf,
  printedJournal,
  type RescueContext,
  type RescueJournal,
  type RescueOrder,
} from "../worker/rescue/rescue-session.ts";
import { readAllTexts } from "./check.ts";
import { flag, text } from "./option-kinds.ts";
import { type CommandIo, cliCommand, needs, readOneCluster, stackOf, taken, unusable } from "./process-io.ts";
import { clusterNamed, readCommandSettings, type Settings, withWorkerContext, workerKeysOf } from "./settings.ts";

const rescueUsage = `Usage: eks-access rescue CLUSTER --role ARN --for 1h --by SLACK-USER --reason TEXT --yes
                         [--document FILE|-|kept|kept-before] [--keep] [--without-ledger]

Run it in the worker's environment, with an AWS identity that has deploy/iam/rescue-policy.json. It is emergency access:
it alerts the channel, and an approver reviews it. You can run it again after a failure.

  --role ARN          the IAM role that gets access, with its path; it must have no access entry yet
  --for DURATION      the longest time, such as 30m or 1h; breakGlass of the cluster limits it
  --by SLACK-USER     your Slack user id; breakGlass of the cluster must name it
  --reason TEXT       why, for the approvers and the audit log
  --yes               switch the authentication mode to API_AND_CONFIG_MAP if needed (irreversible)
  --document FILE     the last good aws-auth, as a ConfigMap or its data alone, to restore what is missing;
                      kept or kept-before: the last copy that eks-access keeps in the cluster, or the one before
  --keep              keep the access entry until its end, even after the repair
  --without-ledger    Redis is down: send no message, and print the events for the audit log: keep them

Example: eks-access rescue staging --role arn:aws:iam::111122223333:role/sre --for 1h --by U0123456789 --reason INC-7
Exit code: 0 rescued, 1 something is left to do, 2 unusable input.
`;

type RescueOptions = ReturnType<typeof readRescueOptions>;

const rescueFlags = {
  ...{ role: text, for: text, by: text, reason: text, document: text },
  ...{ yes: flag, keep: flag, "without-ledger": flag },
};

function readRescueOptions(argv: readonly string[]) {
  const read = readOneCluster(argv, rescueFlags);
  const { cluster, role, by, yes, keep, document = null, "without-ledger": withoutLedger } = read;
  if (!role || !by || !read.reason) return needs("--role, --for, --by and --reason");
  const reason = taken(readReason(read.reason));
  const durationSeconds = parseDuration(read.for ?? "") ?? needs("--for as a duration, such as 4h");
  return { cluster, role, durationSeconds, by, reason, yes, keep, document, withoutLedger };
}

export const runRescue = cliCommand("rescue", rescueUsage, (argv, io) =>
  untilStopped(io, (opened) => rescueOnce(argv, io, opened)),
);

type Opened = (journal: Promise<RescueJournal>) => Promise<RescueJournal>;

/** What has begun alerted the channel, and can have an access entry: Ctrl-C or SIGTERM says so, and no failure of it has the code of a refusal. */
async function untilStopped(io: CommandIo, run: (opened: Opened) => Promise<number>): Promise<number> {
  let opening: Promise<RescueJournal> | null = null;
  const begun = async () => (await opening?.catch(() => null)) ?? null;
  const stop = async (_: string, number: number) => {
    const journal = await begun();
    const what = journal ? `${journal.request().id} has begun` : "nothing began";
    io.stderr(`\nStopped: ${what}. Run it again.\n`);
    process.exit(128 + number);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    return await run((journal) => {
      opening = journal;
      return journal;
    });
  } catch (error) {
    if (!(await begun())) throw error;
    io.stderr(`eks-access rescue: ${explainFailure(error)}\n`);
    if (!(error instanceof AccessError)) io.stderr(stackOf(error));
    return 1;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

async function rescueOnce(argv: readonly string[], io: CommandIo, opened: Opened): Promise<number> {
  const options = readRescueOptions(argv);
  const settings = await readCommandSettings("worker");
  const cluster = clusterNamed(settings.config, options.cluster);
  const refusal = refuseRescue(cluster, options);
  if (refusal !== null) unusable(refusal);
  const good = await readGood(options, io);
  const { by, role: principalArn, durationSeconds, reason, keep: keeps } = options;
  // --by is only the person's claim, so the record also has the identity that AWS reports.
  const { arn: as } = await callerIdentity("default", cluster.region);
  const order: RescueOrder = { cluster, principalArn, by, as, durationSeconds, reason, good, keeps };
  if (options.withoutLedger) return withoutLedger(settings, order, options, io, opened);
  return withWorkerContext(settings, async (context) => {
    const openEks = openerOf(cluster, by, () => identityOfRun(context, cluster));
    await refuseSwitch(cluster, options, openEks);
    const { operator } = cluster;
    const creator = operator ? namedCreator(cluster) : await identityOfRun(context, cluster).catch(() => null);
    const creatorArn = operator ? await creatorArnFor(context, cluster, operator) : creator && creatorArnOf(creator);
    const journal = await opened(openJournal(context, order));
    const candidate = creator && creatorCandidate(context, cluster, creator, journal.request().id, by);
    // What waited for the repair, and leases that the good document lacks, would otherwise be seen minutes later.
    const isRepaired = async () => {
      await wakeWaiting(context, cluster);
      await wake(context.queues, { type: "inspect", cluster: cluster.name });
    };
    const report: RescueContext["reportChanges"] = (changes) =>
      reportChanges({ context, cluster }, changesInWords(changes));
    const rescuing = { ...context, openEks, creatorArn, isRepaired, reportChanges: report };
    return carryOut(rescuing, order, journal, io, candidate);
  }).catch(withRemedy("Check Redis, or add --without-ledger.", "ledger-unreachable"));
}

/** The creator that eks-access.yml names; null: only CloudTrail could. Beside an operator, only a named one is used. */
function namedCreator({ creator }: Cluster): KnownCreator | null {
  return creator.type === "discover" ? null : creator;
}

type OpenEks = () => Promise<EksCluster>;

function openerOf(cluster: Cluster, requester: string, identity: () => Promise<KnownCreator>): OpenEks {
  return () => openEksToManage(cluster, [{ id: "rescue", requester }], identity);
}

async function refuseSwitch({ name }: Cluster, { yes }: RescueOptions, openEks: OpenEks): Promise<void> {
  const { authenticationMode } = (await openEks()).description;
  if (yes || authenticationMode !== "CONFIG_MAP") return;
  unusable(`A rescue switches ${name} to API_AND_CONFIG_MAP for good; aws-auth keeps working. Add --yes.`);
}

async function readGood({ document }: RescueOptions, io: CommandIo): Promise<RescueOrder["good"]> {
  if (document === null) return null;
  if (document === "kept") return "last";
  if (document === "kept-before") return "before";
  const file = await readAllTexts(document, io);
  return { data: file.data, annotations: annotationsOf(file) };
}

/** A rescue that died continues under its own record, with the same end. Its access entry has both if Redis lost the record. */
async function openJournal(context: WorkerContext, order: RescueOrder): Promise<RescueJournal> {
  const { cluster, principalArn, by } = order;
  await adoptRescues(context, cluster, [principalArn]);
  const leased = await context.ledger.leasedOf(cluster.name);
  const begun = leased.find(
    (request) => isRescue(request) && request.principal === principalArn && request.lease.end === null,
  );
  if (begun) return ledgerJournal(context, await takenOver(context, begun, order), by);
  const request = beginRescue(order, newRequestId(), context, context.config.timing.requestExpiresAfterSeconds);
  const now = context.now();
  await recordChange(context, null, request, brokenBy(order, request, now), now);
  return ledgerJournal(context, request, by);
}

/** No one who ran it can review it. A review of before does not cover another person's run. */
function takenOver(context: WorkerContext, begun: ApprovedRequest, order: RescueOrder): Promise<ApprovedRequest> {
  return updateRequest<ApprovedRequest>(context, begun.id, (current) => {
    if (current?.state !== "approved") return { type: "stop", outcome: begun };
    const as = current.emergency?.as ?? [];
    if (as.includes(order.as)) return { type: "stop", outcome: current };
    const now = context.now();
    const after = withEmergency(current, unreviewedEmergency(now, [...as, order.as]));
    return { type: "write", after, event: brokenBy(order, after, now), outcome: after };
  });
}

function brokenBy(order: RescueOrder, request: AccessRequest, now: Date): AuditEvent {
  const { principalArn: principal, by, as, durationSeconds, reason } = order;
  return eventOf("emergency.taken", request, by, now, { principal, level: request.level, durationSeconds, reason, as });
}

function creatorCandidate(
  context: Parameters<typeof noteCreatorUse>[0],
  cluster: Cluster,
  creator: KnownCreator,
  id: string,
  requester: string,
): Candidate {
  return {
    name: creatorArnOf(creator),
    isLeased: false,
    credentials: async () => {
      await noteCreatorUse(context, cluster, creator, "rescue", requester);
      return (await becomeCreator(cluster, creator, [{ id, requester }])).credentials;
    },
  };
}

/** Without a ledger there is no message and no sweep. The entry's tags hold its end, and `recover` reads them into the ledger later. */
async function withoutLedger(
  settings: Settings,
  order: RescueOrder,
  options: RescueOptions,
  io: CommandIo,
  opened: Opened,
): Promise<number> {
  const context = { keys: workerKeysOf(settings), now: () => new Date() };
  const { cluster, by } = order;
  const creator = namedCreator(cluster);
  const openEks = openerOf(cluster, by, async () => {
    const identity = cluster.operator ?? creator;
    // Only the ledger remembers a creator that CloudTrail named.
    if (!identity)
      throw new AccessError("creator-unknown", `eks-access.yml does not name the creator of ${cluster.name}`);
    return identity;
  });
  await refuseSwitch(cluster, options, openEks);
  const found = await earlierLease(context, await openEks(), order.principalArn);
  const { requestExpiresAfterSeconds } = settings.config.timing;
  const begun = beginRescue(order, found?.id ?? newRequestId(), context, requestExpiresAfterSeconds);
  const request = withLease(begun, { ...begun.lease, endsAt: found?.endsAt ?? begun.lease.endsAt });
  const print = (line: string) => io.stderr(line);
  const journal = await opened(Promise.resolve(printedJournal(request, by, context.now, print)));
  if (!found) print(lineOf(brokenBy(order, request, context.now())));
  const ledger = { append: async (event: AuditEvent) => print(lineOf(event)) };
  const candidate = creator && creatorCandidate({ ...context, ledger }, cluster, creator, request.id, by);
  const then = ` With Redis back, run eks-access recover ${cluster.name}.`;
  const creatorArn = creator && creatorArnOf(creator);
  return carryOut(
    {
      ...context,
      ...{ openEks, creatorArn, isRepaired: async () => {} },
      reportChanges: async (changes) =>
        print(lineOf(writeChanged(cluster, changesInWords(changes), context.now().toISOString()))),
    },
    order,
    journal,
    io,
    candidate,
    then,
  ).finally(() => io.stdout("Sent nothing: keep these events.\n"));
}

async function carryOut(
  context: Omit<RescueContext, "others" | "say"> & { readonly isRepaired: () => Promise<void> },
  order: RescueOrder,
  journal: RescueJournal,
  io: CommandIo,
  creator: Candidate | null,
  ending = "",
): Promise<number> {
  const { cluster } = order;
  const say = (sentence: string) => io.stdout(`${sentence}\n`);
  say(`${order.by} takes emergency access to ${cluster.name} (${journal.request().id}), in AWS as ${order.as}.`);
  const { repaired, isEnded } = await rescue({ ...context, others: creator ? [creator] : [], say }, order, journal);
  if (repaired?.type === "repaired") await context.isRepaired();
  const { endsAt } = journal.request().lease;
  if (!isEnded) say(`A worker ends the access entry of ${order.principalArn} at ${endsAt}.${ending}`);
  return isEnded || (order.keeps && repaired?.type === "repaired") ? 0 : 1;
}
