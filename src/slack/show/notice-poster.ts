import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import { type Cluster, hasNoWorker, type Zone, zoneInWords, zoneOf, zonesOf } from "../../access/policy/cluster.ts";
import type { SlackKeys } from "../../access/seal.ts";
import { type Notice, readNotice } from "../../access/shared-lists.ts";
import type { Config } from "../../config/config.ts";
import type { FleetLedger } from "../../ledger/fleet.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import { slackFailure } from "../app/web-client.ts";
import { announcement, type Message } from "./message.ts";
import { code, codeList, cut, plainLine, section, time } from "./mrkdwn.ts";

export interface NoticeContext {
  readonly ledger: Pick<FleetLedger & TurnLedger, "notices" | "takeTurn">;
  readonly configuration: () => Pick<Config, "operatorsChannel">;
  readonly keys: SlackKeys;
  readonly client: WebClient;
  /** Puts the newest list of the fleet into the configuration. */
  readonly follow: () => Promise<void>;
  readonly log: Logger;
  readonly now: () => Date;
}

const lookEveryMs = 5_000;
/** An older notice is no news. */
const newsForMs = 24 * 3_600_000;
/** A notice is posted once in this time, which is longer than it is news. */
const postedForMs = 30 * 24 * 3_600_000;

/** Posts each notice in the operators' channel, once for all processes. Without a channel, only the log has them. */
export function startNoticePoster(context: NoticeContext): Ticking {
  const seen = new Set<string>();
  let owed: readonly Notice[] = [];
  return startTicking(lookEveryMs, async () => {
    const channel = context.configuration().operatorsChannel;
    if (channel === null) return;
    try {
      const found = await newNotices(context, seen);
      owed = [...owed, ...found];
      // People can ask for a new cluster as soon as they read of it (law 5).
      if (found.length > 0) await context.follow();
      owed = await postAll(context, channel, owed);
    } catch (error) {
      context.log.warn({ err: error }, "could not look for notices to the operators");
    }
  });
}

/** The messages of new notices, oldest first. This process takes the turn to post them. */
async function newNotices({ ledger, keys, now, log }: NoticeContext, seen: Set<string>): Promise<readonly Notice[]> {
  const found: Notice[] = [];
  for (const stored of (await ledger.notices()).toReversed()) {
    const notice = readNotice(stored, keys);
    if (!notice) log.debug("a notice in Redis has no seal of ours");
    else if (!seen.has(notice.id) && now().getTime() - Date.parse(notice.at) < newsForMs) {
      const isMine = await ledger.takeTurn(`notice-${notice.id}`, postedForMs);
      seen.add(notice.id);
      if (isMine) found.push(...partsOf(notice));
    }
  }
  return found;
}

/** Returns the notices that Slack did not take, for another try. */
async function postAll({ client, log }: NoticeContext, channel: string, owed: readonly Notice[]) {
  const left: Notice[] = [];
  for (const notice of owed) {
    await client.chat.postMessage({ channel, ...noticeMessage(notice) }).catch((error: unknown) => {
      log.warn({ err: slackFailure(error, `the channel ${channel}`), notice }, "could not post a notice yet");
      left.push(notice);
    });
  }
  return left.slice(-maxOwed);
}

/** If the channel is missing, the list must not grow without end. */
const maxOwed = 20;

/** Slack takes 3,000 characters in a section. */
const maxCharacters = 2_900;
/** A notice of a whole fleet has hundreds of lines. */
const maxParts = 10;

/** A notice for each message, so that each line is in the channel. */
function partsOf(notice: Notice): readonly Notice[] {
  const parts: string[][] = [[]];
  const heading = notice.title.length + " (10 of 10)".length;
  let room = maxCharacters - heading;
  for (const line of notice.lines.map((each) => cut(`• ${plainLine(each)}`, maxCharacters - heading - 1))) {
    room -= line.length + 1;
    if (room < 0) {
      parts.push([]);
      room = maxCharacters - heading - line.length - 1;
    }
    parts.at(-1)?.push(line);
  }
  const left = parts.slice(maxParts).flat().length;
  const shown = parts.slice(0, maxParts);
  if (left > 0) shown.at(-1)?.splice(-1, 1, `… and ${left + 1} more, in the log.`);
  const titleOf = (index: number) =>
    shown.length > 1 ? `${notice.title} (${index + 1} of ${shown.length})` : notice.title;
  return shown.map((lines, index) => ({ ...notice, title: titleOf(index), lines }));
}

function noticeMessage({ title, lines }: Notice): Message {
  return announcement([`*${plainLine(title)}*`, ...lines].join("\n"));
}

export interface ZoneContext {
  readonly ledger: Pick<Ledger, "zonesSeen" | "takeTurn">;
  readonly configuration: () => Pick<Config, "clusters" | "operatorsChannel">;
  readonly client: WebClient;
  readonly log: Logger;
  readonly now: () => Date;
}

