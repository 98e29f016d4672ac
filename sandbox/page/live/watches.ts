import { type ChainedEvent, verifyChain } from "../../../src/access/audit-event.ts";
import { connectRedis } from "../../../src/ledger/connect.ts";
import { redisLedger } from "../../../src/ledger/ledger.ts";
import { pagesOf } from "../../../src/ledger/verify-audit-log.ts";
import type { SandboxCluster } from "../../cluster/cluster.ts";
import type { ConfigMap, SentConfigMap } from "../../cluster/config-map.ts";
import { getPods, type KubectlAnswer, type Sandbox } from "../../sandbox.ts";
import { alice, arns, carol, clusterArn, developerArn, principals, region } from "../../scene.ts";
import { type DocumentState, type EntriesState, type KubectlState, type LedgerState, linesOf } from "../panels.ts";

/** The log's key in src/ledger/commit-script.ts. */
const eventsKey = "{eks-access}:events";

const eventsShown = 40;

export type ClusterWatch = ReturnType<typeof watchCluster>;

/** How often the page polls the access in force, which has no event. */
const lookEvery = 250;

export function watchCluster(
  sandbox: Sandbox,
  cluster: SandboxCluster,
  changed: () => void,
  sessions?: readonly Session[],
) {
  const { name } = cluster;
  const kubectl = watchKubectl(sandbox, changed, cluster, sessions);
  const inForce = () => JSON.stringify(sandbox.aws.accessOf(clusterArn(name)));
  let known = inForce();
  const looking = setInterval(() => {
    const now = inForce();
    if (now === known) return;
    known = now;
    changed();
    void kubectl.run().catch(() => {});
  }, lookEvery);
  return {
    name,
    document: watchDocument(cluster, changed),
    kubectl,
    entries: () => entriesOf(sandbox, name),
    stop: () => clearInterval(looking),
  };
}

function entriesOf({ aws }: Sandbox, name: string): EntriesState {
  const arn = clusterArn(name);
  const { authenticationMode: mode = "CONFIG_MAP", accessEntries = [] } = aws.cluster(arn) ?? {};
  const inForce = new Map(aws.accessOf(arn)?.entries.map((entry) => [entry.principalArn, entry]));
  return { mode, entries: accessEntries.map((entry) => ({ entry, inForce: inForce.get(entry.principalArn) })) };
}

export type DocumentWatch = ReturnType<typeof watchDocument>;

export function watchDocument(cluster: SandboxCluster, changed: () => void) {
  let editor = "the worker";
  let state: DocumentState = { now: cluster.awsAuth(), before: null, last: null };
  cluster.onChange((now: ConfigMap | null) => {
    // A write without a visible change, for example of a seal, does not hide the one before it.
    const same = linesOf(now).join("\n") === linesOf(state.now).join("\n");
    state = same ? { ...state, now } : { now, before: state.now, last: { by: editor, at: new Date() } };
    changed();
  });
  return {
    state: () => state,
    /** As a person with `kubectl edit`, who then owns the change. */
    edit: async (change: (configMap: SentConfigMap) => SentConfigMap) => {
      editor = "a person with kubectl edit";
      try {
        await cluster.editAwsAuth(change);
      } finally {
        editor = "the worker";
      }
    },
  };
}

/** A person who signs in as a session of a role. */
interface Session extends Pick<KubectlState, "user" | "name" | "arn"> {
  /** The role's ARN with its path, and the session's name. */
  readonly of: readonly [role: string, name: string];
}

const team: Session = {
  user: "developers",
  name: "developers, a role",
  arn: arns.developers,
  of: [arns.developers, "somebody"],
};

export function sessionsOf(role: string): readonly Session[] {
  return [
    team,
    ...[alice, carol].map((name) => ({ user: name, name, arn: developerArn(name), of: [role, name] as const })),
  ];
}

export function watchKubectl(
  sandbox: Sandbox,
  changed: () => void,
  cluster: SandboxCluster = sandbox.cluster,
  sessions: readonly Session[] = [team],
) {
  const people = sandbox.slack.people.map(({ id, name }) => ({ user: id, name, arn: principals[id] ?? "" }));
  let states: readonly KubectlState[] = [...people, ...sessions].map(({ user, name, arn }) => ({
    ...{ user, name, arn },
    answer: undefined,
    turns: 0,
  }));
  const ask = async (user: string) => {
    const session = sessions.find((each) => each.user === user);
    const answer = await (session
      ? getPods(cluster, region, sandbox.aws.account.sessionFor(...session.of))
      : sandbox.getPods(user, cluster.name));
    states = states.map((each) => (each.user === user ? answered(each, answer) : each));
    changed();
  };
  const everybody = async () => {
    for (const { user } of states) await ask(user);
  };
  const run = oneAtATime(everybody);
  cluster.onChange(() => void run().catch(() => {}));
  return { states: () => states, run };
}

function answered(state: KubectlState, answer: KubectlAnswer): KubectlState {
  const turned = state.answer !== undefined && state.answer.ok !== answer.ok;
  return { ...state, answer, turns: state.turns + (turned ? 1 : 0) };
}

export function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let now: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    now = run().finally(() => {
      now = undefined;
    });
    return now;
  };
  return () => {
    if (!now) return start();
    next ??= now
      .catch(() => {})
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

export type LedgerWatch = Awaited<ReturnType<typeof watchLedger>>;

export async function watchLedger(redisUrl: string, changed: () => void) {
  const { redis, close } = await connectRedis(redisUrl);
  const ledger = redisLedger(redis);
  let events: readonly ChainedEvent[] = [];
  let state: LedgerState | null = null;
  const read = async (): Promise<LedgerState> => {
    const all: ChainedEvent[] = [];
    // All each time: the page shows whether the chain is whole now.
    for await (const page of pagesOf(ledger, 1)) all.push(...page);
    events = all;
    return { verdict: verifyChain(events), events: events.slice(-eventsShown) };
  };
  const look = oneAtATime(async () => {
    const before = JSON.stringify(state);
    state = await read().catch(() => null);
    if (JSON.stringify(state) !== before) changed();
  });
  return {
    state: () => state,
    events: () => events,
    look,
    /** Deletes the newest event but one, as an attacker with Redis would. */
    tamper: async () => {
      const victim = events.at(-2) ?? events.at(-1);
      if (victim) await redis.xdel(eventsKey, `${victim.sequence}-0`);
      await look();
    },
    close,
  };
}
