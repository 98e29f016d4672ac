import type { WebClient } from "@slack/web-api";
import { linkInAccountOf } from "../../access/identities.ts";
import { linkQuestionPrefix } from "../../access/lists.ts";
import { sealedAnew } from "../../access/seal.ts";
import { type LinkProposal, linkSealedAnew } from "../../access/seals.ts";
import type { IdentityLookUp } from "../../ledger/links.ts";
import { wake } from "../../ledger/queues.ts";
import type { LinkQuestions, MessageRef } from "../../ledger/stored.ts";
import type { SlackContext } from "../app/context.ts";
import { isGone } from "../app/web-client.ts";
import { buttonOf, confirmLinkAction, refuseLinkAction } from "../show/buttons.ts";
import { announcement, answer, type Message, messageOf } from "../show/message.ts";
import { code, mention, section } from "../show/mrkdwn.ts";
import { isUnchangeable, type MessengerContext, updateDirect } from "../show/show-in-channel.ts";

// The questions to administrators about a link: at most one message for each of them has buttons.

/** More administrators than a workspace has; each costs one call to Slack. */
const maxAsked = 10;

/** In direct messages, and closes their earlier questions about the person. @returns those who got one */
export async function askAdministrators(
  context: SlackContext,
  client: WebClient,
  proposal: LinkProposal,
  { current, isRepeated }: { readonly current: string | null; readonly isRepeated: boolean },
): Promise<readonly string[]> {
  const { config, log } = context;
  const { user, arn } = proposal;
  const asked = othersThan(user, config.linking.administrators).slice(0, maxAsked);
  const question = linkQuestion(proposal, current);
  const results = await Promise.allSettled(asked.map((channel) => client.chat.postMessage({ channel, ...question })));
  const reached = asked.filter((_, index) => results[index]?.status === "fulfilled");
  if (reached.length < asked.length) log.warn({ reached, asked }, "could not ask every administrator about a link");
  const places = results.flatMap((result) => {
    const { channel, ts } = result.status === "fulfilled" ? result.value : {};
    return channel && ts ? [{ channel, ts }] : [];
  });
  const questions = { places, seal: context.keys.decision.seal("messages", sealed(user, places)) };
  const before = await context.ledger.swapLinkQuestions(user, proposal.id, questions);
  // A newer command, or a decision, came while Slack posted these.
  if (before === "outdated") await replaceQuestions(context, client, user, questions, linkHandled(user));
  else await replaceQuestions(context, client, user, before, askedAnew(user, arn, isRepeated));
  return reached;
}

export function othersThan(user: string, administrators: readonly string[]): readonly string[] {
  return administrators.filter((each) => each !== user);
}

/** By a forged place the bot would overwrite another message. */
const sealed = (user: string, places: readonly MessageRef[]) => ({
  link: user,
  places: places.map((each) => ({ ...each })),
});

/** Replaces the questions about a person, whose link is decided. One that stays says so at a click: never throws. @param ts of one that is replaced already */
export async function closeQuestions(
  context: SlackContext,
  client: WebClient,
  user: string,
  message: Message,
  ts = "",
): Promise<void> {
  try {
    const questions = await context.ledger.swapLinkQuestions(user, null, null);
    if (questions !== "outdated") await replaceQuestions(context, client, user, questions, message, ts);
  } catch (error) {
    context.log.warn({ user, err: error }, "could not close the questions about a link");
  }
}

async function replaceQuestions(
  { keys, ledger, queues, log }: SlackContext,
  client: WebClient,
  user: string,
  questions: LinkQuestions | null,
  message: Message,
  ts = "",
): Promise<void> {
  if (!questions || !keys.decision.isSealed("messages", sealed(user, questions.places), questions.seal)) return;
  const left = questions.places.filter((each) => each.ts !== ts);
  const closing = left.map((place) =>
    client.chat.update({ ...place, ...message }).catch(async (error: unknown) => {
      log.warn({ user, err: error }, "could not close a question about a link yet");
      if (isGone(error) || isUnchangeable(error)) return;
      const sealed = keys.decision.seal("messages", closed(user, place));
      const record = [linkQuestionPrefix, user, place.ts, sealed].join(" ");
      await ledger.rememberOutdated(record, place.channel);
      await wake(queues, { type: "show", record });
    }),
  );
  await Promise.all(closing);
}

