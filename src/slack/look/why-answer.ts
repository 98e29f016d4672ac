import type { KnownBlock } from "@slack/types";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Cause, CauseButton } from "../../diagnosis/cause.ts";
import type { Diagnosis } from "../../diagnosis/why.ts";
import { answer } from "../ask/answers.ts";
import { askAgainAction, extendAction } from "../blocks/actions.ts";
import type { Message } from "../blocks/message.ts";
import { code, codeList, context, section, told } from "../blocks/mrkdwn.ts";

/** More than anybody reads at once; the surest come first. */
const mostCauses = 6;

/** `why <cluster> [arn]`: what kubectl says, and each cause with what to do about it. */
export function whyAnswer(cluster: Cluster, { principal, noticed, identity, symptom, causes }: Diagnosis): Message {
  const head = `*${principal ? code(principal) : "This"} on ${code(cluster.name)}* ${symptomWords({ symptom, identity })}`;
  const shown = causes.slice(0, mostCauses);
  const left = causes.length - shown.length;
  const blocks = [
    section(head),
    ...(noticed ? [context(told(noticed, 400))] : []),
    ...shown.flatMap(causeBlocks),
    ...(left > 0 ? [context(`${left} more. Mend these first, then ask again.`)] : []),
  ];
  return { text: [head, ...shown.map(({ message }) => told(message, 500))].join("\n"), blocks };
}

function symptomWords({ symptom, identity }: Pick<Diagnosis, "symptom" | "identity">): string {
  const who = identity ? `as ${code(identity.username, 200)} in ${codeList(identity.groups, 600) || "no groups"}` : "";
  if (symptom === "unauthorized")
    return "✗ is nobody: kubectl says `You must be logged in to the server (Unauthorized)`";
  if (symptom === "forbidden") return `✗ gets in ${who}, and kubectl get pods says \`Forbidden\``;
  if (symptom === "none") return `✓ gets in ${who}, and may list pods`;
  if (symptom === "random") return "✗ gets in at random as one of several entries";
  return `– can't be told for certain${who && `; it gets in ${who}`}`;
}

function causeBlocks(cause: Cause): KnownBlock[] {
  const text = `• ${told(cause.message, 800)}\n      → ${told(cause.remedy, 900)}`;
  return [section(text), ...(cause.offer ? [offerBlock(cause.offer)] : [])];
}

function offerBlock({ type, request }: CauseButton): KnownBlock {
  const label = type === "extend" ? "Extend" : "Request again";
  return {
    type: "actions",
    elements: [
      {
        type: "button",
        action_id: type === "extend" ? extendAction : askAgainAction,
        text: { type: "plain_text", text: label },
        value: request,
      },
    ],
  };
}

export function notFoundOutAnswer(cluster: Cluster, sentence: string): Message {
  const way = `${code(`/eks-access whoami ${cluster.name}`)} shows where the way to the cluster ends.`;
  return answer(`:warning: It could not be found out. ${told(sentence, 1200)} ${way}`);
}

export function nobodyLinkedAnswer(cluster: Cluster): Message {
  const line = code(`/eks-access why ${cluster.name} <arn>`);
  return answer(
    `Say whom you ask about: ${line}. ${code("aws sts get-caller-identity")} shows your ARN, and ${code("/eks-access link <arn>")} remembers it.`,
  );
}

export function noWorkerAnswer(): Message {
  return answer(":warning: No worker answered. Check that one runs, then ask again.");
}
