import type { KnownBlock } from "@slack/types";
import { ownArnWords } from "../../access/ask/read-part.ts";
import { arnIn } from "../../access/ask/request-line.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Cause, Diagnosis } from "../../diagnosis/facts.ts";
import { whyReport } from "../../diagnosis/reports.ts";
import { askWorker, type Command, idAndRest } from "../app/context.ts";
import { identitiesNow } from "../link/identities.ts";
import { askAgainButton, extendButton, runsIn } from "../show/buttons.ts";
import { answer, type Message, messageOf } from "../show/message.ts";
import { code, codeList, context, firstOf, mention, oneOf, section, styled } from "../show/mrkdwn.ts";
import { aboutCluster, notFoundOutAnswer, noWorkerAnswer } from "./about-cluster.ts";

/** More than a person reads at once; the surest come first. */
const maxCauses = 6;

/** Longer than any ARN. */
const maxGiven = 2048;

export const why: Command = {
  word: "why",
  usage: "<cluster> [<arn>]",
  summary: "explains why kubectl says Unauthorized or Forbidden, and how to fix it",
  run: (context, { user, rest }) => {
    const [name, given] = idAndRest(rest);
    return aboutCluster(context, { user, name }, async (cluster, isResponsible) => {
      const principal = arnIn(given.trim()).slice(0, maxGiven) || (await identitiesNow(context, user, cluster)).arns[0];
      if (!principal) return notLinkedAnswer(cluster);
      const question = { type: "why", cluster: cluster.name, user, isResponsible, principal } as const;
      const report = await askWorker(context, question, whyReport);
      if (!report) return noWorkerAnswer();
      if (report.type !== "failed") return whyAnswer(cluster, report);
      return isResponsible ? notFoundOutAnswer(cluster, report.message) : clusterUnavailableAnswer(cluster);
    });
  },
};

/** Other people can't repair the cluster, so they see no technical text. */
export function clusterUnavailableAnswer({ name, approvers, onCall }: Cluster): Message {
  const who = oneOf([...new Set(onCall.length > 0 ? onCall : approvers)]);
  return answer(`:warning: I can't work on ${code(name)} now. Try again later. If it lasts, ask ${who}.`);
}

/** `why <cluster> [arn]`: kubectl's answer, and each cause with its fix. */
export function whyAnswer(cluster: Cluster, { principal, noticed, identity, symptom, causes }: Diagnosis): Message {
  const head = `*${principal ? code(principal) : "This"} on ${code(cluster.name)}* ${symptomWords({ symptom, identity })}`;
  const rest = (left: number) => [context(`${left} more. Fix these first.`)];
  return messageOf([
    section(head),
    ...(noticed ? [context(styled(noticed, 400))] : []),
    ...firstOf(causes.map(causeBlocks), maxCauses, rest).flat(),
    ...runsIn(causes.map(({ remedy }) => remedy).join("\n")),
  ]);
}

function symptomWords({ symptom, identity }: Pick<Diagnosis, "symptom" | "identity">): string {
  const who = identity ? `as ${code(identity.username, 200)} in ${codeList(identity.groups, 600) || "no groups"}` : "";
  if (symptom === "unauthorized")
    return "✗ can't sign in: kubectl says `You must be logged in to the server (Unauthorized)`";
  if (symptom === "forbidden") return `✗ signs in ${who}, but kubectl get pods says \`Forbidden\``;
  if (symptom === "none") return `✓ signs in ${who}, and can list pods`;
  if (symptom === "random") return "✗ signs in at random as one of several entries";
  return `– not certain${who && `; it signs in ${who}`}`;
}

function causeBlocks(cause: Cause): KnownBlock[] {
  // The diagnosis knows people by their ids alone.
  const message = styled(cause.message, 800).replaceAll(/`([UW][A-Z0-9]{7,})`/g, (_, user: string) => mention(user));
  const text = `• ${message}\n      → ${styled(cause.remedy, 900)}`;
  if (!cause.offer) return [section(text)];
  const { type, request: id } = cause.offer;
  const button = type === "extend" ? extendButton({ id }) : askAgainButton({ id });
  return [section(text), { type: "actions", elements: [button] }];
}

export function notLinkedAnswer(cluster: Cluster): Message {
  const line = code(`/eks-access why ${cluster.name} <arn>`);
  return answer(`Which identity? ${line}. ${styled(ownArnWords, 200)}`);
}