/** After a rotation of the key: links, because without theirs approvers could approve for their own principal, and their questions. */
export async function sealLinksAgain({ ledger, keys }: Pick<SlackContext, "ledger" | "keys">): Promise<number> {
  let again = await ledger.replaceLinks((user, link) => linkSealedAnew(user, link, keys.decision));
  for (const [user, { places, seal }] of await ledger.linkQuestions()) {
    const questions = { places, seal: sealedAnew(keys.decision, "messages", sealed(user, places), seal) };
    const proposal = questions.seal !== seal && (await ledger.linkProposalOf(user));
    if (proposal && (await ledger.swapLinkQuestions(user, proposal.id, questions)) !== "outdated") again += 1;
  }
  return again;
}

const closed = (user: string, { channel, ts }: MessageRef) => ({ closed: user, channel, ts });

type UpdateContext = Pick<MessengerContext, "ledger" | "updates"> & Pick<IdentityLookUp, "keys">;

/** Closes a question after Slack refused its update, or shows those about a person as Redis has them. @throws AccessError if another try can help */
export async function updateQuestions(context: UpdateContext, id: string): Promise<void> {
  const { ledger, keys, updates } = context;
  const [, user = "", ts, seal] = id.split(" ");
  if (ts === undefined) return showWaiting(context, user);
  const channel = await ledger.outdatedIn(id);
  if (channel === null) return;
  const place = { channel, ts };
  if (keys.decision.isSealed("messages", closed(user, place), seal))
    await updateDirect({ updates }, user, 0, linkHandled(user), place);
  await ledger.rememberOutdated(id, null);
}

/** After a failover that lost a decision: it waits again, so its questions have buttons again. */
async function showWaiting({ ledger, keys, updates }: UpdateContext, user: string): Promise<void> {
  const [proposal, links, asked] = await Promise.all([
    ledger.linkProposalOf(user),
    ledger.linksOf(user),
    ledger.linkQuestions(),
  ]);
  const { places = [], seal } = asked.get(user) ?? {};
  if (!proposal || !keys.decision.isSealed("messages", sealed(user, places), seal)) return;
  const question = linkQuestion(proposal, linkInAccountOf(links, proposal.arn)?.arn ?? null);
  for (const place of places) await updateDirect({ updates }, user, 0, question, place);
}

function linkHandled(user: string): Message {
  return announcement(`${mention(user)} asked for a link. Decided or replaced.`);
}

function askedAnew(user: string, arn: string, isRepeated: boolean): Message {
  const asks = isRepeated ? `asks again to link to ${code(arn)}` : `asks to link to ${code(arn)} instead`;
  return announcement(`${mention(user)} ${asks}. Answer the newer message.`);
}

export function linkQuestion(proposal: LinkProposal, current: string | null): Message {
  const { id, user, arn } = proposal;
  const text = `${mention(user)} asks to link to ${code(arn)}`;
  const value = JSON.stringify({ user, id, arn });
  return messageOf([
    section(`*${text}*\nCurrent link: ${current ? code(current) : "none"}. Confirm only what you know is theirs.`),
    {
      type: "actions",
      elements: [
        buttonOf(confirmLinkAction, "Confirm", { id: arn }, "primary", value),
        buttonOf(refuseLinkAction, "Refuse", { id: arn }, "danger", value),
      ],
    },
  ]);
}

export function linkDecided(
  { user, arn }: Pick<LinkProposal, "user" | "arn">,
  confirmed: boolean,
  by: string,
): Message {
  const [outcome, done] = confirmed ? ["is linked", "confirmed"] : ["was not linked", "refused"];
  return answer(`${mention(user)} ${outcome} to ${code(arn)}: ${done} by ${mention(by)}`);
}

/** The same where no administrator has to confirm a link any more. */
export function linkMade(user: string, arn: string): Message {
  return announcement(`${mention(user)} is linked to ${code(arn)} now.`);
}
