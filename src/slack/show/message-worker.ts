import { WebAPIRateLimitedError, type WebClient } from "@slack/web-api";
import type { Job as BullJob } from "bullmq";
import { AccessError, hasCode } from "../../access/access-error.ts";
import { isLinkQuestion, isMigrationId, type LedgerRecord } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { clusterApprovers, isUser } from "../../access/policy/rule.ts";
import { type AccessRequest, peopleOf } from "../../access/record.ts";
import { isClosed } from "../../access/request.ts";
import type { Config } from "../../config/config.ts";
import type { RedisClient } from "../../ledger/client.ts";
import { type JobHandlers, type MessageJob, messageJobs, readJob, runJob } from "../../ledger/jobs.ts";
import type { Ledger, RequestLedger } from "../../ledger/ledger.ts";
import { configurationOf, listedIn } from "../../ledger/look-ups.ts";
import { type QueueWork, timeInQueue, wake, workOnJobs } from "../../ledger/queues.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { FailureLog, logAbout } from "../../operations/log.ts";
import type { Stoppable } from "../../operations/stoppable.ts";
import { type TraceContext, tracedJob } from "../../operations/traced.ts";
import { isDecisionDue, peopleBehind } from "../app/people-called.ts";
import { slackErrorCode } from "../app/web-client.ts";
import { updateQuestions } from "../link/link-questions.ts";
import { type HomeContext, publishHome } from "../look/home.ts";
import { showMigration } from "../migrate/migration-message.ts";
import { showAgain } from "./lost-cards.ts";
import { showRequest, wakeHomesOf } from "./messenger.ts";
import type { MessengerContext } from "./show-in-channel.ts";
import { isMoved, placesIn, unlessChanged } from "./shown-messages.ts";
import { showThread } from "./thread.ts";

interface MessageContexts {
  readonly context: MessengerContext;
  readonly background: MessengerContext & HomeContext;
}

type Waited = TraceContext["waited"];

const messageRuns: JobHandlers<typeof messageJobs, [MessageContexts, Waited]> = {
  show: ({ record }, { context, background }, waited) =>
    isLinkQuestion(record)
      ? updateQuestions(background, record)
      : tracedJob(contextOf(context, record, waited), "show", {}, [record], (running) =>
          (isMigrationId(record) ? showMigration(running, record) : showRequest(running, record)).catch(
            (failure: unknown) => showAgainLater(context, record, failure),
          ),
        ),
  "show-again": ({ record }, { context }) => showAgain(context, record),
  "show-thread": ({ record }, { background }, waited) =>
    tracedJob(contextOf(background, record, waited), "show thread", {}, [record], (running) =>
      showThread(running, record),
    ),
  "show-home": ({ user }, { background }) => publishHome(background, user),
};

/** A call without an answer can come to Slack after a newer one. @throws the failure */
async function showAgainLater({ queues }: MessengerContext, record: string, failure: unknown): Promise<never> {
  if (isUnanswered(failure)) await wake(queues, { type: "show-again", record });
  throw failure;
}

function isUnanswered(failure: unknown): boolean {
  return hasCode(failure, "slack-unreachable") && !(failure.cause instanceof WebAPIRateLimitedError);
}

/** A call over a connection without a way ends late: another one is tried meanwhile. */
const answersWithinMs = 2_500;

function answers(client: WebClient): Promise<boolean> {
  const isAnswer = (error: unknown) => slackErrorCode(error) !== null;
  const answered = client.auth.test().then(() => true, isAnswer);
  return withinTime(answered, answersWithinMs, false);
}

function contextOf(context: MessengerContext, record: string, waited: Waited): MessengerContext {
  return { ...context, ledger: unlessChanged(context.ledger), waited, log: logAbout(context.log, record) };
}

const concurrency = 8;
const notShown = "could not show a message yet";

export interface MessageWorkerContext extends Omit<MessengerContext & HomeContext, "config"> {
  readonly configuration: () => Config;
  readonly backgroundClient: WebClient;
}

