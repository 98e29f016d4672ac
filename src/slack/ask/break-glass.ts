import type { InputBlock, ModalView } from "@slack/types";
import { formatDuration } from "../../access/ask/duration.ts";
import { accountIn, noIdentities, type OwnIdentities } from "../../access/identities.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { noEmergency } from "../../access/policy/permissions.ts";
import { breakGlassFor } from "../../access/policy/rule.ts";
import type { AccessRequest } from "../../access/record.ts";
import { inTimeOr } from "../../operations/deadlines.ts";
import { type Buttons, type Forms, formMs, openOnCommand, opens, submits } from "../app/answer.ts";
import type { Command, SlackContext } from "../app/context.ts";
import type { FormChange, Submission, Suggestion } from "../app/payload.ts";
import { personShown } from "../app/request-people.ts";
import { breakGlassAction } from "../show/buttons.ts";
import { answer, formModal, type Message, messageModal } from "../show/message.ts";
import { code, plainText, section } from "../show/mrkdwn.ts";
import { blockOf, chosenIdentity, fieldId, readFormParts } from "./form.ts";
import { choose, input, suggestionsOf } from "./form-fields.ts";
import { ownBlocks, whyInput } from "./request-modal.ts";
import {
  emergencyAnswer,
  emergencyMistakeAnswer,
  ownForEmergency,
  readEmergency,
  takeAccess,
} from "./take-emergency.ts";

export const breakGlassCommand: Command = {
  word: "break-glass",
  usage: "[<cluster> [<arn>] <reason>]",
  summary: "emergency access now, alone with a form; alerts the channel and needs a review",
  records: true,
  run: async (context, call) =>
    call.rest === ""
      ? openOnCommand(context, call, () => breakGlassForm(context, call.user, { channel: call.channel }))
      : breakGlass(context, call.user, call.rest),
};

/** `break-glass <cluster> [<arn>] <reason>`: gives access at once, or says why not. The audit log has both. @throws AccessError */
export async function breakGlass(context: SlackContext, user: string, line: string): Promise<Message> {
  const [cluster = "", ...words] = line.trim().split(/\s+/);
  const principal = words[0]?.startsWith("arn:") ? (words.shift() ?? "") : "";
  if (/^for @\S+$/i.test(words.slice(0, 2).join(" "))) {
    return emergencyMistakeAnswer("Emergency access is yours alone.");
  }
  const taken = await takeAccess(context, user, { cluster, principal, identity: "", reason: words.join(" ") });
  return "id" in taken ? emergencyAnswer(taken) : taken;
}

const breakGlassModalId = "break-glass";
/** Another cluster can be in another account, where the person has another identity. */
export const breakGlassClusterAction = "break-glass-cluster";

export const breakGlassButtons: Buttons = {
  [breakGlassAction]: opens((context, user, typed, { body }) => {
    const [cluster = "", ...words] = typed.split(" ");
    return breakGlassForm(context, user, { cluster, reason: words.join(" "), channel: body.channel?.id ?? "" });
  }),
};
export const breakGlassForms: Forms = { [breakGlassModalId]: takeForm };

export async function handleBreakGlassCluster(context: SlackContext, { ack, body, client }: FormChange): Promise<void> {
  await ack();
  const { view } = body;
  if (!view) return;
  const form = await breakGlassForm(context, body.user.id, readFormParts(view));
  await client.views.update({ view_id: view.id, view: form });
}

/** @param at the chosen cluster, or where the person is: the form opens with the cluster that they most likely mean */
async function breakGlassForm(
  context: SlackContext,
  user: string,
  at: { readonly cluster?: string; readonly channel?: string; readonly reason?: string },
): Promise<ModalView> {
  const [clusters, [last]] = await Promise.all([
    emergencyClusters(context, user),
    inTimeOr(context.ledger.ofRequester(user, 1), formMs.opens, []),
  ]);
  const ofChannel = clusters.filter(({ channel }) => channel === at.channel);
  const cluster =
    clusters.find(({ name }) => name === at.cluster) ?? likeliest(ofChannel, last) ?? likeliest(clusters, last);
  if (!cluster)
    return messageModal("Emergency access", answer(`${noEmergency("you", "a cluster")} Request access instead.`));
  const { arns, why } = await inTimeOr(ownForEmergency(context, user, cluster), formMs.opens, noIdentities);
  // A person's only link counts everywhere, also where the cluster refuses its account.
  const taken = arns.filter((arn) => [cluster.account, ...cluster.foreignAccounts].includes(accountIn(arn)));
  return breakGlassModal(clusters, cluster, { arns: taken, why }, at.reason);
}

