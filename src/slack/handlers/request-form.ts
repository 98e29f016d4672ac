import { setTimeout as pause } from "node:timers/promises";
import type { ModalView } from "@slack/types";
import { formatDuration } from "../../request/duration.ts";
import type { SlackContext } from "../context.ts";
import { emptyForm, type Offer, type RequestForm } from "../request-form/form.ts";
import { requestModal } from "../request-form/request-modal.ts";

/** A form opens within three seconds or not at all: what is remembered must not cost it. In milliseconds. */
const rememberingMs = 1_200;

/** The form of a request, as this person left it last. */
export async function requestForm(context: SlackContext, user: string): Promise<ModalView> {
  const nothing = pause(rememberingMs, emptyForm);
  const form = await Promise.race([remembered(context, user).catch(() => emptyForm), nothing]);
  return requestModal(form, await offersTo(context, user));
}

/** What this person asked for last, and the principal that their account is linked to. @throws AccessError */
async function remembered({ ledger }: SlackContext, user: string): Promise<RequestForm> {
  const [linked, [last]] = await Promise.all([ledger.principalOf(user), ledger.ofRequester(user, 1)]);
  const principal = linked ?? last?.principal ?? "";
  if (!last) return { ...emptyForm, principal };
  const duration = formatDuration(last.durationSeconds).replaceAll(" ", "");
  return { ...emptyForm, cluster: last.cluster, level: last.level, duration, principal };
}

/** What somebody may ask for. @throws AccessError */
export async function offersTo({ config }: SlackContext, _user: string): Promise<readonly Offer[]> {
  return [...config.clusters.values()].map((cluster) => ({ cluster, levels: cluster.levels }));
}
