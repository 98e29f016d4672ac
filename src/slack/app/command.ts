import type { WebClient } from "@slack/web-api";
import type { Message } from "../blocks/message.ts";
import type { SlackContext } from "./context.ts";

/** A person's `/eks-access <word> …`. */
export interface CommandCall {
  /** Slack user id. */
  readonly user: string;
  /** Everything behind the word on one line, as typed, without Slack's escapes. */
  readonly rest: string;
  /** Slack user ids by the names in `rest`, for example `@bob`. */
  readonly people: ReadonlyMap<string, string>;
  /** Opens a form; lives for three seconds. */
  readonly triggerId: string;
  readonly client: WebClient;
  readonly commands: readonly Command[];
}

/** One word of `/eks-access`. Help and "did you mean" come from the list in commands.ts. */
export interface Command {
  readonly word: string;
  /** The words that may follow, for example `<id> [why]`; empty: none. */
  readonly usage: string;
  /** What it does, to follow "/eks-access word": lower case, no full stop. */
  readonly summary: string;
  /** Whether only people who answer for a cluster see it in the help. */
  readonly forApprovers?: boolean;
  /** Whether it changes something when words follow it: then it is acknowledged when recorded. */
  readonly records?: boolean;
  /** The answer, for that person alone; null: a form or a message answers. @throws AccessError */
  readonly run: (context: SlackContext, call: CommandCall) => Promise<Message | null>;
}

/** Splits `<id> <the rest>`. */
export function idAndRest(rest: string): readonly [id: string, rest: string] {
  const [id = "", ...others] = rest.split(" ");
  return [id, others.join(" ")];
}
