import { stsError } from "../../aws/refusal.ts";
import type { FaultAnswer, Faults } from "../../faults.ts";
import type { Program } from "../../product-process.ts";
import type { Sandbox } from "../../sandbox.ts";
import { addDevelopers, arns, clusterName, externalId } from "../../scene.ts";
import type { SandboxOptions } from "../../scene-clusters.ts";
import type { SandboxMessage } from "../../slack/inputs.ts";
import type { SandboxSlack } from "../../slack/workspace.ts";
import type { Reader } from "../blocks/mrkdwn.ts";
import { direct, home, type Viewer } from "../conversation.ts";
import { makeTour } from "../tour.ts";
import {
  addComment,
  addTeam,
  armedTrouble,
  atNextWrite,
  breakYaml,
  crashes,
  hasTeam,
  isBroken,
  lastingTrouble,
  oneTimeTrouble,
  removeTeam,
  removeUsers,
  repairYaml,
  type Trouble,
} from "./incidents.ts";
import { type LiveSandbox, startLiveSandbox } from "./live-sandbox.ts";
import {
  type ClusterWatch,
  type DocumentWatch,
  type LedgerWatch,
  sessionsOf,
  watchCluster,
  watchLedger,
} from "./watches.ts";

function messagesIn(slack: SandboxSlack, user: string, place: string): readonly SandboxMessage[] {
  if (place === home) return [];
  const person = slack.person(user);
  const channel = place === direct ? `D0${user.slice(2)}` : place;
  const own = person.ephemerals().filter((each) => each.channel === channel);
  const shared = place === direct ? person.directMessages() : slack.messages(place);
  return [...shared, ...own].toSorted((a, b) => Number(a.ts) - Number(b.ts));
}

export function conversationIn(slack: SandboxSlack, user: string, place: string): readonly SandboxMessage[] {
  const messages = messagesIn(slack, user, place);
  // Direct messages have their replies among them.
  const repliesTo = (message: SandboxMessage) => slack.replies(message).filter((each) => !messages.includes(each));
  return messages.flatMap((message) => [message, ...repliesTo(message)]);
}

export function readerOf(slack: SandboxSlack, { as }: Viewer): Reader {
  return { user: as, people: slack.people, channels: slack.channels(), now: new Date() };
}

export function rememberSeen(slack: SandboxSlack) {
  const seen = new Map<string, number>();
  return {
    mark: ({ as, place }: Viewer) => void seen.set(`${as.id} ${place}`, messagesIn(slack, as.id, place).length),
    unread: (user: string, place: string) =>
      Math.max(0, messagesIn(slack, user, place).length - (seen.get(`${user} ${place}`) ?? 0)),
  };
}

export type LivePage = Awaited<ReturnType<typeof startLivePage>>;

export async function startLivePage(program: Program, options: SandboxOptions = {}) {
  const live = await startLiveSandbox(program, options);
  const { sandbox, redis, changes } = live;
  // With the statements of deploy/iam/migration-policy.json, a migration runs to its end.
  sandbox.aws.account.setAllowed(arns.worker, ["sts:*", "cloudtrail:LookupEvents", "eks:*"]);
  const clusters = watchClusters(sandbox, changes.announce, sessionsOf(addDevelopers(sandbox.aws)));
  const { document } = watchOf(clusters, clusterName);
  const runKubectl = () => {
    for (const { kubectl } of clusters.values()) void kubectl.run().catch(() => {});
  };
  const ledger = await watchLedger(redis.url, () => {
    changes.announce();
    // A lease by bindings changes neither aws-auth nor an access entry.
    runKubectl();
  });
  const stopLooking = lookAfterChanges(live, ledger);
  runKubectl();
  return {
    live,
    /** By the cluster's name, `staging` first: the troubles happen there. */
    clusters,
    ledger,
    troubles: [
      ...humanTroubles(live, document),
      ...cloudTroubles(live, document),
      ...crashes(live),
      ...intruder(ledger),
    ],
    seen: rememberSeen(sandbox.slack),
    tour: makeTour(),
    stop: async () => {
      stopLooking();
      for (const watch of clusters.values()) watch.stop();
      await ledger.close();
      await live.stop();
    },
  };
}

export function watchClusters(
  sandbox: Sandbox,
  changed: () => void,
  sessions?: ReturnType<typeof sessionsOf>,
): ReadonlyMap<string, ClusterWatch> {
  const watches = [...sandbox.clusters.values()].map((cluster) => watchCluster(sandbox, cluster, changed, sessions));
  return new Map(watches.map((watch) => [watch.name, watch]));
}

