import type { WebClient } from "@slack/web-api";
import type { Message } from "../blocks/message.ts";
import type { SlackContext } from "./context.ts";

/** What somebody typed behind `/eks-access <word>`. */
export interface CommandCall {
  /** Slack user id of whoever typed it. */
  readonly user: string;
  /** Everything behind the word on one line, as typed: Slack's escapes are undone. */
  readonly rest: string;
  /** Opens a form; lives for three seconds. */
  readonly triggerId: string;
  readonly client: WebClient;
  /** Every word that there is. */
  readonly commands: readonly Command[];
}

/** One word of `/eks-access`. The help and "did you mean" are made from the list of them, in commands.ts. */
export interface Command {
  readonly word: string;
  /** What may stand behind the word, for example `<id> [why]`; empty: nothing. */
  readonly usage: string;
  /** What it does, to go on from "/eks-access word": lower case, no full stop. */
  readonly summary: string;
  /** Whether the help has it only for people who answer for a cluster. */
  readonly forApprovers?: boolean;
  /** Whether it changes something where anything stands behind the word: then it is acknowledged when it is recorded. */
  readonly records?: boolean;
  /** The answer, which only whoever typed it sees; null: something else answers, for example a form. @throws AccessError */
  readonly run: (context: SlackContext, call: CommandCall) => Promise<Message | null>;
}

/** Splits `<id> <the rest>`. */
export function idAndRest(rest: string): readonly [id: string, rest: string] {
  const [id = "", ...others] = rest.split(" ");
  return [id, others.join(" ")];
}
