import { hash } from "node:crypto";
import type { InputBlock, KnownBlock, ModalView } from "@slack/types";
import {
  maxNamespaces,
  maxReasonLength,
  type PrincipalHint,
  principalHint,
  takesTicket,
} from "../../access/ask/read-part.ts";
import { maxTicketLength } from "../../access/ask/ticket.ts";
import type { OwnIdentities } from "../../access/identities.ts";
import { choosesNamespaces } from "../../access/policy/policy-text.ts";
import { approvalsNeeded, approversOf, type OfferedLevel, ruleFor } from "../../access/policy/rule.ts";
import { entryArnOf, identityInWords } from "../../access/principal.ts";
import { button } from "../show/buttons.ts";
import { formModal } from "../show/message.ts";
import { code, context, cut, mention, oneOf, plainLine, plainText, sectionWith, styled } from "../show/mrkdwn.ts";
import { hoursText } from "../show/words.ts";
import { type ClusterOffer, type CompletedForm, completeForm, durationsOf, fieldId, type RequestForm } from "./form.ts";
import { choiceBlock, choose, initially, initialText, input, maxOptions, optionOf, select } from "./form-fields.ts";

/** Longer than any time in words. */
const maxTime = 60;

export const requestModalId = "request";

/**
 * Each choice limits the next one by the person's policy.
 * @param own null: the person writes the ARN @param asker their id @param isAgain only the reason is new: the cursor is there
 */
export function requestModal(
  given: RequestForm,
  offers: readonly ClusterOffer[],
  own: OwnIdentities | null = null,
  asker = "",
  isAgain = false,
): ModalView {
  const completed = completeForm(given, offers);
  const { form, offer, level } = completed;
  const { cluster, replaced, recent, answerSeconds } = form;
  const known = offers.map((each) => each.cluster.name);
  const names = recentFirst(known, recent);
  const blocks = [
    choose({ id: "cluster", label: "Cluster", names, chosen: cluster, action: formActions.cluster }),
    ...choicesOf(completed),
    personChoice(form),
    ...(own ? ownBlocks(form, own) : []),
    principalInput(form, own),
    ...hintBlocks(principalHint(form.principal, offer?.cluster ?? null, level)),
    ...ticketInput(form, offer),
    whyInput(isAgain),
    ...approvalsBlocks(completed, asker),
  ];
  const memory = JSON.stringify({ replaced, shown: digestOf(blocks), recent, answerSeconds });
  return formModal({ id: requestModalId, memory, title: "Ask for access", submit: "Ask", close: "Cancel" }, blocks);
}

/** Shows whether the form on screen must change. */
function digestOf(blocks: readonly KnownBlock[]): string {
  const putIn = new Set(["initial_value", "initial_option", "initial_options", "initial_user", "focus_on_load"]);
  const asked = JSON.stringify(blocks, (key, value) => (putIn.has(key) ? undefined : value));
  return hash("sha256", asked, "base64url").slice(0, 16);
}

export function whyInput(hasCursor: boolean, typed = ""): InputBlock {
  const cursor = hasCursor ? { focus_on_load: true } : {};
  const text = { max_length: maxReasonLength, ...initialText(typed.slice(0, maxReasonLength)) };
  return input(fieldId("reason"), "Why", { multiline: true, ...text, ...cursor });
}

export function recentFirst(names: readonly string[], recent: readonly string[]): readonly string[] {
  const known = recent.filter((name) => names.includes(name));
  return [...known, ...names.filter((name) => !known.includes(name))];
}

/** The level, once the cluster is known, and the time, once the level is. */
function choicesOf({ form, offer, level }: CompletedForm): InputBlock[] {
  if (!offer) return [];
  const names = offer.levels.map(({ name }) => name);
  const id = fieldId("level", form.cluster);
  const levels = select({ id, label: "Level", names, chosen: form.level, action: formActions.level });
  if (!level) return [levels];
  const durations = select({
    id: fieldId("duration", form.cluster, level.name),
    label: "For how long",
    names: durationsOf(level, form.duration),
    chosen: form.duration,
    action: null,
  });
  return [levels, ...namespacesInput(form, level), durations, otherDuration(form, level.name)];
}

/** The most people to name; a user group counts as one. */
const maxNamed = 5;

function approvalsBlocks({ form, offer, level }: CompletedForm, asker: string): KnownBlock[] {
  const rule = offer?.person && level && ruleFor(offer.cluster, level.name, offer.person);
  if (!offer?.person || !level || !rule) return [];
  const own = [offer.person.user, asker];
  const others = approversOf(rule, offer.cluster).filter((each) => rule.selfApproval || !own.includes(each));
  const needed = approvalsNeeded(rule, level, null);
  const count = needed === 1 ? "one approval" : `${needed} approvals`;
  const usual = form.answerSeconds === null ? "" : ` An answer usually takes ${roughTime(form.answerSeconds)}.`;
  const from = oneOf(others, maxNamed, needed) || "an approver";
  const { quiet } = offer.cluster;
  return [
    ...(quiet === null ? [] : [context(`:zzz: No requests now: ${plainLine(quiet, 200)}`)]),
    context(`Needs ${count}, from ${from}${hoursText(rule)}.${usual}`),
  ];
}

