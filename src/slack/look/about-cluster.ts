import { nearest } from "../../access/ask/read-part.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { maySeeClusterMap } from "../../access/policy/permissions.ts";
import { isResponsibleFor } from "../../access/policy/rule.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { personShown } from "../app/request-people.ts";
import { refuseTooMany } from "../ask/limits.ts";
import { answer, type Message } from "../show/message.ts";
import { code, codeList, oneOf, styled } from "../show/mrkdwn.ts";

/** Answers about a cluster only to a person who can request or approve there. Others learn whom to ask, if they know its name. */
export async function aboutCluster(
  context: SlackContext,
  { user, name }: { readonly user: string; readonly name: string },
  say: (cluster: Cluster, isResponsible: boolean) => Promise<Message>,
): Promise<Message> {
  const { clusters, linking } = context.config;
  const cluster = clusters.get(name.toLowerCase());
  const person = await personShown(context, user);
  const isSeen = (each: Cluster) => maySeeClusterMap(each, person, linking.administrators);
  if (!cluster) return noSuchClusterAnswer(name, [...clusters.values()].filter(isSeen));
  if (isSeen(cluster)) {
    return (await refuseTooMany(context, user, "questions")) ?? say(cluster, isResponsibleFor(cluster, person));
  }
  const about = { id: "", cluster: cluster.name };
  await noteAttempt(context, { act: "see", by: user, code: "not-yours", request: about });
  const others = oneOf([...new Set([...cluster.approvers, ...cluster.onCall])]);
  return answer(`You can't view ${code(cluster.name)}'s access. Ask ${others}.`);
}

export function notFoundOutAnswer(cluster: Cluster, sentence: string): Message {
  const way = `${code(`/eks-access whoami ${cluster.name}`)} finds the step that fails.`;
  return answer(`:warning: Couldn't find out. ${styled(sentence, 1200)} ${way}`);
}

export function noWorkerAnswer(): Message {
  return answer(":warning: No worker answered. Check that a worker runs.");
}

function noSuchClusterAnswer(name: string, seen: readonly Cluster[]): Message {
  const names = seen.map((each) => each.name);
  const guess = nearest(name, names);
  const said = name ? `There is no cluster ${code(name)}.` : "Which cluster?";
  const hint = guess ? ` Did you mean ${code(guess)}?` : names.length > 0 ? ` Clusters: ${codeList(names, 1500)}.` : "";
  return answer(`${said}${hint}`);
}
