import { z } from "zod";
import { keptWith } from "../access/collections.ts";
import { itemsForm } from "../access/lease/lease-record.ts";
import type { DeadlineName } from "../operations/deadlines.ts";

/** `clusters`: a worker looks or answers. `ends`: nothing slow can fill it. `messages`: the Slack process shows the ledger. */
export type QueueName = "clusters" | "ends" | "messages";

/** A job without its `run`: the worker and the Slack process share it. */
export interface JobKind {
  readonly queue: QueueName;
  readonly fields: z.ZodRawShape;
  /** One job of a type and its fields at a time. A wake-up during its run starts one more. */
  readonly isSingle: boolean;
  /** The wait before its first try, so that simultaneous changes are one job. */
  readonly waitMs: number;
  /** The number of tries, and the wait after the first failure, doubled after each. */
  readonly tries: number;
  readonly retryMs: number;
  /** Runs by the clock, after everything else in the queue: a first look at 1,000 clusters takes a minute. */
  readonly isBackground?: true;
  /** The deadline of one run; null: only its calls have deadlines. */
  readonly deadline: DeadlineName | null;
}

/** A worker's failed job is not retried: the run records the next try, and the sweep wakes it. */
const once = { waitMs: 0, tries: 1, retryMs: 0 } as const;

/** A name or an id. A log line repeats it, and an attacker with Redis can queue any text. */
const name = z.string().max(300);

/** A job says where to look, never what to do. It can run twice, late or after a crash, with the same result. */
function look<const Deadline extends DeadlineName>(deadline: Deadline, queue: QueueName = "clusters") {
  return { ...once, queue, deadline, fields: { cluster: name }, isSingle: true, isQuestion: false } as const;
}

/** A question for a worker: the Slack process has no AWS rights. The job's return value is the answer. */
function question<const Fields extends z.ZodRawShape>(fields: Fields) {
  return { ...once, queue: "clusters", deadline: "question", fields, isSingle: false, isQuestion: true } as const;
}

const asked = { cluster: name, user: name };
const aboutCluster = { ...asked, isResponsible: z.boolean() };
/** From the Slack process, with its seal. */
const emailStatement = z.strictObject({ user: name, email: name, at: name, seal: name });
const arn = z.string().max(2048);

/** The jobs of a worker. Each has its `run` in src/worker/worker.ts. */
export const workerJobs = {
  preview: look("run"),
  reconcile: look("run"),
  /** Only ends leases: they do not wait for the needs of a start. */
  end: look("longRun", "ends"),
  inspect: { ...look("longRun"), isBackground: true },
  adopt: { ...look("longRun"), isBackground: true },
  "sign-in": look("signIn"),
  migration: look("migration"),
  alive: question({}),
  identity: question({}),
  identities: question({ cluster: name, email: emailStatement }),
  namespaces: question({ cluster: name }),
  creator: question({ cluster: name }),
  whoami: question(aboutCluster),
  check: question(aboutCluster),
  why: question({ ...aboutCluster, principal: arn }),
  migrate: question({ ...asked, givenArns: itemsForm(arn, z.array(arn).max(50)) }),
} satisfies Readonly<Record<string, JobKind>>;

const shown = { queue: "messages", isSingle: true, deadline: null } as const;

/** The jobs of the Slack process. Each has its `run` in src/slack/show/message-worker.ts. */
export const messageJobs = {
  /** After the last try the sweep begins again: Slack is asked at least each 16 s. */
  show: { ...shown, fields: { record: name }, waitMs: 0, tries: 7, retryMs: 500 },
  /** Slack carries out a call that it did not answer within seconds, or never. */
  "show-again": { ...shown, fields: { record: name }, waitMs: 20_000, tries: 10, retryMs: 1_000 },
  /** Slack takes about one message a second in a channel. */
  "show-thread": { ...shown, fields: { record: name }, waitMs: 1_000, tries: 10, retryMs: 1_000 },
  /** Slack takes 100 updates of App Homes in a minute, for all people together. */
  "show-home": { ...shown, fields: { user: name }, waitMs: 1_500, tries: 10, retryMs: 2_000 },
} satisfies Readonly<Record<string, JobKind>>;

const allJobs = { ...workerJobs, ...messageJobs };

export function kindOf(type: Job["type"]): JobKind {
  return allJobs[type];
}

type JobKinds = Readonly<Record<string, JobKind>>;

type FieldsOf<Shape extends z.ZodRawShape> = { readonly [Name in keyof Shape]: z.output<Shape[Name]> };
export type JobsOf<Kinds extends JobKinds> = {
  readonly [T in keyof Kinds & string]: { readonly type: T } & FieldsOf<Kinds[T]["fields"]>;
};
type OneOf<Kinds extends JobKinds> = JobsOf<Kinds>[keyof Kinds & string];

export type WorkerJob = OneOf<typeof workerJobs>;
export type MessageJob = OneOf<typeof messageJobs>;
export type Job = WorkerJob | MessageJob;

type QuestionType = {
  [T in keyof typeof workerJobs]: (typeof workerJobs)[T]["isQuestion"] extends true ? T : never;
}[keyof typeof workerJobs];
export type WorkerQuestion = Extract<WorkerJob, { readonly type: QuestionType }>;
export type ClusterLook = Exclude<WorkerJob, WorkerQuestion>;

/** The run of each type of job. A type without a `run` does not compile. */
export type JobHandlers<Kinds extends JobKinds, Rest extends readonly unknown[]> = {
  readonly [T in keyof Kinds & string]: (job: JobsOf<Kinds>[T], ...rest: Rest) => Promise<unknown>;
};

export function runJob<Kinds extends JobKinds, T extends keyof Kinds & string, Rest extends readonly unknown[]>(
  runs: JobHandlers<Kinds, Rest>,
  type: T,
  job: JobsOf<Kinds>[T],
  ...rest: Rest
): Promise<unknown> {
  return runs[type](job, ...rest);
}

const typed = z.looseObject({ type: z.string() });

/** The job in a queue; null: a newer version put it there. */
export function readJob<Kinds extends JobKinds>(kinds: Kinds, data: unknown): OneOf<Kinds> | null {
  const type = typed.safeParse(data).data?.type;
  const kind = type !== undefined && Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (type === undefined || !kind) return null;
  const read = shapeOf(kind).safeParse(data);
  return read.success ? (read.data as OneOf<Kinds>) : null;
}

/** Making a shape costs more than reading a job with it. */
const shapeOf = keptWith((kind: JobKind): z.ZodType => z.strictObject({ type: z.string(), ...kind.fields }));