/**
 * Posts when a zone has had no worker for most of a minute, and when it has one again: in the operators' channel, or
 * else in its clusters' channels. It posts nothing if the configuration has no zones.
 */
export function startZonePoster(context: ZoneContext): Ticking {
  return startTicking(lookEveryMs, zonePoster(context));
}

export function zonePoster(context: ZoneContext): () => Promise<void> {
  const startedAt = context.now();
  /** By zone without a worker: the turn of its message. */
  const silent = new Map<Zone, string>();
  return () =>
    lookAtZones(context, startedAt, silent).catch((error: unknown) => {
      context.log.warn({ err: error }, "could not look for zones without a worker");
    });
}

async function lookAtZones(context: ZoneContext, startedAt: Date, silent: Map<Zone, string>): Promise<void> {
  const clusters = [...context.configuration().clusters.values()];
  const zones = zonesOf(clusters);
  if (zones.every((zone) => zone === null)) return;
  const seen = await context.ledger.zonesSeen();
  for (const zone of zones) {
    const seenAt = seen.get(zone);
    const since = seenAt && seenAt > startedAt ? seenAt : startedAt;
    const own = clusters.filter((cluster) => zoneOf(cluster) === zone);
    const turn = silent.get(zone);
    if (hasNoWorker(since, context.now())) {
      if (turn !== undefined) continue;
      const begun = `zone-${zoneInWords(zone)}-${seenAt?.toISOString() ?? "never"}`;
      silent.set(zone, begun);
      await post(context, own, begun, silentMessage(zone, seenAt ?? startedAt, own));
    } else if (turn !== undefined) {
      silent.delete(zone);
      await post(context, own, `${turn}-over`, overMessage(zone));
    }
  }
}

export interface LogContext extends Omit<ZoneContext, "ledger" | "now"> {
  readonly ledger: Pick<Ledger, "logFlaw" | "takeTurn">;
}

/** Several processes see the same change within a few looks. */
const changePostedForMs = 60_000;

/** Posts when the audit log takes no event, so that nothing can change, and when it does again. */
export function startLogPoster(context: LogContext): Ticking {
  return startTicking(lookEveryMs, logPoster(context));
}

export function logPoster(context: LogContext): () => Promise<void> {
  let isStopped = false;
  return async () => {
    try {
      const flaw = await context.ledger.logFlaw();
      if (isStopped === (flaw !== null)) return;
      isStopped = flaw !== null;
      if (flaw !== null) context.log.error({ flaw }, "the audit log takes no event: nothing can change");
      const clusters = [...context.configuration().clusters.values()];
      const turn = isStopped ? "log-stopped" : "log-continues";
      await post(context, clusters, turn, isStopped ? logStoppedMessage() : logContinuesMessage(), changePostedForMs);
    } catch (error) {
      context.log.warn({ err: error }, "could not look at the audit log");
    }
  };
}

/** `status` says it too. */
export const logStoppedText = `No request, decision or lease can change: someone wrote into Redis. Follow ${code("The audit log takes no event")} in docs/operating.md. Access still ends on time.`;

function logStoppedMessage(): Message {
  return announcement(`:rotating_light: *The audit log is stopped.* ${logStoppedText}`);
}

function logContinuesMessage(): Message {
  return announcement(":white_check_mark: *The audit log takes events again.*");
}

interface TurnContext {
  readonly ledger: Pick<TurnLedger, "takeTurn">;
}

/** In each channel once, for all processes. */
async function post(
  { ledger, client, log, configuration }: Pick<ZoneContext, "client" | "log" | "configuration"> & TurnContext,
  clusters: readonly Cluster[],
  turn: string,
  message: Message,
  onceInMs = postedForMs,
): Promise<void> {
  if (!(await ledger.takeTurn(turn, onceInMs))) return;
  const { operatorsChannel } = configuration();
  const channels = operatorsChannel === null ? clusters.map(({ channel }) => channel) : [operatorsChannel];
  for (const channel of new Set(channels)) {
    await client.chat.postMessage({ channel, ...message }).catch((error: unknown) => {
      log.warn({ err: slackFailure(error, `the channel ${channel}`) }, "could not post to the operators");
    });
  }
}

function silentMessage(zone: Zone, since: Date, clusters: readonly Cluster[]): Message {
  const names = codeList(
    clusters.map(({ name }) => name),
    1000,
  );
  const start = zone === null ? "eks-access worker" : `eks-access worker --zone ${zone}`;
  const lines = [
    `:warning: *No worker serves ${inZone(zone)}* since ${time(since.toISOString())}. Access to ${names} neither begins nor ends.`,
    `Start ${code(start)} in a network that reaches them.`,
  ];
  return announcement(lines.join("\n"));
}

const inZone = (zone: Zone) => (zone === null ? "the clusters without a zone" : `the zone ${zone}`);

function overMessage(zone: Zone): Message {
  const text = `A worker serves ${inZone(zone)} again`;
  return { text, blocks: [section(`:white_check_mark: *${text}.* The worker is catching up.`)] };
}
