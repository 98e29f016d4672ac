import type { ViewOutput } from "@slack/bolt";
import type { ModalView } from "@slack/types";
import { explainFailure } from "../../access/access-error.ts";
import { formatDuration } from "../../access/ask/duration.ts";
import { putNewest } from "../../access/collections.ts";
import { arnsOf, linkedArnOn, needsEmail, noIdentities, type OwnIdentities } from "../../access/identities.ts";
import { usualAnswerSeconds } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { levelsOffered } from "../../access/policy/rule.ts";
import { type AccessRequest, typedFieldsOf } from "../../access/record.ts";
import { isSealedLink } from "../../access/seals.ts";
import { listedIn } from "../../ledger/look-ups.ts";
import { inTimeOr, withinTime } from "../../operations/deadlines.ts";
import { formMs } from "../app/answer.ts";
import type { SlackContext } from "../app/context.ts";
import type { FormChange, Suggestion } from "../app/payload.ts";
import { personFor } from "../app/request-people.ts";
import { slackErrorCode } from "../app/web-client.ts";
import { identitiesNow, rememberedIdentities } from "../link/identities.ts";
import { answer, messageModal } from "../show/message.ts";
import {
  type ClusterOffer,
  chosenIdentity,
  completeForm,
  emptyForm,
  type RequestForm,
  readForm,
  readFormParts,
  showsForm,
} from "./form.ts";
import { suggestionsOf } from "./form-fields.ts";
import { refuseTooMany } from "./limits.ts";
import { formActions, identityKey, recentFirst, requestModal } from "./request-modal.ts";

type OfferContext = Pick<SlackContext, "config" | "directory">;

/** The form of a request: like an earlier one, or with this person's last choices. @param chosen the cluster instead of theirs */
export async function requestForm(
  context: SlackContext,
  user: string,
  like?: AccessRequest,
  chosen?: Cluster,
): Promise<ModalView> {
  const withoutMemory = { ...emptyForm, cluster: chosen?.name ?? "" };
  const [form, offers] = await Promise.all([
    like ? formLike(like, user) : inTimeOr(remembered(context, user, chosen), formMs.opens, withoutMemory),
    offersTo(context, personOf(like, user)),
  ]);
  if (offers.length === 0)
    return messageModal("Ask for access", answer("No cluster takes your requests. Ask an operator."));
  const { cluster } = completeForm(form, offers).form;
  const [own, answerSeconds] = await Promise.all([
    withinTime(ownIn(context, user, form, offers), formMs.opens, noIdentities),
    inTimeOr(usualAnswer(context, cluster), formMs.opens, null),
  ]);
  return requestModal({ ...form, answerSeconds }, offers, own, user, like !== undefined);
}

const isAskedByOther = ({ askedBy }: AccessRequest, user: string) => askedBy !== null && askedBy !== user;

function personOf(like: AccessRequest | undefined, user: string): string {
  return like?.askedBy === user ? like.requester : user;
}

/** The person's identities on the form's cluster: an answer that is late has the next form. Null: no look-up is needed, or it has no cluster yet. */
async function ownIn(
  context: SlackContext,
  user: string,
  form: RequestForm,
  offers: readonly ClusterOffer[],
  look: typeof identitiesNow = identitiesNow,
): Promise<OwnIdentities | null> {
  const { offer } = completeForm(form, offers);
  if (!offer || !needsEmail(context.config.identities)) return null;
  return look(context, form.askedFor || user, offer.cluster, user).catch(() => null);
}

/** The principal of a form without an ARN: the chosen identity, or the only one. */
export async function identitiesInForm(context: SlackContext, user: string, view: ViewOutput): Promise<OwnIdentities> {
  const late = { arns: [], why: "Couldn't look you up. Try again." };
  const { cluster: name, principal, for: person } = readFormParts(view);
  const cluster = context.config.clusters.get(name);
  if (principal !== "" || !cluster) return { arns: [], why: null };
  const asking = identitiesNow(context, person?.user ?? user, cluster, user).catch((error: unknown) => ({
    arns: [],
    why: explainFailure(error),
  }));
  const own: OwnIdentities = await withinTime(asking, formMs.answers, late);
  const chosen = chosenIdentity(view);
  return chosen === "" ? own : { ...own, arns: own.arns.filter((arn) => identityKey(arn) === chosen) };
}

const quarterSeconds = 15 * 60;

/** All of an earlier request except its reason, which is new each time. */
function formLike(request: AccessRequest, user: string): RequestForm {
  const { cluster, level, until, durationSeconds } = request;
  const { reason: _, ticket, ...typed } = typedFieldsOf(request);
  // What another person wrote for them can be that person's own ARN.
  const principal = isAskedByOther(request, user) ? "" : request.principal;
  // The duration of an extension runs from its request to its end: an odd number of seconds.
  const round = Math.max(quarterSeconds, Math.round(durationSeconds / quarterSeconds) * quarterSeconds);
  const duration = formatDuration(until === null ? durationSeconds : round).replaceAll(" ", "");
  const other = personOf(request, user);
  const askedFor = other === user ? "" : other;
  return { ...emptyForm, cluster, level, principal, askedFor, duration, ...typed, ticket: ticket ?? "" };
}

