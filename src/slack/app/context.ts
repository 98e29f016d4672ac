import type { WebClient } from "@slack/web-api";
import type { z } from "zod";
import type { SlackKeys } from "../../access/seal.ts";
import type { Config } from "../../config/config.ts";
import type { WorkerQuestion } from "../../ledger/jobs.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import type { Queues } from "../../ledger/queues.ts";
import type { ReadableLog } from "../../ledger/verify-audit-log.ts";
import type { WorkerQuestions } from "../../ledger/worker-questions.ts";
import { succeeds } from "../../operations/deadlines.ts";
import type { Message } from "../show/message.ts";
import { withoutInvisible } from "../show/mrkdwn.ts";
import type { Directory } from "./directory.ts";

/** No AWS right, and no cluster (law 1). A handler names the part of the ledger that it uses: `SlackContext<LinkLedger>`. */
export interface SlackContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly queues: Queues;
  readonly auditLog: ReadableLog;
  readonly keys: SlackKeys;
  readonly workers: WorkerQuestions;
  readonly directory: Directory;
  readonly now: () => Date;
  readonly newRequestId: () => string;
  /** Counts one more form of this person. True: it is too many. */
  readonly opensTooMany: (user: string) => boolean;
}

/** Only workers read clusters (law 1). Null: none answered in time. The second question shows whether any worker runs. */
export async function askWorker<T>(
  context: SlackContext,
  question: WorkerQuestion,
  form: z.ZodType<T>,
): Promise<T | null> {
  const { workers, log, config } = context;
  const { deadlines } = config.timing;
  // A worker at the end of its time still says why.
  const answering = workers.ask(question, deadlines.question + deadlines.workerAnswer).catch((error: unknown) => {
    log.warn({ question: question.type, err: error }, "no worker answered");
    return null;
  });
  const cluster = "cluster" in question ? question.cluster : undefined;
  const isThere = succeeds(workers.ask({ type: "alive" }, deadlines.workerAnswer, cluster));
  const answer = await Promise.race([answering, isThere.then((there) => (there ? answering : null))]);
  const read = form.safeParse(answer);
  return read.success ? read.data : null;
}

export interface CommandCall {
  readonly user: string;
  /** The words after the first, on one line, as typed, without Slack's escapes. */
  readonly rest: string;
  /** Slack user ids by the names in `rest`, for example `@bob`. */
  readonly people: ReadonlyMap<string, string>;
  /** Slack id of the conversation with the line or the button; empty: the Home tab. */
  readonly channel: string;
  /** Opens a form; lives for three seconds. */
  readonly triggerId: string;
  readonly client: WebClient;
  readonly commands: readonly Command[];
}

/** One word of `/eks-access`. Help and "did you mean" use the list in commands.ts. */
export interface Command {
  readonly word: string;
  /** The further words, for example `<id> [why]`; empty: none. */
  readonly usage: string;
  /** What it does, to follow "/eks-access word": lower case, no full stop. */
  readonly summary: string;
  /** Whether help shows it only to approvers and on-call. */
  readonly forApprovers?: boolean;
  /** Whether it changes something if words follow it: then it is acknowledged when recorded. */
  readonly records?: boolean;
  /** The answer, only for that person; null: a form or a message answers. @throws AccessError */
  readonly run: (context: SlackContext, call: CommandCall) => Promise<Message | null>;
}

/** A phone begins a line with a capital. */
const anyId = /^(?:r|migration)-[a-z0-9-]+$/i;

export function idAndRest(rest: string): readonly [id: string, rest: string] {
  const [first = "", ...others] = rest.split(" ");
  return [anyId.test(first) ? first.toLowerCase() : first, others.join(" ")];
}

export interface CommandText {
  readonly text: string;
  /** Slack user ids by the names in the text, for example `@bob`. Empty with `should_escape: false`: Slack then sends only names. */
  readonly people: ReadonlyMap<string, string>;
}

/** `<@U012|bob>`, `<#C012|ops>`, `<!subteam^S012|@sre>`, `<https://a.test|a.test>`: https://docs.slack.dev/messaging/formatting-message-text */
const reference = /<(@[UW][A-Z0-9]+|#C[A-Z0-9]+|![a-z]+(?:\^[A-Z0-9]+)?|(?:https?|mailto|tel):[^|>]*)(?:\|([^>]*))?>/g;

/** In characters. No line needs so many: reading an endless one would keep the process busy. */
const longestLine = 4_000;

/** The text of a command as the person wrote it. Slack escapes typed `&`, `<` and `>`, so a reference is Slack's own. */
export function readCommandText(sent: string): CommandText {
  const people = new Map<string, string>();
  const text = sent.slice(0, longestLine).replaceAll(reference, (_, what: string, label = "") => {
    if (!what.startsWith("@")) return nameOf(what, label);
    const [user, name] = [what.slice(1), `@${label.trim().replaceAll(/\s+/g, "-") || what.slice(1)}`];
    const unique = (people.get(name) ?? user) === user ? name : `@${user}`;
    people.set(unique, user);
    return unique;
  });
  return { text: withoutInvisible(unescapeText(text)).trim(), people };
}

function nameOf(what: string, label: string): string {
  if (what.startsWith("#")) return `#${label || what.slice(1)}`;
  return label || what.replace(/^!(.*\^)?/, "@");
}

function unescapeText(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
