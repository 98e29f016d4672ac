import type { JsonObject } from "./json.ts";

/** An answer `{ ok: false, error }` of the Web API, thrown from anywhere in a method. */
export class SlackRefusal extends Error {
  readonly error: string;
  /** More fields of the answer: `needed`, `provided`, `response_metadata`. */
  readonly details: JsonObject;

  constructor(error: string, details: JsonObject = {}) {
    super(error);
    this.name = "SlackRefusal";
    this.error = error;
    this.details = details;
  }
}

/** Slack's answer to blocks or views that break a rule: each problem with a pointer to its place. */
export function refusedFor(error: "invalid_blocks" | "invalid_arguments", problems: readonly string[]): SlackRefusal {
  const messages = problems.map((problem) => `[ERROR] ${problem}`);
  return new SlackRefusal(error, { errors: problems, response_metadata: { messages } });
}
