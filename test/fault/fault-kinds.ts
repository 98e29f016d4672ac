import { eksError, stsError } from "../../sandbox/aws/refusal.ts";
import { failure, statusAnswer } from "../../sandbox/cluster/status.ts";
import type { FaultAnswer } from "../../sandbox/faults.ts";
import type { SandboxAnswer } from "../../sandbox/http-server.ts";
import type { KillableProduct } from "./killable-product.ts";
import type { Step } from "./steps.ts";

/** What is done to one call. */
export interface FaultKind {
  readonly name: string;
  readonly appliesTo: (step: Step) => boolean;
  /** What the stand-in answers, and how many calls in a row: a client that tries again by itself must not hide it. */
  readonly answer: (step: Step) => { readonly answer: FaultAnswer; readonly times: number };
  /** What happens at the moment of the call, before it has an effect. */
  readonly strike?: (product: KillableProduct, step: Step) => Promise<void>;
}

type Service = "aws" | "kubernetes" | "slack" | "redis";

/** The AWS SDK tries three times by itself. */
const awsAttempts = 3;

function serviceOf({ call }: Step): Service {
  if (call.startsWith("sts.") || call.startsWith("eks.")) return "aws";
  if (call.startsWith("slack.")) return "slack";
  return call.startsWith("redis.") ? "redis" : "kubernetes";
}

/** A refusal in the words of whoever is called. Redis does not speak HTTP. */
function refusal(
  name: string,
  answers: {
    readonly aws: readonly [code: string, status: number];
    readonly kubernetes: readonly [reason: string, status: number];
    readonly slack: { readonly status: number; readonly error: string };
    readonly headers?: Readonly<Record<string, string>>;
  },
): FaultKind {
  const answerTo = (step: Step): SandboxAnswer => {
    const service = serviceOf(step);
    const error = step.call.startsWith("eks.") ? eksError : stsError;
    if (service === "aws") return error(answers.aws[0], name, answers.aws[1]);
    if (service === "slack") {
      return { status: answers.slack.status, body: JSON.stringify({ ok: false, error: answers.slack.error }) };
    }
    return statusAnswer(failure(answers.kubernetes[1], answers.kubernetes[0], name));
  };
  return {
    name,
    appliesTo: (step) => serviceOf(step) !== "redis",
    answer: (step) => {
      const { status, headers, body = "" } = answerTo(step);
      const times = serviceOf(step) === "aws" ? awsAttempts : 1;
      return { answer: { type: "answer", status, headers: { ...headers, ...answers.headers }, body }, times };
    },
  };
}

/** The connection breaks, or nothing ever comes. */
function silence(type: "cut-before" | "cut-after" | "hang"): FaultKind {
  return {
    name: type,
    appliesTo: () => true,
    answer: (step) => ({ answer: { type }, times: type !== "hang" && serviceOf(step) === "aws" ? awsAttempts : 1 }),
  };
}

/** As a gateway whose patience is over, or a leader that changed: it is done all the same. */
const lateGateway: FaultKind = {
  name: "504 after the effect",
  appliesTo: (step) => serviceOf(step) === "kubernetes",
  answer: () => {
    const { body, ...answer } = statusAnswer(failure(504, "Timeout", "the request did not complete in time"));
    return { answer: { ...answer, type: "answer-after", body: String(body) }, times: 1 };
  },
};

function blow(name: string, answer: FaultAnswer, strike: FaultKind["strike"]): FaultKind {
  return { name, appliesTo: () => true, answer: () => ({ answer, times: 1 }), ...(strike && { strike }) };
}

const other = ({ by }: Step) => (by === "slack" ? "worker" : "slack");

/** Waits of seconds: for the long form alone. */
export const hang = silence("hang");

export const faultKinds: readonly FaultKind[] = [
  refusal("409", {
    aws: ["ConflictException", 409],
    kubernetes: ["Conflict", 409],
    slack: { status: 409, error: "conflict" },
  }),
  refusal("422", {
    aws: ["ValidationError", 422],
    kubernetes: ["Invalid", 422],
    slack: { status: 200, error: "invalid_blocks" },
  }),
  refusal("429 with Retry-After", {
    aws: ["TooManyRequestsException", 429],
    kubernetes: ["TooManyRequests", 429],
    slack: { status: 429, error: "ratelimited" },
    headers: { "retry-after": "1" },
  }),
  refusal("500", {
    aws: ["InternalFailure", 500],
    kubernetes: ["InternalError", 500],
    slack: { status: 500, error: "fatal_error" },
  }),
  refusal("expired token", {
    aws: ["ExpiredToken", 403],
    kubernetes: ["Unauthorized", 401],
    slack: { status: 200, error: "token_expired" },
  }),
  refusal("throttled", {
    aws: ["Throttling", 400],
    kubernetes: ["TooManyRequests", 429],
    slack: { status: 200, error: "ratelimited" },
  }),
  silence("cut-before"),
  silence("cut-after"),
  blow("caller killed before", { type: "cut-before" }, (product, { by }) => product.kill(by)),
  blow("caller killed after", { type: "cut-after" }, (product, { by }) => product.kill(by)),
  blow("the other killed", { type: "watch" }, (product, step) => product.kill(other(step))),
  blow("Redis killed", { type: "watch" }, (product) => product.kill("redis")),
  blow("Redis cut off", { type: "watch" }, async (product) => product.gate.cut()),
  lateGateway,
];
