import type { ModalView } from "@slack/types";
import type { Cluster } from "../../access/policy/cluster.ts";
import { levelsOffered } from "../../access/policy/offer.ts";
import { formatDuration } from "../../access/request/duration.ts";
import type { SlackContext } from "../app/context.ts";
import { inTime } from "../app/in-time.ts";
import { messageModal } from "../blocks/modals.ts";
import { personFor } from "../people/standing.ts";
import { nothingOfferedAnswer } from "./answers.ts";
import { emptyForm, type Offer, type RequestForm } from "./form.ts";
import { requestModal } from "./request-modal.ts";

/** A form opens within three seconds or not at all: what is remembered must not cost it. In milliseconds. */
const rememberingMs = 1_200;

/** The form of a request, as this person left it last. */
export async function requestForm(context: SlackContext, user: string): Promise<ModalView> {
  const [form, offers] = await Promise.all([
    inTime(
      remembered(context, user).catch(() => emptyForm),
      rememberingMs,
      emptyForm,
    ),
    offersTo(context, user),
  ]);
  return offers.length > 0 ? requestModal(form, offers) : messageModal("Ask for access", nothingOfferedAnswer());
}

/** What this person asked for last, and the principal that their account is linked to. @throws AccessError */
async function remembered({ ledger }: SlackContext, user: string): Promise<RequestForm> {
  const [linked, [last]] = await Promise.all([ledger.principalOf(user), ledger.ofRequester(user, 1)]);
  const principal = linked ?? last?.principal ?? "";
  if (!last) return { ...emptyForm, principal };
  const duration = formatDuration(last.durationSeconds).replaceAll(" ", "");
  return { ...emptyForm, cluster: last.cluster, level: last.level, duration, principal };
}

/**
 * What somebody may ask for. Where Slack does not say in time of which groups they are, everything is offered: the policy
 * looks at the request itself when it is sent.
 */
export async function offersTo(context: SlackContext, user: string): Promise<readonly Offer[]> {
  const clusters = [...context.config.clusters.values()];
  const everything = clusters.map((cluster) => ({
    cluster,
    levels: cluster.levels.map((level) => ({ ...level, permanent: false })),
  }));
  const allowed = Promise.all(clusters.map((cluster) => offerTo(context, cluster, user))).catch(() => everything);
  const offers = await inTime(allowed, rememberingMs, everything);
  return offers.filter(({ levels }) => levels.length > 0);
}

async function offerTo(context: SlackContext, cluster: Cluster, user: string): Promise<Offer> {
  return { cluster, levels: levelsOffered(cluster, await personFor(context, cluster, user)) };
}
