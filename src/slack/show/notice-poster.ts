import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import type { SlackKeys } from "../../access/approval/seal.ts";
import { type Notice, readNotice } from "../../access/audit/notice.ts";
import type { Config } from "../../config/config.ts";
import type { FleetLedger, TurnLedger } from "../../ledger/ledger.ts";
import { startTicking, type Ticking } from "../../operations/ticking.ts";
import { slackFailure } from "../app/web-client.ts";
import type { Message } from "./message.ts";
import { plainLine, section } from "./mrkdwn.ts";

export interface NoticeContext {
  readonly ledger: Pick<FleetLedger & TurnLedger, "notices" | "takeTurn">;
  readonly configuration: () => Pick<Config, "operatorsChannel">;
  readonly keys: SlackKeys;
  readonly client: WebClient;
  readonly log: Logger;
  readonly now: () => Date;
}

const lookEveryMs = 5_000;
/** An older notice is no news. */
const newsForMs = 24 * 3_600_000;
/** Longer than a notice is news. */
const postedForMs = 30 * 24 * 3_600_000;

/** Posts each notice in the operators' channel, once by all processes together. Without a channel the log has it. */
export function startNoticePoster(context: NoticeContext): Ticking {
  const seen = new Set<string>();
  let owed: readonly Notice[] = [];
  return startTicking(lookEveryMs, async () => {
    const channel = context.configuration().operatorsChannel;
    if (channel === null) return;
    try {
      owed = [...owed, ...(await newNotices(context, seen))];
      owed = await postAll(context, channel, owed);
    } catch (error) {
      context.log.warn({ err: error }, "could not look for notices to the operators");
    }
  });
}

/** Those that no process has posted yet, the oldest first: this one has their turn. */
async function newNotices({ ledger, keys, now, log }: NoticeContext, seen: Set<string>): Promise<readonly Notice[]> {
  const found: Notice[] = [];
  for (const stored of (await ledger.notices()).toReversed()) {
    const notice = readNotice(stored, keys);
    if (!notice) log.debug("a notice in Redis has no seal of ours");
    else if (!seen.has(notice.id) && now().getTime() - Date.parse(notice.at) < newsForMs) {
      const isMine = await ledger.takeTurn(`notice-${notice.id}`, postedForMs);
      seen.add(notice.id);
      if (isMine) found.push(notice);
    }
  }
  return found;
}

/** Returns those that Slack did not take: they are posted again. */
async function postAll({ client, log }: NoticeContext, channel: string, owed: readonly Notice[]) {
  const left: Notice[] = [];
  for (const notice of owed) {
    const { text, blocks } = noticeMessage(notice);
    await client.chat.postMessage({ channel, text, blocks: [...blocks] }).catch((error: unknown) => {
      log.warn({ err: slackFailure(error, `The channel ${channel}`), notice }, "a notice could not be posted yet");
      left.push(notice);
    });
  }
  return left.slice(-maxOwed);
}

/** A channel that does not exist must not fill the memory. */
const maxOwed = 20;

/** Slack takes 3,000 characters in a section. */
const maxCharacters = 2_900;

function noticeMessage({ title, lines }: Notice): Message {
  const shown: string[] = [];
  let room = maxCharacters - title.length;
  for (const line of lines.map((each) => `• ${plainLine(each)}`)) {
    room -= line.length + 1;
    if (room < 0) break;
    shown.push(line);
  }
  const left = lines.length - shown.length;
  const rest = left > 0 ? [`… and ${left} more, in the log.`] : [];
  return { text: title, blocks: [section([`*${plainLine(title)}*`, ...shown, ...rest].join("\n"))] };
}