/** That of the person's last request, otherwise the first. */
function likeliest(clusters: readonly Cluster[], last: AccessRequest | undefined): Cluster | undefined {
  return clusters.find(({ name }) => name === last?.cluster) ?? clusters[0];
}

async function emergencyClusters(context: SlackContext, user: string): Promise<readonly Cluster[]> {
  const person = await personShown(context, user);
  return [...context.config.clusters.values()].filter((cluster) => breakGlassFor(cluster, person));
}

export async function handleBreakGlassSearch(context: SlackContext, { ack, body, payload }: Suggestion): Promise<void> {
  const names = (await emergencyClusters(context, body.user.id)).map(({ name }) => name);
  await ack({ options: suggestionsOf(names, payload.value) });
}

/** The form is the confirmation: it shows the effect. The policy names the level. */
function breakGlassModal(
  clusters: readonly Cluster[],
  cluster: Cluster,
  own: OwnIdentities,
  reason: string | undefined,
): ModalView {
  const { name: chosen, breakGlass: may } = cluster;
  const gives = may ? `${code(chosen)}: ${code(may.level)} for ${formatDuration(may.durationSeconds)}` : "";
  const names = clusters.map(({ name }) => name);
  const shown = { title: "Emergency access", submit: "Take it now", close: "Cancel" };
  return formModal({ id: breakGlassModalId, memory: "", ...shown }, [
    section(
      [":rotating_light: You get access at once. The channel sees it; an approver reviews it.", gives].join("\n"),
    ),
    choose({ id: fieldId("cluster"), label: "Cluster", names, chosen, action: breakGlassClusterAction }),
    ...ownBlocks({ cluster: chosen, identity: "", askedFor: "" }, own),
    whyInput(true, reason),
    emergencyPrincipal(chosen, own),
  ]);
}

/** Optional only if an identity of theirs is known: no one is to learn it from an error at night. */
function emergencyPrincipal(cluster: string, { arns }: OwnIdentities): InputBlock {
  const id = fieldId("principal", cluster);
  if (arns.length > 0) return { ...input(id, "Another role or user", {}), optional: true };
  const block = input(id, "IAM role or user", { placeholder: plainText("arn:aws:iam::111122223333:role/developers") });
  return { ...block, hint: plainText("aws sts get-caller-identity prints yours.") };
}

async function takeForm(context: SlackContext, submission: Submission): Promise<void> {
  const { view, body } = submission;
  const began = performance.now();
  const user = body.user.id;
  const { cluster, principal, reason: typed } = readFormParts(view);
  const parts = { cluster, principal, identity: chosenIdentity(view), reason: typed.trim().replace(/\s+/g, " ") };
  // What is late is read again, and the answer has its mistake.
  const read = await inTimeOr(readEmergency(context, user, parts), 1_000, null);
  const found = { cluster: read?.cluster.mistake, principal: read?.arn.mistake, reason: read?.reason.mistake };
  const errors = Object.entries(found).flatMap(([part, mistake]) =>
    mistake ? [[blockOf(view, part as keyof typeof found), mistake.replaceAll("`", "")] as const] : [],
  );
  if (errors.length > 0) return submission.ack({ response_action: "errors", errors: Object.fromEntries(errors) });
  const take = async () => {
    const taken = await takeAccess(context, user, parts);
    // The direct message has the rest: no one closes an answer at night.
    return "id" in taken ? null : taken;
  };
  return submits("Emergency access", take, began)(context, submission);
}
