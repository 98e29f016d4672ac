import { explainFailure, hasCode } from "../access/access-error.ts";
import type { Zone } from "../access/policy/cluster.ts";
import type { SlackKeys, WorkerKeys } from "../access/seal.ts";
import { decisionsSealedAnew } from "../access/seals.ts";
import type { Config } from "../config/config.ts";
import { type Environment, type SlackEnvironment, webhookProblems } from "../config/environment.ts";
import type { LiveConfig } from "../config/live-config.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import type { RedisClient } from "../ledger/client.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { startFollowingUndone } from "../ledger/lifecycle.ts";
import type { UndoneLedger } from "../ledger/own-commits.ts";
import type { Queues } from "../ledger/queues.ts";
import { newRequestId } from "../ledger/records.ts";
import { startSealingAgain } from "../ledger/seal-again.ts";
import { limitQuestions, workerQuestions } from "../ledger/worker-questions.ts";
import { type Stoppable, stoppable } from "../operations/stoppable.ts";
import type { NoticeContext } from "../slack/show/notice-poster.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { WithoutLedgerContext } from "../worker/upkeep/end-without-ledger.ts";
import type { FleetContext } from "../worker/upkeep/keep-fleet.ts";
import { startFollowing } from "./reload.ts";

export interface PartsContext extends Omit<WorkerContext, "keys" | "config"> {
  readonly ledger: Ledger & UndoneLedger;
  readonly queues: Queues;
  readonly auditLog: AuditLog;
  readonly live: LiveConfig;
  /** Those that this worker serves. */
  readonly zones: readonly Zone[];
  /** A connection without a time limit, for the queues' workers. */
  readonly blocking: RedisClient;
}

type WithKeys<Keys> = PartsContext & { readonly keys: Keys };

/** Takes each part as soon as it works, so that a request to stop during the start reaches it. */
type Started = (part: Stoppable) => void;

/** Starts the processes that the environment has keys for. The code of the other one is not even loaded. */
export async function startParts(
  context: PartsContext,
  environment: Pick<Environment, "workerKeys" | "slackKeys" | "slack" | "webhookSecret">,
  started: Started,
): Promise<void> {
  const { workerKeys, slackKeys, slack, webhookSecret } = environment;
  const following = await startFollowing(context, { workerKeys, slackKeys });
  started(following);
  started(stoppable(startFollowingUndone(context), "a look for changes that Redis lost"));
  if (workerKeys) await startWorkerParts({ ...context, follower: following, keys: workerKeys }, webhookSecret, started);
  if (slack && slackKeys)
    await startSlackParts({ ...context, keys: slackKeys, follow: following.look }, slack, started);
}

/** Starts a worker's acts without a ledger, at its start or later. @param writes resolves if the ledger takes a write now */
export async function startPartWithoutLedger(
  { live, zones, ...context }: Omit<WithoutLedgerContext, "keys" | "config"> & Pick<PartsContext, "live" | "zones">,
  { workerKeys }: Pick<Environment, "workerKeys">,
  writes: () => Promise<unknown>,
  started: Started,
): Promise<void> {
  if (!workerKeys) return;
  const [{ startWithoutLedger }, { FleetWithoutLedger }] = await Promise.all([
    import("../worker/upkeep/watch-ledger.ts"),
    import("../worker/upkeep/look-at-fleet.ts"),
  ]);
  const fleet = new FleetWithoutLedger(live, context.now);
  started(startWithoutLedger(live.with({ ...context, keys: workerKeys }), writes, zones, () => fleet.look()));
}

async function startWorkerParts(
  context: WithKeys<WorkerKeys> & Pick<FleetContext, "follower">,
  webhookSecret: Environment["webhookSecret"],
  started: Started,
): Promise<void> {
  const [
    { startWorker },
    { sealBaseAnew, startAuditKeeper },
    { checkOwnAccount, publishIdentity },
    { rememberingSeals },
    { startFleetKeeper },
    { wakeChanged },
    { sealingClusters },
  ] = await Promise.all([
    import("../worker/worker.ts"),
    import("../worker/upkeep/keep-audit.ts"),
    import("../worker/open-eks.ts"),
    import("../operations/bounds.ts"),
    import("../worker/upkeep/keep-fleet.ts"),
    import("../ledger/look-ups.ts"),
    import("../worker/upkeep/seal-clusters.ts"),
  ]);
  const { live, log } = context;
  const keys = { ...context.keys, decision: rememberingSeals(context.keys.decision) };
  const contextNow = live.with({ ...context, keys });
  await checkOwnAccount(contextNow());
  live.refuseIf((next) => problemOf(checkOwnAccount({ config: next, log })));
  live.onReplaced((_present, before) => {
    wakeChanged(contextNow(), before).catch((error: unknown) => {
      log.warn({ err: error }, "the new configuration did not wake what waits for a repair; its next try comes");
    });
  });
  live.refuseIf(async ({ hasWebhook }) => webhookProblems(webhookSecret !== null, hasWebhook));
  started(startWorker(contextNow, context.blocking, context.zones));
  const { deadlines } = live.current().timing;
  const keeper = startAuditKeeper({ ...context, deadlines, settings: () => live.current().audit, webhookSecret });
  started(stoppable(keeper, "keeping the audit log"));
  started(stoppable(startFleetKeeper(contextNow), "a look at the fleet"));
  const sealing = sealingClusters(contextNow, context.zones);
  const sealingAgain = startSealingAgain(context, {
    keys: { preview: keys.preview, memory: keys.memory },
    clusters: () => [...live.current().clusters.keys()],
    ...sealing,
    others: async () => {
      await sealBaseAnew(context.auditLog, keys.preview);
      return sealing.others();
    },
  });
  started(stoppable(sealingAgain, "seals of the newest keys"));
  await publishIdentity(contextNow());
}

