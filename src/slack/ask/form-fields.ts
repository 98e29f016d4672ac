import type { ExternalSelect, InputBlock, PlainTextInput, PlainTextOption, StaticSelect } from "@slack/types";
import { isNamespaceName } from "../../access/ask/read-part.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { choosesNamespaces } from "../../access/policy/policy-text.ts";
import { levelsOffered } from "../../access/policy/rule.ts";
import { isCurrentList, readNamespaceList } from "../../access/shared-lists.ts";
import { namespacesReport } from "../../diagnosis/reports.ts";
import { inTimeOr } from "../../operations/deadlines.ts";
import { formMs } from "../app/answer.ts";
import { askWorker, type SlackContext } from "../app/context.ts";
import type { Suggestion } from "../app/payload.ts";
import { personFor } from "../app/request-people.ts";
import { cut, plainText } from "../show/mrkdwn.ts";
import { readForm } from "./form.ts";

/** Slack takes no more options in a list. */
export const maxOptions = 100;

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly names: readonly string[];
  readonly chosen: string;
  /** Slack reports the choice at once under this id; null: with the form. */
  readonly action: string | null;
}

/** A menu, or a search if a menu can't hold the names. */
export function choose(choice: Choice): InputBlock {
  return choice.names.length > maxOptions ? search(choice) : select(choice);
}

export function select(choice: Choice): InputBlock {
  const options = choice.names.slice(0, maxOptions).map((name) => optionOf(name));
  return choiceBlock(choice, { type: "static_select", options, ...initially(options, choice.chosen) });
}

/** Slack asks for suggestions while the person types. */
function search(choice: Choice): InputBlock {
  const options = choice.names.filter((name) => name === choice.chosen).map((name) => optionOf(name));
  return choiceBlock(choice, {
    type: "external_select",
    min_query_length: 0,
    placeholder: plainText("Part of its name"),
    ...initially(options, choice.chosen),
  });
}

/** The names that contain each typed word; names that begin with the first one come first. */
export function suggestionsOf(names: readonly string[], typed: string): PlainTextOption[] {
  const [start = "", ...others] = typed.trim().toLowerCase().split(/\s+/);
  const found = names.filter((name) => [start, ...others].every((part) => name.includes(part)));
  const first = found.filter((name) => name.startsWith(start));
  return [...first, ...found.filter((name) => !first.includes(name))]
    .slice(0, maxOptions)
    .map((name) => optionOf(name));
}

export function choiceBlock(
  { id, label, action }: Choice,
  element: Omit<StaticSelect, "action_id"> | Omit<ExternalSelect, "action_id">,
): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    ...(action && { dispatch_action: true }),
    element: { ...element, action_id: action ?? "value" },
  };
}

export function optionOf(name: string, value = name): PlainTextOption {
  return { text: plainText(cut(name, 75)), value };
}

export function initially(options: readonly PlainTextOption[], chosen: string): { initial_option?: PlainTextOption } {
  const initial = options.find(({ value }) => value === chosen);
  return initial ? { initial_option: initial } : {};
}

export const initialText = (typed: string) => (typed ? { initial_value: typed } : {});

export function input(id: string, label: string, element: Omit<PlainTextInput, "type" | "action_id">): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    element: { type: "plain_text_input", action_id: "value", ...element },
  };
}

/** All searches in a cluster ask a worker once in this time. */
const askedEveryMs = 15_000;

/** Offers unlisted names too: the list can be old, and the worker checks the name before the approvers see it. */
export async function handleNamespaceSearch(context: SlackContext, { ack, body, payload }: Suggestion): Promise<void> {
  const { cluster: name, askedFor } = body.view ? readForm(body.view) : { cluster: "", askedFor: "" };
  const cluster = context.config.clusters.get(name);
  const people = [body.user.id, ...(askedFor ? [askedFor] : [])];
  const names = cluster && (await canAllChoose(context, cluster, people)) ? await namesIn(context, cluster) : [];
  const typed = payload.value.trim().toLowerCase();
  const isOther = typed !== "" && isNamespaceName(typed) && !names.includes(typed);
  const other = isOther ? [optionOf(`${typed} (not in the list)`, typed)] : [];
  await ack({ options: [...suggestionsOf(names, typed).slice(0, 99), ...other] });
}

/** To people who can't choose them, the names would be a list of targets. */
async function canAllChoose(context: SlackContext, cluster: Cluster, users: readonly string[]): Promise<boolean> {
  const people = await Promise.all(users.map((user) => personFor(context, cluster, user).catch(() => null)));
  return people.every(
    (person) => person && levelsOffered(cluster, person).some(({ groups }) => choosesNamespaces(groups)),
  );
}

/** The published names, and a worker's answer if they are older than a minute. */
async function namesIn(context: SlackContext, cluster: Cluster): Promise<readonly string[]> {
  const { ledger, keys, now } = context;
  const published = async () =>
    readNamespaceList(await ledger.namespacesOf(cluster.name), cluster, keys.preview, now());
  const known = await published().catch(() => null);
  if (known && isCurrentList(known, now())) return known.names;
  return (await inTimeOr(ask(context, cluster), formMs.answers, null)) ?? known?.names ?? [];
}

/** Null: another search asked just now, or no worker answered. */
async function ask(context: SlackContext, cluster: Cluster): Promise<readonly string[] | null> {
  const { name } = cluster;
  if (!(await context.ledger.takeTurn(`namespaces-${name}`, askedEveryMs))) return null;
  const report = await askWorker(context, { type: "namespaces", cluster: name }, namespacesReport);
  if (report?.type !== "found") return null;
  return readNamespaceList(report.list, cluster, context.keys.preview, context.now())?.names ?? null;
}