/** Works on the queue `messages`, in the Slack process: the worker has no Slack token (law 1). */
export function startMessageWorker(given: MessageWorkerContext, blocking: RedisClient): Stoppable {
  const { configuration, backgroundClient, ...parts } = given;
  const { log } = given;
  const failures = new FailureLog(log);
  const read = (data: unknown) => readJob(messageJobs, data);
  const run = async (job: MessageJob, running: BullJob) => {
    const context = { ...parts, config: configuration() };
    const contexts = { context, background: { ...context, client: backgroundClient } };
    // The first start has woken what else shows the record. News during it are in the second one.
    if (job.type === "show" && running.attemptsStarted > 2) await refuseWhileLimited(context, job.record);
    await runJob(messageRuns, job.type, job, contexts, timeInQueue(running));
    failures.over(notShown, { job: job.type, ...recordIn(job) });
  };
  const failed: QueueWork<MessageJob>["failed"] = (job, error) =>
    failures.failed(notShown, { job: job?.name ?? "", ...recordIn(job?.data) }, error);
  const lockMs = configuration().timing.deadlines.messageLock;
  const outage = { isOne: isUnanswered, isOver: () => answers(backgroundClient) };
  return workOnJobs({ queue: "messages", read, run, failed, waitMs, outage, log, concurrency, lockMs }, blocking);
}

/** Many messages can wait for Slack: each look at them must cost little. @throws WebAPIRateLimitedError */
async function refuseWhileLimited({ ledger, updates }: MessengerContext, record: string): Promise<void> {
  const shown = await ledger.shown(record);
  const limit = shown?.message && updates.limitOf(placesIn(shown));
  if (limit) throw limit;
}

/**
 * Shows open records again after their cluster left eks-access.yml, or came back: only with it do their buttons work. The same of those on
 * which other people can act now.
 *
 * @param before the configuration that this process had until now; null: it starts
 */
export async function showMoved(context: MessengerContext, before: Pick<Config, "clusters"> | null): Promise<void> {
  const { ledger, config, queues } = context;
  const known = before
    ? [...before.clusters.keys(), ...config.clusters.keys()]
    : [...(await ledger.openByCluster()).keys(), ...(await ledger.migrations.open()).map(({ cluster }) => cluster)];
  const names = [...new Set(known)].filter((name) => !(before?.clusters.has(name) && config.clusters.has(name)));
  for (const name of names) {
    // A start would read the newest records of the whole fleet.
    for (const { id } of await openIn(ledger, name, before !== null || !config.clusters.has(name))) {
      const shown = before ? null : await ledger.shown(id);
      // What runs now by the configuration before can remember that one after this look.
      if (before || (shown && isMoved(shown, name, config))) await wake(queues, { type: "show", record: id });
    }
  }
  await showOtherApprovers(context, before);
}

/**
 * Shows again what people see of a cluster if its part of the file, its approvers, on-call or people for emergencies differ from
 * the last look: the file changed, a user group, or an account, also while no process ran.
 *
 * @param before as above: another process can have looked first by the newer one
 */
export async function showOtherApprovers(
  context: MessengerContext,
  before: Pick<Config, "clusters"> | null = null,
): Promise<void> {
  const { ledger, config } = context;
  const known = await ledger.approversKnown();
  const found = await peopleOfNames(context);
  const all = new Map([...known, ...found]);
  for (const { field, namesOf, isOnCards } of watched) {
    const fields = [...known.keys()].filter((each) => each.startsWith(field));
    const gone = fields.map((each) => each.slice(field.length));
    for (const name of new Set([...gone, ...(before?.clusters.keys() ?? []), ...config.clusters.keys()])) {
      const cluster = config.clusters.get(name);
      const names = namesOf(cluster).join(" ");
      const present = peopleIn(names, all);
      const former = [
        peopleIn(known.get(field + name), known),
        before ? peopleIn(namesOf(before.clusters.get(name)).join(" "), all) : present,
      ];
      found.set(field + name, names);
      const others = former.flatMap((people) =>
        [...people, ...present].filter((each) => !(people.has(each) && present.has(each))),
      );
      // A request that is over can be made again only while its cluster is there.
      const hasMoved = isOnCards && (cluster ? known.get(field + name) === "" : others.length > 0);
      const newest = hasMoved ? await listedIn(ledger, "all", name, maxNewest) : [];
      const askers = newest.flatMap(peopleOf);
      // What is over gets Request again while its cluster is there.
      for (const { id } of newest.filter(isClosed).slice(0, maxClosed)) {
        const shown = await ledger.shown(id);
        if (shown && isMoved(shown, name, config)) await wake(context.queues, { type: "show", record: id });
      }
      if (cluster && isOnCards && others.length > 0) await showCardsAgain(context, cluster);
      const people = [...others, ...askers].filter((each) => !isDigest(each));
      if (people.length > 0) await wakeHomesOf(context, people.some(isDomain) ? null : people);
    }
  }
  await ledger.rememberApprovers(found);
}