/** Slack lets a person change this choice, but not clear it, so it begins with their own name. */
function personChoice({ askedFor }: RequestForm): InputBlock {
  return {
    type: "input",
    block_id: fieldId("for"),
    label: plainText("For someone else"),
    optional: true,
    dispatch_action: true,
    element: { type: "users_select", action_id: formActions.askedFor, ...(askedFor && { initial_user: askedFor }) },
  };
}

function roughTime(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** Only if the level binds its roles in namespaces of the requester's choice. */
function namespacesInput({ cluster, namespaces }: RequestForm, { name, groups }: OfferedLevel): InputBlock[] {
  if (!choosesNamespaces(groups)) return [];
  const chosen = namespaces.split(/[\s,]+/).filter((each) => each !== "");
  return [
    {
      type: "input",
      block_id: fieldId("namespaces", cluster, name),
      label: plainText("In which namespaces"),
      element: {
        type: "multi_external_select",
        action_id: formActions.namespaces,
        placeholder: plainText("Part of its name"),
        min_query_length: 0,
        max_selected_items: maxNamespaces,
        ...(chosen.length > 0 && { initial_options: chosen.map((name) => optionOf(name)) }),
      },
    },
  ];
}

function otherDuration({ cluster, otherDuration: typed }: RequestForm, level: string): InputBlock {
  const block = input(fieldId("other-duration", cluster, level), "Or another time", {
    placeholder: plainText("90 min, 2h, 1d 12h"),
    max_length: maxTime,
    ...initialText(typed),
  });
  return { ...block, optional: true, hint: plainText("Replaces the choice above.") };
}

function ticketInput(form: RequestForm, offer: ClusterOffer | null): InputBlock[] {
  if (!offer || !takesTicket(offer.cluster)) return [];
  const { name, ticket } = offer.cluster;
  const example = ticket.pattern === null ? "OPS-123" : cut(ticket.pattern, 100);
  const block = input(fieldId("ticket", name), "Ticket", {
    ...{ placeholder: plainText(example), max_length: maxTicketLength },
    ...initialText(form.ticket),
  });
  return [{ ...block, optional: ticket.need === "optional" }];
}

/** An identity's name in the menu and its answer: an option can't hold an ARN. */
export function identityKey(arn: string): string {
  return entryArnOf(arn).split("/").at(-1) ?? arn;
}

export function ownBlocks(
  { cluster, identity, askedFor }: Pick<RequestForm, "cluster" | "identity" | "askedFor">,
  { arns, why }: OwnIdentities,
): KnownBlock[] {
  const [only, ...others] = arns;
  if (only === undefined) return why === null ? [] : [context(`:warning: ${styled(why, 1000)}`)];
  if (others.length === 0)
    return [
      context(
        `${askedFor ? mention(askedFor) : "You"} on ${code(cluster)}: ${identityInWords(only, (name) => code(name))}`,
      ),
    ];
  const options = arns.slice(0, maxOptions).map((arn) => optionOf(identityInWords(arn), identityKey(arn)));
  const choice = {
    id: fieldId("identity", cluster, ...(askedFor ? [askedFor] : [])),
    label: askedFor ? `Their AWS identity on ${cluster}` : `Your AWS identity on ${cluster}`,
    names: [],
    chosen: identity,
    action: null,
  };
  const menu = choiceBlock(choice, { type: "static_select", options, ...initially(options, identity) });
  // The field below takes another ARN instead.
  return [{ ...menu, optional: true }];
}

/** An empty field means the person's own identity, if it is known or a worker still looks it up. */
function principalInput({ principal, replaced }: RequestForm, own: OwnIdentities | null): InputBlock {
  const isKnown = own !== null && own.arns.length > 0;
  const label = isKnown ? "Another role or user" : "IAM role or user";
  const block = input(fieldId("principal", String(replaced)), label, {
    placeholder: plainText("arn:aws:iam::111122223333:role/developers"),
    dispatch_action_config: { trigger_actions_on: ["on_character_entered"] },
    ...initialText(principal),
  });
  const element = { ...block.element, action_id: formActions.principal };
  const isLookedUp = own !== null && !isKnown && own.why === null;
  const hint = isLookedUp ? { hint: plainText("Empty: your own AWS identity.") } : {};
  return { ...block, ...hint, dispatch_action: true, ...((isKnown || isLookedUp) && { optional: true }), element };
}

function hintBlocks(hint: PrincipalHint | null): KnownBlock[] {
  if (!hint) return [];
  const { message, suggestion } = hint;
  const said = context(`:warning: ${styled(message, 1000)}`);
  if (suggestion === null) return [said];
  const useIt = button(formActions.useArn, "Use this one", suggestion);
  return [said, sectionWith(`Write ${code(suggestion)} instead.`, useIt)];
}

export const formActions = {
  cluster: "request-cluster",
  level: "request-level",
  principal: "request-principal",
  askedFor: "request-for",
  namespaces: "request-namespaces",
  /** Value: the ARN to put into the field instead. */
  useArn: "request-use-arn",
} as const;
