import { vi } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../sandbox/slack/workspace.ts";
import { isLinkQuestion, linkQuestionPrefix } from "../../src/access/lists.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { Job, WorkerQuestion } from "../../src/ledger/jobs.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { ShownMessages } from "../../src/ledger/stored.ts";
import { startSlackApp } from "../../src/slack/app/app.ts";
import type { SlackContext } from "../../src/slack/app/context.ts";
import { slackDirectory } from "../../src/slack/app/directory.ts";
import { backgroundClient, directoryClient, messengerClient } from "../../src/slack/app/web-client.ts";
import { updateQuestions } from "../../src/slack/link/link-questions.ts";
import { showMigration } from "../../src/slack/migrate/migration-message.ts";
import { showLost } from "../../src/slack/show/lost-cards.ts";
import { showRequest } from "../../src/slack/show/messenger.ts";
import { showMoved, showOtherApprovers } from "../../src/slack/show/show-moved.ts";
import { MessageUpdates } from "../../src/slack/show/shown-messages.ts";
import { showThread } from "../../src/slack/show/thread.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { aChange } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { at, minutes } from "../builders/times.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";

/**
 * The Slack process as it is, with real Bolt and the sandbox's workspace over HTTP; its ledger is in memory, and there is
 * no worker. So a test of what people see costs milliseconds.
 */
export interface SlackApp {
  readonly slack: SandboxSlack;
  readonly ledger: Ledger;
  /** Where the process listens. */
  readonly eventsUrl: string;
  readonly person: SandboxSlack["person"];
  /** Puts a record into the ledger as its first version, with the event that it was made. */
  put: (request: AccessRequest) => Promise<AccessRequest>;
  /** Sends `/eks-access <text>`, and waits for the answer that only this person sees. */
  say: (user: string, text: string) => Promise<SandboxMessage>;
  /** The next message that only this person sees after `act`. */
  answered: (user: string, act: () => Promise<unknown>) => Promise<SandboxMessage>;
  /** Posts the channel's message of a request, or updates it. */
  show: (id: string) => Promise<SandboxMessage>;
  /** Posts the channel's message of a cluster's migration, or updates it, with its thread and notices. */
  showMigration: (id: string) => Promise<SandboxMessage>;
  /** Shows the questions about a person's link as Redis has them, as after a failover. */
  showQuestions: (user: string) => Promise<void>;
  /** Shows again what Slack refused, as after a sweep. */
  showOutdated: () => Promise<void>;
  /** Looks for what waits for a decision and Redis lost. */
  lookForLost: () => Promise<void>;
  /** The process reads another eks-access.yml. */
  follow: (text: string) => Promise<void>;
  /** The jobs of messages that the process has woken since the last look. */
  woken: () => readonly Job[];
  /** Sets the whole process's clock on by so many seconds. */
  pass: (seconds: number) => void;
  stop: () => Promise<void>;
}

export interface SlackAppOptions {
  readonly config?: string;
  /** What a worker answers; no one does if not given. */
  readonly worker?: (question: WorkerQuestion, withinMs: number) => Promise<unknown>;
  /** The ledger that the process uses; it gets the app's own. */
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly mode?: "http" | "socket";
}

/** How many apps are open: the last one restores the clock. */
let open = 0;

export async function aSlackApp(options: SlackAppOptions = {}): Promise<SlackApp> {
  let config = configOf(options.config ?? configText);
  // Bolt reads the clock by itself, to refuse old requests: the whole process has the time of the builders' story.
  open += 1;
  vi.useFakeTimers({ toFake: ["Date"], now: at(minutes(3)) });
  const slack = await startSandboxSlack({ rateLimits: false });
  const ledger = memoryLedger();
  const port = await freePort();
  const { botToken, signingSecret, appToken, apiUrl } = slack;
  const environment = { botToken, signingSecret, appToken, apiUrl, port };
  const reading = directoryClient(environment);
  let made = 0;
  const woken: Job[] = [];
  const silent = silentContext(options.ledger?.(ledger) ?? ledger);
  const add = async (_: string, job: Job) => void woken.push(job);
  const addBulk = async (jobs: readonly { readonly data: Job }[]) => void woken.push(...jobs.map(({ data }) => data));
  const messages = { ...silent.queues.messages, add, addBulk } as unknown as typeof silent.queues.messages;
  const context: SlackContext = {
    ...silent,
    queues: { ...silent.queues, messages },
    get config() {
      return config;
    },
    keys,
    workers: { ask: options.worker ?? (() => Promise.reject(new Error("no worker answered"))) },
    directory: slackDirectory(reading, () => new Date()),
    now: () => new Date(),
    newRequestId: () => {
      made += 1;
      return `r-new${made}`;
    },
    opensTooMany: () => false,
  };
  const updates = new MessageUpdates(backgroundClient(environment));
  const messenger = () => ({ ...context, ledger, client: messengerClient(environment), updates });
  const app = await startSlackApp(
    { ...context, configuration: () => config, groupChanged: () => void showOtherApprovers(messenger()) },
    environment,
    options.mode ?? "http",
    updates,
  );
  const eventsUrl = `http://127.0.0.1:${port}/slack/events`;
  slack.connect(eventsUrl);
  // The check of an account has 800 ms, and on a busy machine a connection needs as long.
  await reading.users.info({ user: "U0NOBODY" }).catch(() => {});
  const answered: SlackApp["answered"] = async (user, act) => {
    const person = slack.person(user);
    const before = person.ephemerals().length;
    await act();
    return slack.until(() => person.ephemerals().slice(before).at(-1));
  };
  const messageOf = (id: string, shown: ShownMessages | null): SandboxMessage => {
    const message = slack.messages("C0ACCESS").find(({ ts }) => ts === shown?.message?.ts);
    if (!message) throw new Error(`No message shows ${id}: ${slack.messages("C0ACCESS").map(textOf).join("\n")}`);
    return message;
  };
  return {
    slack,
    ledger,
    eventsUrl,
    person: slack.person,
    put: async (request) => {
      const first = { ...request, version: 1 };
      await ledger.commit(aChange(first));
      return first;
    },
    say: async (user, text) => {
      const say = () => answered(user, () => slack.person(user).command(`/eks-access ${text}`, "C0ACCESS"));
      const answer = await say();
      // A person of a busy Slack reads to try again.
      return textOf(answer).includes("did not confirm the account. Try again") ? say() : answer;
    },
    answered,
    show: async (id) => {
      await showRequest(messenger(), id);
      return messageOf(id, await ledger.shown(id));
    },
    showMigration: async (id) => {
      await showMigration(messenger(), id);
      await showThread(messenger(), id);
      return messageOf(id, await ledger.shown(id));
    },
    showOutdated: async () => {
      for (const id of (await ledger.outdated()).keys())
        await (isLinkQuestion(id) ? updateQuestions(messenger(), id) : showRequest(messenger(), id));
    },
    showQuestions: (user) => updateQuestions(messenger(), `${linkQuestionPrefix} ${user}`),
    lookForLost: () => showLost({ ...messenger(), ledger: context.ledger }),
    follow: (text) => {
      const before = config;
      config = configOf(text);
      return showMoved(messenger(), before);
    },
    woken: () => woken.splice(0),
    pass: (seconds) => void vi.setSystemTime(Date.now() + seconds * 1000),
    stop: async () => {
      await app.stop(AbortSignal.timeout(60_000));
      await slack.stop();
      open -= 1;
      if (open === 0) vi.useRealTimers();
    },
  };
}