/** What Slack shows by the names in a cluster's policy, and where the ledger remembers them. */
const watched: readonly {
  readonly field: string;
  readonly namesOf: (cluster: Cluster | undefined) => readonly string[];
  readonly isOnCards: boolean;
}[] = [
  {
    field: "of ",
    namesOf: (cluster) =>
      cluster ? [...clusterApprovers(cluster), ...cluster.onCall, digestMark + configurationOf(cluster)] : [],
    isOnCards: true,
  },
  { field: "emergencies of ", namesOf: (cluster) => cluster?.breakGlass?.who ?? [], isOnCards: false },
];

/** Slack answers for one person at a time, and takes some hundred of these calls a minute. */
const maxAccounts = 50;

/** The active people behind each id and user group, with a space between them. Without an answer of Slack they are those of the last look. */
async function peopleOfNames({ config, directory }: MessengerContext): Promise<Map<string, string>> {
  const names = new Set(
    [...config.clusters.values()].flatMap((cluster) => watched.flatMap((each) => each.namesOf(cluster))),
  );
  const found = new Map<string, string>();
  const users = [...names].filter(isUser).slice(0, maxAccounts);
  const groups = [...names].filter((name) => !isItself(name));
  for (const user of users) {
    const account = await directory.accountOf(user).catch(() => null);
    if (account) found.set(user, account === "active" ? user : "");
  }
  for (const group of groups) {
    const people = await peopleBehind(directory, group).catch(() => null);
    if (people) found.set(group, people.join(" "));
  }
  return found;
}

/** Cards that name approvers, and all copies. */
async function showCardsAgain({ ledger, queues }: MessengerContext, { name, channel }: Cluster): Promise<void> {
  for (const record of await openIn(ledger, name, true)) {
    if (!isDecisionDue(record) && !(await ledger.shown(record.id))?.copies.length) continue;
    await ledger.rememberOutdated(record.id, channel);
    await wake(queues, { type: "show", record: record.id });
  }
}

/** Slack takes about one update a second, and other messages need it too. Older ones change at a click. */
const maxClosed = 20;

/** All its people: Slack does not list them. */
function isDomain(name: string): boolean {
  return name.startsWith("@");
}

/** Among the names: a change of a level or a rule changes the buttons of cards, too. */
const digestMark = "=";

function isDigest(name: string): boolean {
  return name.startsWith(digestMark);
}

function isItself(name: string): boolean {
  return isUser(name) || isDomain(name) || isDigest(name);
}

/** @param names with a space between them @param known the people of each, in the same form */
function peopleIn(names = "", known: ReadonlyMap<string, string>): ReadonlySet<string> {
  const people = names.split(" ").flatMap((name) => (known.get(name) ?? (isItself(name) ? name : "")).split(" "));
  return new Set(people.filter((each) => each !== ""));
}

/** More than wait in a cluster. */
const maxWaiting = 1_000;
const maxNewest = 200;

/** @param withUnreviewed also emergencies that are over and that an approver must still review */
async function openIn(ledger: Ledger, cluster: string, withUnreviewed: boolean): Promise<readonly LedgerRecord[]> {
  const [leased, pending, unreviewed, migrations] = await Promise.all([
    ledger.leasedOf(cluster),
    listedIn(ledger, "pending", cluster, maxWaiting),
    withUnreviewed ? unreviewedIn(ledger, cluster) : [],
    ledger.migrations.open(),
  ]);
  return [...leased, ...pending, ...unreviewed, ...migrations.filter((each) => each.cluster === cluster)];
}

async function unreviewedIn(ledger: RequestLedger, cluster: string): Promise<readonly AccessRequest[]> {
  const requests = await listedIn(ledger, "all", cluster, maxNewest);
  return requests.filter((each) => isClosed(each) && each.emergency && !each.emergency.review);
}

/** Soon, because another process can have the address of a click in this message; then at the end of the limit. */
const firstWaitMs = 125;
const startsSoon = 6;
const longestWaitMs = 16_000;

/** While Slack limits updates, a message, a thread or a Home waits without losing a try. */
function waitMs({ type }: MessageJob, error: unknown, starts: number): number | null {
  const limited = error instanceof AccessError ? error.cause : error;
  if (!(limited instanceof WebAPIRateLimitedError)) return null;
  const limitMs = limited.retryAfter * 1000;
  if (type !== "show") return Math.max(firstWaitMs, limitMs);
  const grownMs = Math.min(firstWaitMs * 2 ** (starts - 1), longestWaitMs);
  return starts <= startsSoon ? Math.min(grownMs, limitMs) : Math.max(grownMs, limitMs);
}

function recordIn(data: unknown): Readonly<Record<string, string>> {
  const job = readJob(messageJobs, data);
  if (!job) return {};
  return job.type === "show-home" ? { user: job.user } : { request: job.record };
}
