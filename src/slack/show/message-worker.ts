import { WebAPIRateLimitedError, type WebClient } from "@slack/web-api";
import type { Job as BullJob } from "bullmq";
import { AccessError, hasCode } from "../../access/access-error.ts";
import { isLinkQuestion, isMigrationId } from "../../access/lists.ts";
import type { Config } from "../../config/config.ts";
import type { RedisClient } from "../../ledger/client.ts";
import { type JobHandlers, type MessageJob, messageJobs, readJob, runJob } from "../../ledger/jobs.ts";
import { type QueueWork, timeInQueue, wake, workOnJobs } from "../../ledger/queues.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { FailureLog, logAbout } from "../../operations/log.ts";
import type { Stoppable } from "../../operations/stoppable.ts";
import { type TraceContext, tracedJob } from "../../operations/traced.ts";
import { slackErrorCode } from "../app/web-client.ts";
import { updateQuestions } from "../link/link-questions.ts";
import { type HomeContext, publishHome } from "../look/home.ts";
import { showMigration } from "../migrate/migration-message.ts";
import { showAgain } from "./lost-cards.ts";
import { showRequest } from "./messenger.ts";
import type { MessengerContext } from "./show-in-channel.ts";
import { placesIn, unlessChanged } from "./shown-messages.ts";
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