/** The sentence of a refusal, for a list of problems. */
async function problemOf(checking: Promise<void>): Promise<readonly string[]> {
  try {
    await checking;
    return [];
  } catch (error) {
    if (hasCode(error, "config-invalid")) return [explainFailure(error)];
    throw error;
  }
}

async function startSlackParts(
  plain: WithKeys<SlackKeys> & Pick<NoticeContext, "follow">,
  slack: SlackEnvironment,
  started: Started,
): Promise<void> {
  const [
    { startSlackApp },
    { startMessageWorker },
    { showMoved, showOtherApprovers },
    clients,
    directories,
    { approverMistakes, watchApprovers },
    { genuineLedger },
    { startAnchorPoster },
    { startTroublePoster },
    { MessageUpdates },
    { startShowingLost },
    { startNoticePoster, startZonePoster, startLogPoster },
    { sealLinksAgain },
  ] = await Promise.all([
    import("../slack/app/app.ts"),
    import("../slack/show/message-worker.ts"),
    import("../slack/show/show-moved.ts"),
    import("../slack/app/web-client.ts"),
    import("../slack/app/directory.ts"),
    import("../slack/decide/approver-watch.ts"),
    import("../slack/decide/genuine-ledger.ts"),
    import("../slack/show/anchor-poster.ts"),
    import("../slack/show/trouble-poster.ts"),
    import("../slack/show/shown-messages.ts"),
    import("../slack/show/lost-cards.ts"),
    import("../slack/show/notice-poster.ts"),
    import("../slack/link/link-questions.ts"),
  ]);
  const { live, queues, blocking, now } = plain;
  const configuration = live.current;
  const { slack: settings, timing } = configuration();
  const context = { ...plain, configuration, ledger: genuineLedger({ ...plain, configuration }) };
  const workers = limitQuestions(workerQuestions(queues));
  const directory = directories.slackDirectory(clients.directoryClient(slack, timing.deadlines), now, {
    workspace: settings.workspace,
    shared: { ledger: context.ledger, keys: plain.keys.decision },
  });
  const slackContext = { ...context, workers, directory, newRequestId };
  const backgroundClient = clients.backgroundClient(slack, timing.deadlines);
  const updates = new MessageUpdates(backgroundClient);
  const client = clients.messengerClient(slack, timing.deadlines);
  const messenger = { ...context, directory, client, updates };
  const shownLater = (error: unknown) =>
    plain.log.warn({ err: error }, "messages show a change of clusters or approvers only at their next change");
  const showOthers = () => showOtherApprovers({ ...messenger, config: configuration() }).catch(shownLater);
  const approvers = await watchApprovers({ ...slackContext, showOthers });
  live.refuseIf((next) => approverMistakes(slackContext, next));
  started(stoppable(approvers, "a look at the approvers"));
  started(await startSlackApp({ ...slackContext, groupChanged: approvers.lookSoon }, slack, settings.mode, updates));
  started(startMessageWorker({ ...messenger, backgroundClient }, blocking));
  const moved = (before: Config | null) =>
    void showMoved({ ...messenger, config: configuration() }, before).catch(shownLater);
  live.onReplaced((_present, before) => moved(before));
  moved(null);
  const { decision } = plain.keys;
  // As Redis has them: what does not count now can be as it was decided.
  const sealing = startSealingAgain(plain, {
    keys: { decision },
    clusters: () => [...configuration().clusters.keys()],
    record: (record) => decisionsSealedAnew(record, decision),
    others: () => sealLinksAgain(plain),
  });
  started(stoppable(sealing, "seals of the newest key"));
  started(stoppable(startShowingLost(messenger), "a look for lost requests"));
  const posting = { ...context, client };
  started(stoppable(startTroublePoster(posting), "a message about a cluster"));
  started(stoppable(startNoticePoster(posting), "a notice to the operators"));
  started(stoppable(startZonePoster(posting), "a message about a zone"));
  started(stoppable(startLogPoster(posting), "a message about the audit log"));
  started(stoppable(startAnchorPoster({ ...posting, settings: () => configuration().audit }), "an anchor"));
}
