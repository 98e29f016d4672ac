import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import { type Cluster, hasNoWorker, type Zone, zoneInWords, zoneOf, zonesOf } from "../../access/policy/cluster.ts";
import type { SlackKeys } from "../../access/seal.ts";
import { isNews, type Notice, noticeTurn, readNotice } from "../../access/shared-lists.ts";
import type { Config } from "../../config/config.ts";
import type { FleetLedger } from "../../ledger/clusters.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { FailureLog } from "../../operations/log.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import { isGone, slackFailure } from "../app/web-client.ts";
import { announcement, joinedLines, type Message } from "./message.ts";
import { code, codeList, cut, plainLine, section, time } from "./mrkdwn.ts";

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

interface State {
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
function statePoster(context: StateContext): (state: State) => Promise<void> {
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

export interface NoticeContext extends PostContext {
  readonly ledger: Pick<FleetLedger & TurnLedger, "notices" | "claimTurn" | "keepTurn" | "isTurnKept">;
  readonly configuration: () => Pick<Config, "operatorsChannel">;
  readonly keys: SlackKeys;
  /** Puts the newest list of the fleet into the configuration. */
  readonly follow: () => Promise<void>;
  readonly now: () => Date;
}

/** Posts each notice in the operators' channel, once for all processes. Without a channel, only the log has them. */
export function startNoticePoster(context: NoticeContext): Ticking {
  const seen = new Set<string>();
  return startPosting(context.log, "could not look for notices to the operators", async () => {
    const channel = context.configuration().operatorsChannel;
    if (channel === null) return;
    const found = await claimedNotices(context, seen);
    // People can ask for a new cluster as soon as they read of it (law 5).
    if (found.length > 0) await context.follow();
    for (const notice of found)
      await postClaimed(
        context,
        { turns: [noticeTurn(notice)], channel },
        announcement(`*${plainLine(notice.title)}*`, ...notice.lines),
      );
  });
}

/** The messages of notices that this process posts now, oldest first. @param seen those that are posted */
async function claimedNotices(
  { ledger, keys, now, log }: NoticeContext,
  seen: Set<string>,
): Promise<readonly Notice[]> {
  const found: Notice[] = [];
  for (const stored of (await ledger.notices()).toReversed()) {
    const notice = readNotice(stored, keys);
    if (!notice) log.debug("a notice in Redis has no seal of ours");
    else if (!seen.has(notice.id) && isNews(notice, now())) {
      const parts = partsOf(notice);
      const isMine = await Promise.all(parts.map((part) => ledger.claimTurn(noticeTurn(part), postedForMs)));
      const isDone = await Promise.all(parts.map((part) => ledger.isTurnKept(noticeTurn(part))));
      if (isDone.every(Boolean)) seen.add(notice.id);
      found.push(...parts.filter((_, index) => isMine[index]));
    }
  }
  return found;
}

/** Slack takes 3,000 characters in a section. */
const maxCharacters = 2_900;
/** A notice of a whole fleet has hundreds of lines. */
const maxParts = 10;

/** A notice for each message, so that each line is in the channel. */
function partsOf(notice: Notice): readonly Notice[] {
  const room = maxCharacters - notice.title.length - " (10 of 10)".length;
  const all = notice.lines.map((each) => cut(`• ${plainLine(each)}`, room - 1));
  const parts = all.length > 0 ? joinedLines(all, room - 1).map((text) => text.split("\n")) : [[]];
  const left = parts.slice(maxParts).flat().length;
  const shown = parts.slice(0, maxParts);
  if (left > 0) shown.at(-1)?.splice(-1, 1, `… and ${left + 1} more, in the log.`);
  const titleOf = (index: number) =>
    shown.length > 1 ? `${notice.title} (${index + 1} of ${shown.length})` : notice.title;
  const idOf = (index: number) => (index > 0 ? `${notice.id}-${index + 1}` : notice.id);
  return shown.map((lines, index) => ({ ...notice, id: idOf(index), title: titleOf(index), lines }));
}

export interface ZoneContext extends StateContext {
  readonly ledger: Pick<Ledger, "zonesSeen" | "claimTurn" | "keepTurn" | "isTurnKept">;
  readonly configuration: () => Pick<Config, "clusters" | "operatorsChannel">;
  readonly now: () => Date;
}

/** Posts when a zone has had no worker for most of a minute, and when it has one again. */
export function startZonePoster(context: ZoneContext): Ticking {
  return startPosting(context.log, "could not look for zones without a worker", zonePoster(context));
}

export function zonePoster(context: ZoneContext): () => Promise<void> {
  const post = statePoster(context);
  let ledgerSince = context.now();
  return () =>
    lookAtZones(context, ledgerSince, post).catch((error: unknown) => {
      ledgerSince = context.now();
      throw error;
    });
}

async function lookAtZones(
  { ledger, configuration, now }: ZoneContext,
  ledgerSince: Date,
  post: ReturnType<typeof statePoster>,
): Promise<void> {
  const clusters = [...configuration().clusters.values()];
  const zones = zonesOf(clusters);
  if (zones.every((zone) => zone === null)) return;
  const seen = await ledger.zonesSeen();
  for (const zone of zones) {
    const seenAt = seen.get(zone);
    const isServed = seenAt !== undefined && !hasNoWorker(seenAt, now());
    // Workers that start with this process, or could not report to a ledger that was away, have time.
    const isStarting = !isServed && !hasNoWorker(ledgerSince, now());
    const own = clusters.filter((cluster) => zoneOf(cluster) === zone);
    await post({
      name: `zone-${zoneInWords(zone)}`,
      isOn: isStarting ? null : !isServed,
      clusters: own,
      begin: () => silentMessage(zone, seenAt ?? ledgerSince, own),
      end: () => overMessage(zone),
    });
  }
}

export interface LogContext extends Omit<ZoneContext, "ledger" | "now"> {
  readonly ledger: Pick<Ledger, "logFlaw" | "claimTurn" | "keepTurn" | "isTurnKept">;
}

/** Posts when the audit log takes no event, so that nothing can change, and when it does again. */
export function startLogPoster(context: LogContext): Ticking {
  return startPosting(context.log, "could not look at the audit log", logPoster(context));
}

export function logPoster(context: LogContext): () => Promise<void> {
  const { ledger, configuration, log } = context;
  const post = statePoster(context);
  let isStopped = false;
  return async () => {
    const flaw = await ledger.logFlaw();
    if (flaw !== null && !isStopped) log.error({ flaw }, "the audit log takes no event: nothing can change");
    isStopped = flaw !== null;
    const clusters = [...configuration().clusters.values()];
    await post({
      name: "log-stopped",
      isOn: isStopped,
      clusters,
      begin: () => announcement(`:rotating_light: *The audit log is stopped.* ${logStoppedText}`),
      end: () => announcement(":white_check_mark: *The audit log takes events again.*"),
    });
  };
}

/** `status` says it too. */
export const logStoppedText = `No request, decision or lease can change: someone wrote into Redis. Follow ${code("The audit log takes no event")} in docs/operating.md. Access still ends on time.`;

function silentMessage(zone: Zone, since: Date, clusters: readonly Cluster[]): Message {
  const names = clusters.map(({ name }) => name);
  const start = zone === null ? "eks-access worker" : `eks-access worker --zone ${zone}`;
  return announcement(
    `:warning: *No worker serves ${inZone(zone)}* since ${time(since.toISOString())}. Access to ${codeList(names, 1000)} neither begins nor ends.`,
    `Start ${code(start)} where it reaches them.`,
  );
}

export const inZone = (zone: Zone) => (zone === null ? "the clusters without a zone" : `the zone ${zone}`);

function overMessage(zone: Zone): Message {
  const text = `A worker serves ${inZone(zone)} again`;
  return { text, blocks: [section(`:white_check_mark: *${text}.*`)] };
}
