import type { ViewOutput } from "@slack/bolt";
import type { KnownBlock, ModalView, PlainTextOption } from "@slack/types";
import type { Cluster } from "../policy/cluster.ts";
import { maxReasonLength } from "../request/read-part.ts";
import type { PartName, RequestParts } from "../request/request-line.ts";
import { code, context, cut } from "./mrkdwn.ts";

export const requestModalId = "request";

/** The form of `/eks-access request`, with the principal that the person named last. */
export function requestModal(
  clusters: ReadonlyMap<string, Cluster>,
  remembered: { readonly principal: string | null },
): ModalView {
  const levels = [...new Set([...clusters.values()].flatMap((cluster) => cluster.levels.map((level) => level.name)))];
  return {
    type: "modal",
    callback_id: requestModalId,
    title: text("Ask for access"),
    submit: text("Ask"),
    close: text("Cancel"),
    blocks: [
      select("cluster", "Cluster", [...clusters.keys()]),
      ...clustersLeftOut(clusters.size),
      select("level", "Level", levels),
      input("principal", "IAM role or user", "arn:aws:iam::111122223333:role/developers", remembered.principal),
      input("duration", "For how long", "for example 30m, 4h or 1h30m", "1h"),
      {
        type: "input",
        block_id: "reason",
        label: text("Why"),
        element: { type: "plain_text_input", action_id: "value", multiline: true, max_length: maxReasonLength },
      },
    ],
  };
}

/** Slack takes no more options in a list; the line takes every cluster. */
const mostOptions = 100;

function clustersLeftOut(count: number): KnownBlock[] {
  if (count <= mostOptions) return [];
  const line = code("/eks-access request <cluster> <arn> <level> [for 4h] <reason>");
  return [context(`The list has ${mostOptions} of ${count} clusters. For any other write ${line}`)];
}

function text(value: string) {
  return { type: "plain_text" as const, text: value };
}

function select(blockId: PartName, label: string, names: readonly string[]) {
  const options = names
    .slice(0, mostOptions)
    .map((name): PlainTextOption => ({ text: text(cut(name, 75)), value: name }));
  return {
    type: "input" as const,
    block_id: blockId,
    label: text(label),
    element: { type: "static_select" as const, action_id: "value", options, ...preselect(options) },
  };
}

function preselect(options: readonly PlainTextOption[]): { initial_option?: PlainTextOption } {
  const [only, ...others] = options;
  return only && others.length === 0 ? { initial_option: only } : {};
}

function input(blockId: PartName, label: string, placeholder: string, initial: string | null) {
  return {
    type: "input" as const,
    block_id: blockId,
    label: text(label),
    element: {
      type: "plain_text_input" as const,
      action_id: "value",
      placeholder: text(placeholder),
      ...(initial ? { initial_value: initial } : {}),
    },
  };
}

/** The parts as they stand in the submitted form. */
export function partsOf(view: ViewOutput): RequestParts {
  const read = (block: PartName): string => {
    const state = view.state.values[block]?.value;
    return state?.selected_option?.value ?? state?.value ?? "";
  };
  return {
    cluster: read("cluster"),
    level: read("level"),
    principal: read("principal").trim(),
    duration: read("duration"),
    reason: read("reason"),
  };
}
