import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Config } from "../../config/config.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { FailureLog } from "../../operations/log.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import { isGone, slackFailure } from "../app/web-client.ts";
import type { Message } from "./message.ts";

// Messages about no record: once in a channel, for all Slack processes. What Slack does not take is posted when its turn comes again.

/** Longer than anything is news. */
export const postedForMs = 30 * 24 * 3_600_000;

export interface PostContext {
  readonly ledger: Pick<TurnLedger, "claimTurn" | "keepTurn">;
  readonly client: WebClient;
  readonly log: Logger;
}

const lookEveryMs = 5_000;

/** Looks again and again for something to post. @param failed what a failed look could not do */
export function startPosting(log: Logger, failed: string, look: () => Promise<void>): Ticking {
  const failures = new FailureLog(log);
  return startTicking(lookEveryMs, () => failures.during(failed, {}, look));
}

/** Keeps the claimed turns if Slack takes it. `gone`: the channel, or the bot's place in it. */
export async function postClaimed(
  { ledger, client, log }: PostContext,
  { turns, channel, forMs = postedForMs }: { turns: readonly string[]; channel: string; forMs?: number },
  message: Message,
): Promise<"posted" | "gone" | "refused"> {
  try {
    await client.chat.postMessage({ channel, ...message });
  } catch (error) {
    log.warn({ err: slackFailure(error, `the channel ${channel}`), turns }, "could not post a message yet");
    return isGone(error) ? "gone" : "refused";
  }
  await Promise.all(turns.map((turn) => ledger.keepTurn(turn, forMs)));
  return "posted";
}

export interface StateContext extends PostContext {
  readonly ledger: Pick<TurnLedger, "claimTurn" | "keepTurn" | "isTurnKept">;
  readonly configuration: () => Pick<Config, "operatorsChannel">;
}

export interface State {
  readonly name: string;
  /** Null: unknown. */
  readonly isOn: boolean | null;
  readonly clusters: readonly Cluster[];
  readonly begin: () => Message;
  readonly end: () => Message;
}

/**
 * Posts in each channel that a state begins, and where it did, that it ends: in the operators' channel, or else in those of its clusters. Redis
 * knows what was posted, so a restart in between changes nothing.
 */
export function statePoster(context: StateContext): (state: State) => Promise<void> {
  const { ledger } = context;
  /** The names of those that no channel has to hear of. */
  const quiet = new Set<string>();
  return async ({ name, isOn, clusters, begin, end }) => {
    if (isOn) quiet.delete(name);
    if (isOn === null || quiet.has(name)) return;
    const { operatorsChannel } = context.configuration();
    const channels = operatorsChannel === null ? clusters.map(({ channel }) => channel) : [operatorsChannel];
    let isQuiet = !isOn;
    for (const channel of new Set(channels)) {
      const turn = `${name}-${channel}`;
      if (isOn) {
        if (await ledger.claimTurn(turn, postedForMs)) await postClaimed(context, { turns: [turn], channel }, begin());
      } else if (await ledger.isTurnKept(turn)) {
        isQuiet = false;
        if (!(await ledger.claimTurn(`${turn}-over`, postedForMs))) continue;
        const result = await postClaimed(context, { turns: [], channel }, end());
        if (result !== "refused") await ledger.keepTurn(turn, 0);
      }
    }
    if (isQuiet) quiet.add(name);
  };
}