/** The person's last request, and the principal linked to their account. @throws AccessError */
async function remembered(context: SlackContext, user: string, chosen?: Cluster): Promise<RequestForm> {
  const { ledger, config } = context;
  const own = (await ledger.ofRequester(user, lookedThrough)).filter((each) => !isAskedByOther(each, user));
  const [last] = own;
  const recent = [...new Set(own.map(({ cluster: name }) => name))].slice(0, maxRecent);
  const cluster = chosen ?? config.clusters.get(last?.cluster ?? "") ?? null;
  const used = !chosen || chosen.name === last?.cluster ? last?.principal : undefined;
  // If a worker looks people up, an empty field means the person's own identity.
  const principal = needsEmail(config.identities) ? "" : ((await linkedOf(context, user, cluster)) ?? used ?? "");
  if (!last) return { ...emptyForm, cluster: chosen?.name ?? "", principal, recent };
  const duration = formatDuration(last.durationSeconds).replaceAll(" ", "");
  const choices = { level: last.level, principal, duration: last.extends ? "" : duration };
  return { ...emptyForm, ...choices, cluster: chosen?.name ?? last.cluster, recent };
}

/** How many requests it reads for recent clusters, and how many clusters come first. */
const lookedThrough = 20;
const maxRecent = 5;
/** Older decisions say little about today's approvers. */
const maxDecided = 30;

/** How long a decision usually takes in a cluster, in seconds. Null: unknown, or none is chosen. */
async function usualAnswer({ ledger }: SlackContext, cluster: string): Promise<number | null> {
  if (cluster === "") return null;
  return listedIn(ledger, "all", cluster, maxDecided)
    .then(usualAnswerSeconds)
    .catch(() => null);
}

/** The linked principal of a person on a cluster. Null: none. @throws AccessError */
async function linkedOf({ ledger, keys }: SlackContext, user: string, cluster: Cluster | null): Promise<string | null> {
  const sealed = (await ledger.linksOf(user)).filter((link) => isSealedLink(user, link, keys.decision));
  return linkedArnOn(arnsOf(sealed), cluster);
}

/** What a person may request. If Slack does not name their groups in time, the form offers everything: the policy checks the request. */
async function offersTo(context: OfferContext, user: string): Promise<readonly ClusterOffer[]> {
  const clusters = [...context.config.clusters.values()];
  const whole = (cluster: Cluster): ClusterOffer => ({
    ...{ cluster, person: null },
    levels: cluster.levels.map((level) => ({ ...level, permanent: false })),
  });
  const offerOf = async (cluster: Cluster): Promise<ClusterOffer> => {
    const person = await personFor(context, cluster, user).catch(() => null);
    return person ? { cluster, person, levels: levelsOffered(cluster, person) } : whole(cluster);
  };
  const offers = await inTimeOr(Promise.all(clusters.map(offerOf)), formMs.opens, clusters.map(whole));
  return offers.filter(({ levels }) => levels.length > 0);
}

const maxForms = 1_000;

/** People type faster than Slack answers, so a change can meet an updated form: by its hash, only the newest change overwrites it. */
export function formChangeHandler(): (context: SlackContext, change: FormChange) => Promise<void> {
  const newest = new Map<string, string>();
  return async (context, { ack, body, action, client }) => {
    await ack();
    const { view } = body;
    if (!view) return;
    remember(newest, view.id, action.action_ts);
    const user = body.user.id;
    // Sending the form says so.
    if (action.action_id === formActions.askedFor && (await refuseTooMany(context, user, "questions"))) return;
    const form = await changed(context, view, action, user);
    const offers = await offersTo(context, form.askedFor || user);
    // Only another cluster or person needs a question to a worker; each typed letter comes here too.
    const isAnother = action.action_id === formActions.cluster || action.action_id === formActions.askedFor;
    const look = isAnother ? identitiesNow : rememberedIdentities;
    const next = requestModal(form, offers, await ownIn(context, user, form, offers, look), user);
    if (offers.length === 0 || showsForm(view, next)) return;
    const update = { view_id: view.id, view: next };
    await client.views.update({ ...update, hash: view.hash }).catch((error: unknown) => {
      if (slackErrorCode(error) !== "hash_conflict") throw error;
      return newest.get(view.id) === action.action_ts ? client.views.update(update) : undefined;
    });
  };
}

async function changed(context: SlackContext, view: ViewOutput, action: FormChange["action"], user: string) {
  const form = readForm(view);
  if (action.action_id === formActions.cluster) {
    return { ...form, answerSeconds: await usualAnswer(context, form.cluster) };
  }
  if (action.action_id === formActions.askedFor) {
    // The ARN in the field belongs to another person.
    const cluster = context.config.clusters.get(form.cluster) ?? null;
    const isLookedUp = needsEmail(context.config.identities);
    const linked = isLookedUp ? null : await linkedOf(context, form.askedFor || user, cluster).catch(() => null);
    return { ...form, principal: linked ?? "", identity: "", replaced: form.replaced + 1 };
  }
  if (action.action_id !== formActions.useArn || !("value" in action)) return form;
  return { ...form, principal: action.value ?? "", replaced: form.replaced + 1 };
}

function remember(newest: Map<string, string>, view: string, at: string): void {
  const known = newest.get(view);
  if (known !== undefined && known > at) return;
  putNewest(newest, view, at, maxForms);
}

export async function handleClusterSearch(context: SlackContext, { ack, body, payload }: Suggestion): Promise<void> {
  const names = (await offersTo(context, body.user.id)).map(({ cluster }) => cluster.name);
  const { recent } = body.view ? readForm(body.view) : emptyForm;
  await ack({ options: suggestionsOf(recentFirst(names, recent), payload.value) });
}