export function watchOf(clusters: LivePage["clusters"], name: string): ClusterWatch {
  const watch = clusters.get(name);
  if (!watch) throw new Error(`There is no cluster ${name}.`);
  return watch;
}

/** Redis sends no events of writes, so the page reads it after each visible change and each second. */
function lookAfterChanges({ changes }: LiveSandbox, ledger: LedgerWatch): () => void {
  let soon: NodeJS.Timeout | undefined;
  const look = () => void ledger.look();
  const stopListening = changes.onChange(() => {
    soon ??= setTimeout(() => {
      soon = undefined;
      look();
    }, 100);
  });
  const each = setInterval(look, 1_000);
  return () => {
    stopListening();
    clearTimeout(soon);
    clearInterval(each);
  };
}

function intruder(ledger: LedgerWatch): readonly Trouble[] {
  return [
    oneTimeTrouble(
      {
        id: "audit",
        title: "Tamper with the audit trail",
        explains: "An intruder deletes an event in Redis. The chain then shows which one is missing.",
        does: "Delete an event",
        undoes: "",
      },
      ledger.tamper,
      () => (ledger.events().length < 2 ? "There are no events to delete yet." : undefined),
    ),
  ];
}

function humanTroubles({ sandbox: { cluster } }: LiveSandbox, document: DocumentWatch): readonly Trouble[] {
  return [
    lastingTrouble(
      {
        id: "edit",
        title: "A kubectl edit",
        explains: "A colleague adds an entry by hand. It stays, byte for byte, whatever eks-access writes after it.",
        does: "Edit by hand",
        undoes: "Take it back",
      },
      {
        begin: () => document.edit(addTeam),
        end: () => document.edit(removeTeam),
        isOn: () => hasTeam(cluster.awsAuth()),
      },
    ),
    oneTimeTrouble(
      {
        id: "drift",
        title: "A person removes a lease",
        explains:
          "A colleague deletes mapUsers. eks-access notices at its next look, here each 15 seconds, and says so in the channel.",
        does: "Delete mapUsers",
        undoes: "",
      },
      () => document.edit(removeUsers),
      () =>
        cluster.awsAuth()?.data?.mapUsers ? undefined : "There is no mapUsers to delete now: approve a request first.",
    ),
    lastingTrouble(
      {
        id: "yaml",
        title: "Broken YAML",
        explains:
          "A colleague leaves a quotation mark open. No role can sign in. eks-access gives no access to roles until it is fixed, and says where the mistake is.",
        does: "Break it",
        undoes: "Repair it",
      },
      {
        begin: () => document.edit(breakYaml),
        end: () => document.edit(repairYaml),
        isOn: () => isBroken(cluster.awsAuth()),
      },
    ),
  ];
}

function cloudTroubles({ sandbox, changes }: LiveSandbox, document: DocumentWatch): readonly Trouble[] {
  const { faults } = sandbox;
  return [
    armedTrouble(
      {
        id: "conflict",
        title: "A conflict",
        explains:
          "A person edits aws-auth at the moment of the next write. The API server answers 409, and the worker plans again.",
        does: "At the next write",
        undoes: "Call it off",
      },
      atNextWrite(faults, "watch", () => document.edit(addComment)),
      changes.announce,
    ),
    throttling(faults),
    lastingTrouble(
      {
        id: "denied",
        title: "AccessDenied",
        explains:
          "The role that created the cluster stops trusting the worker. The message says what to check. Once the role trusts the worker again, requests work.",
        does: "Stop trusting",
        undoes: "Trust again",
      },
      {
        begin: async () => sandbox.aws.account.setTrust(arns.creator, { principals: [] }),
        end: async () => sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId }),
      },
    ),
  ];
}

function throttling(faults: Faults): Trouble {
  const answer: FaultAnswer = { type: "answer", ...stsError("Throttling", "Rate exceeded") };
  let planned: { cancel: () => void } | undefined;
  return lastingTrouble(
    {
      id: "throttle",
      title: "AWS throttles",
      explains: "STS answers “Rate exceeded” to AssumeRole. The message says why it waits, and when it tries again.",
      does: "Throttle",
      undoes: "Let go",
    },
    {
      begin: async () => {
        planned = faults.plan("sts.AssumeRole", answer, { times: Number.POSITIVE_INFINITY });
      },
      end: async () => planned?.cancel(),
    },
  );
}
